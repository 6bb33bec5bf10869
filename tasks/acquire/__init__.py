"""Read the list, fetch politely, check what came."""
