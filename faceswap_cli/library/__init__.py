"""Saved faces: source faces kept under a name, one safetensors file each. Knows nothing of what finds faces."""
