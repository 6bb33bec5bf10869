"""Copies of, and landmarks shared with, the test sets."""
