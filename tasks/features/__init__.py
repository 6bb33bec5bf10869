"""Keypoints and descriptors of pictures."""
