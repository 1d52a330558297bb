"""Animated WebP and APNG; and which reader and writer an animation has."""
