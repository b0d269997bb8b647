"""What the operators of order 0, 1 and 2 should be off by on an actual input, from its spectrum."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.numerics.kernel_moments import waves
from lensmaker.theories.field_equation.effective_kernel import EffectiveKernel

MOST_NUMBERS = 2**23
"""Of an input that are transformed; of more channels an even choice is taken."""


def expected_error(kernel: EffectiveKernel, inputs: Tensor, order: int) -> float:
    r"""ε_n = √(Σ_k S(k)|K(k) − K_n(k)|² / Σ_k S(k)|K(k)|²), S the power of the input, mean over channels and samples.

    Norms of K are over pairs of channels, without what is folded: channels are taken as uncorrelated and of equal
    spectra. S is that of the input as it lies on a torus, its border smoothed by a window but for its mean.

    Parameters
    ----------
    kernel
        The convolution.
    inputs
        What it reads, (samples, channels, n_1, …, n_d).
    order
        Of the operator, n.
    """
    power, k = spectrum(inputs, kernel)
    gram = kernel.gram_of_weight()
    full, series = waves(kernel.places, k), waves(kernel.places, k, order)
    left = _square(full[0] - series[0], full[1] - series[1], gram)
    whole = float(power @ _square(*full, gram))
    return math.sqrt(float(power @ left) / whole) if whole else math.nan


def spectrum(inputs: Tensor, kernel: EffectiveKernel) -> tuple[Tensor, Tensor]:
    """The power (n,) at wave vectors (n, d) of an input, mean over channels and samples."""
    d = kernel.dimension
    sides = inputs.shape[-d:]
    fields = inputs.detach().reshape(-1, *sides)
    fields = fields[:: max(1, math.ceil(fields.numel() / MOST_NUMBERS))].to("cpu", torch.float64)
    axes = tuple(range(1, d + 1))
    mean = fields.mean(axes, keepdim=True)
    window = torch.ones(sides, dtype=torch.float64)
    for axis, side in enumerate(sides):
        shape = [-1 if a == axis else 1 for a in range(d)]
        window = window * torch.hann_window(side, periodic=False, dtype=torch.float64).clamp_min(1e-3).view(
            shape
        )
    varying = torch.fft.fftn((fields - mean) * window, dim=axes)
    power = varying.abs().square().mean(0)
    # The window takes power off; what varies gets back what it had.
    before = float((fields - mean).square().mean()) * math.prod(sides) ** 2
    power = power * (before / float(power.sum()) if float(power.sum()) else 0.0)
    power[(0,) * d] += float(mean.square().mean()) * math.prod(sides) ** 2
    numbers = [
        2 * math.pi * torch.fft.fftfreq(side, dtype=torch.float64) / h
        for side, h in zip(sides, kernel.spacing, strict=True)
    ]
    k = torch.stack(torch.meshgrid(*numbers, indexing="ij"), -1).reshape(-1, d)
    return power.flatten(), k


def _square(real: Tensor, imaginary: Tensor, gram: Tensor) -> Tensor:
    return ((real @ gram) * real).sum(1) + ((imaginary @ gram) * imaginary).sum(1)
