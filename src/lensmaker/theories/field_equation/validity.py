"""Where the operator of second order may stand for the kernel: the validity wavelength."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.numerics.kernel_moments import waves
from lensmaker.theories.field_equation.layer_field import LayerField

TOLERANCE = 0.1
"""Of the symbol, which the operator may be off by."""

STEPS = 96
"""Wave numbers that are looked at along each direction."""


def validity_wavelength(field: LayerField, order: int = 2, tolerance: float = TOLERANCE) -> float:
    r"""The wavelength, in pixels, above which |K(k) − K_n(k)| ≤ 0.1 |K(k)| in every direction.

    Norms are over all pairs of channels. A grid has no waves shorter than two of its steps: where the operator holds
    for all of them that is the answer, as for a 1 × 1 kernel. Infinity, where it holds for none: m₀ = m₁ = m₂ = 0.

    Parameters
    ----------
    field
        The layer.
    order
        Of the operator, n.
    tolerance
        In place of 0.1.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.theories.field_equation.effective_kernel import effective_kernels
    >>> blur = torch.nn.Conv1d(1, 1, 3)
    >>> with torch.no_grad():
    ...     _ = blur.weight.copy_(torch.tensor([[[0.25, 0.5, 0.25]]]))
    >>> field = LayerField(effective_kernels(record(blur, torch.ones(1, 1, 9)))[0])
    >>> round(validity_wavelength(field), 4)  # (1 + cos k)/2 against 1 − k²/4
    4.717
    """
    shortest = 2.0 * max(field.kernel.spacing)
    if field.is_silent:
        return math.inf
    if field.kernel.is_local and field.kernel.identity is None:
        return shortest
    ends = (
        directions(field.kernel.dimension) * math.pi / torch.tensor(field.kernel.spacing, dtype=torch.float64)
    )
    fractions = torch.linspace(1 / STEPS, 1.0, STEPS, dtype=torch.float64)
    excess = _excess(field, (fractions[:, None, None] * ends[None]).flatten(0, 1), order, tolerance)
    beyond = excess.reshape(STEPS, len(ends)) > 0
    which = beyond.any(0)
    if not bool(which.any()):
        return shortest
    ends, first = ends[which], beyond[:, which].int().argmax(0)
    low, high = first / STEPS, (first + 1) / STEPS
    low, high = low.double(), high.double()
    # Below the first step the error grows like a power of k, so a limit of zero is told by it exceeding there.
    for _ in range(40):
        middle = (low + high) / 2
        out = _excess(field, middle[:, None] * ends, order, tolerance) > 0
        low, high = torch.where(out, low, middle), torch.where(out, middle, high)
    limit = float((high[:, None] * ends).norm(dim=1).min())
    smallest = math.pi / max(field.kernel.spacing) / STEPS / 2**20
    return math.inf if limit < smallest else max(shortest, 2 * math.pi / limit)


def relative_error(field: LayerField, k: Tensor, order: int = 2) -> Tensor:
    """|K(k) − K_n(k)|/|K(k)| at wave vectors (n, d), radians a pixel."""
    sites = field.kernel.sites
    full, series = waves(sites, k), waves(sites, k, order)
    left = field.size_of(full[0] - series[0], full[1] - series[1])
    return left / field.size_of(*full)


def _excess(field: LayerField, k: Tensor, order: int, tolerance: float) -> Tensor:
    sites = field.kernel.sites
    full, series = waves(sites, k), waves(sites, k, order)
    left = field.size_of(full[0] - series[0], full[1] - series[1])
    return left - tolerance * field.size_of(*full)


def directions(dimension: int) -> Tensor:
    """Unit vectors over half of the sphere, with axes and diagonals: the symbol at −k is the conjugate of that at k.

    Examples
    --------
    >>> directions(1).tolist(), len(directions(2)), len(directions(3))
    ([[1.0]], 16, 49)
    """
    if dimension == 1:
        return torch.ones(1, 1, dtype=torch.float64)
    if dimension == 2:
        angle = math.pi * torch.arange(16, dtype=torch.float64) / 16
        return torch.stack([angle.cos(), angle.sin()], 1)
    line = torch.arange(-2.0, 3.0, dtype=torch.float64)
    points = torch.cartesian_prod(*[line] * dimension)
    half = points[len(points) // 2 + 1 :]
    unit = half / half.norm(dim=1, keepdim=True)
    return torch.unique(unit.mul(1e12).round().div(1e12), dim=0)
