"""`faceswap config`, and the settings that it shows."""
