"""Stages of a network that are still lists: hidden units, and the values that are read off them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lensmaker.design.compile.program import Place

Label = tuple[int, str]
"""A value of the program, or a part of it on its way."""

Unit = tuple[dict[tuple[Label, tuple[int, ...]], float], float]
"""Weights by what is carried and the steps to it, and a bias."""


@dataclass(frozen=True)
class Read:
    """A value after a stage: a sum over what was carried and over hidden units, and a constant."""

    label: Label
    carried: dict[Label, float] = field(default_factory=dict)
    hidden: dict[int, float] = field(default_factory=dict)
    constant: float = 0.0


@dataclass(frozen=True)
class Stage:
    """One hidden layer, and what is carried behind it.

    Attributes
    ----------
    units
        Hidden units.
    reads
        What is carried on, new values and those that wait.
    """

    units: tuple[Unit, ...]
    reads: tuple[Read, ...]

    def entries(self, carried: int, window: int) -> int:
        """Numbers of its two weights where so many values come in, with a kernel of so many sites."""
        return len(self.units) * carried * window + len(self.reads) * (carried + len(self.units))

    def reach(self, axes: int) -> tuple[int, ...]:
        """The farthest step along each axis."""
        steps = [shift for weights, _ in self.units for _, shift in weights]
        return tuple(max((abs(s[k]) for s in steps), default=0) for k in range(axes))


def waiting(values: Sequence[int]) -> tuple[Read, ...]:
    """Values that are carried as they are."""
    return tuple(Read((value, ""), {(value, ""): 1.0}) for value in values)


def at(place: Place) -> tuple[Label, tuple[int, ...]]:
    """A value of the program at its steps."""
    return (place[0], ""), place[1]
