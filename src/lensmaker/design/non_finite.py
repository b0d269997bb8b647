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
    any is a finding; the correction writes 0 there, which lets the other weights of the unit act alone. The
    running statistics that it has reached in training are part of it, and begin anew. Where more than half of
    the parameters hold some, a step has spread them: there is one finding, and no number to change. Where all
    weights are finite but what the network puts out is not, the finding is the first element of which that is
    true: there is no number to change either. Values that do not come out (a mask of −∞) are no fault.
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
        parameters, buffers = (_broken(t) for t in (model.named_parameters(), model.named_buffers()))
        if 2 * len(parameters) > sum(1 for _ in model.parameters()) > 2:
            yield self._diverged(parameters, evidence)
            return
        place = {n: evidence.position(evidence.first_use(n)) for n in (*parameters, *buffers)}
        for name in sorted(parameters, key=place.__getitem__):
            reached = [n for n in buffers if _is_running(n) and place[n] >= place[name]]
            yield self._suspicion(name, parameters[name], {n: buffers.pop(n) for n in reached}, evidence)
        for name, bad in buffers.items():
            yield self._suspicion(name, bad, {}, evidence)

    def _suspicion(self, name: str, bad: Tensor, reached: dict[str, Tensor], evidence: Evidence) -> Suspicion:
        count = int(bad.sum())
        anew = {n: Replaced(torch.full((), float(n.endswith("var"))), where) for n, where in reached.items()}
        also = f"; the {len(reached)} running statistics after it, which it has reached, begin anew there"
        return Suspicion(
            self.name,
            evidence.first_use(name),
            f"{count} of {bad.numel()} entries of {name} {_are(count)}, the first at {_first(bad)}, so that "
            "nothing after it is a number",
            self.quantity,
            count,
            0,
            f"write 0 over {'it' if count == 1 else 'them'}: the other weights of the unit then act alone"
            + (also if reached else ""),
            {name: Replaced(torch.zeros(()), bad), **anew},
            of_its_own=True,
        )

    def _diverged(self, parameters: dict[str, Tensor], evidence: Evidence) -> Suspicion:
        total = sum(1 for _ in evidence.network.model.parameters())
        first = min(parameters, key=lambda n: evidence.position(evidence.first_use(n)))
        return Suspicion(
            self.name,
            evidence.first_use(first),
            f"{len(parameters)} of {total} parameters hold entries that are infinite or not numbers, as a "
            f"training that diverged leaves them, {first} before the others",
            self.quantity,
            sum(int(bad.sum()) for bad in parameters.values()),
            0,
            "none by a number: load a checkpoint from before, and inspect that",
            {},
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


def _broken(tensors: Iterator[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """Where entries are infinite or not numbers, of those tensors that have such."""
    return {
        name: ~t.detach().isfinite() for name, t in tensors if t.is_floating_point() and not all_finite(t)
    }


def _is_running(name: str) -> bool:
    return name.endswith(("running_mean", "running_var"))


def _are(count: int) -> str:
    return "is infinite or not a number" if count == 1 else "are infinite or not numbers"


def _first(bad: Tensor) -> str:
    return str([int(i) for i in bad.nonzero()[0]])
