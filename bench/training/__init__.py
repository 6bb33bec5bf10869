"""What training costs, and what cleaning gives it."""
