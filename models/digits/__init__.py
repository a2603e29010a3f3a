"""Handwritten digits: segmentation and the MNIST canonical form."""
