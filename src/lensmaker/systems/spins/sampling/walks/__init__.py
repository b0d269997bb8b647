"""Chains on their way: the kernels of the rules, and the random numbers and threads they use."""
