"""All tokens of a sample become one: attention averages, and what it averages drowns the stream."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lensmaker.core import Training, Where
from lensmaker.core.bibliography import DONG_2021, NOCI_2022
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.contrast import BOUND
from lensmaker.design.correction import Change
from lensmaker.design.evidence import Evidence
from lensmaker.design.residual_blocks import ResidualBlock, branch_scaled
from lensmaker.systems.networks import Element, Family

ALIKE = 1e-3
"""Distance 1 − c_T of tokens that enter so much alike that nothing can be said of what becomes of it."""


class RankCollapse(Aberration):
    """The contrast between tokens, (1 − c_T) after attention over that before the first, falls below a bound.

    A fresh attention looks at all tokens nearly alike, so it gives each the same average. Where that is large
    beside the stream, or where no stream goes around it, the tokens become one, a matrix of rank one, and what
    tells them apart is lost. The correction multiplies the last weight of every attention branch by
    (⟨x²⟩/Σ⟨f²⟩)^½, so that all together add as much as the stream brings. The attention branches are chosen to
    be made smaller; to make the stream larger by as much would do as well.
    """

    name = "rank_collapse"
    summary = "The tokens of a sample become one: attention has averaged them."
    quantity = "token_correlation"
    references = (DONG_2021, NOCI_2022)
    explained_by = ("non_finite", "input_scale", "idle_units", "layer_gain", "depth_gain", "weight_scale")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        if evidence.training is Training.TRAINED:
            return []
        entering = _entering(evidence)
        if entering is None or 1 - entering < ALIKE:
            return []
        for element in _after_attention(evidence):
            leaving = evidence.measured("token_correlation", element.where)
            if leaving is not None and 1 - leaving < (1 - entering) / BOUND:
                return [self._suspicion(element, entering, leaving, evidence)]
        return []

    def _suspicion(self, element: Element, entering: float, leaving: float, evidence: Evidence) -> Suspicion:
        blocks = [b for b in evidence.residual_blocks if _attends(b)]
        changes, sentence = _smaller(blocks, evidence)
        return Suspicion(
            self.name,
            element.where,
            f"the tokens of a sample have become one: their cosine is {entering:.3g} before the first attention "
            f"and 1 − {1 - leaving:.2g} here, because what attention averages "
            + ("outweighs the stream around it" if blocks else "has no stream around it"),
            self.quantity,
            leaving,
            1 - (1 - entering) / BOUND,
            sentence,
            changes,
        )


def _attends(block: ResidualBlock) -> bool:
    return any(e.operation in _ATTENTION for e in block.inside)


def _after_attention(evidence: Evidence) -> Iterator[Element]:
    """The sums that end the attention blocks; where nothing goes around attention, the elements after it."""
    blocks = [b.sum for b in evidence.residual_blocks if _attends(b)]
    yield from blocks
    attention = False
    for element in evidence.train.visible() if not blocks else ():
        if element.operation in _ATTENTION:
            attention = True
        elif attention and element.family is Family.LINEAR:
            yield element
            attention = False


def _entering(evidence: Evidence) -> float | None:
    """Correlation of the tokens before the first attention; without a stream, where it is read first."""

    def read(where: Where) -> float | None:
        return evidence.measured("token_correlation", where)

    for block in evidence.residual_blocks:
        if _attends(block):
            return evidence.nearest(block.stream, read)
    return next((c for e in evidence.train.visible() if (c := read(e.where)) is not None), None)


_ATTENTION = ("scaled_dot_product_attention", "softmax")


def _smaller(blocks: list[ResidualBlock], evidence: Evidence) -> tuple[dict[str, Change], str]:
    """The correction of the attention branches, and what it does in words."""
    if not blocks:
        return {}, "none by a number: add the input of each attention to its output, as a residual stream"
    stream = evidence.value_at("second_moment", blocks[0].stream)
    added = [evidence.value_at("second_moment", b.branch) for b in blocks]
    known = [b for b in added if b is not None and 0 < b < math.inf]
    factor = math.sqrt(stream / math.fsum(known)) if stream and known else math.nan
    changes: dict[str, Change] = {}
    for block in blocks if factor < 1 else ():
        changes |= branch_scaled(block, factor, evidence.train)
    if not changes:
        return {}, "make what attention adds smaller, or the stream larger: no parameter alone does it"
    return changes, (
        f"multiply the last weight of each attention branch by {factor:.4g}, so that all together add what the "
        "stream brings (a larger stream would do as well)"
    )
