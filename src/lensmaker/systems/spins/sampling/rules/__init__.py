"""The rules: for which systems each holds, and where its chains start."""
