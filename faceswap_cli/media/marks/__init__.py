"""What says that a picture was made: metadata, a signature, a visible label."""
