"""How long work tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much; 0 where nobody knows."""
