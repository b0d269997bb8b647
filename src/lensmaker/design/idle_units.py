"""Units that do no work of their own: their weights are zero, or those of another unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import Training
from lensmaker.core.bibliography import GLOROT_2010
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Replaced
from lensmaker.design.evidence import Evidence
from lensmaker.design.handle import handle_of
from lensmaker.numerics.finite import all_finite
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Element, Train
from lensmaker.systems.networks.weights import Layout, Weights, weights_of

SAME = 1e-6
"""Relative distance of two rows that are one; rounding of single precision is a tenth of it."""


class IdleUnits(Aberration):
    """Rows of a weight that are zero, or equal to an earlier row with an equal bias.

    A unit of zero weights passes nothing on from its input; units of equal weights get equal gradients from
    layers after them that treat them alike, and stay one unit. A weight that is zero as a whole is left out:
    residual branches and adapters begin so on purpose; so is one that is a table of embeddings too, whose row for
    padding is zero. On the optical axis, which has no way around it, a weight of zeros cuts the signal and is named.
    The correction draws these rows anew, Gaussian, with the root mean square of the others (of the other weights
    of the network, where none is left).
    """

    name = "idle_units"
    summary = "Units whose weights are zero, or repeat those of another unit of the layer."
    quantity = "idle_units"
    references = (GLOROT_2010,)

    def look(self, evidence: Evidence) -> list[Suspicion]:
        found: list[Suspicion] = []
        seen: set[str] = set(_tables(evidence.train))
        for element in evidence.train.visible():
            weights = weights_of(element, evidence.train)
            handle = handle_of(element, evidence.train) if weights is not None else None
            if weights is None or handle is None or weights.layout is Layout.LOOKUP or weights.transposed:
                continue
            if handle.parameter in seen or not all_finite(weights.weight):
                continue
            seen.add(handle.parameter)
            idle = _idle(weights)
            if not bool(weights.weight.any()) and _cuts(element, evidence):
                idle = _Idle(tuple(range(len(weights.weight))), ())
            elif evidence.training is Training.TRAINED:  # pruning, and the decay of weights, make zeros
                idle = _Idle((), idle.repeated)
            if idle.zero or idle.repeated:
                found.append(self._suspicion(element, weights, idle, handle.parameter, evidence))
        return found

    def _suspicion(
        self, element: Element, weights: Weights, idle: _Idle, parameter: str, evidence: Evidence
    ) -> Suspicion:
        rows, units = sorted([*idle.zero, *idle.repeated]), len(weights.weight)
        kinds = [f"{len(idle.zero)} with weights of zero"] if idle.zero else []
        kinds += [f"{len(idle.repeated)} that repeat another unit"] if idle.repeated else []
        stored = dict(evidence.network.model.named_parameters()).get(parameter)
        plain = stored is not None and stored.shape == weights.weight.shape
        others = evidence.typical_sigma_w() / math.sqrt(weights.fan_in)
        redrawn = _redrawn(weights.weight, rows, others, evidence.network.seed)
        changes = {parameter: redrawn} if plain else {}
        return Suspicion(
            self.name,
            element.where,
            f"{len(rows)} of {units} units do no work of their own ({' and '.join(kinds)}), the first is {rows[0]}",
            self.quantity,
            len(rows),
            0,
            f"draw the rows {_listed(rows)} of {parameter or 'its weight'} anew, as large as the others",
            changes,
        )


@dataclass(frozen=True)
class _Idle:
    zero: tuple[int, ...]
    repeated: tuple[int, ...]


def _idle(weights: Weights) -> _Idle:
    """The rows at fault; none where all are alike, as in a weight of zeros or an average."""
    rows = weights.weight.detach().flatten(1)
    rows = rows if rows.dtype == torch.float64 else rows.float()
    norms = rows.norm(dim=1)
    zero = norms <= SAME * norms.max()
    if len(rows) < 2 or rows.shape[1] < 2 or bool(zero.all()):
        return _Idle((), ())
    bias = weights.bias
    if bias is not None and bias.ndim == 1:
        rows = torch.cat([rows, bias.detach().to(rows)[:, None]], 1)
    repeated = _repeated(rows, zero)
    if len(repeated) >= len(rows) - 1 - int(zero.sum()):
        return _Idle((), ())
    return _Idle(tuple(zero.nonzero()[:, 0].tolist()), tuple(repeated))


def _repeated(rows: Tensor, left_out: Tensor) -> list[int]:
    """Rows that equal an earlier one, found by their projections onto one fixed direction."""
    direction = torch.randn(rows.shape[1], generator=stream("idle units", 0), dtype=rows.dtype)
    projections = rows @ direction.to(rows.device)
    order = projections.argsort(stable=True)
    near = SAME * float(rows.norm(dim=1).max())
    gaps = projections[order].diff().abs() <= near * float(direction.norm())
    found = []
    for k in gaps.nonzero()[:, 0].tolist():
        here, there = int(order[k]), int(order[k + 1])
        if not (left_out[here] or left_out[there]) and float((rows[here] - rows[there]).norm()) <= near:
            found.append(max(here, there))
    return sorted(set(found))


def _tables(train: Train) -> frozenset[str]:
    """Parameters that are looked up as embeddings, where a row for padding is zero by purpose."""
    found = (e for e in train.visible() if e.operation.startswith("embedding"))
    return frozenset(n for e in found for v in train.weight_inputs(e) for n in v.parameters)


def _cuts(element: Element, evidence: Evidence) -> bool:
    """Whether all that the network puts out has to pass this element, and others follow it."""
    return any(element in s.linear and not s.branched for s in evidence.stages[:-1])


def _redrawn(weight: Tensor, rows: list[int], typical: float, seed: int) -> Replaced:
    """Gaussian rows of the size of the others; of a typical one, where no other is left."""
    chosen = torch.zeros(len(weight), dtype=torch.bool)
    chosen[rows] = True
    others = weight.detach()[~chosen].double()
    size = float(others.square().mean().sqrt()) if others.numel() else typical
    drawn = size * torch.randn(weight.shape, generator=stream("idle units", seed), dtype=torch.float64)
    return Replaced(drawn, chosen.view(-1, *(1,) * (weight.ndim - 1)).expand(weight.shape))


def _listed(rows: list[int]) -> str:
    return ", ".join(map(str, rows[:4])) + (f" and {len(rows) - 4} more" if len(rows) > 4 else "")
