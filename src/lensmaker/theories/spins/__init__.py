"""Exact and approximate solutions of spin systems, one a file."""
