"""A function that is known at some places only: logits of a network, energies, log-probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lensmaker.core import InputError


@dataclass(frozen=True, eq=False)
class Tabulated:
    """Rows of variables x and a value y of each row; independent draws.

    Attributes
    ----------
    x
        float64 (rows, variables).
    y
        float64 (rows,).
    variables
        Their names.
    sides
        Of the lattice whose sites the variables are, row by row; none if they have no places.
    periodic
        Whether the lattice closes on itself.

    Examples
    --------
    >>> Tabulated.of([[0.0, 1.0], [1.0, 1.0]], [3.0, 4.0])
    Tabulated(2 rows of x0, x1)
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    variables: tuple[str, ...]
    sides: tuple[int, ...] | None = None
    periodic: bool = False

    @classmethod
    def of(
        cls,
        x: ArrayLike | Tensor,
        y: ArrayLike | Tensor,
        variables: Sequence[str] | None = None,
        *,
        sides: Sequence[int] | None = None,
        periodic: bool = False,
    ) -> Tabulated:
        """From arrays or tensors; variables are called x0, x1, … if they have no names.

        Raises
        ------
        InputError
            If shapes do not fit, a number is not finite, or the lattice has not a site for each variable.
        """
        places, values = _numbers(x, "x"), _numbers(y, "y")
        if places.ndim != 2 or 0 in places.shape:
            raise InputError(
                "x of shape (rows, variables)", f"shape {places.shape}", "flatten what belongs to a row"
            )
        if values.shape != places.shape[:1]:
            raise InputError(
                f"one value for each of {len(places)} rows",
                f"shape {values.shape}",
                "choose one output of the network",
            )
        n = places.shape[1]
        names = tuple(variables) if variables is not None else tuple(f"x{i}" for i in range(n))
        if len(names) != n or len(set(names)) < n:
            raise InputError(f"{n} different names", f"{len(names)}", "name each column once")
        if sides is not None and (math.prod(sides) != n or min(sides) < 1):
            raise InputError(f"a lattice of {n} sites", f"sides {tuple(sides)}", "leave sides out for none")
        return cls(places, values, names, None if sides is None else tuple(sides), periodic)

    @property
    def rows(self) -> int:
        """Number of places."""
        return len(self.y)

    def __repr__(self) -> str:
        names = ", ".join(self.variables[:6]) + (", …" if len(self.variables) > 6 else "")
        return f"Tabulated({self.rows} rows of {names})"


def _numbers(given: ArrayLike | Tensor, name: str) -> NDArray[np.float64]:
    if isinstance(given, Tensor):
        given = given.detach().cpu().to(torch.float64).numpy()
    try:
        found = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"real numbers in {name}", f"{type(given).__name__}", "pass an array") from None
    if not np.isfinite(found).all():
        raise InputError(f"finite numbers in {name}", "inf or nan", "leave such rows out")
    return found
