"""Where the items of a batch run: behind one small interface."""
