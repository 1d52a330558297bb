"""The Segmind face-swap API: the records of its requests and answers, and a client of our own."""
