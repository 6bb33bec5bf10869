"""Claims about describing, indexing and searching."""
