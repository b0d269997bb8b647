"""The class of a layer: which kind of equation it is a step of, and the numbers by which that is told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import torch

from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.validity import directions


class Kind(Enum):
    """What a layer does to a smooth field."""

    SILENT = "all weights are zero"
    LOCAL = "channels are mixed at each place; nothing is moved"
    OSCILLATORY = "waves pass better than what is even, or the field changes its sign at each layer"
    WAVE_LIKE = "pairs of channels carry waves both ways, faster than they fade"
    ANTI_DIFFUSIVE = "short waves grow over long ones along an axis"
    ADVECTIVE = "a bump moves by more than it widens"
    DIFFUSIVE = "a bump widens by more than it moves"


BAND = 2.0
"""|K| of the best wave over |K(0)|, from which a layer is oscillatory."""

NARROWING = 0.01
"""Of a squared position: a covariance that shrinks by more is anti-diffusion."""

PROBE = 8.0
"""Positions in the wave that tells whether channels carry waves."""

MOST_CHANNELS = 64
"""Whose eigenvalues are looked at."""


@dataclass(frozen=True)
class Criteria:
    """The numbers that decide, in the order in which they are asked.

    Attributes
    ----------
    band
        The largest |K(k)| of any wave over |K(0)|, norms over pairs of channels; > 2: oscillatory. Infinite for m₀ = 0.
    gain
        N; < 0, of a single channel: oscillatory.
    waves
        Share of the branches of a layer with a skip of its own that come in pairs of both directions, and turn in a
        wave of eight positions by more than they fade; > ½: wave-like. Zero where there are more than 64 channels.
    narrowing
        Smallest eigenvalue of the covariance c that a layer adds, in squared positions; < −0.01: anti-diffusive.
    advection
        |A|²/(|A|² + tr c): > ½: advective, else diffusive.
    """

    band: float
    gain: float
    waves: float
    narrowing: float
    advection: float

    @property
    def kind(self) -> Kind:
        if self.band > BAND or self.gain < 0:
            return Kind.OSCILLATORY
        if self.waves > 0.5:
            return Kind.WAVE_LIKE
        if self.narrowing < -NARROWING:
            return Kind.ANTI_DIFFUSIVE
        return Kind.ADVECTIVE if self.advection > 0.5 else Kind.DIFFUSIVE


def kind_of(field: LayerField) -> tuple[Kind, Criteria | None]:
    """The class of a layer, and the numbers that decide; None where there are no weights, or 1 × 1 kernels.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.theories.field_equation.effective_kernel import effective_kernels
    >>> conv = torch.nn.Conv1d(1, 1, 3, bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[-0.1, 1.2, -0.1]]]))
    >>> kind, numbers = kind_of(LayerField(effective_kernels(record(conv, torch.ones(1, 1, 9)))[0]))
    >>> kind.name, round(numbers.narrowing, 3), round(numbers.band, 3)
    ('ANTI_DIFFUSIVE', -0.2, 1.4)
    """
    if field.is_silent:
        return Kind.SILENT, None
    if field.kernel.is_local and field.kernel.identity is None:
        return Kind.LOCAL, None
    numbers = criteria(field)
    return numbers.kind, numbers


def criteria(field: LayerField) -> Criteria:
    """The numbers that decide on the class of a layer."""
    kernel = field.kernel
    if not field.has_sum:
        return Criteria(math.inf, field.gain, 0.0, math.nan, math.nan)
    steps = torch.linspace(0, 1, 17, dtype=torch.float64)[:, None, None]
    ends = directions(kernel.dimension) * math.pi / torch.tensor(kernel.spacing, dtype=torch.float64)
    k = (steps * ends).flatten(0, 1)
    band = float(field.modulation_transfer(k).max())
    unit = torch.diag(1 / torch.tensor(kernel.spacing, dtype=torch.float64))
    grown = unit @ field.covariance @ unit
    moved = float((unit @ field.drift).square().sum())
    width = float(grown.diagonal().sum())
    total = moved + max(width, 0.0)
    return Criteria(
        band,
        field.gain,
        _waves(field),
        float(torch.linalg.eigvalsh(grown)[0]),
        moved / total if total else 0.0,
    )


def _waves(field: LayerField) -> float:
    kernel = field.kernel
    if kernel.identity is None or kernel.groups > 1 or not 2 <= kernel.outputs <= MOST_CHANNELS:
        return 0.0
    best = 0.0
    for axis in range(kernel.dimension):
        k = torch.zeros(1, kernel.dimension, dtype=torch.float64)
        k[0, axis] = 2 * math.pi / (PROBE * kernel.spacing[axis])
        eigenvalues = torch.linalg.eigvals(field.symbol(k)[..., 0])
        turned, faded = eigenvalues.angle(), eigenvalues.abs().log().abs()
        at_rest = torch.linalg.eigvals(field.m0.to(torch.complex128)).angle().abs().max()
        moving = (turned.abs() > faded) & (turned.abs() > 2 * at_rest)
        both = min(int((moving & (turned > 0)).sum()), int((moving & (turned < 0)).sum()))
        best = max(best, 2 * both / len(eigenvalues))
    return best
