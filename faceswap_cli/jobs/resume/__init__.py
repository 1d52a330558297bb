"""Lets a job continue where it was killed, and knows whether it has to be done again."""
