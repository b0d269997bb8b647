"""The random linear map: a cloud of virtual neurons becomes a fresh Gaussian cloud of known second moments."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.autograd.forward_ad as forward
import torch.nn.functional as F
from torch import Tensor

from lensmaker.theories.statistical_ray.ensemble import Ensemble, fast_length, rotate
from lensmaker.theories.statistical_ray.quasi_random import gaussian_points, orthogonal_to

FEW_SITES = 192
"""Up to this many rows (tangents included) a pooled cloud is drawn from quasi-random points."""

_GAUSSIAN_CORNER = 8
"""Size of the rotation, in output widths, whose corner stands for a Gaussian matrix."""


def mix(patches: Tensor, width: int, ensemble: Ensemble, sigma_b: float = 0.0) -> Tensor:
    """A random affine map with the second moments of `patches`, onto `width` units for each replica.

    Rows A_s of `patches` are scaled so that the output clouds have ⟨y_s y_t⟩ = A_s·A_t + σ_b². Three ways lead
    there:

    - separate networks: the corner of a large random rotation, which is a Gaussian matrix of true size;
    - pooled, few sites: y = L Z with L Lᵀ = A Aᵀ and Z quasi-random Gaussian points, exactly white, exactly
      symmetric and exactly orthogonal to the clouds still alive: all second moments are exact;
    - pooled, many sites: a random rotation, exact where it does not reduce the dimension; where it does, the
      diagonal is made exact by a scale for each row, of the tangent too.

    Backwards a pooled cloud passes an independent map of the transposed size.

    Parameters
    ----------
    patches
        (R, S, M): R replicas, S sites (probe × position), M inputs of one output unit; may carry a tangent.
    width
        N, units of the output in one replica.
    sigma_b
        Root mean square of the biases, one for each unit and the same at all sites.

    Returns
    -------
    Tensor
        (R, S, N), differentiable in both directions.
    """
    if not ensemble.pooled:
        enlarged = fast_length(max(patches.shape[-1], _GAUSSIAN_CORNER * width))
        turned = rotate(patches, enlarged, ensemble, rounds=2)
        return turned[..., :width] * math.sqrt(enlarged) + sigma_b * ensemble.normal(ensemble.replicas, 1, width)
    a, da = forward.unpack_dual(patches)
    rows = _pool(a.detach())
    tangents = rows[:0] if da is None else _pool(da.detach())
    total = ensemble.replicas * width
    if len(rows) + len(tangents) <= min(FEW_SITES, total // 4):
        drawn = _draw(rows, tangents, total, sigma_b, ensemble)
    else:
        drawn = _turn(torch.cat([rows, tangents]), total, ensemble)
        if sigma_b:
            bias = ensemble.normal(total)
            drawn = torch.cat([drawn[: len(rows)] + sigma_b * bias / bias.square().mean().sqrt(), drawn[len(rows) :]])
    y = _IndependentBackward.apply(a, _unpool(drawn[: len(rows)], ensemble.replicas), ensemble)
    return y if da is None else forward.make_dual(y, _unpool(drawn[len(rows) :], ensemble.replicas))


def _pool(patches: Tensor) -> Tensor:
    """(R, S, M) → (S, R·M), scaled so that products of rows are means over the replicas."""
    replicas, sites, inputs = patches.shape
    return patches.permute(1, 0, 2).reshape(sites, replicas * inputs) / math.sqrt(replicas)


def _unpool(rows: Tensor, replicas: int) -> Tensor:
    """(S, R·N) → (R, S, N)."""
    return rows.reshape(rows.shape[0], replicas, -1).permute(1, 0, 2)


def _draw(rows: Tensor, tangents: Tensor, total: int, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """Quasi-random Gaussian points with exactly the second moments of rows (plus σ_b²) and tangents, (S, n)."""
    # The bias is one more input, the same for every site and without a tangent.
    wide = F.pad(torch.cat([rows, tangents]).double(), (0, 1))
    wide[: len(rows), -1] = sigma_b
    # Rows of very different size (tangents die out over depth) must not drown in each other's rounding.
    sizes = wide.norm(dim=1, keepdim=True)
    wide = wide / torch.where(sizes > 0, sizes, 1.0)
    eigenvalues, vectors = torch.linalg.eigh(wide @ wide.T)
    order = eigenvalues.argsort(descending=True)
    factor = vectors[:, order] * eigenvalues[order].clamp_min(0).sqrt()
    points = gaussian_points(len(wide), total, ensemble)
    points = orthogonal_to(points, _live_rows(total, ensemble))
    return ((factor @ points) * sizes).float()


def _live_rows(total: int, ensemble: Ensemble) -> list[Tensor]:
    found = []
    for cloud in ensemble.live:
        for part in forward.unpack_dual(cloud):
            if part is not None and cloud.shape[0] * cloud.shape[-1] == total:
                found.append(_pool(part.detach().reshape(cloud.shape[0], -1, cloud.shape[-1])))
    return found


def _turn(rows: Tensor, total: int, ensemble: Ensemble) -> Tensor:
    """A random rotation of `rows` onto n coordinates, (S, n)."""
    inputs = rows.shape[1]
    if inputs <= total:
        return rotate(rows.unsqueeze(0), total, ensemble)[0] * math.sqrt(total)
    # Symmetric pairs ±y: odd moments vanish exactly, and with them the noise of a half-rectified square.
    half = (total + 1) // 2
    turned = rotate(rows.unsqueeze(0), inputs, ensemble)[0, :, :half]
    return with_length(torch.cat([turned, -turned], 1)[:, :total], rows.norm(dim=1) * math.sqrt(total))


def with_length(rows: Tensor, length: Tensor) -> Tensor:
    """Scale every row to a given Euclidean length."""
    norm = rows.norm(dim=1)
    return rows * torch.where(norm > 0, length / torch.where(norm > 0, norm, 1.0), 1.0).unsqueeze(1)


class _IndependentBackward(torch.autograd.Function):
    """Forwards the drawn cloud; backwards a rotation of its own, of the transposed size."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, drawn: Tensor, ensemble: Ensemble) -> Tensor:
        ctx.ensemble, ctx.inputs = ensemble, patches.shape[-1]
        return drawn

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        ensemble, inputs = ctx.ensemble, ctx.inputs
        rows = _pool(gradients[0])
        size = max(rows.shape[1], ensemble.replicas * inputs)
        turned = rotate(rows.unsqueeze(0), size, ensemble)[0, :, : ensemble.replicas * inputs]
        length = rows.norm(dim=1) * math.sqrt(ensemble.replicas * inputs)
        return _unpool(with_length(turned, length), ensemble.replicas), None, None
