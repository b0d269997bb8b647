"""The largest stable step of an emitted network, from what it multiplies each wave by (von Neumann)."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from lensmaker.design.emit.schemes import Scheme
from lensmaker.numerics.small_eigenvalues import small_eigenvalues
from lensmaker.systems.fields.equations.equation import FieldEquation
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.operators import Space, symbol
from lensmaker.systems.fields.equations.reactions import slopes_of

ANGLES = {1: 256, 2: 64, 3: 16}
"""Wavenumbers kh along each axis, by the number of axes, of uniform media."""

MATRICES = 2**20
"""Symbols at most that are looked at in a medium that is not uniform."""

SLACK = 1e-10
"""Growth in a step that counts as rounding."""


def modes(equation: FieldEquation, space: Space) -> Tensor:
    """The rates λ of all waves −π < kh ≤ π, coefficients frozen at each point, a row for each rest of the reaction."""
    found = []
    slopes = torch.tensor(slopes_of(equation.reaction), dtype=torch.complex128)
    for medium in equation.media:
        angles = ANGLES[medium.axes] if medium.uniform else 16
        waves = angles**medium.axes
        g, a, v = medium.at_points(None if medium.uniform else max(64, MATRICES // waves))
        kh = torch.pi * (1 - 2 * torch.arange(angles, dtype=torch.float64) / angles)
        first, second = [
            torch.stack(
                torch.meshgrid(*(f(kh) / h**n for h in equation.grid.spacing), indexing="ij")
            ).flatten(1)
            for f, n in ((space.first, 1), (space.second, 2))
        ]
        for k in range(0, len(g), 64):
            parts = [
                symbol(Medium(*one), first, second)
                for one in zip(g[k : k + 64], a[k : k + 64], v[k : k + 64], strict=True)
            ]
            found.append(small_eigenvalues(torch.stack(parts)).flatten())
    rates = torch.cat(found)
    rates = rates if len(rates) < 4 * MATRICES else rates[:: len(rates) // (2 * MATRICES)]
    return slopes[:, None] + rates


def largest_step(equation: FieldEquation, scheme: Scheme, order: int = 2) -> float:
    r"""The largest h at which no wave grows faster than the fastest should; 0 where none does, infinity where all do.

        |R(hλ)| ≤ e^{hG},   G = max(0, max Re λ)

    Exact for uniform linear media on periodic grids. Elsewhere an estimate: coefficients are frozen at
    each point, a reaction is taken by its slopes where it rests, and a mobility as at most 1.

    Parameters
    ----------
    order
        Of the differences in space.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid, advection_diffusion
    >>> heat = advection_diffusion(Grid((16,), (0.5,)), diffusivity=2.0)
    >>> round(largest_step(heat, Scheme.EULER), 6)  # h²/2D
    0.0625
    """
    if scheme is Scheme.EXACT:
        # Half a step of the reaction is one of RK4.
        slopes = torch.tensor(slopes_of(equation.reaction), dtype=torch.complex128)[:, None]
        return 2 * _largest(slopes, Scheme.RK4)
    return _largest(modes(equation, Space(order)), scheme)


def _largest(rates: Tensor, scheme: Scheme) -> float:
    fastest = float(rates.abs().max())
    if fastest == 0:
        return math.inf
    growth = rates.real.amax(1, keepdim=True).clamp(min=0)

    def stable(step: float) -> bool:
        allowed = (growth * step).clamp(max=600).exp()
        return bool((scheme.amplification(rates * step).abs() <= allowed * (1 + SLACK)).all())

    steps = [0.01 / fastest * 1.03**k for k in range(260)]
    if not stable(steps[0]):
        return 0.0
    for good, bad in pairwise(steps):
        if stable(bad):
            continue
        for _ in range(40):
            middle = (good + bad) / 2
            good, bad = (middle, bad) if stable(middle) else (good, middle)
        return good
    return math.inf
