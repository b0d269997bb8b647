"""How far the weights of a stage are from the critical scale of its activation.

A stage of χ = σ_w² E[φ'(x)²] is critical at the σ_w of the critical line of φ. The gain at criticality, σ_w²
over the square of that, is what a correction needs: it is exactly quadratic in the scale of the weights, also
where φ saturates and χ is not, and it is known also where the signal has left the range of its precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from lensmaker.core import Convergence, InputError, Training, Where
from lensmaker.design.handle import Handle, handle_of
from lensmaker.design.optical_axis import Stage
from lensmaker.systems.networks import Element, Family, Ref
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS
from lensmaker.systems.networks.weights import weights_of
from lensmaker.theories.activation_functions import Activation, activation
from lensmaker.theories.critical_line import CriticalPoint, OnLine, critical_weight_scale
from lensmaker.theories.fixed_points import crossing
from lensmaker.theories.signal_maps import gain, second_moment

if TYPE_CHECKING:
    from lensmaker.design.evidence import Evidence


@dataclass(frozen=True)
class Lens:
    """A stage whose gain the scale of one weight sets.

    Attributes
    ----------
    stage, handle
        The stage, and the parameter to scale it by.
    chi
        Its χ as it is, None where the signal left the range of its precision.
    gain
        Its χ at criticality: σ_w²/σ_critical², with the σ_w that is critical for the signal that the corrected
        layers before pass on where φ has no attracting one; equal to χ where φ is unknown.
    widening
        Units that leave the linear element over units that enter.
    """

    stage: Stage
    handle: Handle
    chi: float | None
    gain: float
    widening: float

    @property
    def where(self) -> Where:
        """The place of its linear element."""
        return self.stage.linear[0].where

    @property
    def to_critical(self) -> float:
        """What to multiply the weight by to make the stage critical."""
        return self.gain**-0.5

    @property
    def growth(self) -> float:
        """χ, or the gain at criticality where that is unknown."""
        return self.gain if self.chi is None else self.chi


def lenses(evidence: Evidence) -> list[Lens]:
    """The lenses along the optical axis; the last stage, the readout, is left out.

    Left out are branched stages, look-ups, whose scale is that of an input, a first stage of sines, whose weights
    are frequencies, stages with a normalisation, which divides the scale of the weights out again, those that
    make of finite numbers what is none, and those that biases have shut.
    """
    stages = [
        s
        for i, s in enumerate(evidence.stages[:-1])
        if not (i == 0 and any(e.operation in ("sin", "cos") for e in s.elements))
        and not s.branched
        and not s.normalised
        and len(s.linear) == 1
        and not _breaks(s, evidence)
        and not _shut_by_biases(s, evidence)
        and not s.linear[0].operation.startswith("embedding")
    ]
    with torch.random.fork_rng(devices=[]):  # activations are replayed, on the CPU, and may be random
        return list(_along_the_axis(evidence, stages))


def _breaks(stage: Stage, evidence: Evidence) -> bool:
    states = [evidence.convergence("second_moment", e.where) for e in stage.elements]
    return states[0] is Convergence.CONVERGED and Convergence.NOT_FINITE in states


def _shut_by_biases(stage: Stage, evidence: Evidence) -> bool:
    """Whether biases shift the units of a stage to where its activation is flat, so that χ says nothing of its weights.

    `dead_units` and `saturated_units` name it.
    """
    if evidence.sigma_b(stage) < 2 * evidence.sigma_w(stage):
        return False
    bound = 0.98 if evidence.training is Training.TRAINED else 0.8
    return any((evidence.measured("saturation", e.where) or 0.0) > bound for e in stage.elements)


def _along_the_axis(evidence: Evidence, stages: Sequence[Stage]) -> Iterator[Lens]:
    bench = _Bench(evidence, stages)
    leaving: dict[int, float] = {}  # axis position of a corrected stage → ⟨x²⟩ that it passes on
    for position, stage in enumerate(evidence.stages):
        if not any(stage is s for s in stages):
            continue
        entering = leaving.get(position - 1) or bench.second_moment_into(stage)
        setting = bench.setting(stage, entering)
        if setting is not None:
            leaving[position] = setting.leaving
            yield Lens(
                stage,
                handle_of(stage.linear[0], evidence.train),
                evidence.gain(stage),
                setting.gain,
                _widening(stage, evidence),
            )


@dataclass(frozen=True)
class _Setting:
    """Gain at criticality, and ⟨x²⟩ that leaves the critical stage; 0 if unknown."""

    gain: float
    leaving: float = 0.0


class _Bench:
    """The evidence, with the activations that are read from it and their critical points."""

    def __init__(self, evidence: Evidence, stages: Sequence[Stage]) -> None:
        self.evidence = evidence
        # One critical point for each activation: σ_w(σ_b) hardly varies over the biases of one network.
        self.typical_sigma_b = math.sqrt(sum(evidence.sigma_b(s) ** 2 for s in stages) / max(len(stages), 1))
        self.activations: dict[str, tuple[Activation, CriticalPoint] | None] = {}
        shaping = [e for s in stages for e in s.elements if e.family is Family.ACTIVATION]
        self.tunes = any(not _attracts(known[1]) for e in shaping if (known := self._activation(e)))

    def setting(self, stage: Stage, entering: float) -> _Setting | None:
        """What makes the stage critical, given ⟨x²⟩ that enters; None where nothing is known of it."""
        chi = self.evidence.gain(stage)
        as_it_is = None if chi is None else _Setting(chi)
        shaping = [e for e in stage.elements if e.family is Family.ACTIVATION]
        known = self._activation(shaping[0]) if len(shaping) == 1 else None
        rest = self.evidence.product(tuple(e for e in stage.elements if e not in shaping))
        if known is None or rest is None or (self.evidence.training is Training.TRAINED and chi is not None):
            return as_it_is
        phi, point = known
        sigma_b = self.evidence.sigma_b(stage)
        sigma_w = point.sigma_w if _attracts(point) else _tuned(phi, entering, sigma_b)
        if not math.isfinite(sigma_w):
            return as_it_is
        # Only the tuning of a later stage asks what leaves this one.
        q = sigma_w**2 * entering + sigma_b**2
        return _Setting(rest / sigma_w**2, float(second_moment(phi, q).value) if self.tunes else 0.0)

    def _activation(self, element: Element) -> tuple[Activation, CriticalPoint] | None:
        if element.operation not in ELEMENTWISE_ACTIVATIONS or len(element.inputs) != 1:
            return None
        options = [a for a in element.args if not isinstance(a, Ref)]
        key = f"{element.operation} {options} {element.kwargs}"
        if key not in self.activations:
            try:
                phi = activation(lambda x: element.replay(lambda _: x)[0])
                self.activations[key] = phi, critical_weight_scale(phi, sigma_b=self.typical_sigma_b)
            except InputError:
                self.activations[key] = None
        return self.activations[key]

    def second_moment_into(self, stage: Stage) -> float:
        """⟨x²⟩ at the input of a stage; 1 where it is not known."""
        signals = self.evidence.train.signal_inputs(stage.linear[0])
        value = self.evidence.value_at("second_moment", signals[0]) if signals else None
        return value if value is not None and 0 < value < math.inf else 1.0


def _attracts(point: CriticalPoint) -> bool:
    return point.status in (OnLine.CRITICAL, OnLine.UNBOUNDED)


def _tuned(phi: Activation, entering: float, sigma_b: float) -> float:
    """The σ_w for which χ = 1 at the signal that enters: q = ⟨x²⟩/E[φ'²] + σ_b²; nan where there is none."""

    def excess(q: float) -> float:
        return q - entering / float(gain(phi, q).value) - sigma_b**2

    low, high = 1e-3 * entering, 1e4 * (entering + sigma_b**2)
    if phi.jumps or excess(low) * excess(high) >= 0:
        return math.nan
    return float(gain(phi, crossing(excess, low, high)).value) ** -0.5


def _widening(stage: Stage, evidence: Evidence) -> float:
    weights = weights_of(stage.linear[0], evidence.train)
    return 1.0 if weights is None else weights.weight.shape[0] / weights.weight.shape[1]
