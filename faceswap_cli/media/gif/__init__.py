"""GIF: read, drawn, painted and written."""
