"""What runs, in which order, with which settings."""

import storage  # noqa: F401 - it chooses how Arrow takes memory, before anything loads Arrow
