"""One script per claim about speed, memory or quality: `python -m bench NAME [--quick] [--check]`."""
