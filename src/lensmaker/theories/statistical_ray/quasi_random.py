"""Quasi-random Gaussian points: the virtual neurons of a small number of probes."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.theories.statistical_ray.ensemble import Ensemble


def gaussian_points(dimensions: int, count: int, ensemble: Ensemble) -> Tensor:
    """`count` points of a white Gaussian in `dimensions` dimensions, (D, n), float64.

    Scrambled Sobol points through the inverse normal distribution, in pairs ±z, in random order, made
    exactly white: Z Zᵀ = n·1. The first dimensions are the most even.

    Examples
    --------
    >>> z = gaussian_points(3, 512, Ensemble(1, True, torch.Generator().manual_seed(0)))
    >>> bool(torch.allclose(z @ z.T / 512, torch.eye(3, dtype=z.dtype)))
    True
    """
    half = (count + 1) // 2
    seed = int(torch.randint(2**31, (), generator=ensemble.generator))
    uniform = torch.quasirandom.SobolEngine(dimensions, scramble=True, seed=seed).draw(
        half, dtype=torch.float64
    )
    normal = torch.special.ndtri(uniform.clamp(_EDGE, 1 - _EDGE)).T
    points = torch.cat([normal, -normal], 1)[:, :count]
    return whitened(points[:, torch.randperm(count, generator=ensemble.generator)])


_EDGE = 1e-9


def whitened(points: Tensor) -> Tensor:
    """The points (D, n) with Z Zᵀ = n·1, changed as little as that takes."""
    eigenvalues, vectors = torch.linalg.eigh(points @ points.T / points.shape[1])
    return (vectors / eigenvalues.clamp_min(torch.finfo(points.dtype).tiny).sqrt()) @ vectors.T @ points


def orthogonal_to(points: Tensor, rows: list[Tensor]) -> Tensor:
    """White points (D, n) from which their components along all `rows` are taken out.

    Nothing is taken out where the rows leave too little room: D plus their number must stay below n/2.
    """
    if not rows:
        return points
    basis = torch.cat(rows).double()
    sizes = basis.norm(dim=1, keepdim=True)
    basis = basis / torch.where(sizes > 0, sizes, 1.0)
    if not bool(basis.isfinite().all()) or basis.shape[0] + points.shape[0] > points.shape[1] // 2:
        return points
    eigenvalues, vectors = torch.linalg.eigh(basis @ basis.T)
    keep = eigenvalues > _RANK * eigenvalues[-1]
    directions = (vectors[:, keep] / eigenvalues[keep].sqrt()).T @ basis
    remainder = points - (points @ directions.T) @ directions
    return whitened(remainder)


_RANK = 1e-10
