"""Lower bounds of mutual information by a critic: InfoNCE, and that of Donsker and Varadhan."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lensmaker.core import Convergence, Reference
from lensmaker.instruments.information.ascent import Ascent
from lensmaker.instruments.information.blocks_of_time import blocks_of
from lensmaker.instruments.information.critic import Critic, Separable
from lensmaker.instruments.information.estimator import Estimator, Found
from lensmaker.instruments.information.pairs import Pairs
from lensmaker.numerics.autocorrelation import autocorrelation
from lensmaker.numerics.resampling import jackknife_error
from lensmaker.numerics.seeding import stream

LEARNED, WATCHED = 0.6, 0.7
"""Up to which share of each chain the critic learns, and up to which it is watched; the rest gives the value."""

NEAR = 10.0
"""How many times larger than e^I the batch of InfoNCE must be for its ceiling not to count."""

FEWEST = 50.0
"""Independent pairs, at least, that the mean of e^f of Donsker and Varadhan must rest on."""


class Sums(NamedTuple):
    """What is left of the scores S of a batch: S_ii, and Σ_j e^(S_ij) over the columns of each block of time.

    Attributes
    ----------
    own
        (n,).
    by_block
        (n, blocks), of e^(S − shift).
    shift
        (n,).
    columns
        Of each block, (blocks,).
    """

    own: NDArray[np.float64]
    by_block: NDArray[np.float64]
    shift: NDArray[np.float64]
    columns: NDArray[np.float64]


@dataclass(frozen=True)
class NeuralBound(Estimator):
    """Base of the bounds: it trains a critic on the first rows, and reads the bound off the last ones.

    The critic learns from the first 60 % of each chain, is watched on the next 10 %, which say when to stop, and
    gives a value on the last 30 %, which it has not seen; the bound then holds for it whatever it has learned. Rows of
    a batch that is read are spread over the whole time, so that they are strangers to each other. The error is the
    jackknife's over blocks of time, of which all rows leave both as pairs and as others.

    Parameters
    ----------
    critic
        What f is.
    ascent
        How it learns; its batch is also how many rows are held against each other in the value.
    """

    critic: Critic = field(default_factory=Separable)
    ascent: Ascent = field(default_factory=Ascent)

    is_bound = True

    def estimate(self, pairs: Pairs, *, seed: int) -> Found:
        generator = stream("critic", seed)
        (x, y), (x_watched, y_watched) = (
            tuple(rows.float() for rows in part.flat())
            for part in (pairs.between(0, LEARNED), pairs.between(LEARNED, WATCHED))
        )
        f = self.critic.build(x.shape[1], y.shape[1], generator)
        looked = torch.randperm(len(x_watched), generator=generator)[: 8 * self.ascent.batch]

        def watched() -> float:
            parts = looked.split(self.ascent.batch)
            return float(
                np.mean(
                    [
                        float(self.bound(f(x_watched[i], y_watched[i])))
                        for i in parts
                        if len(i) == len(parts[0])
                    ]
                )
            )

        state = self.ascent.climb(
            list(f.parameters()), len(x), lambda i: self.bound(f(x[i], y[i])), watched, generator
        )
        return self._read(f, pairs.between(WATCHED, 1, fewest=4), state)

    @abstractmethod
    def bound(self, scores: Tensor) -> Tensor:
        """Of the scores of n rows against each other, (n, n): what is climbed."""

    @abstractmethod
    def value(self, sums: list[Sums], labels: list[NDArray[np.int64]], without: int | None) -> float:
        """The bound of all batches, without the rows of a block of time."""

    @abstractmethod
    def told(self, value: float, batch: int, evenness: float) -> tuple[Convergence, float]:
        """State of the value, and its ceiling; `evenness` is how many pairs the mean of e^f rests on."""

    def _read(self, f: nn.Module, pairs: Pairs, state: Convergence) -> Found:
        x, y = (rows.float() for rows in pairs.flat())
        batches = max(1, len(x) // self.ascent.batch)
        chosen = [torch.arange(k, len(x), batches) for k in range(batches)]
        series = np.zeros((2, len(x)))
        weight = np.zeros(2)
        with torch.no_grad():
            for i in chosen:
                s = f(x[i], y[i]).double()
                relative = torch.softmax(s, 1)
                series[0, i.numpy()] = (s.diagonal() - s.logsumexp(1)).numpy()
                series[1, i.numpy()] = relative.sum(0).numpy()
                apart = s - torch.diag(torch.full((len(i),), math.inf, dtype=s.dtype))
                weight += [float(apart.exp().sum()), float((2 * apart).exp().sum())]
            shape = pairs.x.shape
            over_copies = series.reshape(2, *shape[:3]).mean(3).transpose(1, 2, 0)
            label = np.repeat(blocks_of(over_copies).reshape(-1), shape[2])
            count = int(label.max()) + 1
            labels = [label[i.numpy()] for i in chosen]
            sums = [_summed(f(x[i], y[i]).double(), g, count) for i, g in zip(chosen, labels, strict=True)]
        value = self.value(sums, labels, None)
        left_out = np.array([self.value(sums, labels, g) for g in range(count)])
        told, ceiling = self.told(value, len(chosen[0]), weight[0] ** 2 / weight[1] / len(chosen[0]))
        if not all(autocorrelation(over_copies[..., k]).is_known for k in range(2)):
            state = Convergence.SERIES_TOO_SHORT
        elif told is not Convergence.CONVERGED:
            state = told
        return Found(value, jackknife_error(left_out), state, len(x), ceiling)


@dataclass(frozen=True)
class InfoNCE(NeuralBound):
    """I ≥ ⟨f(x_i, y_i) − ln 1/n Σ_j e^f(x_i, y_j)⟩ ≤ ln n: which of n rows is the partner?

    It varies little and cannot exceed ln n; a value above ln(n/10) is said to be at its ceiling.

    Examples
    --------
    >>> coin = 2 * torch.randint(2, (1, 4000, 1, 1), generator=torch.Generator().manual_seed(0)) - 1
    >>> found = InfoNCE(Separable(8, 1), Ascent(128, 200)).estimate(Pairs(coin, coin), seed=0)
    >>> 0.68 < found.value < math.log(2) + 3 * found.error, round(found.ceiling, 1)
    (True, 4.9)
    """

    name = "infonce"
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "oord2018",
            "A. van den Oord, Y. Li, O. Vinyals",
            "Representation learning with contrastive predictive coding",
            2018,
            "",
            "arXiv:1807.03748",
        ),
        Reference(
            "poole2019",
            "B. Poole, S. Ozair, A. van den Oord, A. A. Alemi, G. Tucker",
            "On variational bounds of mutual information",
            2019,
            "ICML",
            "arXiv:1905.06922",
        ),
    )

    def bound(self, scores: Tensor) -> Tensor:
        return (scores.diagonal() - scores.logsumexp(1)).mean() + math.log(len(scores))

    def value(self, sums: list[Sums], labels: list[NDArray[np.int64]], without: int | None) -> float:
        total, rows = 0.0, 0
        for s, label in zip(sums, labels, strict=True):
            kept, part = _without(s, label, without)
            n = s.columns.sum() - (0.0 if without is None else s.columns[without])
            terms = s.own[kept] - s.shift[kept] - np.log(part[kept] / n)
            total, rows = total + float(terms.sum()), rows + int(kept.sum())
        return total / rows

    def told(self, value: float, batch: int, evenness: float) -> tuple[Convergence, float]:
        high = value > math.log(batch / NEAR)
        return (Convergence.AT_CEILING if high else Convergence.CONVERGED), math.log(batch)


@dataclass(frozen=True)
class DonskerVaradhan(NeuralBound):
    """I ≥ ⟨f(x, y)⟩ − ln ⟨e^f(x, y′)⟩ over pairs and over strangers: no ceiling, but a mean of exponentials.

    Its variance grows as e^I, and a mean over few rows that carry the weight is too small, so the value too large; it
    is said to be uneven where fewer than 50 pairs make up the mean.

    Examples
    --------
    >>> coin = 2 * torch.randint(2, (1, 4000, 1, 1), generator=torch.Generator().manual_seed(0)) - 1
    >>> found = DonskerVaradhan(Separable(8, 1), Ascent(128, 200)).estimate(Pairs(coin, coin), seed=0)
    >>> 0.68 < found.value < math.log(2) + 3 * found.error + 1e-3
    True
    """

    name = "donsker_varadhan"
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "donsker1975",
            "M. D. Donsker, S. R. S. Varadhan",
            "Asymptotic evaluation of certain Markov process expectations for large time, I",
            1975,
            "Commun. Pure Appl. Math. 28, 1",
        ),
        Reference(
            "belghazi2018",
            "M. I. Belghazi et al.",
            "Mutual information neural estimation",
            2018,
            "ICML",
            "arXiv:1801.04062",
        ),
    )

    def bound(self, scores: Tensor) -> Tensor:
        n = len(scores)
        apart = scores - torch.diag(torch.full((n,), math.inf, dtype=scores.dtype))
        return scores.diagonal().mean() - apart.flatten().logsumexp(0) + math.log(n * (n - 1))

    def value(self, sums: list[Sums], labels: list[NDArray[np.int64]], without: int | None) -> float:
        top = max(float(s.shift.max()) for s in sums)
        own = pairs = strangers = rows = 0.0
        for s, label in zip(sums, labels, strict=True):
            kept, part = _without(s, label, without)
            n = s.columns.sum() - (0.0 if without is None else s.columns[without])
            apart = np.maximum(part[kept] - np.exp(s.own[kept] - s.shift[kept]), 0.0)
            own, rows = own + float(s.own[kept].sum()), rows + float(kept.sum())
            pairs += float((apart * np.exp(s.shift[kept] - top)).sum())
            strangers += float(kept.sum()) * (n - 1)
        return own / rows - top - math.log(pairs / strangers)

    def told(self, value: float, batch: int, evenness: float) -> tuple[Convergence, float]:
        few = evenness < FEWEST
        return (Convergence.UNEVEN if few else Convergence.CONVERGED), math.inf


def _summed(scores: Tensor, label: NDArray[np.int64], count: int) -> Sums:
    shift = scores.amax(1, keepdim=True)
    by_block = torch.zeros(len(scores), count, dtype=scores.dtype)
    by_block.index_add_(1, torch.from_numpy(label), (scores - shift).exp())
    columns = np.bincount(label, minlength=count).astype(float)
    return Sums(scores.diagonal().numpy(), by_block.numpy(), shift[:, 0].numpy(), columns)


def _without(
    s: Sums, label: NDArray[np.int64], without: int | None
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Rows that stay, and their sums over the columns that stay."""
    whole = s.by_block.sum(1)
    if without is None:
        return np.ones(len(label), bool), whole
    return label != without, np.maximum(whole - s.by_block[:, without], 1e-300)
