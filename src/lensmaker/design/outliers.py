"""The layers of a network whose gain stands out from that of the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from lensmaker.core import Training
from lensmaker.design.critical_scale import Lens
from lensmaker.design.joint import SAME, Wish, joint
from lensmaker.design.named_laws import follows_a_law_of_others
from lensmaker.systems.networks import Family, Train
from lensmaker.systems.networks.operations import HOMOGENEOUS

if TYPE_CHECKING:
    from lensmaker.design.evidence import Evidence

BOUND = 4.0
"""Ratio of a layer's gain to the median of all beyond which it stands out of a fresh network.

The gain of a fresh layer is known from its weights to a relative √(2/weights), so no noise comes near.
"""

BOUND_TRAINED = 1e3
"""The same for a trained network, whose layers differ for good reasons."""

PEERS = 3
"""Layers that are enough to be compared with one another."""

BOUND_ALONE = 1e3
"""Ratio of the gain to the critical one beyond which one of fewer layers is at fault.

It spans what PyTorch draws for any activation (σ_w² = 1/3, 1/6 of the critical value before ReLU, 1/310
before the sigmoid), and two layers within it are within the bound of `depth_gain`.
"""

BOUND_ALONE_TRAINED = 1e6
"""The same for a trained network, whose first layer makes up for the units of the input."""

_ALIKE = 0.1
"""Spreads of ln gain that differ by less than this do not tell two laws of initialisation apart."""


@dataclass(frozen=True)
class Outlier:
    """A lens that stands out.

    Attributes
    ----------
    lens
        The lens.
    typical
        The gain that the others would have in its place, or 1 where there are too few of them.
    bound
        The ratio of the two that it exceeds.
    wish
        The correction that makes them equal.
    """

    lens: Lens
    typical: float
    bound: float
    wish: Wish


def outliers(evidence: Evidence) -> list[Outlier]:
    """The lenses that stand out, in order."""
    fresh, found = evidence.training is Training.FRESH, evidence.lenses
    laws = _LAWS if fresh else _LAWS[:1]
    if len(found) < PEERS:
        bound = BOUND_ALONE if fresh else BOUND_ALONE_TRAINED
        levels = [(0.0, [law(lens) for lens in found]) for law in laws]
    else:
        bound = BOUND if fresh else BOUND_TRAINED
        levels = _levels(found, laws)
    standing_out = _standing_out(found, levels, math.log(bound), evidence)
    wishes = joint(
        [Wish(x.handle, x.stage.linear[0], math.sqrt(typical / x.gain)) for x, typical in standing_out],
        evidence.train,
    )
    return [
        Outlier(lens, typical, bound, wish)
        for (lens, typical), wish in zip(standing_out, wishes, strict=True)
    ]


def balanced(found: Sequence[Outlier], train: Train) -> list[tuple[Outlier, Outlier]]:
    """Pairs of outliers of which one is as much too large as the other is too small, to 10 %.

    Between the two nothing but activations φ(k x) = k φ(x) may come, so that the network computes the same.
    """
    pairs: list[tuple[Outlier, Outlier]] = []
    free = [o for o in found if o.wish.factors]
    while free:
        first = free.pop(0)
        for other in free:
            together = first.wish.factor * other.wish.factor
            if 1 / SAME < together < SAME and _homogeneous(first.lens, other.lens, train):
                pairs.append((first, other))
                free.remove(other)
                break
    return pairs


def _homogeneous(first: Lens, last: Lens, train: Train) -> bool:
    start, end = first.stage.linear[0].index, last.stage.linear[0].index
    between = [e for e in train.visible() if start < e.index < end]
    return all(e.family is not Family.ACTIVATION or e.operation in HOMOGENEOUS for e in between)


def _fan_in(lens: Lens) -> float:
    return math.log(lens.gain)


def _mean_fan(lens: Lens) -> float:
    return math.log(lens.gain * (1 + lens.widening) / 2)


def _fan_out(lens: Lens) -> float:
    return math.log(lens.gain * lens.widening)


_Law = Callable[[Lens], float]
_LAWS: tuple[_Law, ...] = (_fan_in, _mean_fan, _fan_out)


_Levels = list[tuple[float, list[float]]]
"""For each law that may hold, the level ln g of all lenses, and ln g of each."""


def _levels(found: Sequence[Lens], laws: Sequence[_Law]) -> _Levels:
    by_law = []
    peers = {lens.handle.parameter or lens.where: lens for lens in found}.values()  # tied weights are one
    for law in laws:
        logs = [law(lens) for lens in peers]
        middle = median(logs)
        spread = median(abs(x - middle) for x in logs)
        by_law.append((spread, middle, [law(lens) for lens in found]))
    least = min(spread for spread, _, _ in by_law)
    return [(middle, logs) for spread, middle, logs in by_law if spread <= least + _ALIKE]


def _standing_out(
    found: Sequence[Lens], levels: _Levels, log_bound: float, evidence: Evidence
) -> list[tuple[Lens, float]]:
    """The lenses beyond the bound by all the laws, each with the gain that the first gives to its place.

    A fresh weight that follows, with others, an initialisation with a name is as it was meant to be; so is a first
    layer that makes up for the units of the input.
    """
    standing_out, fresh = [], evidence.training is Training.FRESH
    for i, lens in enumerate(found):
        excesses = [logs[i] - level for level, logs in levels]
        if not _beyond(excesses, log_bound):
            continue
        if fresh and not _beyond([x + _units(lens, evidence) for x in excesses], log_bound):
            continue
        if not (fresh and follows_a_law_of_others(lens.stage.linear[0], evidence.train)):
            level, logs = levels[0]
            standing_out.append((lens, math.exp(level - (logs[i] - math.log(lens.gain)))))
    return standing_out


def _beyond(excesses: list[float], log_bound: float) -> bool:
    return all(x > log_bound for x in excesses) or all(x < -log_bound for x in excesses)


def _units(lens: Lens, evidence: Evidence) -> float:
    """Of a layer that the input enters, ln ⟨x²⟩ of what tells its samples apart; 0 of any other."""
    (first,), sigma_w = lens.stage.linear, evidence.sigma_w(lens.stage)
    felt = evidence.felt(first, sigma_w, apart=True) if evidence.enters(first) else 1.0
    return math.log(felt) if 0 < felt < math.inf else 0.0
