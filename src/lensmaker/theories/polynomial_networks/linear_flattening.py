"""What it costs to flatten linear layers: parameters of the product over those of the factors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import InputError, Prediction, Reference, Regime, Table, Where
from lensmaker.core.bibliography import LIN_2017
from lensmaker.theories.base import Theory

BEST_EXPONENT = 2.373
"""ω of the fastest multiplication of matrices that the paper knows, n^ω."""


@dataclass(frozen=True)
class LinearChain:
    """Linear layers of n × n.

    Attributes
    ----------
    n
        Inputs, and outputs.
    rank
        Of a matrix n × n that is the product of n × k and k × n; None for no claim about it.
    density
        Share of entries other than 0 in each of two factors, drawn independently; None for no claim.
    """

    n: int
    rank: int | None = None
    density: float | None = None

    def __post_init__(self) -> None:
        if self.n < 2:
            raise InputError("two inputs or more", f"{self.n}", "pass n = 2")
        if self.rank is not None and not 1 <= self.rank <= self.n:
            raise InputError(f"a rank from 1 to {self.n}", f"{self.rank}", "pass another one")
        if self.density is not None and not 0 < self.density <= 1:
            raise InputError("a density above 0 and up to 1", f"{self.density}", "pass another one")


@dataclass(frozen=True)
class LinearFlattening(Theory):
    """Parameters of one linear layer over those of the layers whose product it is.

        Fourier transform      n/log₂ n        (n/(2 log₂ n) where both entries of a row of a butterfly are counted)
        product of matrices    n^{3−ω}         operations, not parameters: n^.627 at ω = 2.373
        low rank               n/2k
        two sparse factors     [1 − (1 − p²)^n]/2p

    Examples
    --------
    >>> found = LinearFlattening().predict(LinearChain(1024, rank=16, density=0.01))
    >>> {p.where.path: round(p.value, 3) for p in found}
    {'Fourier transform': 102.4, 'matrix product': 77.172, 'low rank': 32.0, 'sparse factors': 4.867}
    """

    name = "linear_flattening"
    summary = "Parameters of one linear layer over those of the layers that it is the product of."
    quantities = ("flattening_ratio",)
    assumptions = (
        "the flat layer is stored as a dense matrix, or as its entries other than 0",
        "sparse factors are drawn independently, and no sum of their products cancels",
    )
    references: ClassVar[tuple[Reference, ...]] = (LIN_2017,)

    def predict(self, system: LinearChain) -> Table[Prediction]:
        n, k, p = system.n, system.rank, system.density
        power = Regime() if n & (n - 1) == 0 else Regime(f"{n} is no power of 2")
        found = [
            self._ratio("Fourier transform", n / math.log2(n), 0.0, power),
            self._ratio("matrix product", n ** (3 - BEST_EXPONENT), 0.0, Regime()),
        ]
        if k is not None:
            reason = "" if 2 * k < n else f"rank {k} is no low one: the factors have more parameters"
            found.append(self._ratio("low rank", n / (2 * k), 0.0, Regime(reason)))
        if p is not None:
            value = -math.expm1(n * math.log1p(-p * p)) / (2 * p) if p < 1 else 0.5
            # the entries of the factors that are drawn: 2n² of density p
            error = value * math.sqrt((1 - p) / (2 * n * n * p))
            found.append(self._ratio("sparse factors", value, error, Regime()))
        return Table(found)

    def _ratio(self, path: str, value: float, error: float, regime: Regime) -> Prediction:
        return self.prediction("flattening_ratio", Where(path), value, error, regime)
