"""Many swaps: planned, run by executors, journalled, reported."""
