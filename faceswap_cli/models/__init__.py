"""Trained models: which there are, where they come from, where they lie. Knows nothing of what runs them."""
