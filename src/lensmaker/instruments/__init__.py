"""System → measurements, one instrument a file."""
