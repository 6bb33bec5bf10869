"""The work, one folder per stage: `task.py` is a stage's Prefect face, its neighbours are pure."""

import storage  # noqa: F401 - it chooses how Arrow takes memory, before anything loads Arrow
