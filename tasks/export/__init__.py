"""A published version in the layouts of other tools, and as one table."""
