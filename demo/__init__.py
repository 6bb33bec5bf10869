"""A small HTTP site of real photographs with known truth, which the first README command curates."""
