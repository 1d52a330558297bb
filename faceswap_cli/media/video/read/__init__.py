"""Videos: containers, tables, timelines and decoded frames."""
