"""Residual branches so large that the stream grows by a factor at each of them: depth was not reckoned with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from lensmaker.core import Training
from lensmaker.core.bibliography import HANIN_NICA_2020, ZHANG_2019
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Change
from lensmaker.design.evidence import Evidence
from lensmaker.design.residual_blocks import ResidualBlock, branch_scaled

BOUND = 1e4
"""Growth of a tangent's mean square over all blocks beyond which training suffers.

Measured on digits (120 steps at the best of three learning rates): a growth of 10² costs nothing, 7·10⁴ costs
5 % of the accuracy, 4·10⁹ costs 19 %.
"""


class ResidualScale(Aberration):
    """Blocks x + f(x), without a normalisation in f, whose growth ∏(1 + β_l) exceeds a bound.

    β_l = ⟨f²⟩/⟨x²⟩ of tangents is what block l adds to the stream. At β of order 1 the stream doubles at each
    block, 2^L in all; a branch has to be smaller the more of them there are. The correction multiplies the last
    weight (and bias) of every branch by α = (Σ β_l)^(−1/2), which is 1/√L where they are alike, so that the
    growth is at most e. A block that stands out, which `weight_scale` names, is counted as its median.
    """

    name = "residual_scale"
    summary = "Residual branches too large for their number: the stream grows at each block."
    quantity = "tangent"
    references = (ZHANG_2019, HANIN_NICA_2020)
    explained_by = ("non_finite",)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        if evidence.training is Training.TRAINED:
            return []
        blocks = [_Block(b, beta) for b in evidence.residual_blocks if (beta := _beta(b, evidence))]
        if len(blocks) < 2:
            return []
        typical = median(b.beta for b in blocks)
        betas = [b.beta if 1 / _ALIKE < b.beta / typical < _ALIKE else typical for b in blocks]
        growth = math.fsum(math.log1p(beta) for beta in betas)
        if growth <= math.log(BOUND):
            return []
        factor = math.fsum(betas) ** -0.5
        changes: dict[str, Change] = {}
        refused = []
        for block in (b.block for b in blocks):
            scaled = branch_scaled(block, factor, evidence.train)
            changes |= scaled
            refused += [] if scaled else [str(block.sum.where)]
        return [
            Suspicion(
                self.name,
                blocks[0].block.sum.where,
                f"each of {len(blocks)} residual blocks adds {typical:.3g} times the mean square of the stream to "
                f"it, which multiplies a tangent's by {math.exp(min(growth, 700.0)):.2g} over all of them",
                self.quantity,
                math.exp(min(growth, 700.0)),
                BOUND,
                f"multiply the last weight of each branch by {factor:.4g}, to a growth of e over the depth"
                + (f"; not {', '.join(refused)}, where it is not one parameter" if refused else ""),
                changes,
            )
        ]


_ALIKE = 36.0
"""Ratio of β to the median beyond which a block has a fault of its own: that of `weight_scale` in ⟨w²⟩, twice."""


@dataclass(frozen=True)
class _Block:
    block: ResidualBlock
    beta: float


def _beta(block: ResidualBlock, evidence: Evidence) -> float | None:
    """What the block adds, relative to the stream; None where it normalises, or where that is not known."""
    if block.normalised:
        return None
    before = evidence.value_at("tangent", block.stream)
    after = evidence.value("tangent", block.sum.where)
    if before is None or after is None or not 0 < before < after < math.inf:
        return None
    return after / before - 1
