"""A machine that is iterated, v → h → v → …, and the configurations that it starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.finite import check_finite
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.spins.sampling.samples import Samples


@dataclass(frozen=True, eq=False)
class MachineFlow:
    """P(v'|v) = Σ_h P(v'|h) P(h|v), again and again, from samples of spins at one temperature or several.

    Units of 0 and 1 stand for −1 and 1.

    Parameters
    ----------
    machine
        With a pair of states in its visible units.
    starts
        Samples of one Hamiltonian, each at a temperature of its own.
    name
        The place that numbers are signed with.

    Raises
    ------
    InputError
        If there are no starts, empty ones or two at one temperature, or they do not fit the machine or each other; on
        iterating, if a parameter is not finite.
    """

    machine: RestrictedBoltzmannMachine
    starts: Sequence[Samples]
    name: str = "machine"

    def __post_init__(self) -> None:
        visible = self.machine.visible
        if len(visible.states) != 2:
            raise InputError("visible units of two states", f"{visible}", "make them Spin or Binary units")
        if not self.starts or not all(len(samples) for samples in self.starts):
            fix = "pass [sample(Canonical(ising(square(10)), T), 1000) for T in (1.0, 4.0)]"
            raise InputError("samples at a temperature or more to start from", "none", fix)
        first = self.starts[0].system.hamiltonian
        for samples in self.starts:
            model = samples.system.hamiltonian
            if model.sites != visible.size or tuple(model.states) != (-1, 1):
                expected = f"samples of {visible.size} spins of ±1, as the machine has visible units"
                raise InputError(expected, f"{model}", "take samples of the system that it was trained on")
            if str(model) != str(first):
                raise InputError(
                    "starts of one Hamiltonian", f"{first} and {model}", "measure a flow for each"
                )
        temperatures = [samples.system.temperature for samples in self.starts]
        if len(set(temperatures)) < len(temperatures):
            got = ", ".join(f"{T:g}" for T in temperatures)
            raise InputError(
                "starts at temperatures that differ", got, "join the samples of each temperature"
            )

    @torch.no_grad()
    def states(self, start: Samples, steps: Sequence[int], generator: torch.Generator) -> Iterator[Tensor]:
        """Spins of ±1, int8, (n, N) in the order of the start, after each of these growing numbers of iterations."""
        check_finite(self.machine)
        low, high = self.machine.visible.states
        like = self.machine.visible_bias
        v = (high + low) / 2 + (high - low) / 2 * start.spins.to(like)
        done = 0
        for number in steps:
            v = self.machine.gibbs(v, number - done, generator)
            done = number
            yield (torch.where(v == high, 1, -1) if done else start.spins).to("cpu", torch.int8)
