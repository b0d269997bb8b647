"""System → predictions, one theory a file."""
