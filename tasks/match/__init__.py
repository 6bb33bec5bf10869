"""Which pairs to look at, and whether a pair shows the same thing."""
