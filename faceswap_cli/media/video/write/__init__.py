"""Videos: encoded, muxed in segments, checked."""
