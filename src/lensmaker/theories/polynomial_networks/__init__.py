"""Networks that compute polynomials: how many hidden units they take, and what accuracy arithmetic leaves."""
