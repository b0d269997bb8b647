"""Real data sets and trained networks, found offline in installed packages."""
