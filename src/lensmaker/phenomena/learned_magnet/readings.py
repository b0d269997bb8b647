"""Energy and specific heat of a machine's samples, beside the exact ones of the magnet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lensmaker.core import Convergence
from lensmaker.core.progress import Progress
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.phenomena.folder import mark, put, taken
from lensmaker.phenomena.learned_magnet.machines import Look, learned, looks
from lensmaker.phenomena.learned_magnet.plan import Case, Plan
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.sampling.provenance import Provenance, versions
from lensmaker.theories.spins.kaufman import Kaufman

QUANTITIES = ("energy", "specific_heat")

TRIES = 3
"""Times a machine is measured, each with four times the sweeps of the last, until its chains have met."""


@dataclass(frozen=True)
class Reading:
    """One quantity of one machine.

    Attributes
    ----------
    quantity
        Its name.
    exact, value, error
        Of the torus, and of the machine's chains with its standard error.
    state
        Whether the chains have met.
    """

    quantity: str
    exact: float
    value: float
    error: float
    state: str

    @property
    def off(self) -> float:
        """By how much of the exact value, whatever the sign."""
        return abs(self.value / self.exact - 1)

    @property
    def is_usable(self) -> bool:
        """Whether it is a measurement at all."""
        return self.state == Convergence.CONVERGED.name


class Folder:
    """Where samples of the magnet and the readings of machines are kept, and found again."""

    def __init__(self, path: Path, plan: Plan) -> None:
        mark(path, plan)
        self.path, self.plan = path, plan

    def rows(self, temperature: float, progress: Progress | None = None) -> Tensor:
        """Independent configurations of ±1, (samples, sites)."""
        path = self.path / f"samples-{temperature:.4f}.zarr"
        found = sample(self._system(temperature), self.plan.samples, seed=0, path=path, progress=progress)
        return found.spins

    def readings(self, case: Case, progress: Progress | None = None) -> list[Reading]:
        """Of a case: from its file, or of a machine that is trained now."""
        file = self.path / f"{case.name.replace(' ', '-').replace(',', '')}.json"
        if not file.exists():
            system, rows = self._system(case.temperature), self.rows(case.temperature, progress)
            found = measured(learned(case, rows, self.plan, progress), system, self.plan)
            put(file, [asdict(reading) for reading in found])
        return [Reading(**kept) for kept in taken(file)]

    def _system(self, temperature: float) -> Canonical[Any]:
        return Canonical(ising(square(self.plan.side)), temperature)


def measured(look: Look, system: Canonical[Any], plan: Plan) -> list[Reading]:
    """What the chains of a machine give, as samples of the system that it should be."""
    exact = {p.quantity.name: p.value for p in Kaufman().predict(system)}
    burn_in, thin = plan.burn_in, plan.thin
    for _ in range(TRIES):
        spins = torch.cat(list(looks(look, burn_in, thin, plan.looks)))
        found = readings_of(Samples(spins, system, provenance(plan, burn_in, thin)), exact)
        if all(reading.is_usable for reading in found):
            break
        burn_in, thin = 4 * burn_in, 4 * thin
    return found


def readings_of(samples: Samples, exact: Mapping[str, float]) -> list[Reading]:
    """Of samples."""
    return [
        Reading(m.quantity.name, exact[m.quantity.name], m.value, m.error, m.convergence.name)
        for m in Ensemble().measure(samples)
        if m.quantity.name in QUANTITIES
    ]


def provenance(plan: Plan, burn_in: int, thin: int) -> Provenance:
    """Of the chains of a machine."""
    nan = math.nan
    return Provenance("machine", 0, plan.measured_chains, burn_in, thin, False, nan, nan, nan, versions())
