"""What a batch has to do: inputs named, found and matched with outputs."""
