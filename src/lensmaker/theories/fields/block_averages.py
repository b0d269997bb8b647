"""What the coefficients of a Gaussian field become when it is averaged over blocks, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import INSIDE, InputError, Prediction, Reference, Regime, Table
from lensmaker.core.bibliography import LIN_2017
from lensmaker.systems.fields import BlockAverage
from lensmaker.theories.base import Theory
from lensmaker.theories.fields.expansion import Direction, expansion


@dataclass(frozen=True)
class BlockAverages(Theory):
    r"""y_i′ of the averages: the expansion of 1/P′(q′) about q′ = 0, along an axis and along a diagonal.

        P′(q′) = b⁻² Σ_k |W(q)|² P(q) over the b² aliases q = (q′ + 2πk)/b,   W(q) = Π_μ sin(bq_μ/2)/(b sin(q_μ/2))
        y₀′ = b² y₀
        y₁′ = y₁ + (y₀/4) Σ_{k=1}^{b−1} [1 − y₀P(2πk/b, 0)]/sin²(πk/b)

    Momenta q′ are those of the grid of blocks. Up to |q′|² all directions are alike; from |q′|⁴ on they are not, since
    blocks are squares. For an even b there is a term |q′|³, and no expansion beyond it: such a prediction is outside.

    Parameters
    ----------
    order
        The highest i.

    Raises
    ------
    InputError
        If the order is below 0.

    Examples
    --------
    >>> from lensmaker.systems.fields import GaussianField
    >>> for p in BlockAverages(order=1).predict(BlockAverage(GaussianField(12, (0.3, 1.0)), 3)):
    ...     print(p.where, round(p.value, 6))
    axis[block=3, order=0] 2.7
    axis[block=3, order=1] 1.187197
    """

    order: int = 2

    name = "block_averages"
    summary = "Coefficients of the gradients of a Gaussian field averaged over blocks, windows and aliases included."
    quantities = ("gradient_coefficient",)
    assumptions = ("the field is Gaussian and the same everywhere", "blocks are squares that tile the torus")
    references: ClassVar[tuple[Reference, ...]] = (
        LIN_2017,
        Reference(
            "bell1974",
            "T. L. Bell, K. G. Wilson",
            "Nonlinear renormalization groups",
            1974,
            "Phys. Rev. B 10, 3935",
        ),
    )

    def __post_init__(self) -> None:
        if self.order < 0:
            raise InputError("an order of 0 or more", f"{self.order}", "y₀ is of order 0")

    def predict(self, system: BlockAverage) -> Table[Prediction]:
        told = [direction for direction in Direction if direction.orders(self.order)]
        return Table(p for direction in told for p in self._along(system, direction))

    def _along(self, system: BlockAverage, direction: Direction) -> Iterator[Prediction]:
        found = expansion(system, direction, 2 * self.order + 1)
        for i in direction.orders(self.order):
            cubic = float(found[3]) if i > 1 and has_cubic_term(system) else 0.0
            regime = (
                Regime(f"1/P′ has a term {cubic:.3g} |q′|³, so none beyond it is told") if cubic else INSIDE
            )
            at = system.where(direction.name.lower(), i)
            yield self.prediction("gradient_coefficient", at, float(found[2 * i]), regime=regime)


def has_cubic_term(system: BlockAverage) -> bool:
    """Whether an alias lies at the kink of |q|²."""
    return system.block % 2 == 0 and any(system.field.coefficients[1:])
