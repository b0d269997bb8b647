"""The filter that keeps most of what a block tells of far away: real-space mutual information."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lensmaker.core import Convergence, InputError
from lensmaker.instruments.information import Ascent, Found, Pairs, pairs_of
from lensmaker.instruments.information.blocks_of_time import blocks_of
from lensmaker.instruments.information.critic import network
from lensmaker.instruments.information.neural import LEARNED, WATCHED
from lensmaker.numerics.autocorrelation import autocorrelation
from lensmaker.numerics.resampling import jackknife_error
from lensmaker.numerics.seeding import stream
from lensmaker.systems.spins.coarse_graining import LearnedFilter
from lensmaker.systems.spins.sampling.samples import Samples
from lensmaker.systems.spins.surroundings import Surroundings


@dataclass(frozen=True)
class MostInformative:
    r"""A filter Λ, μ = ±1 with P(μ|v) = e^(μ Λ·v)/(2 cosh Λ·v), that makes I(μ; E) large.

    Filter and critic f climb one bound, InfoNCE, together, on batches of n blocks v_i with their environments e_i:

        I(μ; E) ≥ 1/n Σ_i Σ_μ P(μ|v_i) [f(μ, e_i) − ln 1/n Σ_j e^f(μ, e_j)].

    A block spin has two states, so the mean over μ is a sum, and the gradient needs no draws of μ and no relaxation of
    them. The norm of Λ is kept: information grows with it, without end and without telling more of the direction.
    For a short Λ the best one weighs like spins alike; for a long one, where μ is the sign of Λ·v, it also pays to
    break ties, and equal weights are a saddle.

    Parameters
    ----------
    surroundings
        Block, buffer and environment.
    norm
        |Λ|; None to let it grow.
    width, layers
        Of the critic, a network from e to f(−1, e) and f(1, e); a larger one learns the rows by heart.
    ascent
        How both learn. A batch can be large, as its cost is that of its rows.
    copies
        Blocks of each configuration that are learned from.
    seed
        Of the start, and of the order of rows.

    Raises
    ------
    InputError
        If the norm is not positive, or the critic has no units.

    References
    ----------
    M. Koch-Janusz, Z. Ringel, Nat. Phys. 14, 578 (2018).
    D. E. Gökmen, Z. Ringel, S. D. Huber, M. Koch-Janusz, Phys. Rev. Lett. 127, 240603 (2021): with such a bound.

    Examples
    --------
    >>> from lensmaker.systems.spins import Canonical, sample
    >>> from lensmaker.systems.spins.sampling import SwendsenWang
    >>> from lensmaker.systems.spins.dimer_noise import dimers_on_chain
    >>> noisy = sample(Canonical(dimers_on_chain(4, J=1.0, D=2.0), 1.0), 2000, rule=SwendsenWang(), seed=0)
    >>> quick = MostInformative(Surroundings(4, 0, 4), width=8, layers=1, ascent=Ascent(256, 200, 0.02), copies=4)
    >>> found = quick.learn(noisy)
    >>> found.share([0, 1]) > 0.9  # of Λ², on the two spins of the magnet
    True
    """

    surroundings: Surroundings = field(default_factory=Surroundings)
    norm: float | None = 2.0
    width: int = 16
    layers: int = 1
    ascent: Ascent = field(default_factory=lambda: Ascent(2048, 800, 0.02))
    copies: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.norm is not None and not 0 < self.norm < math.inf:
            raise InputError("a norm above 0, or None", f"{self.norm}", "pass norm=2.0")
        if self.width < 1 or self.layers < 1:
            got = f"{self.width} and {self.layers}"
            raise InputError("a width and layers of 1 or more", got, "pass 16 and 1")

    def learn(self, samples: Samples) -> Informed:
        """The filter, with the bound on rows that neither filter nor critic has seen.

        Raises
        ------
        InputError
            If samples and surroundings do not fit, or there are too few samples.
        """
        generator = stream("block filter", self.seed)
        pairs = pairs_of(samples, self.surroundings, None, generator, self.copies)
        sites = pairs.x.shape[3]
        raw = torch.empty(sites).normal_(0, 1, generator=generator)
        raw = (raw * (self.norm or 1.0) / raw.norm()).requires_grad_()
        critic = network(pairs.y.shape[3], self.width, self.layers, 2, generator)
        v, e = (rows.float() for rows in pairs.between(0, LEARNED).flat())
        v_watched, e_watched = (rows.float() for rows in pairs.between(LEARNED, WATCHED).flat())

        def bound(i: Tensor) -> Tensor:
            return _bound(v[i] @ self._kept(raw), critic(e[i]))

        def watched() -> float:
            return float(_bound(v_watched @ self._kept(raw), critic(e_watched)))

        state = self.ascent.climb([raw, *critic.parameters()], len(v), bound, watched, generator)
        with torch.no_grad():
            weights = self._kept(raw) * torch.sign(raw.sum() + 1e-30)
            critic_of = critic if raw.sum() >= 0 else _Turned(critic)
            found = _read(weights, critic_of, pairs.between(WATCHED, 1, fewest=4), state)
        return Informed(LearnedFilter(self.surroundings.side, tuple(weights.double().tolist())), found)

    def _kept(self, raw: Tensor) -> Tensor:
        return raw if self.norm is None else raw * (self.norm / raw.norm())


@dataclass(frozen=True)
class Informed:
    """A filter that was learned, and what its block spin tells of the environment.

    Attributes
    ----------
    rule
        The coarse-grainer; the sum of its weights is not negative.
    information
        The lower bound on rows that were not learned from, with its state.
    """

    rule: LearnedFilter
    information: Found

    @property
    def weights(self) -> NDArray[np.float64]:
        """Λ."""
        return np.array(self.rule.weights)

    def share(self, sites: list[int]) -> float:
        """Σ Λ² of some sites of the block over that of all."""
        return float((self.weights[sites] ** 2).sum() / (self.weights**2).sum())

    def __str__(self) -> str:
        found = self.information
        advice = f" ({found.convergence.value})" if found.convergence is not Convergence.CONVERGED else ""
        return f"{self.rule}: I ≥ {found.value:.4f} ± {found.error:.4f} nat{advice}"


class _Turned(nn.Module):
    """The critic of −μ."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, e: Tensor) -> Tensor:
        return self.critic(e).flip(-1)


def _bound(field_of: Tensor, scores: Tensor) -> Tensor:
    """InfoNCE with both states of μ, of the fields Λ·v_i and the scores f(μ, e_i), (n,) and (n, 2)."""
    p = torch.sigmoid(2 * torch.stack([-field_of, field_of], -1))
    return (p * (scores - scores.logsumexp(0) + math.log(len(scores)))).sum(-1).mean()


def _read(weights: Tensor, critic: nn.Module, pairs: Pairs, state: Convergence) -> Found:
    """The bound with all rows as one batch; its error by leaving out blocks of time."""
    v, e = (rows.float() for rows in pairs.flat())
    s = critic(e).double().numpy()
    up = torch.sigmoid(2 * (v @ weights)).double().numpy()
    p = np.stack([1 - up, up], -1)
    top = s.max(0)
    own, spread = (p * s).sum(-1), np.exp(s - top)
    terms = own - (p * (np.log(spread.mean(0)) + top)).sum(-1)
    shape = pairs.x.shape
    series = np.stack([terms, (spread / spread.mean(0) * p.mean(0)).sum(-1)]).reshape(2, *shape[:3]).mean(3)
    label = np.repeat(blocks_of(series.transpose(1, 2, 0)).reshape(-1), shape[2])
    sums = np.stack(
        [np.bincount(label, w) for w in (np.ones(len(v)), own, p[:, 0], p[:, 1], spread[:, 0], spread[:, 1])]
    )

    def value(n: NDArray[np.float64]) -> NDArray[np.float64]:
        logs = np.log(n[4:] / n[0]) + top[:, None]
        return (n[1] - (n[2:4] * logs).sum(0)) / n[0]

    whole = sums.sum(1, keepdims=True)
    if not all(autocorrelation(x).is_known for x in series):
        state = Convergence.SERIES_TOO_SHORT
    error = jackknife_error(value(whole - sums))
    return Found(float(value(whole)[0]), error, state, len(v), math.log(len(v)))
