"""What the operators of order 0, 1 and 2 should be off by on an actual input, from its spectrum."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.numerics.kernel_moments import waves
from lensmaker.theories.field_equation.effective_kernel import EffectiveKernel

CHUNK = 2**22
"""Numbers that are held at once."""


def expected_error(kernel: EffectiveKernel, inputs: Tensor, order: int) -> float:
    r"""ε_n² = Σ_i Σ_k S_i(k) Σ_o |K_{oi}(k) − K_{n,oi}(k)|² / Σ_i Σ_k S_i(k) Σ_o |K_{oi}(k)|², without what is folded.

    S_i is the power of channel i, mean over samples, of the periodic part of the input; what that lacks is smooth, and
    counted with the mean. Channels are taken as uncorrelated.

    Parameters
    ----------
    kernel
        The convolution.
    inputs
        What it reads, (samples, channels, n_1, …, n_d).
    order
        Of the operator, n.

    References
    ----------
    L. Moisan, "Periodic plus smooth image decomposition", J. Math. Imaging Vis. 39 (2011) 161.
    """
    power, k = spectra(inputs, kernel)
    w = kernel.weight.double().unflatten(0, (kernel.groups, -1))
    gram = torch.einsum("goit,gois->gits", w, w).flatten(0, 1)
    left, whole = torch.zeros_like(gram), torch.zeros_like(gram)
    step = max(1, CHUNK // gram[0].numel())
    for some, waves_of in zip(power.split(step, 1), k.split(step), strict=True):
        full, series = waves(kernel.places, waves_of), waves(kernel.places, waves_of, order)
        for total, parts in (
            (whole, full),
            (left, tuple(f - s for f, s in zip(full, series, strict=True))),
        ):
            pairs = sum((part[:, :, None] * part[:, None, :] for part in parts), torch.zeros(()))
            total += (some @ pairs.flatten(1)).view_as(total)
    below = float((gram * whole).sum())
    return math.sqrt(max(float((gram * left).sum()), 0.0) / below) if below > 0 else math.nan


def spectra(inputs: Tensor, kernel: EffectiveKernel) -> tuple[Tensor, Tensor]:
    """The power (channels, n) at wave vectors (n, d), radians a pixel, mean over samples."""
    d = kernel.dimension
    sides = inputs.shape[-d:]
    axes = tuple(range(1, d + 1))
    samples = inputs.detach().reshape(-1, kernel.inputs, *sides)
    total = torch.zeros(kernel.inputs, *sides, dtype=torch.float64)
    for sample in samples:
        fields = sample.to("cpu", torch.float64)
        mean = fields.mean(axes, keepdim=True)
        varying = fields - mean
        power = torch.fft.fftn(periodic_part(varying, d), dim=axes).abs().square()
        smooth = varying.square().mean(axes) * math.prod(sides) ** 2 - power.sum(axes)
        power[(slice(None), *(0,) * d)] += (
            smooth.clamp_min(0) + mean.flatten().square() * math.prod(sides) ** 2
        )
        total += power
    numbers = [
        2 * math.pi * torch.fft.fftfreq(side, dtype=torch.float64) / h
        for side, h in zip(sides, kernel.spacing, strict=True)
    ]
    k = torch.stack(torch.meshgrid(*numbers, indexing="ij"), -1).reshape(-1, d)
    return total.flatten(1) / len(samples), k


def periodic_part(fields: Tensor, d: int) -> Tensor:
    r"""A field less the smooth one that has its jumps across the borders: what is left can be put on a torus.

    The smooth part s solves Δs = v on the torus, v the jumps of the field from each border to the opposite one.

    Parameters
    ----------
    fields
        (n, n_1, …, n_d), of mean zero.
    d
        Dimension.

    Examples
    --------
    >>> ramp = torch.linspace(-1, 1, 8, dtype=torch.float64)[None]
    >>> jumps = [float((p[0, 0] - p[0, -1]).abs()) for p in (ramp, periodic_part(ramp, 1))]
    >>> [round(j, 3) for j in jumps]
    [2.0, 0.25]
    """
    axes = tuple(range(1, d + 1))
    v, eigenvalues = torch.zeros_like(fields), torch.zeros(fields.shape[1:], dtype=fields.dtype)
    for axis in axes:
        n = fields.shape[axis]
        if n == 1:
            continue
        jump = fields.narrow(axis, n - 1, 1) - fields.narrow(axis, 0, 1)
        v.narrow(axis, 0, 1).add_(jump)
        v.narrow(axis, n - 1, 1).sub_(jump)
        shape = [-1 if a == axis else 1 for a in axes]
        eigenvalues = eigenvalues + (
            2 * torch.cos(2 * math.pi * torch.arange(n, dtype=fields.dtype) / n) - 2
        ).view(shape)
    eigenvalues[(0,) * d] = 1.0
    smooth = torch.fft.fftn(v, dim=axes) / eigenvalues
    smooth[(slice(None), *(0,) * d)] = 0.0
    return fields - torch.fft.ifftn(smooth, dim=axes).real
