"""What convolutions read, what they do to it, and what they see of the input."""
