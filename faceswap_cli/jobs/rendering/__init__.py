"""The frames of a clip: rendered on all cores, in order."""
