"""The pair graph, its groups, and which group stays."""
