"""Batch normalisation seen by a few probes: the statistics of the whole batch, of which they are a part."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lensmaker.theories.statistical_ray.ensemble import Ensemble


def batch_statistics(x: Tensor, samples: int, ensemble: Ensemble) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel over a batch of B samples, given the clouds of P of them.

    In a Gaussian channel the means s_p of the samples over positions have the covariances k₁ (a sample with
    itself) and k₀ (with another), estimated over all channels. The mean over the B − P samples that no probe
    follows is then drawn given the mean s̄ of the probes,

        s' = β s̄ + √var' ξ,   β = P k₀ / (k₁ + (P−1) k₀),   var' = k₀ (1 − β) + (k₁ − k₀)/(B − P).

    The variance about the mean of B samples exceeds that about the mean of P by (k₁ − k₀)(1/P − 1/B) in the
    mean; its spread over channels is shrunk by what P samples scatter more than B do. A probe moves the
    statistics, in both directions of differentiation, as one of B samples does; backwards the gradients of the
    others are drawn too.

    Parameters
    ----------
    x
        (R, P, C, *space); R·C channels that have one distribution, but for their scale.
    samples
        B.

    Returns
    -------
    tuple
        Mean and variance, (R, P, C, 1, …), the same for each probe.
    """
    axes = (1, *range(3, x.ndim))
    mean = x.mean(axes, keepdim=True)
    squares = (x - mean).square()
    variance = squares.mean(axes, keepdim=True)
    P, B = x.shape[1], max(samples, x.shape[1])
    if P == B:
        return mean, variance
    share = P / B
    with torch.no_grad():
        s = x.detach().flatten(3).mean(3) if x.ndim > 3 else x.detach()
        own, other = _covariances(s)
        known, shrunk = mean.detach(), _shrunk(x.detach(), s, variance.detach(), share)
        # Channels differ in size after depthwise convolutions.
        scale = shrunk / shrunk.mean() if own else shrunk
        β, spread = _given_probes(own, other, P, B)
        unseen = β * known + spread * scale.sqrt() * ensemble.normal(*mean.shape)
        whole_mean = share * known + (1 - share) * unseen
        whole_variance = shrunk + (own - other) * (1 / P - 1 / B) * scale
    pairs = (mean, whole_mean), (variance, whole_variance)
    return tuple(_OfBatch.apply(*pair, P, B, ensemble) for pair in pairs)


def _covariances(s: Tensor) -> tuple[float, float]:
    """⟨s_p²⟩ and ⟨s_p s_p'⟩ of values (R, P, C) of samples."""
    P = s.shape[1]
    own = float(s.square().mean())
    other = (float(s.sum(1).square().mean()) / P - own) / (P - 1) if P > 1 else 0.0
    return own, min(max(other, 0.0), own)


def _given_probes(own: float, other: float, P: int, B: int) -> tuple[float, float]:
    """β and √var' of the mean over B − P samples, given that over P."""
    β = P * other / (own + (P - 1) * other) if own else 0.0
    return β, max(other * (1 - β) + (own - other) / (B - P), 0.0) ** 0.5


class _OfBatch(torch.autograd.Function):
    """The statistic of a batch, which that of its probes moves by P/B, handed to each of them.

    Backwards the gradients come from all samples of the batch.
    """

    @staticmethod
    def forward(
        ctx: Any, statistic: Tensor, whole: Tensor, probes: int, samples: int, ensemble: Ensemble
    ) -> Tensor:
        ctx.samples, ctx.ensemble, ctx.probes = samples, ensemble, probes
        return whole.repeat_interleave(probes, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (g,) = gradients
        P, B = ctx.probes, ctx.samples
        β, spread = _given_probes(*_covariances(g.flatten(2)), P, B)
        known = g.mean(1, keepdim=True)
        unseen = β * known + spread * ctx.ensemble.normal(*known.shape)
        return P / B * (P * known + (B - P) * unseen), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Tensor:
        repeated: Tensor = (ctx.probes / ctx.samples * tangents[0]).repeat_interleave(ctx.probes, 1)
        return repeated


_SIGNIFICANT = 1.2
"""Total over chance scatter from which on channels are said to differ."""


def _shrunk(x: Tensor, s: Tensor, variance: Tensor, share: float) -> Tensor:
    """Variances of channels as they scatter over a whole batch, given those over P samples of means `s`.

    Of the scatter over channels, what the choice of samples makes is a P/B-th for the batch: of ⟨(x − s_p)²⟩ it
    is seen from sample to sample; of b = ⟨(s_p − s̄)²⟩, a χ² of P − 1 degrees, it is 2/(P + 1) of ⟨b²⟩.
    """
    P = s.shape[1]
    if P < 2:
        return variance
    scatter = 2 / (P + 1) * float(s.var(1, unbiased=False).square().mean())
    if x.ndim > 3:
        within = x.flatten(3).square().mean(3) - s.square()
        scatter += float(within.var(1).mean()) / P
    total = float(variance.var())
    lasting = total - scatter if total > _SIGNIFICANT * scatter else 0.0
    factor = ((lasting + scatter * share) / (lasting + scatter)) ** 0.5 if total else 1.0
    centre = variance.mean()
    return centre + factor * (variance - centre)
