"""Ln Tr_h e^T of all configurations: how far a machine is from the trace condition, and what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.boltzmann.spin_form import spin_form
from lensmaker.theories.spins.enumeration import Enumerated

Values = NDArray[np.float64]

_BLOCK = 1 << 22
"""Numbers at a time."""


@dataclass(frozen=True, eq=False)
class Trace:
    """R(v) = ln Tr_h e^{T(v, h)} = βH(v) + ln Σ_h e^{−E(v, h)}, of every v.

    With P(v) = e^{−βH}/Z_H the machine's own distribution is P(v) e^{R}/⟨e^R⟩, so that

        ΔF = F^h − F^v = ln Z_H − ln Z_E = −ln ⟨e^R⟩,   KL(P ‖ P_RBM) = ln ⟨e^R⟩ − ⟨R⟩ ≥ 0,

    and KL = 0 if and only if R is the same for all v.
    """

    pair: Coarsening

    @cached_property
    def _states(self) -> Enumerated:
        return Enumerated(self.pair.system)

    @cached_property
    def values(self) -> Values:
        """R of every configuration; bit i of an index is set where v_i = −1."""
        form, n = spin_form(self.pair.machine), self.pair.system.sites
        found = np.empty(2**n)
        step = max(1, _BLOCK // (n + len(form.hidden)))
        for first in range(0, len(found), step):
            index = np.arange(first, min(first + step, len(found)))[:, None]
            v = np.asarray(1 - 2 * (index >> np.arange(n) & 1), np.float64)
            found[first : first + step] = form.log_sum(v)
        return found + self.pair.system.beta * self._states.energies

    @property
    def mean(self) -> float:
        """⟨R⟩."""
        return float(self._states.probabilities @ self.values)

    @property
    def variance(self) -> float:
        """⟨R²⟩ − ⟨R⟩²: 0 if and only if the trace condition holds but for a constant."""
        return float(self._states.probabilities @ (self.values - self.mean) ** 2)

    @property
    def residual(self) -> float:
        """Max |R − c| with the constant c that makes it least: half of what is between the largest R and the least."""
        return float(np.ptp(self.values)) / 2

    @cached_property
    def log_mean(self) -> float:
        """Ln ⟨e^R⟩ − ⟨R⟩, without what rounding would leave where R hardly varies."""
        p, x = self._states.probabilities, self.values - self.mean
        if float(np.abs(x).max()) < 1:
            return math.log1p(float(p @ (np.expm1(x) - x)))
        return float(logsumexp(x, b=p))

    @property
    def divergence(self) -> float:
        """KL(P ‖ P_RBM) in nats."""
        return self.log_mean

    @property
    def free_energy_shift(self) -> float:
        """ΔF in nats."""
        return -self.log_mean - self.mean

    @property
    def reverse_divergence(self) -> float:
        """KL(P_RBM ‖ P): what the machine as a trial distribution has of βF above the true one."""
        p, x = self._states.probabilities, self.values - self.mean - self.log_mean
        return float((p * np.exp(x)) @ x)
