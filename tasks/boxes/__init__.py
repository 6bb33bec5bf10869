"""First boxes from matches, and their refinement over the graph."""
