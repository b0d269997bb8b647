"""What statistics of an effect keep of its cause."""
