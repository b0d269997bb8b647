"""Where a compiled polynomial is to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lensmaker.core import InputError


@dataclass(frozen=True)
class Box:
    """Each variable between two numbers, the same for all or one for each.

    Examples
    --------
    >>> Box(-2, [1, 3]).sizes(2)
    (2.0, 3.0)
    """

    lower: ArrayLike = -1.0
    upper: ArrayLike = 1.0

    def limits(self, variables: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Lower and upper limits of so many variables.

        Raises
        ------
        InputError
            If they are not finite, do not fit, or the upper is below the lower.
        """
        try:
            lower, upper = (
                np.broadcast_to(np.asarray(side, dtype=np.float64), (variables,))
                for side in (self.lower, self.upper)
            )
        except (TypeError, ValueError):
            raise InputError(
                f"one limit, or one for each of {variables} variables",
                f"{self.lower} … {self.upper}"[:80],
                "pass Box(-1, 1)",
            ) from None
        if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
            raise InputError("a finite domain", f"{self.lower} … {self.upper}"[:80], "pass Box(-1, 1)")
        if not (lower <= upper).all():
            raise InputError(
                "a lower limit below the upper one", f"{self.lower} … {self.upper}"[:80], "swap them"
            )
        return tuple(lower.tolist()), tuple(upper.tolist())

    def sizes(self, variables: int) -> tuple[float, ...]:
        """The largest |x_i|; 1 for a variable that is always 0."""
        lower, upper = self.limits(variables)
        return tuple(max(abs(a), abs(b)) or 1.0 for a, b in zip(lower, upper, strict=True))


@dataclass(frozen=True)
class Bits:
    """Each variable is 0 or 1."""


@dataclass(frozen=True)
class Spins:
    """Each variable is −1 or 1."""


def named(variables: Sequence[str], lattice: bool) -> tuple[str, ...]:
    """What the inputs are called in messages."""
    return ("the field",) if lattice else tuple(variables)
