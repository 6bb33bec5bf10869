"""Claims about whole flows: the demo, what Prefect costs, what a plan tells, what a rerun reads."""
