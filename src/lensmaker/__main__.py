"""`python -m lensmaker` is the command `lensmaker`."""

from lensmaker.cli import main

main()
