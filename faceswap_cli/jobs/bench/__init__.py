"""`faceswap bench`: how fast the installed engines are on this machine, by the way that users take."""
