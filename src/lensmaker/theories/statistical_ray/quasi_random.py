"""Quasi-random Gaussian points: the virtual neurons of a small number of probes."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from lensmaker.numerics.finite import all_finite
from lensmaker.theories.statistical_ray.ensemble import Ensemble


def gaussian_points(dimensions: int, count: int, ensemble: Ensemble) -> Tensor:
    """`count` points of a Gaussian in `dimensions` dimensions, (D, n), in pairs ±z in random order.

    Sobol points with a random digital shift, which keeps them a net as a shift on the torus would not (J. Dick and
    F. Pillichshammer, Digital Nets and Sequences, 2010), through the inverse normal distribution. The first
    dimensions are the most even; `whitening` makes all of them exactly white.

    Examples
    --------
    >>> z = gaussian_points(3, 512, Ensemble(1, True, torch.Generator().manual_seed(0))).double()
    >>> z = whitening(z) @ z
    >>> bool(torch.allclose(z @ z.T / 512, torch.eye(3, dtype=z.dtype)))
    True
    """
    half = (count + 1) // 2
    shift = torch.randint(1 << _BITS, (dimensions, 1), generator=ensemble.generator, dtype=torch.int32)
    uniform = (_sobol_points(dimensions, half) ^ shift).float() * 2.0**-_BITS
    normal = math.sqrt(2) * torch.erfinv((2 * uniform - 1).clamp(-_EDGE, _EDGE))
    order = torch.randperm(2 * half, generator=ensemble.generator)[:count]
    return torch.cat([normal, -normal], 1).index_select(1, order)


@lru_cache(maxsize=4)
def _sobol_points(dimensions: int, count: int) -> Tensor:
    """Scrambled Sobol points, (D, n), as the whole numbers of their digits."""
    engine = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=0)
    return (engine.draw(count, dtype=torch.float64).T * 2**_BITS).int().contiguous()


_BITS = 30
_EDGE = 1 - 2e-7


def whitening(points: Tensor) -> Tensor:
    """The symmetric matrix W (D, D) that makes the points Z white, W Z Zᵀ W = n·1, in double precision."""
    points = points.double()
    eigenvalues, vectors = torch.linalg.eigh(points @ points.T / points.shape[1])
    return (vectors / eigenvalues.clamp_min(torch.finfo(points.dtype).tiny).sqrt()) @ vectors.T


def whitened(points: Tensor) -> Tensor:
    """The points (D, n) with Z Zᵀ = n·1, changed as little as that takes."""
    return whitening(points) @ points


def orthogonal_to(points: Tensor, rows: list[Tensor]) -> Tensor:
    """White points (D, n) from which their components along all `rows` are taken out.

    Nothing is taken out where the rows leave too little room: D plus their number must stay below n/2.
    """
    if not rows:
        return points
    basis = torch.cat(rows).double()
    sizes = basis.norm(dim=1, keepdim=True)
    basis = basis / torch.where(sizes > 0, sizes, 1.0)
    if not all_finite(basis) or basis.shape[0] + points.shape[0] > points.shape[1] // 2:
        return points
    eigenvalues, vectors = torch.linalg.eigh(basis @ basis.T)
    keep = eigenvalues > _RANK * eigenvalues[-1]
    directions = (vectors[:, keep] / eigenvalues[keep].sqrt()).T @ basis
    remainder = points - (points @ directions.T) @ directions
    return whitened(remainder)


_RANK = 1e-10
