"""Pictures and clips in and out: stills, animations, outputs that appear whole or not at all."""
