"""`faceswap faces`."""
