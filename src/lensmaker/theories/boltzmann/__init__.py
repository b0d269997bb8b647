"""Theories of Boltzmann machines: exact sums, and expansions for weak weights."""
