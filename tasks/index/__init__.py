"""Compressed indexes over descriptors, searching them, and expanding queries."""
