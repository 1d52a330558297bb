"""The options of the command line, each declared once."""
