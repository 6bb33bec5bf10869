"""What keeps Cairn going on its schedule: a server, pools, deployments, automations and workers."""
