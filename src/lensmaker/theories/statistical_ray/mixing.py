"""The random linear map: a cloud of virtual neurons becomes a fresh Gaussian cloud of known second moments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ensemble:
    """How many copies of the network the cloud holds, and whether they share their fluctuations.

    Attributes
    ----------
    replicas
        Copies R of every layer; a layer of N units is carried by R·N virtual neurons.
    pooled
        True: the R copies are one layer of R·N units, whose second moments are transported exactly (the
        infinite-width limit). False: R separate networks of the true width, each with the fluctuations
        that a Gaussian matrix of its size has.
    generator
        Source of all random numbers.
    """

    replicas: int
    pooled: bool
    generator: torch.Generator

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of the given shape."""
        return torch.randn(shape, generator=self.generator)

    def signs(self, *shape: int) -> Tensor:
        """Random ±1 of the given shape."""
        return torch.randint(0, 2, shape, generator=self.generator, dtype=torch.float32) * 2 - 1


def mix(patches: Tensor, width: int, ensemble: Ensemble) -> Tensor:
    """A random linear map with the second moments of `patches`, onto `width` units for each replica.

    For rows A_s of patches, already scaled so that the output has ⟨y_s y_t⟩ = A_s·A_t, the map is
    y = √n A O with O made of n orthonormal columns of a random rotation. For n ≥ dim A every second moment
    is exact. Where n < dim A the diagonal is made exact by a scale for each row, of the tangent too.

    Parameters
    ----------
    patches
        (R, S, M): R replicas, S sites (probe × position), M inputs of one output unit.
    width
        N, units of the output in one replica.

    Returns
    -------
    Tensor
        (R, S, N), differentiable in both directions.
    """
    replicas, sites, inputs = patches.shape
    if not ensemble.pooled:
        # The corner of a rotation of K ≫ N dimensions is a Gaussian matrix; the variance of |y|² lacks a part N/K.
        enlarged = fast_length(max(inputs, _GAUSSIAN_CORNER * width))
        turned = rotate(patches, enlarged, ensemble)
        return turned[..., :width] * math.sqrt(enlarged)
    total = replicas * width
    rows = patches.permute(1, 0, 2).reshape(1, sites, replicas * inputs)
    size = max(replicas * inputs, total)
    turned = rotate(rows, size, ensemble)[..., :total] * math.sqrt(size)
    if replicas * inputs > total:
        turned = _exact_diagonal(turned, rows)
    # Pooled second moments are means over the replicas as well: A·A is their sum.
    turned = turned / math.sqrt(replicas)
    return turned.reshape(sites, replicas, width).permute(1, 0, 2)


_GAUSSIAN_CORNER = 16


def rotate(rows: Tensor, size: int, ensemble: Ensemble) -> Tensor:
    """Zero-pad the last axis to `size` and apply one random rotation for each entry of the first axis.

    The rotation is a product of random signs and random circulant rotations (unit phases in Fourier space):
    it costs n log n, is exactly orthogonal, and turns any vector into one with Gaussian coordinates.

    Parameters
    ----------
    rows
        (G, S, M): G independent rotations, each applied to S rows.
    size
        n ≥ M.
    """
    groups = rows.shape[0]
    if size > rows.shape[-1]:
        rows = torch.nn.functional.pad(rows, (0, size - rows.shape[-1]))
    for _ in range(2):
        rows = rows * ensemble.signs(groups, 1, size)
        if size > 1:
            angle = torch.rand((groups, 1, size // 2 + 1), generator=ensemble.generator) * (2 * math.pi)
            # A real circulant has real eigenvalues at zero frequency and, for even n, at the highest one.
            angle[..., 0] = (angle[..., 0] > math.pi) * math.pi
            if size % 2 == 0:
                angle[..., -1] = (angle[..., -1] > math.pi) * math.pi
            phase = torch.polar(torch.ones_like(angle), angle)
            rows = torch.fft.irfft(torch.fft.rfft(rows) * phase, n=size)
    return rows


def fast_length(n: int) -> int:
    """The smallest 2ᵃ3ᵇ5ᶜ that is at least `n`.

    Examples
    --------
    >>> fast_length(4001)
    4050
    """
    while True:
        m = n
        for p in (2, 3, 5):
            while m % p == 0:
                m //= p
        if m == 1:
            return n
        n += 1


def _exact_diagonal(mixed: Tensor, rows: Tensor) -> Tensor:
    """Scale every row, and every row of the tangent, to its exact mean square."""
    import torch.autograd.forward_ad as forward

    def scale(y: Tensor, a: Tensor) -> Tensor:
        exact = a.detach().square().sum(-1, keepdim=True)
        drawn = y.detach().square().mean(-1, keepdim=True)
        return torch.where(drawn > 0, (exact / drawn.clamp_min(torch.finfo(y.dtype).tiny)).sqrt(), 1.0)

    y, dy = forward.unpack_dual(mixed)
    a, da = forward.unpack_dual(rows)
    y = y * scale(y, a)
    if dy is None or da is None:
        return y
    return forward.make_dual(y, (dy * scale(dy, da)).detach())


def add_bias(mixed: Tensor, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """Add one random bias for each unit, the same at all sites, of mean square σ_b².

    Pooled, the biases are orthogonal to the cloud wherever there are more virtual neurons than sites, so
    that the second moments of the sum are exact.
    """
    if sigma_b == 0:
        return mixed
    replicas, sites, width = mixed.shape
    bias = ensemble.normal(replicas, width)
    if ensemble.pooled:
        total = replicas * width
        if sites <= min(_ORTHOGONAL_SITES, total // 4):
            rows = mixed.detach().permute(1, 0, 2).reshape(sites, total).double()
            flat = bias.reshape(total).double()
            gram = rows @ rows.T
            bias = (flat - torch.linalg.pinv(gram, hermitian=True) @ (rows @ flat) @ rows).reshape(bias.shape).float()
        bias = bias / bias.square().mean().sqrt()
    return mixed + sigma_b * bias.unsqueeze(1)


_ORTHOGONAL_SITES = 128
