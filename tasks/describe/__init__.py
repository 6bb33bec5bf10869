"""Global descriptors of images for retrieval: backbones, pooling, whitening, localisation."""
