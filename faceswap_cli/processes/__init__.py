"""Processes of this program: started, spoken to, given pixels to share."""
