"""The claims about block spins, and how the numbers of all trainings decide each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.block_spin.facts import AGREEMENT, LOCAL_UNITS, Fact
from lensmaker.phenomena.block_spin.plan import Plan, Variant
from lensmaker.phenomena.finding import Finding, judged, over_trainings

CAUSELESS = (Variant.SHUFFLED, Variant.NO_COUPLING, Variant.UNTRAINED)
"""Controls in which there is nothing on the lattice to be found."""


class Findings:
    """All numbers, asked claim by claim.

    Parameters
    ----------
    random
        (name, layer) → what the theory of random fields says.
    majority
        Share of sites that the majority rule gets right.
    """

    def __init__(
        self,
        plan: Plan,
        facts: Sequence[Fact],
        random: Callable[[str, int], float],
        majority: Estimate,
    ) -> None:
        self.plan, self.facts, self.random, self.majority = plan, facts, random, majority

    def all(self) -> Iterator[Finding]:
        """In the order of the layers."""
        layers = range(1, len(self.plan.layers) + 1)
        for layer in layers:
            yield self._local(layer)
        for layer in layers:
            yield self._without_penalty(layer)
        for layer in layers:
            yield self._one_sign(layer)
        for layer in layers:
            yield self._most_units(layer)
        for layer in layers[:-1]:
            yield self._grows(layer)
        yield self._keeps_more()

    # -- the claims ---------------------------------------------------------------------------------

    def _local(self, layer: int) -> Finding:
        claim = f"Receptive fields of layer {layer} are local: w² is in one window of {self.plan.window}²"
        return self._against("window_fraction", layer, claim, self._uniform)

    def _without_penalty(self, layer: int) -> Finding:
        claim = f"Those of layer {layer} are local without L1 too"
        controls = {
            v.value: self._of(v, "window_fraction", layer) for v in (Variant.SHUFFLED, Variant.UNTRAINED)
        }
        return self._judged(
            claim, self._of(Variant.NO_PENALTY, "window_fraction", layer), self._uniform, controls
        )

    def _one_sign(self, layer: int) -> Finding:
        claim = f"Weights in the window of layer {layer} have one sign, as blocks have"
        null = ("random weights, predicted", self.random("sign_coherence", layer))
        return self._against("sign_coherence", layer, claim, null)

    def _most_units(self, layer: int) -> Finding:
        claim = f"Most units of layer {layer} are block spins: half of their w² is in the window"
        return self._against(LOCAL_UNITS, layer, claim, ("half of the units", 0.5))

    def _grows(self, layer: int) -> Finding:
        claim = f"Fields of layer {layer + 1} are wider than those of layer {layer}"
        return self._judged(claim, self._growth(layer), ("no growth", 0.0))

    def _keeps_more(self) -> Finding:
        bits, block = self.plan.layers[-1], self.plan.block
        claim = f"{bits} top units keep more signs than the majority rule of blocks of {block} × {block}"
        found = self._of(Variant.ISING, AGREEMENT, 0)
        value = Estimate(found.value, float(np.hypot(found.error, self.majority.error)))
        return self._judged(claim, value, ("majority rule", self.majority.value))

    # -- numbers ------------------------------------------------------------------------------------

    @property
    def _uniform(self) -> tuple[str, float]:
        return "a uniform field", self.plan.window**2 / self.plan.side**2

    def _against(self, name: str, layer: int, claim: str, null: tuple[str, float]) -> Finding:
        controls = {v.value: self._of(v, name, layer) for v in CAUSELESS}
        return self._judged(claim, self._of(Variant.ISING, name, layer), null, controls)

    def _values(self, variant: Variant, name: str, layer: int) -> list[float]:
        return [f.value for f in self._facts(variant, name, layer)]

    def _facts(self, variant: Variant, name: str, layer: int) -> list[Fact]:
        """One for each training, in the order of the seeds."""
        found = [f for f in self.facts if (f.variant, f.name, f.layer) == (variant, name, layer)]
        return sorted(found, key=lambda f: f.seed)

    def _spread(self, name: str, layer: int) -> float | None:
        """Standard deviation of one training, from those of the Ising model."""
        values = self._values(Variant.ISING, name, layer)
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def _of(self, variant: Variant, name: str, layer: int) -> Estimate:
        """Over trainings; the error is not below what units, or configurations, of each of them leave to chance.

        A few trainings may agree to the last unit.
        """
        here = self._facts(variant, name, layer)
        found = over_trainings([f.value for f in here], self._spread(name, layer))
        least = float(np.sqrt(np.sum([f.error**2 for f in here]))) / len(here)
        return Estimate(found.value, max(found.error, least))

    def _judged(
        self,
        claim: str,
        value: Estimate,
        null: tuple[str, float],
        controls: Mapping[str, Estimate] | None = None,
    ) -> Finding:
        return judged(claim, value, null, controls, trainings=self.plan.seeds)

    def _growth(self, layer: int) -> Estimate:
        widths = [self._values(Variant.ISING, "field_half_width", k) for k in (layer, layer + 1)]
        return over_trainings([wide - narrow for narrow, wide in zip(*widths, strict=True)])
