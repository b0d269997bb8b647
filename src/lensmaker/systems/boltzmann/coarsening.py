"""A machine beside the spins whose distribution it is to have: what the variational map is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from lensmaker.core import InputError, Where
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.samples import Samples


@dataclass(frozen=True, eq=False)
class Coarsening:
    """The pair of which T(v, h) = −E(v, h) + H(v) is made, H being βH of the spins.

    Attributes
    ----------
    machine
        E, with pairs of states in both layers; units of 0 and 1 stand for spins −1 and 1.
    system
        H, at its temperature.
    samples
        Of the system; without them only sums over all configurations can be taken.
    name
        The place that numbers are signed with, beside the temperature.

    Raises
    ------
    InputError
        If a layer is not of pairs of states, the visible layer is not as large as the system, or the samples are of
        another one.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann import Spin
    >>> from lensmaker.systems.spins import chain, ising
    >>> pair = Coarsening(RestrictedBoltzmannMachine(Spin(4), Spin(2)), Canonical(ising(chain(4)), 2.0))
    >>> str(pair.where)
    'map[T=2]'
    """

    machine: RestrictedBoltzmannMachine
    system: Canonical[Any]
    samples: Samples | None = None
    name: str = "map"

    def __post_init__(self) -> None:
        for units in (self.machine.visible, self.machine.hidden):
            if len(units.states) != 2:
                raise InputError("layers of pairs of states", f"{units}", "make them Spin or Binary units")
        visible = self.machine.visible.size
        for sites in (self.system.sites, *([self.samples.system.sites] if self.samples else [])):
            if sites != visible:
                raise InputError(
                    f"{visible} spins, one for each visible unit",
                    f"{sites}",
                    "pair the machine with the system that it was trained on",
                )
        if self.samples is not None and not _alike(self.samples.system, self.system):
            got = f"samples of {self.samples.system.hamiltonian} at T = {self.samples.system.temperature:g}"
            raise InputError(
                f"samples at T = {self.system.temperature:g} of the system", got, "draw them from it"
            )

    @property
    def where(self) -> Where:
        """The place."""
        return Where(self.name, coordinates=self.system.where.coordinates)


def _alike(one: Canonical[Any], other: Canonical[Any]) -> bool:
    """Whether βH of both is the same but for a constant, on configurations that are drawn from all alike."""
    states = one.hamiltonian.states
    if tuple(states) != tuple(other.hamiltonian.states):
        return False
    drawn = torch.randint(len(states), (64, one.sites), generator=stream("configurations to compare", 0))
    rows = torch.tensor(states, dtype=torch.int8)[drawn]
    both = [system.beta * system.hamiltonian.energy(rows) for system in (one, other)]
    apart = both[0] - both[1]
    return float(apart.max() - apart.min()) <= 1e-9 * (1 + float(both[1].abs().max()))
