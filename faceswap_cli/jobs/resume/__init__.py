"""What lets a job go on where it was killed, and tells whether it has to be done again."""
