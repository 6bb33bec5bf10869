"""Splits, the version, its card, its report."""
