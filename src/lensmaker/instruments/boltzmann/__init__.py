"""Instruments for Boltzmann machines: annealing and chains."""
