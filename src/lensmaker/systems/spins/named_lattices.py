"""Lattices by name and sides, as a command line has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lensmaker.core import InputError
from lensmaker.systems.spins.lattices import Lattice, chain, complete, cubic, honeycomb, square, triangular

LATTICES: dict[str, tuple[Callable[..., Lattice], int]] = {
    "chain": (chain, 1),
    "square": (square, 2),
    "triangular": (triangular, 2),
    "honeycomb": (honeycomb, 2),
    "cubic": (cubic, 3),
    "complete": (complete, 1),
}
"""Name → what makes it, and how many sides it has."""


def named_lattice(name: str, size: str, *, periodic: bool = True) -> Lattice:
    """The lattice of that name with one side for all, or each of them: "20" or "20x40".

    Raises
    ------
    InputError
        If there is no such lattice, or the sides do not fit it.

    Examples
    --------
    >>> print(named_lattice("square", "20x40"))
    square 20 × 40, periodic
    """
    if name not in LATTICES:
        raise InputError(f"one of the lattices {', '.join(LATTICES)}", repr(name), "check the spelling")
    make, most = LATTICES[name]
    try:
        sides = [int(part) for part in size.lower().split("x")]
    except ValueError:
        raise InputError("a side, or sides such as 20x40", repr(size), "pass --size 20") from None
    if len(sides) not in (1, most):
        expected = f"one side or {most}" if most > 1 else "one side"
        raise InputError(f"{expected} for a {name} lattice", repr(size), "pass --size 20")
    edges: dict[str, Any] = {} if name == "complete" else {"periodic": periodic}
    return make(*sides, **edges)
