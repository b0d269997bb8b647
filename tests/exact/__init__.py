"""Closed forms and dense recursions in NumPy, which import nothing of what they check."""
