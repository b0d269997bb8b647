"""Lattices, Hamiltonians, samplers and coarse-graining maps: the room is laid, the furniture comes later."""
