"""A machine beside the spins whose distribution it is to have: what the variational map is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lensmaker.core import InputError, Where
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
        If a layer is not of pairs of states, or the visible layer is not as large as the system.

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

    @property
    def where(self) -> Where:
        """The place."""
        return Where(self.name, coordinates=self.system.where.coordinates)
