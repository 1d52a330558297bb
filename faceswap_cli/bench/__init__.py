"""How fast this machine swaps."""
