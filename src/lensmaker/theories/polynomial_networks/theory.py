"""Networks that compute polynomials: hidden units and reachable accuracy, as predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from lensmaker.core import INSIDE, Prediction, Reference, Regime, Table, Where
from lensmaker.core.bibliography import LIN_2017, ROLNICK_2018
from lensmaker.numerics.smooth_functions import SmoothFunction, smooth_function
from lensmaker.systems.polynomials import Polynomial
from lensmaker.theories.base import Theory
from lensmaker.theories.polynomial_networks.constructions import Construction, Kind, constructions

SPREAD = 0.5
"""Relative standard deviation of an error that is predicted: 32 flat networks had 0.25 to 1.3 of it, one 3.9."""

PATHS = {
    Kind.FLAT: "flat",
    Kind.BIASES: "flat with biases",
    Kind.LAYERS: "layers",
    Kind.TREE: "tree",
    Kind.DEEP: "deep bound",
}
"""Under which the places of predictions name a construction."""


@dataclass(frozen=True)
class PolynomialNetworks(Theory):
    """Hidden units that a polynomial takes, and the error that arithmetic leaves, by the number of hidden layers.

    Parameters
    ----------
    activation
        σ of all hidden units.
    dtype
        Of weights and arithmetic.
    deepest
        Hidden layers up to which are planned; by default as many as a tree of products of two has.

    Examples
    --------
    >>> found = PolynomialNetworks().predict(Polynomial.parse("x1*x2*...*x20"))
    >>> [int(p.value) for p in found.select(quantity="neurons") if p.where.path == "layers"]
    [112, 76, 76, 78]
    """

    activation: SmoothFunction = field(default_factory=lambda: smooth_function("softplus"))
    dtype: torch.dtype = torch.float64
    deepest: int | None = None

    name = "polynomial_networks"
    summary = "Hidden units and reachable accuracy of networks that compute a polynomial, by depth."
    quantities = ("neurons", "reachable_error")
    assumptions = (
        "the activation is analytic, and its weights may be as small or as large as they have to be",
        "without biases, no Taylor coefficient of the activation up to the degree is 0",
        "inputs are in [−1, 1], and each monomial is computed by itself",
        "rounding errors of different units are independent where their arguments differ",
    )
    references: ClassVar[tuple[Reference, ...]] = (LIN_2017, ROLNICK_2018)

    def predict(self, system: Polynomial) -> Table[Prediction]:
        """For each construction the units, and the error where it is known."""
        found = constructions(system, self.activation, self.dtype, self.deepest)
        return Table(p for c in found for p in self._of(c))

    def _of(self, c: Construction) -> Iterator[Prediction]:
        where = Where(PATHS[c.kind], coordinates=(("layers", float(c.layers)),))
        regime = Regime(c.outside) if c.outside else INSIDE
        yield self.prediction("neurons", where, _as_float(c.units), 0.0, regime)
        if not math.isnan(c.error):
            lost = Regime("no digit is left in this arithmetic") if c.error >= 1 else INSIDE
            yield self.prediction("reachable_error", where, c.error, SPREAD * c.error, lost)


def _as_float(units: int) -> float:
    return float(units) if units.bit_length() < 1000 else math.inf
