"""The random convolution: at each kernel offset a random map of its own, all of them in Fourier space."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import torch
import torch.autograd.forward_ad as forward
import torch.nn.functional as F
from torch import Tensor

from lensmaker.systems.networks.weights import Weights
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.mixing import Drawn, along, symmetric, with_length
from lensmaker.theories.statistical_ray.rotation import circulant, fast_length


def convolve(x: Tensor, weights: Weights, sigma_b: float, ensemble: Ensemble) -> Tensor:
    """A random convolution of a pooled cloud with the second moments of the kernel at each offset.

    ⟨y(i) y(j)⟩ = Σ_δ C_in ⟨w_δ²⟩ ⟨x(i+δ) x(j+δ)⟩ + σ_b², padding included. The cloud is turned by random
    signs and one Fourier transform along its units; each offset has circulant phases of its own; one transform
    back makes symmetric pairs ±z, scaled to ⟨y(i)²⟩ at each place. Moments between probes are exact in the mean
    over places, and so are those of the means over places, which pooling and batch normalisation see; all
    others hold to 1/√n. Backwards an independent convolution of the transposed form, with exact ⟨g²⟩ at each
    place, and the part of the gradient along y itself back along x.

    Parameters
    ----------
    x
        (R, B, C, *space), may carry a tangent.
    weights, sigma_b
        The kernel, and the root mean square of the biases.
    """
    a, da = forward.unpack_dual(x)
    axes = len(weights.kernel)
    replicas, channels, width = x.shape[0], x.shape[-axes - 1], weights.weight.shape[0]
    parts = [a.detach()] if da is None else [a.detach(), da.detach()]
    cloud = torch.cat([_pooled(p, axes) for p in parts])
    stencil = _Stencil(weights, cloud.shape[1:-1])
    source = stencil.enlarged(cloud)
    draw = ensemble.stream()
    total = replicas * width
    half = (total + 1) // 2
    size = fast_length(max(source.shape[-1], half))
    waves = torch.fft.rfft(source * draw.signs(size)[: source.shape[-1]], n=size)
    mixed = stencil.gathered(waves, circulant(draw, size, len(stencil.moments)), stencil.moments.sqrt())
    turned = torch.fft.irfft(mixed, n=size)[..., :half]
    turned = turned * math.sqrt(size)
    probes = a.shape[1]
    of_means, of_all = stencil.grams(source)
    ones = torch.ones(len(stencil.moments), 1)
    squares = torch.linalg.vector_norm(source, dim=-1, keepdim=True).square()
    squares = stencil.gathered(squares, ones, stencil.moments)
    if sigma_b:
        turned[:probes] += sigma_b * draw.normal(half)
        squares[:probes] += sigma_b**2
        of_means[:probes, :probes] += sigma_b**2
        of_all[:probes, :probes] += sigma_b**2
    turned = with_length(turned, (squares.squeeze(-1) * half).sqrt())
    y = symmetric(_with_grams(turned, of_means, of_all), total, draw)
    y = _separated(y, replicas, axes)
    primal = y[:, :probes]

    def back(gradient: Tensor) -> Tensor:
        α = along(gradient, primal, (0, y.ndim - axes - 1))[0].movedim(-axes - 1, -1)
        returned = stencil.reduced(stencil.scattered(α, ones, stencil.moments)).movedim(-1, -axes - 1)
        return width * returned * a.detach() + _backward(gradient, stencil, channels, ensemble.stream(1))

    primal_cloud = Drawn.apply(a, primal, back)
    return primal_cloud if da is None else forward.make_dual(primal_cloud, y[:, probes:])


def _with_grams(y: Tensor, of_means: Tensor, of_all: Tensor) -> Tensor:
    """Vectors (B, *space, n) whose products between samples are exact, in the mean over places and of means."""
    places = tuple(range(1, y.ndim - 1))
    mean = y.mean(places, keepdim=True)
    found = (y - mean).flatten(1)
    count = math.prod(y.shape[1:-1])
    rest = _with_products(found, (of_all - of_means) * count * y.shape[-1]) if count > 1 else found
    mean = _with_products(mean.flatten(1), of_means * y.shape[-1])
    return rest.view(y.shape) + mean.view(len(y), *(1,) * len(places), -1)


def _with_products(rows: Tensor, wanted: Tensor) -> Tensor:
    """Rows (B, n), changed by a triangular map close to one, so that their products are `wanted`."""
    tiny = torch.finfo(rows.dtype).tiny
    sizes = wanted.diagonal().clamp_min(0).sqrt().unsqueeze(1)
    lengths = torch.linalg.vector_norm(rows, dim=1, keepdim=True).clamp_min(tiny)
    change = torch.eye(len(rows), dtype=torch.float64)
    if 4 * len(rows) <= rows.shape[1]:
        little = _JITTER * change
        products = (rows @ rows.mT / lengths / lengths.mT).double() + little
        scales = sizes.double().clamp_min(tiny)
        lower, bad = torch.linalg.cholesky_ex(wanted.double() / scales / scales.mT + little)
        actual, worse = torch.linalg.cholesky_ex(products)
        if not bad and not worse:
            change = torch.linalg.solve_triangular(actual, lower, upper=False, left=False)
    return (sizes * change.float() / lengths.mT) @ rows


_JITTER = 1e-5


def _backward(gradient: Tensor, stencil: _Stencil, channels: int, draw: Ensemble) -> Tensor:
    axes = len(stencil.sizes)
    source = _pooled(gradient, axes)
    total = draw.replicas * channels
    size = fast_length(max(source.shape[-1], total))
    waves = torch.fft.rfft(source * draw.signs(size)[: source.shape[-1]], n=size)
    mixed = stencil.scattered(waves, circulant(draw, size, len(stencil.moments)), stencil.moments.sqrt())
    turned = stencil.reduced(torch.fft.irfft(mixed, n=size)[..., :total])
    squares = torch.linalg.vector_norm(source, dim=-1, keepdim=True).square()
    ones = torch.ones(len(stencil.moments), 1)
    lengths = stencil.reduced(stencil.scattered(squares, ones, stencil.moments)).sqrt()
    exact = with_length(turned, lengths.squeeze(-1) * math.sqrt(total))
    return _separated(exact, draw.replicas, axes)


def _pooled(x: Tensor, axes: int) -> Tensor:
    """(R, B, C, *space) → (B, *space, R·C), scaled so that products are means over the replicas."""
    return x.movedim((0, -axes - 1), (-2, -1)).flatten(-2) / math.sqrt(x.shape[0])


def _separated(y: Tensor, replicas: int, axes: int) -> Tensor:
    """(B, *space, R·C) → (R, B, C, *space)."""
    return y.unflatten(-1, (replicas, -1)).movedim((-2, -1), (0, -axes - 1))


class _Stencil:
    """Where the outputs of a convolution look in its input: padded and, if transposed, between zeros.

    Attributes
    ----------
    moments
        ⟨w_δ²⟩ for each offset; of a grouped convolution the share of all channels that a group sees.
    sizes
        Spatial sizes of the input.
    """

    def __init__(self, weights: Weights, sizes: torch.Size) -> None:
        self.sizes = tuple(sizes)
        self.moments = weights.weight.double().square().mean((0, 1)).flatten().float() / weights.groups
        axes = len(sizes)
        self._spread = weights.stride if weights.transposed else (1,) * axes
        self._stride = (1,) * axes if weights.transposed else weights.stride
        self._sides = direct_padding(weights)
        self._dilation = weights.dilation
        self._offsets = list(itertools.product(*(range(k) for k in weights.kernel)))
        self._large = [
            (n - 1) * s + 1 + before + after
            for n, s, (before, after) in zip(sizes, self._spread, self._sides, strict=True)
        ]
        self._outputs = [
            (n - d * (k - 1) - 1) // s + 1
            for n, k, d, s in zip(self._large, weights.kernel, self._dilation, self._stride, strict=True)
        ]

    def grams(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Products between samples, (B, B), that outputs have: of their means over places, and in the mean."""
        of_means = of_all = x.new_zeros(len(x), len(x))
        places = tuple(range(1, x.ndim - 1))
        for window, _, factor in self._terms(torch.ones(len(self.moments)), self.moments):
            seen = x[window]
            mean = seen.mean(places)
            of_means = of_means + factor * (mean @ mean.mT)
            rows = seen.flatten(1)
            of_all = of_all + factor / math.prod(self._outputs) * (rows @ rows.mT)
        return of_means, of_all

    def enlarged(self, x: Tensor) -> Tensor:
        """(B, *space, n) with the zeros that the kernel sees around and between the inputs."""
        if self._large == list(self.sizes):
            return x
        if any(b < 0 or a < 0 for b, a in self._sides) or max(self._spread) > 1:
            out = x.new_zeros(x.shape[0], *self._large, x.shape[-1])
            inner, kept = self._inner()
            out[(slice(None), *inner)] = x[(slice(None), *kept)]
            return out
        return F.pad(x, [0, 0, *(p for sides in reversed(self._sides) for p in sides)])

    def reduced(self, x: Tensor) -> Tensor:
        """The inverse of `enlarged` on what it kept, zero elsewhere."""
        if self._large == list(self.sizes):
            return x
        inner, kept = self._inner()
        out = x.new_zeros(x.shape[0], *self.sizes, x.shape[-1])
        out[(slice(None), *kept)] = x[(slice(None), *inner)]
        return out

    def gathered(self, x: Tensor, phases: Tensor, factors: Tensor) -> Tensor:
        """Σ_δ f_δ φ_δ x(i·stride + δ)."""
        out = x.new_zeros(x.shape[0], *self._outputs, x.shape[-1])
        for window, phase, factor in self._terms(phases, factors):
            out.addcmul_(x[window], phase * factor)
        return out

    def scattered(self, y: Tensor, phases: Tensor, factors: Tensor) -> Tensor:
        """The transposed sum: f_δ φ_δ y(i) added at i·stride + δ."""
        out = y.new_zeros(y.shape[0], *self._large, y.shape[-1])
        for window, phase, factor in self._terms(phases, factors):
            out[window].addcmul_(y, phase * factor)
        return out

    def _terms(self, phases: Tensor, factors: Tensor) -> Iterator[tuple[tuple[slice, ...], Tensor, float]]:
        for offset, phase, factor in zip(self._offsets, phases, factors.tolist(), strict=True):
            if factor:
                window = tuple(
                    slice(o * d, o * d + s * (n - 1) + 1, s)
                    for o, d, s, n in zip(offset, self._dilation, self._stride, self._outputs, strict=True)
                )
                yield (slice(None), *window), phase, factor

    def _inner(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Where the inputs lie in the enlarged tensor, and which of them: negative padding cuts some off."""
        inner, kept = [], []
        for n, large, s, (before, _) in zip(self.sizes, self._large, self._spread, self._sides, strict=True):
            first = max(0, -(before // s)) if before < 0 else 0
            last = min(n - 1, (large - 1 - before) // s)
            inner.append(slice(before + first * s, before + last * s + 1, s))
            kept.append(slice(first, last + 1))
        return tuple(inner), tuple(kept)


def direct_padding(weights: Weights) -> tuple[tuple[int, int], ...]:
    """Padding of the direct convolution; a transposed one is padded in full."""
    if not weights.transposed:
        return weights.padding
    return tuple(
        (d * (k - 1) - before, d * (k - 1) - after + extra)
        for k, d, (before, after), extra in zip(
            weights.kernel, weights.dilation, weights.padding, weights.output_padding, strict=True
        )
    )
