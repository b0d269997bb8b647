"""The random linear map: a cloud becomes a fresh Gaussian cloud of known second moments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.autograd.forward_ad as forward
import torch.nn.functional as F
from torch import Tensor

from lensmaker.theories.statistical_ray.duals import shifted
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.quasi_random import (
    gaussian_points,
    orthogonal_to,
    whitened,
    whitening,
)
from lensmaker.theories.statistical_ray.rotation import Rotation, fast_length

FEW_SITES = 192
"""Up to this many rows (tangents included) a pooled cloud is drawn from quasi-random points."""

FEW_ROWS = 64
"""Up to this many rows (tangents included) the matrix of a separate network is drawn along them alone."""

_SMALL_MATRIX = 2**17
"""Up to this many entries the matrix of a separate network is drawn entry by entry…"""

_SHARED_MATRIX = 2**19
"""…and up to this many where it acts on many sites."""

_MANY_SITES = 32

_GAUSSIAN_CORNER = 8
"""Size of the rotation, in output widths, whose corner stands for a larger Gaussian matrix."""


def mix(x: Tensor, scale: float, width: int, ensemble: Ensemble, sigma_b: float = 0.0) -> Tensor:
    """A random affine map of the last axis onto `width` units for each replica.

    With A = scale·x the output clouds have ⟨y_s y_t⟩ = A_s·A_t + σ_b². Ways lead there:

    - separate networks, few sites: a Gaussian matrix, drawn along the directions in which it is used alone;
    - separate networks, many sites: a Gaussian matrix; where that is large, the corner of a random rotation;
    - pooled, few sites: y = L Z with L Lᵀ = A Aᵀ and Z quasi-random Gaussian points, exactly white, exactly
      symmetric and exactly orthogonal to the clouds still alive: all second moments are exact;
    - pooled, many sites: a random rotation onto symmetric pairs ±z, in random order, with the diagonal
      ⟨y_s²⟩ made exact by a scale for each row, of the tangent too.

    Backwards a pooled cloud passes an independent map of the transposed size, but along x itself, where W x = y
    is known: the gradient g = Wᵀδ has g·x = δ·y in each replica.

    Parameters
    ----------
    x
        (R, …, M): R replicas, sites (probe × position), M inputs of one output unit; may carry a tangent.
    scale
        Root mean square of the weights.
    width
        N, units of the output in one replica.
    sigma_b
        Root mean square of the biases, one for each unit and the same at all sites.

    Returns
    -------
    Tensor
        (R, …, N), differentiable in both directions.
    """
    if not ensemble.pooled:
        return _separate(x, scale, width, ensemble, sigma_b)
    a, da = forward.unpack_dual(x)
    shape, inputs = (*x.shape[:-1], width), x.shape[-1]
    rows = pool(a.detach().flatten(1, -2)) * scale
    tangents = rows[:0] if da is None else pool(da.detach().flatten(1, -2)) * scale
    total = ensemble.replicas * width
    few = len(rows) + len(tangents) <= min(FEW_SITES, total // 4)
    if few and ensemble.repeated is None:
        drawn = _draw(rows, tangents, total, sigma_b, ensemble)
    else:
        drawn = _turn(rows, tangents, total, sigma_b, ensemble.stream())

    primal = unpool(drawn[: len(rows)], ensemble.replicas)

    def back(gradient: Tensor) -> Tensor:
        gradient = gradient.flatten(1, -2)
        returned = _transposed(gradient * scale, inputs, ensemble.stream(1))
        products = (gradient * primal).sum(2, keepdim=True)
        bias = sigma_b / scale if scale else math.inf
        return _consistent(returned, products, a.detach().flatten(1, -2), bias).reshape(a.shape)

    y = Drawn.apply(a, primal.reshape(shape), back)
    return (
        y
        if da is None
        else forward.make_dual(y, unpool(drawn[len(rows) :], ensemble.replicas).reshape(shape))
    )


def _consistent(g: Tensor, products: Tensor, x: Tensor, sigma_b: float) -> Tensor:
    """Gradients g, changed along x so that g·x is δ·(y − b), of which `products` are δ·y.

    Given y, the part of it that is not bias is κ y + noise, with κ = ⟨(y − b)²⟩/⟨y²⟩; `sigma_b` is in units of
    the weights. A replica's y is drawn from all of the layer's x: its size is put to that of the replica's own.
    """
    square = x.square().sum(2, keepdim=True)
    typical = square.mean(0, keepdim=True)
    κ = typical / (typical + sigma_b**2).clamp_min(torch.finfo(x.dtype).tiny)
    wanted = κ * products * (square / typical).sqrt()
    change = wanted - (1 - (1 - κ).sqrt()) * (g * x).sum(2, keepdim=True)
    return g + x * torch.where(square > 0, change / square, 0.0)


def along(gradient: Tensor, cloud: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Coefficients α of g = α y + g′, g′ orthogonal to y along the axes of the units, which are kept.

    Independent vectors of n units have a mean squared cosine of 1/n, by which the coefficients are shrunk.
    """
    square = cloud.square().sum(axes, keepdim=True)
    product = (gradient * cloud).sum(axes, keepdim=True)
    cosine = product.square() / (square * gradient.square().sum(axes, keepdim=True))
    units = math.prod(cloud.shape[axis] for axis in axes)
    chance = float(1 / (units * cosine.nan_to_num().mean()).clamp_min(1))
    return (1 - chance) * product / torch.where(square > 0, square, torch.inf)


class Drawn(torch.autograd.Function):
    """Forwards a cloud that was drawn; backwards whatever map the law says."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, drawn: Tensor, back: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.back = back
        return drawn

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        # Gradients of deep networks are so small that their squares leave single precision.
        largest = gradients[0].abs().amax()
        size = torch.where((largest > 0) & largest.isfinite(), largest, 1.0)
        return ctx.back(gradients[0] / size) * size, None, None


# -- separate networks ------------------------------------------------------------------------------


def _separate(x: Tensor, scale: float, width: int, ensemble: Ensemble, sigma_b: float) -> Tensor:
    ensemble, alone = ensemble.stream(), ensemble.repeated is None
    replicas, inputs = x.shape[0], x.shape[-1]
    rows = x.flatten(1, -2)
    if alone and 4 * rows.shape[1] <= inputs and 2 * rows.shape[1] <= FEW_ROWS:
        y = drawn_along(rows, scale, width, ensemble)
    elif inputs * width <= (_SMALL_MATRIX if rows.shape[1] < _MANY_SITES else _SHARED_MATRIX):
        y = rows @ (scale * ensemble.normal(replicas, inputs, width))
    else:
        size = fast_length(max(inputs, _GAUSSIAN_CORNER * width))
        y = _Corner.apply(
            rows, Rotation.draw(replicas, size, ensemble, rounds=2), width, scale * math.sqrt(size)
        )
    if sigma_b:
        y = shifted(y, sigma_b * ensemble.normal(replicas, 1, width))
    return y.reshape(*x.shape[:-1], width)


def drawn_along(rows: Tensor, scale: float, width: int, ensemble: Ensemble) -> Tensor:
    """Rows (R, S, M) through a Gaussian matrix of each replica, of which only what they meet is drawn.

    With X = Q T, Q an orthonormal basis of the rows and their tangents, W X = Z T, where Z = W Q is white
    Gaussian. Given that, W = Z Qᵀ + W′(1 − Q Qᵀ) with W′ independent of it, so that the gradients Wᵀδ, with
    δ = Q′ T′, are Q Zᵀδ + (1 − Q Qᵀ) Z′ T′, and Z′ white again. The law is that of the matrix, at a cost of
    S·(M + N) random numbers instead of M·N.
    """
    a, da = forward.unpack_dual(rows)
    sites = rows.shape[1]
    both = a.detach() if da is None else torch.cat([a.detach(), da.detach()], 1)
    basis, coordinates = torch.linalg.qr(both.mT)
    white = ensemble.normal(rows.shape[0], basis.shape[-1], width)
    drawn = scale * (coordinates.mT @ white)

    def back(gradient: Tensor) -> Tensor:
        _, along_gradient = torch.linalg.qr(gradient.mT)
        fresh = ensemble.normal(gradient.shape[0], along_gradient.shape[-2], a.shape[-1])
        returned = along_gradient.mT @ fresh
        return scale * (returned + (gradient @ white.mT - returned @ basis) @ basis.mT)

    y: Tensor = Drawn.apply(a, drawn[:, :sites], back)
    return y if da is None else forward.make_dual(y, drawn[:, sites:])


class _Corner(torch.autograd.Function):
    """The corner of a rotation, as a linear map in both directions of differentiation."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, rotation: Rotation, width: int, scale: float) -> Tensor:
        ctx.rotation, ctx.width, ctx.scale, ctx.inputs = rotation, width, scale, rows.shape[-1]
        return rotation.turn(rows)[..., :width] * scale

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        return ctx.rotation.back(gradients[0])[..., : ctx.inputs] * ctx.scale, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        turned: Tensor = ctx.rotation.turn(tangents[0])[..., : ctx.width] * ctx.scale
        return turned


# -- one pooled layer -------------------------------------------------------------------------------


def pool(rows: Tensor) -> Tensor:
    """(R, S, M) → (S, R·M), scaled so that products of rows are means over the replicas."""
    replicas, sites, inputs = rows.shape
    return rows.transpose(0, 1).reshape(sites, replicas * inputs) / math.sqrt(replicas)


def unpool(rows: Tensor, replicas: int) -> Tensor:
    """(S, R·N) → (R, S, N)."""
    return rows.unflatten(1, (replicas, -1)).transpose(0, 1)


def _draw(rows: Tensor, tangents: Tensor, total: int, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """Quasi-random Gaussian points with just the second moments of rows (plus σ_b²) and tangents, (S, n)."""
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
    if live := _live_rows(total, ensemble):
        return ((factor @ orthogonal_to(whitened(points.double()), live)) * sizes).float()
    return (sizes * (factor @ whitening(points))).float() @ points


def _live_rows(total: int, ensemble: Ensemble) -> list[Tensor]:
    clouds = [cloud for cloud in ensemble.live if cloud.shape[0] * cloud.shape[-1] == total]
    parts = [part for cloud in clouds for part in forward.unpack_dual(cloud) if part is not None]
    return [pool(part.detach().flatten(1, -2)) for part in parts]


def _turn(rows: Tensor, tangents: Tensor, total: int, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """A random rotation of rows (plus a bias) and tangents onto n coordinates, (S, n)."""
    half = (total + 1) // 2
    both = torch.cat([rows, tangents])
    turned = Rotation.draw(1, max(rows.shape[1], half), ensemble).turn(both.unsqueeze(0))[0, :, :half]
    turned = turned * math.sqrt(max(rows.shape[1], half))
    lengths = torch.linalg.vector_norm(both, dim=1)
    if sigma_b:
        turned[: len(rows)] += sigma_b * ensemble.normal(half)
        lengths[: len(rows)] = torch.hypot(lengths[: len(rows)], torch.tensor(sigma_b))
    return symmetric(with_length(turned, lengths * math.sqrt(half)), total, ensemble)


def symmetric(half_rows: Tensor, total: int, ensemble: Ensemble) -> Tensor:
    """Rows (…, ⌈n/2⌉) as pairs ±z in random order, (…, n).

    Odd moments vanish exactly, and with them the noise of a half-rectified square.
    """
    half = half_rows.shape[-1]
    order = torch.randperm(2 * half, generator=ensemble.generator)[:total]
    return half_rows[..., order % half] * torch.where(order < half, 1.0, -1.0)


def with_length(rows: Tensor, length: Tensor) -> Tensor:
    """Scale every row to a given Euclidean length."""
    norm = torch.linalg.vector_norm(rows, dim=-1)
    return rows * torch.where(norm > 0, length / torch.where(norm > 0, norm, 1.0), 1.0).unsqueeze(-1)


def _transposed(gradient: Tensor, inputs: int, ensemble: Ensemble) -> Tensor:
    """Gradients (R, S, N) through an independent map of the transposed size: (R, S, M) of exact lengths."""
    rows = pool(gradient)
    total = ensemble.replicas * inputs
    turned = Rotation.draw(1, max(rows.shape[1], total), ensemble).turn(rows.unsqueeze(0))[0, :, :total]
    length = torch.linalg.vector_norm(rows, dim=1) * math.sqrt(total)
    return unpool(with_length(turned, length), ensemble.replicas)
