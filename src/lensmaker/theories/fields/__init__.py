"""Gaussian fields under a step of the renormalization group."""
