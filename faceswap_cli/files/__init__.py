"""Outputs that appear whole, what is left over of those that did not, and caches."""
