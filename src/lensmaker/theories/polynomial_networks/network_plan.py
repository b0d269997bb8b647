"""The plan of a polynomial: its networks by depth, and the smallest that is accurate enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import torch

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import SmoothFunction
from lensmaker.systems.polynomials import Polynomial
from lensmaker.theories.polynomial_networks.constructions import Construction, Kind, constructions
from lensmaker.theories.polynomial_networks.counts import MOST_DIGITS

NAMES = {
    Kind.FLAT: "flat",
    Kind.BIASES: "flat, with biases",
    Kind.LAYERS: "layers",
    Kind.TREE: "tree of pairs",
    Kind.DEEP: "bound for deep ones",
}

BUILT = 1 << 22
"""Hidden units beyond which a network is planned but not built here."""


@dataclass(frozen=True)
class NetworkPlan:
    """All constructions of a polynomial for one activation and one arithmetic.

    Attributes
    ----------
    polynomial
        In words.
    activation, dtype
        σ, and the format of weights and arithmetic.
    accuracy
        That is asked for; None where none is.
    constructions
        The flat ones first.
    size
        Σ |coefficients| of what is multiplied: the largest value there can be; an error of half of it leaves no digit.
    """

    polynomial: str
    activation: str
    dtype: str
    accuracy: float | None
    constructions: tuple[Construction, ...]
    size: float = 1.0

    def smallest(self) -> Construction | None:
        """The fewest units among those that are as accurate as is asked for, and then the fewest layers."""
        enough = [c for c in self.constructions if self.is_enough(c)]
        return min(enough, key=lambda c: (c.units, c.layers), default=None)

    def is_enough(self, c: Construction) -> bool:
        """Whether it has the accuracy that is asked for; without one, whether it has any digit at all."""
        return c.error <= (self.size / 2 if self.accuracy is None else self.accuracy)

    def to_dict(self) -> dict[str, Any]:
        """Name → value, for tables, JSON and figures; units of many digits are text, unknown errors None."""
        smallest = self.smallest()
        return {
            "polynomial": self.polynomial,
            "activation": self.activation,
            "dtype": self.dtype,
            "accuracy": self.accuracy,
            "constructions": [self._row(c) for c in self.constructions],
            "smallest": None if smallest is None else self.constructions.index(smallest),
        }

    def _row(self, c: Construction) -> dict[str, Any]:
        return {
            "network": NAMES[c.kind],
            "layers": c.layers,
            "units": c.units if c.units < 2**63 else told(c.units),
            "widths": [w if w < 2**63 else told(w) for w in c.widths],
            "groups": list(c.groups),
            "error": None if math.isnan(c.error) else c.error,
            "enough": self.is_enough(c),
            "built": c.units <= BUILT,
            "source": c.kind.value,
            "outside": c.outside,
        }


def network_plan(
    polynomial: Polynomial,
    activation: SmoothFunction,
    *,
    accuracy: float | None = None,
    dtype: torch.dtype = torch.float64,
    deepest: int | None = None,
) -> NetworkPlan:
    """Sizes and reachable accuracies against depth; nothing is built.

    Parameters
    ----------
    accuracy
        Largest error over inputs in [−1, 1] that will do.
    deepest
        Hidden layers up to which are planned.

    Raises
    ------
    InputError
        If the polynomial is a number or too large, the activation has no curvature, or the accuracy is none.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> plan = network_plan(Polynomial.parse("x1*x2*...*x20"), smooth_function("softplus"), accuracy=1e-6)
    >>> (best := plan.smallest()).units, best.layers, best.error < 1e-6
    (76, 3, True)
    """
    if accuracy is not None and not (math.isfinite(accuracy) and accuracy > 0):
        raise InputError("an accuracy above 0", f"{accuracy:g}", "pass 1e-6, for instance")
    found = tuple(constructions(polynomial, activation, dtype, deepest))
    text = str(polynomial)
    text = text if len(text) <= 200 else f"{text[:90]} … {text[-90:]}"
    parts = zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True)
    size = math.fsum(abs(c) for factors, c in parts if factors)
    return NetworkPlan(text, str(activation), str(dtype).removeprefix("torch."), accuracy, found, size)


def told(units: int) -> str:
    """A number of units in a few characters.

    Examples
    --------
    >>> told(1048576), told(2**64), told(2**200 + 5)
    ('1048576', '2^64', '1.61e60')
    """
    if units < 2**40:
        return str(units)
    if units & (units - 1) == 0:
        return f"2^{units.bit_length() - 1}"
    if units.bit_length() > 3.3 * MOST_DIGITS:
        return f"more than 2^{units.bit_length() - 1}"
    return f"{Decimal(units):.2e}".replace("e+", "e")


def verdict(data: Mapping[str, Any]) -> str:
    """One sentence: which network to take."""
    if data["smallest"] is None:
        best = min(
            (row["error"] for row in data["constructions"] if row["error"] is not None), default=math.nan
        )
        wanted = "any digit" if data["accuracy"] is None else f"an error of {data['accuracy']:g}"
        return f"None has {wanted} in {data['dtype']}: the best that is reached is {best:.2g}."
    row = data["constructions"][data["smallest"]]
    layers = f"{row['layers']} hidden layer{'s' if row['layers'] != 1 else ''}"
    wanted = "" if data["accuracy"] is None else f" for an error of {data['accuracy']:g}"
    return f"Smallest{wanted}: {row['units']} units in {layers} ({row['network']}), error {row['error']:.2g}."
