"""Detectors: each finds faces with one network, all give the same record."""
