"""`python -m lensmaker` is the command `lensmaker`."""

from lensmaker.cli import main

if __name__ == "__main__":
    main()
