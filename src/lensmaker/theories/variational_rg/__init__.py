"""Variational renormalization: the map between a machine and a block-spin step, and Kadanoff's bound."""
