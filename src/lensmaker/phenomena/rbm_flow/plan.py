"""What the study trains: data of many temperatures or of one, machines of several sizes, epochs and k."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from lensmaker.core import InputError

T_C = 2 / math.log(1 + math.sqrt(2))
"""Of the Ising model on the square lattice without end, J = 1 (L. Onsager, 1944)."""


@dataclass(frozen=True)
class Data:
    """What a machine learns from: as many configurations of each of these temperatures.

    Attributes
    ----------
    name
        As it is told.
    temperatures
        At T = 0 half of the configurations are up, half are down.
    """

    name: str
    temperatures: tuple[float, ...]

    @property
    def one(self) -> float | None:
        """The temperature, where it is one."""
        return self.temperatures[0] if len(self.temperatures) == 1 else None


@dataclass(frozen=True)
class Setting:
    """A kind of machine, and how it is trained."""

    data: Data
    hidden: int
    epochs: int
    cd: int

    def unlike(self, usual: Setting) -> str:
        """What of its training is not as usual."""
        words = [f"{self.epochs} epochs"] if self.epochs != usual.epochs else []
        return ", ".join([*words, f"CD-{self.cd}"] if self.cd != usual.cd else words)

    def __str__(self) -> str:
        return f"{self.data.name}, {self.hidden} units, {self.epochs} epochs, CD-{self.cd}"


@dataclass(frozen=True)
class Plan:
    """The machines of S. Iso, S. Shiba and S. Yokoo on a torus, and others that tell what their fixed point depends on.

    Attributes
    ----------
    side
        Of the square torus.
    temperatures
        Of the data of many temperatures.
    alone
        Of the controls, each of which learns from one temperature that is not T_c.
    rows
        Configurations to learn from; each seed draws its own.
    hidden
        Numbers of hidden units, rising.
    probe
        That one of them which the controls have, and machines with other epochs and other k.
    epochs, cd
        Of all machines.
    other_epochs, other_cd
        Of the probe beside them, for data of many temperatures and of T_c.
    batch, rates
        Of all trainings; the learning rate falls from the first to the last.
    seeds
        Trainings of each setting, each with its own data, weights and chains. To say a word about seven settings at
        once takes 50 standard errors by Student's t of three trainings, and six by that of eight.
    configurations, doublings
        That are iterated from each start, and how often k is doubled.
    patience
        Doublings more for a flow that has not come to rest, as one in 200 seems to by chance alone.
    calibration
        Configurations at each temperature of the thermometer of |m|.
    margin
        In units of T_c, by which a fixed point may be away from a temperature before it is another one.

    Raises
    ------
    InputError
        If temperatures, sizes, epochs or k are not as they have to be.
    """

    side: int = 10
    temperatures: tuple[float, ...] = tuple(k / 4 for k in range(25))
    alone: tuple[float, ...] = (1.8, 3.0)
    rows: int = 20_000
    hidden: tuple[int, ...] = (16, 64, 100, 225)
    probe: int = 64
    epochs: int = 20
    cd: int = 1
    other_epochs: tuple[int, ...] = (6, 60)
    other_cd: tuple[int, ...] = (5,)
    batch: int = 100
    rates: tuple[float, float] = (0.05, 0.005)
    seeds: int = 8
    configurations: int = 400
    doublings: int = 9
    patience: int = 2
    calibration: int = 4000
    margin: float = 0.02

    def __post_init__(self) -> None:
        if min(self.temperatures, default=-1.0) < 0 or len(set(self.temperatures)) < max(
            2, len(self.temperatures)
        ):
            got = ", ".join(f"{T:g}" for T in self.temperatures) or "none"
            raise InputError("several temperatures of 0 or more, each once", got, "pass T = 0, 0.25 … 6")
        if not all(T > 0 and abs(T - T_C) > self.margin * T_C for T in self.alone):
            got = ", ".join(f"{T:g}" for T in self.alone)
            raise InputError("controls at temperatures that are not T_c", got, "pass (1.8, 3.0)")
        if (
            list(self.hidden) != sorted(set(self.hidden))
            or self.probe not in self.hidden
            or min(self.hidden) < 1
        ):
            got = f"{self.hidden} with the probe {self.probe}"
            raise InputError("rising numbers of hidden units, the probe among them", got, "pass (16, 64)")
        if {self.epochs} & {*self.other_epochs} or {self.cd} & {*self.other_cd}:
            got = f"{self.epochs} beside {self.other_epochs}, CD-{self.cd} beside {self.other_cd}"
            raise InputError("other epochs and other k", got, "leave those of all machines out")
        if min(self.seeds, self.epochs, self.cd, *self.other_epochs, *self.other_cd) < 1:
            raise InputError("seeds, epochs and k of one or more", "less", "leave them as they are")
        if self.rows < 2 * len(self.temperatures):
            expected = f"{2 * len(self.temperatures)} rows or more, two of each temperature"
            raise InputError(expected, f"{self.rows}", "pass rows=20_000")
        if not (math.isfinite(self.margin) and self.margin > 0):
            raise InputError("a margin above zero", f"{self.margin}", "pass margin=0.02")

    @property
    def many(self) -> Data:
        """Of all temperatures."""
        low, high = min(self.temperatures), max(self.temperatures)
        return Data(f"T = {low:g} … {high:g}", self.temperatures)

    @property
    def critical(self) -> Data:
        """Of T_c alone."""
        return Data("T = T_c", (T_C,))

    @property
    def controls(self) -> tuple[Data, ...]:
        """Of one other temperature each."""
        return tuple(Data(f"T = {T:g}", (T,)) for T in self.alone)

    def sizes(self, data: Data) -> list[Setting]:
        """Machines that differ in the hidden units alone."""
        return [Setting(data, n, self.epochs, self.cd) for n in self.hidden]

    def lengths(self, data: Data) -> list[Setting]:
        """Machines that differ in the epochs alone, by rising ones."""
        rising = sorted({self.epochs, *self.other_epochs})
        return [Setting(data, self.probe, epochs, self.cd) for epochs in rising]

    def chains(self, data: Data) -> list[Setting]:
        """Machines that differ in k alone, that of all machines first."""
        return [Setting(data, self.probe, self.epochs, k) for k in (self.cd, *self.other_cd)]

    def beside(self, data: Data) -> list[Setting]:
        """All machines that learn from these data, each once."""
        if data in self.controls:
            return [self.probed(data)]
        return list(dict.fromkeys([*self.sizes(data), *self.lengths(data), *self.chains(data)]))

    def probed(self, data: Data) -> Setting:
        """The machine at which everything else is looked at."""
        return Setting(data, self.probe, self.epochs, self.cd)

    @property
    def settings(self) -> list[Setting]:
        """All of them, in the order of their data."""
        return [s for data in (self.many, self.critical, *self.controls) for s in self.beside(data)]

    @property
    def trainings(self) -> Iterator[tuple[Setting, int]]:
        """All of them with their seeds, those of one seed after each other."""
        return ((setting, seed) for seed, setting in product(range(self.seeds), self.settings))
