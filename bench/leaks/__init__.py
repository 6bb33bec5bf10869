"""Claims about what images share with test sets and classes with each other."""
