"""Restricted and deep Boltzmann machines: the room is laid, its furniture comes with the machines."""
