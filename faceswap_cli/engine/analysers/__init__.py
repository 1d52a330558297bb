"""Analysers: they find faces and describe them."""
