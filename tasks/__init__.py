"""The work, one folder per stage: `task.py` is a stage's Prefect face, its neighbours are pure."""
