"""Does training find the networks that multiply: a map over depth and width beside networks that are written down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch

from lensmaker.core import Reference, Table
from lensmaker.core.bibliography import LIN_2017, ROLNICK_2018
from lensmaker.core.progress import Progress
from lensmaker.numerics.smooth_functions import smooth_function
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.finding import Finding, judged, over_trainings
from lensmaker.phenomena.folder import publish
from lensmaker.phenomena.kept import KeptPlan
from lensmaker.phenomena.product_training.plan import Plan, Target
from lensmaker.phenomena.product_training.training import held_out, target_of, trained
from lensmaker.systems.polynomials.product_network import ProductNetwork, neighbours, product_of_layers
from lensmaker.theories.polynomial_networks.flat_floor import flat_floor
from lensmaker.theories.polynomial_networks.layers import split

Errors = list[list[float]]
"""Of each width, and each seed."""


@dataclass(frozen=True)
class ProductTraining(Phenomenon):
    """Networks of several depths and widths learn the product of n inputs, and as a control their sum.

    Parameters
    ----------
    plan
        What is trained.
    """

    plan: Plan = field(default_factory=Plan)

    name = "product-training"
    summary = (
        "Whether training finds the networks that multiply, by depth and width, beside written-down ones."
    )
    references: ClassVar[tuple[Reference, ...]] = (LIN_2017, ROLNICK_2018)

    @classmethod
    def quick(cls) -> ProductTraining:
        return cls(Plan(factors=4, depths=(1, 2), widths=(4, 8, 16), seeds=5, steps=3000, batch=128))

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        kept, plan = KeptPlan(folder, self.plan), self.plan
        maps: dict[Target, dict[int, Errors]] = {target: {} for target in Target}
        for target in Target:
            for depth in plan.depths:
                maps[target][depth] = self._errors(kept, depth, target, progress)
        compiled = {depth: self.compiled(depth) for depth in plan.depths}
        findings = [*self._short(maps[Target.PRODUCT], compiled), *self._deeper(maps)]
        facts: list[dict[str, Any]] = [
            {"target": t.value, "depth": d, "width": w, "errors": e}
            for t, found in maps.items()
            for d, errors in found.items()
            for w, e in zip(plan.widths, errors, strict=True)
        ]
        facts += [
            {"target": "written down", "depth": d, "widths": list(w), "error": e}
            for d, (w, e) in compiled.items()
        ]
        pictures = {f"map of the {t.value}": self._map(t, maps[t]) for t in Target}
        publish(folder, findings, facts)
        return Outcome(Table(findings), facts, pictures)

    def compiled(self, depth: int) -> tuple[tuple[int, ...], float]:
        """Widths of the written-down network of so many layers, and its error in the arithmetic of training."""
        n, σ = self.plan.factors, smooth_function(self.plan.activation)
        found = split((1,) * n, depth)

        def gate(b: int) -> tuple[float, float]:
            floor = flat_floor(b, σ, torch.float32)
            return floor.bias, floor.scale

        network = product_of_layers(neighbours(n, found.groups), σ, gate, torch.float32)
        return found.widths, self._error_of(network)

    @torch.no_grad()
    def _error_of(self, network: ProductNetwork) -> float:
        x = held_out(self.plan)
        missed = network(x)[:, 0] * 3 ** (self.plan.factors / 2) - target_of(Target.PRODUCT, x)
        return float(missed.double().square().mean().sqrt())

    def _errors(self, kept: KeptPlan, depth: int, target: Target, progress: Progress | None) -> Errors:
        made = kept.of(f"{target.value}-{depth}", lambda: trained(self.plan, depth, target, progress))
        return [[float(e) for e in errors] for errors in made]

    # -- the claims ---------------------------------------------------------------------------------

    def _short(
        self, product: dict[int, Errors], compiled: dict[int, tuple[tuple[int, ...], float]]
    ) -> list[Finding]:
        """Training against the written-down network that fits into the layers."""
        found = []
        for depth, (widths, error) in compiled.items():
            wide = [k for k, w in enumerate(self.plan.widths) if w >= max(widths)]
            if not wide:
                continue
            width, errors = self.plan.widths[wide[0]], product[depth][wide[0]]
            claim = (
                f"Training of {depth} × {width} units falls short of the weights written down for "
                f"{' + '.join(map(str, widths))}"
            )
            found.append(_orders(claim, errors, [error] * len(errors), ("as good", 0.0)))
        return found

    def _deeper(self, maps: dict[Target, dict[int, Errors]]) -> list[Finding]:
        """Two layers of w units against one of 2w; and the same of the sum, which no depth helps."""
        plan, found = self.plan, []
        if not {1, 2} <= set(plan.depths):
            return []
        for k, width in enumerate(plan.widths):
            if 2 * width not in plan.widths:
                continue
            twice = plan.widths.index(2 * width)
            orders = {t: _log_ratios(maps[t][1][twice], maps[t][2][k]) for t in Target}
            claim = f"Two layers of {width} units learn the product better than one of {2 * width}"
            control = {"sum": over_trainings(orders[Target.SUM])}
            value = over_trainings(orders[Target.PRODUCT])
            found.append(judged(claim, value, ("as good", 0.0), control, trainings=plan.seeds))
        return found

    def _map(self, target: Target, found: dict[int, Errors]) -> dict[str, Any]:
        """Logarithms of the median over seeds, widths down and depths across."""
        rows = [
            [math.log10(sorted(found[d][k])[self.plan.seeds // 2]) for d in self.plan.depths]
            for k in range(len(self.plan.widths))
        ]
        return {
            "title": f"Networks that learn the {target.value} of {self.plan.factors} inputs",
            "caption": "log₁₀ of the root mean square error over that of the target: the median over seeds, by hidden "
            "layers and units of each.",
            "cells": rows,
            "rows": [str(w) for w in self.plan.widths],
            "columns": [str(d) for d in self.plan.depths],
            "row_axis": "units of a layer",
            "column_axis": "hidden layers",
        }


def _orders(claim: str, a: Sequence[float], b: Sequence[float], null: tuple[str, float]) -> Finding:
    """Orders of magnitude between two sets of errors."""
    return judged(claim, over_trainings(_log_ratios(a, b)), null, trainings=len(a))


def _log_ratios(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [math.log10(x / y) for x, y in zip(a, b, strict=True)]
