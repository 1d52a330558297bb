"""`faceswap batch`."""
