"""Whether the shortest waves of a medium grow without bound."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from lensmaker.numerics.small_eigenvalues import small_eigenvalues
from lensmaker.systems.fields.equations.medium import Medium

POINTS = 4096
"""Points that are looked at where there are several channels; of one channel all are."""

PART = 4096
"""Points that are looked at at once."""


def fastest_growth(medium: Medium) -> tuple[float, float] | None:
    r"""The growth of short waves and their wavenumber where it has no bound, None where it has one.

        growth(k) = max Re eig P(k),   P(k) = −½ g^{ij} k_i k_j + i A^i k_i + V

    A bound there is where the growth does not rise with |k| (Hadamard, Petrovsky). It is read in a few directions, with
    frozen coefficients, of |k| = 10³ and 10⁵ times the scale at which the terms are of one size.

    Examples
    --------
    >>> fastest_growth(Medium.plain(2, metric=[[1.0, 0.0], [0.0, 0.5]], potential=3.0)) is None
    True
    """
    g, a, v = (t.to(torch.complex128) for t in medium.at_points(None if medium.channels == 1 else POINTS))
    biggest = float(g.abs().max())
    scale = max(float(a.abs().max()), float(v.abs().max()) ** 0.5) / biggest if biggest else 1.0
    scale = max(scale, 1.0)
    growth = [max(_growth(part, size * scale) for part in _parts(g, a, v)) for size in (1e3, 1e5)]
    return (growth[0], 1e3 * scale) if growth[1] > 5 * max(growth[0], 1.0) else None


def _growth(medium: tuple[Tensor, Tensor, Tensor], size: float) -> float:
    g, a, v = medium
    k = directions(a.shape[1]) * size
    second = torch.einsum("pijoc,ki,kj->pkoc", g, k, k)
    found = small_eigenvalues(-second / 2 + 1j * torch.einsum("pioc,ki->pkoc", a, k) + v[:, None])
    rounding = 1e-6 * found.abs().amax(-1).clamp(min=1.0)
    return float((found.real.amax(-1) - rounding).max())


def _parts(g: Tensor, a: Tensor, v: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    yield from zip(g.split(PART), a.split(PART), v.split(PART), strict=True)


def directions(axes: int) -> Tensor:
    """Unit vectors along axes and diagonals and in between, one of each pair ±k, complex (n, d).

    Examples
    --------
    >>> len(directions(1)), len(directions(2)), len(directions(3))
    (1, 16, 49)
    """
    most = {1: 1, 2: 4, 3: 2}[axes]
    steps = range(-most, most + 1)
    whole = [v for v in itertools.product(steps, repeat=axes) if v > (0,) * axes and max(map(abs, v)) == most]
    found = torch.tensor(whole, dtype=torch.float64)
    return (found / found.norm(dim=1, keepdim=True)).to(torch.complex128)
