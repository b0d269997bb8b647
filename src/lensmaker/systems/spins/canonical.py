"""A Hamiltonian at a temperature: the distribution that theories solve and samplers draw from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from torch import Tensor

from lensmaker.core import InputError, Where
from lensmaker.systems.spins.lattices import Lattice


@runtime_checkable
class Model(Protocol):
    """What has an energy: `Hamiltonian` of ±1 spins, `Multistate` of spins of q states."""

    @property
    def sites(self) -> int:
        """Number of spins N."""

    @property
    def lattice(self) -> Lattice | None:
        """The lattice that it is made on, None for one of its own."""

    @property
    def states(self) -> tuple[int, ...]:
        """What a spin can be, as the numbers in a configuration."""

    @property
    def is_even(self) -> bool:
        """Whether turning all spins over, the first state for the last one and so on, changes nothing."""

    def energy(self, spins: Tensor) -> Tensor:
        """H of each configuration: (…, N) → (…) in double precision."""


M = TypeVar("M", bound=Model, covariant=True)


@dataclass(frozen=True, eq=False)
class Canonical(Generic[M]):
    """P(s) = e^(−βH(s))/Z with β = 1/T, k_B = 1.

    Attributes
    ----------
    hamiltonian
        H.
    temperature
        T > 0; infinite for spins without weight on any configuration.

    Raises
    ------
    InputError
        If the temperature is not positive.
    """

    hamiltonian: M
    temperature: float

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise InputError(
                "a temperature above 0",
                f"{self.temperature}",
                "turn the sign of the couplings instead, J → −J",
            )
        object.__setattr__(self, "temperature", float(self.temperature))

    @property
    def beta(self) -> float:
        """1/T."""
        return 1 / self.temperature

    @property
    def sites(self) -> int:
        """Number of spins N."""
        return self.hamiltonian.sites

    @property
    def where(self) -> Where:
        """The place of its quantities: its temperature."""
        temperature = () if math.isinf(self.temperature) else (("T", self.temperature),)
        return Where(operation="spins", coordinates=temperature)
