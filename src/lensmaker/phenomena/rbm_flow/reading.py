"""What was read off one machine: its fixed point, and the way there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lensmaker.core import Convergence, Measurement, Table
from lensmaker.numerics.resampling import Estimate


@dataclass(frozen=True)
class Reading:
    """The fixed point of a machine, read by two thermometers.

    Attributes
    ----------
    energy, magnetic
        Temperatures by the energy and by |m|, with their standard errors.
    energy_state, magnetic_state
        Names of a `Convergence`.
    iterations
        After which it was read.
    of_data
        Temperature at which the Ising model has the mean energy of the rows that the machine learned from.
    trail
        `start`, `k`, `temperature`, `error` and `in_scale` of each look on the way.
    """

    energy: Estimate
    magnetic: Estimate
    energy_state: str
    magnetic_state: str
    iterations: int
    of_data: float
    trail: list[dict[str, Any]]

    @property
    def is_settled(self) -> bool:
        """Whether there is one fixed point, which all starts have reached, on the scale of the thermometer."""
        return self.energy_state == Convergence.CONVERGED.name

    @classmethod
    def of(cls, found: Table[Measurement], of_data: float) -> Reading:
        """Of what `RBMFlow` has measured."""
        ends = {
            m.quantity.name: m
            for m in found
            if m.where.operation == "fixed point" and not m.where.coordinates
        }
        energy, magnetic = ends["energy_temperature"], ends["magnetic_temperature"]
        trail = [
            {
                **dict(m.where.coordinates),
                "temperature": m.value,
                "error": m.error,
                "in_scale": m.convergence is Convergence.CONVERGED,
            }
            for m in found
            if m.where.operation == "flow" and m.quantity.name == "energy_temperature"
        ]
        return cls(
            Estimate(energy.value, energy.error),
            Estimate(magnetic.value, magnetic.error),
            energy.convergence.name,
            magnetic.convergence.name,
            max(int(look["k"]) for look in trail),
            of_data,
            trail,
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Reading:
        """What `to_dict` told."""
        pairs = {name: Estimate(*told[name]) for name in ("energy", "magnetic")}
        return cls(**{**told, **pairs})
