"""Everything about a machine one of whose layers is small, from all configurations of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from lensmaker.core import Reference
from lensmaker.systems.boltzmann.exact import MOST_BITS, Exact
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Units
from lensmaker.theories.boltzmann.theory import BoltzmannTheory, Solution, Value


@dataclass(frozen=True)
class ExactBoltzmann(BoltzmannTheory):
    """Z = Σ_h e^{b·h − e(h)} Z_v(a + Wh), or the same with the layers exchanged.

    ⟨E⟩ = ⟨e(v)⟩ + ⟨e(h)⟩ − a·⟨v⟩ − b·⟨h⟩ − ⟨v·W·h⟩. Units without finitely many states have e of second degree in s,
    and ⟨s ∂E/∂s⟩ = 1 of each gives 2⟨e⟩ = n + (field · s in the mean).

    Examples
    --------
    >>> from lensmaker.systems.boltzmann.subject import Subject
    >>> found = ExactBoltzmann().predict(Subject(RestrictedBoltzmannMachine(3, 2)))
    >>> [abs(round(p.value / math.log(2), 9)) for p in found]  # ln Z, ⟨E⟩, S of five free units
    [5.0, 0.0, 5.0]
    """

    name = "exact_boltzmann"
    summary = (
        "Everything about a Boltzmann machine with a layer of at most 2^24 configurations, from all of them."
    )
    assumptions = ("one of the layers has at most 2^24 configurations",)
    references = (
        Reference(
            "smolensky1986",
            "P. Smolensky",
            "Information processing in dynamical systems: foundations of harmony theory",
            1986,
            "Parallel Distributed Processing I, MIT Press, chapter 6",
        ),
    )

    def refusal(self, machine: RestrictedBoltzmannMachine) -> str:
        bits = min(machine.visible.log_states, machine.hidden.log_states) / math.log(2)
        if bits <= MOST_BITS + 1e-6:
            return ""
        if math.isinf(bits):
            return "both of its layers are a continuum"
        return f"its smaller layer has 2^{bits:.4g} configurations, more than 2^{MOST_BITS}"

    def solve(self, machine: RestrictedBoltzmannMachine) -> Solution:
        exact = Exact(machine)
        v, h, products = exact.moments
        coupled = float((machine.weights.parameter * products).sum())
        energy = -coupled
        for units, bias, mean in (
            (machine.visible, machine.visible_bias, v),
            (machine.hidden, machine.hidden_bias, h),
        ):
            own = float(bias @ mean)
            energy += _mean_own(units, own + coupled, mean) - own
        log_z = exact.log_partition
        return Solution(Value(log_z, 0.0), Value(energy, 0.0), Value(log_z + energy, 0.0))


def _mean_own(units: Units, pushed: float, mean: Tensor) -> float:
    """⟨e(s)⟩ of a layer, from the mean of its fields times itself."""
    return 0.0 if math.isfinite(units.log_states) else (len(mean) + pushed) / 2
