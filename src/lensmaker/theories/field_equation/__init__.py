"""Convolutional networks read as differential equations on a geometry of their own."""
