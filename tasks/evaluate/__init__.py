"""A version beside what the authors of a list kept of it."""
