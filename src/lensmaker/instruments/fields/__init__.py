"""What samples of a field say of its spectrum."""
