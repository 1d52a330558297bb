"""What runs the items of a batch."""
