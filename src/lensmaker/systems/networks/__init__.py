"""Any PyTorch module, recorded as a train of elements with a prescription."""
