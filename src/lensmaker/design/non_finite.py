"""A weight or an activation is infinite or not a number, and with it all that comes after."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from lensmaker.core import Convergence
from lensmaker.core.bibliography import MICIKEVICIUS_2018
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Replaced
from lensmaker.design.evidence import Evidence
from lensmaker.numerics.finite import all_finite


class NonFinite(Aberration):
    """Values that are infinite or not a number, named by the first element that has them.

    One such weight makes every later activation and every gradient one. Each parameter or buffer that holds
    any is a finding; the correction writes 0 there, which lets the other weights of the unit act alone. Where
    all weights are finite but what the network puts out is not, the finding is the first element of which that
    is true: there is no number to change. Values that do not come out (a mask of −∞) are no fault.
    """

    name = "non_finite"
    summary = "A weight or an activation is infinite or not a number, and all that follows from it."
    quantity = "non_finite"
    references = (MICIKEVICIUS_2018,)
    explained_by = ("layer_gain", "depth_gain", "input_scale")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        found = list(self._tensors(evidence)) or list(self._activation(evidence))
        return sorted(found, key=lambda s: evidence.position(s.where))

    def _tensors(self, evidence: Evidence) -> Iterator[Suspicion]:
        model = evidence.network.model
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            if not tensor.is_floating_point() or all_finite(tensor):
                continue
            bad = ~tensor.detach().isfinite()
            count = int(bad.sum())
            yield Suspicion(
                self.name,
                evidence.first_use(name),
                f"{_entries(count, tensor)} of {name} {_are(count)}, the first at {_first(bad)}, so that "
                "nothing after it is a number",
                self.quantity,
                count,
                0,
                f"write 0 over {'it' if count == 1 else 'them'}: the other weights of the unit then act alone",
                {name: Replaced(torch.zeros(()), bad)},
                of_its_own=True,
            )

    def _activation(self, evidence: Evidence) -> Iterator[Suspicion]:
        broken = [
            e
            for e in evidence.train.visible()
            if evidence.convergence("second_moment", e.where) is Convergence.NOT_FINITE
        ]
        ends = {evidence.train.values[v].producer for v in evidence.train.boundary}
        reach_the_end = any(e.index in ends for e in broken)
        for element in broken[: int(reach_the_end)]:
            yield Suspicion(
                self.name,
                element.where,
                "its output is infinite or not a number here for the first time, though every weight is finite",
                self.quantity,
                math.nan,
                0,
                "none by a number alone: look at what enters it, or raise the precision",
                {},
            )


def _entries(count: int, tensor: Tensor) -> str:
    return f"{count} of {tensor.numel()} entries"


def _are(count: int) -> str:
    return "is infinite or not a number" if count == 1 else "are infinite or not numbers"


def _first(bad: Tensor) -> str:
    return str([int(i) for i in bad.nonzero()[0]])
