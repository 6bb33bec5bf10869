"""Claims about matching inside classes and boxes: recall, cost and growth, beside all pairs and COLMAP."""
