"""What networks that evaluate polynomials must cost, and how accurate they can be."""
