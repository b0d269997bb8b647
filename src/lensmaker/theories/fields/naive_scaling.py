"""What the coefficients of a Gaussian field become by counting dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import INSIDE, InputError, Prediction, Reference, Regime, Table
from lensmaker.core.bibliography import LIN_2017
from lensmaker.systems.fields import BlockAverage
from lensmaker.theories.base import Theory
from lensmaker.theories.fields.block_averages import has_cubic_term
from lensmaker.theories.fields.expansion import Direction, expansion


@dataclass(frozen=True)
class NaiveScaling(Theory):
    r"""y_i′ = b^(2−2i) y_i: as if the field did not vary within a block.

    A site becomes b² times as large, and 2i gradients b times as small each. That is exact for y₀ and leaves out the
    window of the average and the waves that it takes for longer ones. A prediction is inside of its regime where they
    change the coefficient by no more than the tolerance; the reason says by how much they do.

    Parameters
    ----------
    order
        The highest i.
    tolerance
        Largest |y_i′(naive) − y_i′(exact)|/|y_i′(exact)| inside of the regime.

    Raises
    ------
    InputError
        If the order is below 0, or the tolerance is not above 0.

    Examples
    --------
    >>> from lensmaker.systems.fields import GaussianField
    >>> for p in NaiveScaling(order=1).predict(BlockAverage(GaussianField(12, (0.3, 1.0)), 3)):
    ...     print(p.where, round(p.value, 6), p.regime.outside)
    axis[block=3, order=0] 2.7
    axis[block=3, order=1] 1.0 windows and aliases make it 1.19: this is off by 16 %
    """

    order: int = 2
    tolerance: float = 0.01

    name = "naive_scaling"
    summary = (
        "Coefficients of the gradients of a Gaussian field averaged over blocks, by counting dimensions."
    )
    quantities = ("gradient_coefficient",)
    assumptions = (
        "the field hardly varies within a block: y₀b² ≪ 12 y₁, and no gradient beyond the first counts",
    )
    references: ClassVar[tuple[Reference, ...]] = (LIN_2017,)

    def __post_init__(self) -> None:
        if self.order < 0:
            raise InputError("an order of 0 or more", f"{self.order}", "y₀ is of order 0")
        if not self.tolerance > 0:
            raise InputError("a tolerance above 0", f"{self.tolerance}", "0.01 is 1 %")

    def predict(self, system: BlockAverage) -> Table[Prediction]:
        told = [direction for direction in Direction if direction.orders(self.order)]
        return Table(p for direction in told for p in self._along(system, direction))

    def _along(self, system: BlockAverage, direction: Direction) -> Iterator[Prediction]:
        b, ys = system.block, system.field.coefficients
        exact = expansion(system, direction, 2 * self.order + 1)
        for i in direction.orders(self.order):
            value = b ** (2.0 - 2 * i) * (ys[i] if i < len(ys) else 0.0)
            at = system.where(direction.name.lower(), i)
            regime = self._regime(value, float(exact[2 * i]), i > 1 and has_cubic_term(system))
            yield self.prediction("gradient_coefficient", at, value, regime=regime)

    def _regime(self, naive: float, exact: float, cubic: bool) -> Regime:
        if cubic:
            return Regime("an even b makes a term |q′|³, and nothing beyond it is told")
        off = abs(naive - exact)
        if off <= self.tolerance * abs(exact) or off < 1e-12:
            return INSIDE
        return Regime(
            f"windows and aliases make it {exact:.3g}: this is off by {100 * off / abs(exact):.2g} %"
        )
