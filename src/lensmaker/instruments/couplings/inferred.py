"""Couplings that were read off samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Table, Where, quantity
from lensmaker.instruments.couplings.spread import Spread
from lensmaker.systems.spins.hamiltonian import Hamiltonian


@dataclass(frozen=True, eq=False)
class Inferred:
    """Dimensionless couplings K_a = βJ_a: P(s) = e^(Σ_a K_a Φ_a(s))/Z.

    Attributes
    ----------
    instrument
        Name of the method.
    model
        The terms Φ_a.
    couplings, errors
        Name → K and its standard error; ±inf and inf where the samples bound it not.
    bias
        Name → what the penalty pulls K by, to first order; 0 without one. The error does not contain it.
    convergence
        Name → state of each.
    samples
        Number of configurations.
    spread
        How each sample pulls at the couplings, and from it errors and autocorrelation times.
    loss
        What was minimised, a sample.
    iterations
        Steps of Newton's method.
    """

    instrument: str
    model: Hamiltonian
    couplings: Mapping[str, float]
    errors: Mapping[str, float]
    bias: Mapping[str, float]
    convergence: Mapping[str, Convergence]
    samples: int
    spread: Spread
    loss: float
    iterations: int

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The terms with couplings K, to be sampled at T = 1.

        Raises
        ------
        InputError
            If a coupling is infinite.
        """
        if endless := [name for name, K in self.couplings.items() if not math.isfinite(K)]:
            raise InputError(
                "finite couplings",
                f"{endless[0]} = {self.couplings[endless[0]]}",
                "infer with a penalty: l2=0.01",
            )
        return replace(self.model, couplings=dict(self.couplings))

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of the couplings, in the order of their names, (A, A)."""
        return self.spread.covariance

    @property
    def autocorrelation_times(self) -> Mapping[str, float]:
        """Name → integrated autocorrelation time of what the samples say of it, in samples; ½ if independent."""
        return dict(zip(self.couplings, self.spread.times.tolist(), strict=True))

    def to_table(self) -> Table[Measurement]:
        """A measurement of each coupling, at its name."""
        return Table(
            Measurement(
                quantity("coupling"),
                Where(name, operation="spins"),
                K,
                self.errors[name],
                self.instrument,
                self.samples,
                self.convergence[name],
            )
            for name, K in self.couplings.items()
        )

    def __str__(self) -> str:
        shown = list(self.couplings.items())[:20]
        lines = [f"{name} = {K:.4g} ± {self.errors[name]:.2g}" for name, K in shown]
        if len(self.couplings) > len(shown):
            lines.append(f"… and {len(self.couplings) - len(shown)} more")
        return "\n".join([f"{self.instrument}, {self.samples} samples", *lines])
