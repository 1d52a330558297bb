"""`faceswap serve`: the API of Segmind for both face swap models, on whatever engine is installed."""
