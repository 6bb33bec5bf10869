"""Training the network that describes: losses, mining, gradients in the memory of one image, checkpoints."""
