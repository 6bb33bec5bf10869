"""Lists as files: one module for each form that they come in; `tasks.acquire.sources` is the door."""
