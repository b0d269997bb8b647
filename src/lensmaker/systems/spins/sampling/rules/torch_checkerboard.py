"""Checkerboard Metropolis on words of 64 spins, for devices of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins
from lensmaker.systems.spins.sampling.tables.rows import not_in_rows

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.words import Words


@dataclass(frozen=True)
class TorchCheckerboard(Rule):
    """The checkerboard, 64 spins to a word of a tensor: neighbours in a row of one lattice, or 64 chains.

    For one coupling on a square torus without a field. With 128 columns or a multiple of them a word holds 64 sites
    of one colour in a row; with other even sides it holds the same site of 64 chains.

    A spin with m of its four neighbours against it is turned over if u < p_m, with p = e^(−8β|J|), e^(−4β|J|), 15/16
    for those that cost 8|J|, 4|J| and nothing, and always where it gains. The numbers u have 32 bits. Of these, 16 are
    drawn for each spin; the other 16, which decide where the first are equal to those of p_m, are drawn for every
    64th row and shared by the rows after it. So p_m is exact to 2⁻³², and two spins that share bits are independent
    to 2⁻³², the chance that both come so far.

    Bytes that each turn moves: 2 of random bits are written. Compiled into one kernel, these and ⅛ for each of the
    spin and its neighbours are read, and ⅛ is written: 4.6 in all, so that 3.35 TB/s allow 730 turns/ns. Without
    compilation, three limits are carried through 16 steps of ⅜ bytes: 20 more.

    Attributes
    ----------
    device
        Where the tensors are: "cpu", "cuda".
    compiled
        Whether `torch.compile` makes one kernel of the steps, which takes a minute at the start.
    """

    device: str = "cpu"
    compiled: bool = False

    name = "torch_checkerboard"
    cost = 15.0
    summary = (
        "The checkerboard on words of 64 spins, for GPUs; one coupling on a square torus without a field."
    )
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "romero2020",
            "J. Romero, M. Bisson, M. Fatica, M. Bernaschi",
            "High performance implementations of the 2D Ising model on GPUs",
            2020,
            "Comput. Phys. Commun. 256, 107473",
        ),
    )

    @property
    def signature(self) -> str:
        return self.name if self.device == "cpu" else f"{self.name}(device={self.device})"

    def reason(self, system: Canonical) -> str:
        if found := not_in_rows(system):
            return found
        lattice = system.hamiltonian.lattice
        if lattice is None or lattice.name != "square" or not all(lattice.periodic):
            return f"{lattice}, where words are made for square tori alone"
        if system.hamiltonian.field.any():
            return "a field, for which it has no limits"
        return ""

    def start(self, system: Canonical, spins: Spins, seed: int) -> Words:
        from lensmaker.systems.spins.sampling.walks.words import Words

        self.check(system)
        return Words(system, spins, seed, device=self.device, compiled=self.compiled)
