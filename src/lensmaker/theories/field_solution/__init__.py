"""Convolutional networks solved as the field equations that they are read as."""
