"""Planes and RGB: tones, curves and layouts of pixels."""
