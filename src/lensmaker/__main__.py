"""The command `lensmaker`, also as `python -m lensmaker`: an interrupt is heard from the first import on."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from lensmaker.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
