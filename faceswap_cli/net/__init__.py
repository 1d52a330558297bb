"""http(s): addresses judged, and fetched with bounds."""
