"""Claims about captions: time, memory and exactness."""
