"""Claims about looking at pictures: what is broken, what is whole, and what it costs."""
