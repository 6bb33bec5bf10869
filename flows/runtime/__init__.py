"""How flows run: Prefect's side of stages, their memo and progress, the server, and how a command stops."""
