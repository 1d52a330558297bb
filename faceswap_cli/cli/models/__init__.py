"""`faceswap models`."""
