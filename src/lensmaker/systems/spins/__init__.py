"""Lattices, Hamiltonians, samplers and coarse-graining maps: the room is laid, its furniture comes with the spins."""
