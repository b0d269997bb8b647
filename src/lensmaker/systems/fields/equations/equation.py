"""A field equation of second order in space and first order in time, for one or several channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations.grid import Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.reactions import PointLaw
from lensmaker.systems.fields.equations.well_posed import fastest_growth


@dataclass(frozen=True, eq=False)
class FieldEquation:
    r"""An equation of diffusion, advection and reaction, with matrices on the channels.

        ∂_t φ = Γ(φ) { ½ g^{ij} ∂_i∂_j φ + A^i ∂_i φ + V φ + r(φ) }

    This is the form without a divergence: the coefficients stand before the derivatives. `divergence_form` and
    `gauge_form` turn the other forms into it.

    Attributes
    ----------
    grid
        Where.
    media
        g, A and V, one medium after the other: layers become time.
    interval
        How long each medium lasts; the last one lasts for ever.
    reaction
        r, a function of the field at each point; None for none. `PolynomialReaction` is one that can be emitted.
    mobility
        Γ, a function of the field at each point; None for 1. Of a layer f it is f′(f⁻¹(φ)).
    ill_posed
        Whether an equation whose shortest waves grow without bound is taken all the same.

    Raises
    ------
    InputError
        If a medium does not fit the grid or the others, or the equation is ill-posed.

    Examples
    --------
    >>> grid = Grid((16,), (1.0,))
    >>> equation = FieldEquation(grid, (Medium.plain(1, metric=2.0),))
    >>> print(equation)
    field equation on 16 points, periodic, 1 channel
    >>> FieldEquation(grid, (Medium.plain(1, metric=-2.0),))
    Traceback (most recent call last):
        ...
    lensmaker.core.errors.InputError: Expected waves whose growth is bounded, but got a growth of 1e+06 at the
    wavenumber 1e+03, in medium 0 (anti-diffusion, or an indefinite metric): make the metric positive, or pass
    ill_posed=True.
    """

    grid: Grid
    media: tuple[Medium, ...]
    interval: float = 1.0
    reaction: PointLaw | None = None
    mobility: PointLaw | None = None
    ill_posed: bool = False

    def __post_init__(self) -> None:
        if not self.media or not self.interval > 0:
            raise InputError(
                "one medium or more, each for a positive time",
                f"{len(self.media)} for {self.interval:g}",
                "pass (medium,)",
            )
        channels = {m.on(self.grid).channels for m in self.media}
        if len(channels) > 1:
            raise InputError(
                "media of as many channels", f"{sorted(channels)}", "widen those that have fewer"
            )
        if self.ill_posed:
            return
        for i, medium in enumerate(self.media):
            growth = fastest_growth(medium)
            if growth is not None:
                rate, wavenumber = growth
                raise InputError(
                    "waves whose growth is bounded",
                    f"a growth of {rate:.3g} at the wavenumber {wavenumber:.3g}, in medium {i} "
                    "(anti-diffusion, or an indefinite metric)",
                    "make the metric positive, or pass ill_posed=True",
                )

    @property
    def channels(self) -> int:
        """C."""
        return self.media[0].channels

    @property
    def linear(self) -> bool:
        """Whether there is neither a reaction nor a mobility."""
        return self.reaction is None and self.mobility is None

    @property
    def uniform(self) -> bool:
        """Whether all points are alike, in each medium."""
        return all(m.uniform for m in self.media)

    @property
    def changes(self) -> tuple[float, ...]:
        """The times at which the medium changes."""
        return tuple(i * self.interval for i in range(1, len(self.media)))

    def medium_at(self, time: float) -> Medium:
        """The medium that begins at or before a time."""
        return self.media[min(max(int(time / self.interval + 1e-9), 0), len(self.media) - 1)]

    def fields(self, field: Tensor) -> Tensor:
        """A field as (batch, channels, *shape); axes that are missing in front are put there.

        Raises
        ------
        InputError
            If it is not of this grid.
        """
        wanted = (self.channels, *self.grid.shape)
        got = tuple(field.shape)
        if got == self.grid.shape and self.channels == 1:
            return field[None, None]
        if got == wanted:
            return field[None]
        if len(got) == len(wanted) + 1 and got[1:] == wanted:
            return field
        raise InputError(f"fields of shape (…, {', '.join(map(str, wanted))})", f"{got}", "use the same grid")

    def __str__(self) -> str:
        plural = "" if self.channels == 1 else "s"
        media = f", {len(self.media)} media" if len(self.media) > 1 else ""
        return f"field equation on {self.grid}, {self.channels} channel{plural}{media}"


def piecewise(equation: FieldEquation, end: float) -> Sequence[tuple[float, float, Medium]]:
    """From, to and the medium in between, up to a time."""
    edges = [0.0, *(t for t in equation.changes if t < end), end]
    return [(a, b, equation.medium_at(a)) for a, b in pairwise(edges)]
