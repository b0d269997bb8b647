"""One weight is much larger or smaller than those that play its role in the other blocks."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import torch

from lensmaker.core import Training
from lensmaker.core.bibliography import GLOROT_2010, HANIN_NICA_2020
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Change, Scaled, ScaledRows
from lensmaker.design.evidence import Evidence
from lensmaker.design.handle import handle_of, users_of
from lensmaker.systems.networks import Element, Family
from lensmaker.systems.networks.weights import Layout, Weights, weights_of

BOUND = 6.0
"""Ratio of σ_w² to the median of its role beyond which a weight of a fresh network stands out."""

PEERS = 3
"""Weights of one role that are enough to be compared with one another."""


class WeightScale(Aberration):
    """A weight whose σ_w² = fan_in·⟨w²⟩ stands out from those of its role, where its layer's gain is not at stake.

    Blocks that repeat give each weight its peers: the same place in the other blocks. Inside a residual branch
    such a weight makes the branch drown the stream, or vanish; before a normalisation, which divides its scale
    out again, it makes the relative size of an update (η|g|/|w|, which goes as 1/σ_w²) another one; queries and
    keys make attention sharp or blunt. The correction brings σ_w to the median of its role.
    """

    name = "weight_scale"
    summary = "One weight is much larger or smaller than those of its role in the other blocks."
    quantity = "relative_scale"
    references = (GLOROT_2010, HANIN_NICA_2020)
    explained_by = ("non_finite", "idle_units")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        if evidence.training is Training.TRAINED:
            return []
        roles: dict[object, list[_Part]] = defaultdict(list)
        for part in _parts(evidence):
            roles[part.role].append(part)
        found = [s for e in evidence.train.visible() for s in _of_recurrent(self, e, evidence)]
        for parts in roles.values():
            if len(parts) < PEERS:
                continue
            laws = [[math.log(x) for x in law] for law in zip(*(p.laws for p in parts), strict=True)]
            for i, part in enumerate(parts):
                excesses = [logs[i] - median(logs) for logs in laws]
                out = min(map(abs, excesses)) > math.log(BOUND) and len({x > 0 for x in excesses}) == 1
                if out:
                    found.append(_suspicion(self, part, excesses[0], evidence))
        return sorted(found, key=lambda s: evidence.position(s.where))


@dataclass(frozen=True)
class _Part:
    """A weight, or the rows of it that make queries, keys or values; ⟨w²⟩ over what each law would make of it."""

    element: Element
    role: object
    rows: tuple[int, int] | None
    what: str
    laws: tuple[float, float, float]


def _parts(evidence: Evidence) -> Iterator[_Part]:
    on_the_axis = {lens.where for lens in evidence.lenses}
    seen: set[object] = set()
    for element in evidence.train.visible():
        weights = weights_of(element, evidence.train)
        if (
            weights is None
            or element.where in on_the_axis
            or weights.layout in (Layout.LOOKUP, Layout.LABELS)
        ):
            continue
        weight = weights.weight.detach()
        if (weight.data_ptr(), weight.shape) in seen:
            continue
        seen.add((weight.data_ptr(), weight.shape))
        place = re.sub(r"\d+", "#", element.where.path), element.operation, element.where.ordinal
        kind = (
            weights.kernel,
            weights.groups > 1,
            len(weight) > weight.shape[1],
            len(weight) < weight.shape[1],
        )
        for k, (rows, what) in enumerate(_thirds(weights)):
            part = weight if rows is None else weight[rows[0] : rows[1]]
            square = float(torch.linalg.vector_norm(part, dtype=torch.float64)) ** 2 / part.numel()
            if 0 < square < math.inf:
                laws = square * weights.fan_in, square * weights.fan_out, square
                yield _Part(element, (*place, *kind, k), rows, what, laws)


def _thirds(weights: Weights) -> list[tuple[tuple[int, int] | None, str]]:
    """The rows of queries, keys and values where one matrix makes all three."""
    rows = len(weights.weight)
    if weights.kernel or rows != 3 * weights.weight.shape[1]:
        return [(None, "weight")]
    n = rows // 3
    return [((0, n), "queries"), ((n, 2 * n), "keys"), ((2 * n, rows), "values")]


def _of_recurrent(aberration: WeightScale, element: Element, evidence: Evidence) -> Iterator[Suspicion]:
    """The matrices of a recurrent element, all drawn by one law: ⟨w²⟩ = 1/(3H), H units, by torch's default.

    The default votes as two more matrices do, so that of two that differ the one far from it is at fault.
    """
    if element.family is not Family.RECURRENT:
        return
    module = dict(evidence.network.model.named_modules()).get(element.where.path)
    if not hasattr(module, "hidden_size") or module is None:
        return
    squares = {
        name: float(p.detach().double().square().mean()) * float(module.hidden_size)
        for name, p in module.named_parameters()
        if p.ndim == 2
    }
    typical = median([*squares.values(), 1 / 3, 1 / 3])
    for name, square in squares.items():
        if not 0 < square < math.inf or abs(math.log(square / typical)) < math.log(BOUND):
            continue
        full, factor = f"{element.where.path}.{name}".lstrip("."), math.sqrt(typical / square)
        yield Suspicion(
            aberration.name,
            element.where,
            f"{name} is {max(factor, 1 / factor):.3g} times as {'large' if factor < 1 else 'small'} as the other "
            "matrices of the layer, and the gates saturate or forget",
            aberration.quantity,
            square / typical,
            BOUND if factor < 1 else 1 / BOUND,
            f"multiply {full} by {factor:.4g}, to the size of the others",
            {full: Scaled(factor)},
        )


def _suspicion(aberration: WeightScale, part: _Part, excess: float, evidence: Evidence) -> Suspicion:
    factor = math.exp(-excess / 2)
    handle = handle_of(part.element, evidence.train)
    alone = handle.parameter and users_of(handle.parameter, evidence.train) == {part.element.index}
    changes: dict[str, Change] = {}
    if alone:
        stored = dict(evidence.network.model.named_parameters()).get(handle.parameter)
        if part.rows is None:
            changes = {handle.parameter: Scaled(factor)}
        elif stored is not None and len(stored) == 3 * (part.rows[1] - part.rows[0]):
            changes = {handle.parameter: ScaledRows(factor, *part.rows)}
    which = part.what if part.rows is None else f"{part.what} (rows {part.rows[0]} to {part.rows[1] - 1})"
    return Suspicion(
        aberration.name,
        part.element.where,
        f"its {which} {'is' if part.rows is None else 'are'} {math.exp(abs(excess) / 2):.3g} times as "
        f"{'large' if excess > 0 else 'small'} as in the other blocks, and learns "
        f"{math.exp(abs(excess)):.3g} times {'slower' if excess > 0 else 'faster'} relative to its size",
        aberration.quantity,
        math.exp(excess),
        BOUND if excess > 0 else 1 / BOUND,
        f"multiply {'the ' + part.what + ' of ' if part.rows else ''}{handle.parameter or 'the weight'} by "
        f"{factor:.4g}, to the median of its role"
        + ("" if changes else f": {handle.refusal or 'it is shared'}"),
        changes,
    )
