"""The commands of `cairn`, and what they show in a terminal."""
