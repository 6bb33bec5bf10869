"""Region phrases and synsets of images, as tf-idf vectors: how alike people would call two images."""
