"""The hidden layers of a machine as block spins: p(h|v) is a coarse-graining of spins v."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.deep.belief import DeepBeliefNetwork
from lensmaker.systems.boltzmann.finite import check_finite
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Units
from lensmaker.systems.spins.coarse_graining import CoarseGrainer
from lensmaker.systems.spins.lattices import Lattice


@dataclass(frozen=True, eq=False)
class HiddenSpins(CoarseGrainer):
    """P(μ|s) of the top layer of a machine or of a stack of them, given spins in its visible layer.

    Units of 0 and 1 stand for −1 and 1.

    Parameters
    ----------
    machine
        With pairs of states in all layers.
    blocks
        The lattice that the hidden units are on; by default they are on none, in the order that they have.
    likeliest
        Whether each unit takes its likelier state, given that of the layer below, in the place of a draw; a coin is
        tossed where both are as likely.

    Raises
    ------
    InputError
        If a layer is not of pairs of states, or there are as many blocks as hidden units not; on drawing, if a
        parameter is not finite.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann import Spin
    >>> from lensmaker.systems.spins import chain
    >>> machine = RestrictedBoltzmannMachine(Spin(4), Spin(2))
    >>> W = torch.tensor([[9.0, 0], [9, 0], [0, 9], [0, 9]])  # each hidden spin sees two of the chain
    >>> machine.weights.parameter.data = W
    >>> HiddenSpins(machine).apply(torch.tensor([[1, 1, -1, -1]]), chain(4), torch.Generator()).tolist()
    [[1, -1]]
    """

    machine: RestrictedBoltzmannMachine | DeepBeliefNetwork
    blocks: Lattice | None = None
    likeliest: bool = False

    name = "hidden layer"

    def __post_init__(self) -> None:
        for units in self._layers:
            if len(units.states) != 2:
                raise InputError("layers of pairs of states", f"{units}", "make them Spin or Binary units")
        hidden = self._layers[-1].size
        if self.blocks is not None and self.blocks.sites != hidden:
            raise InputError(
                f"a lattice of {hidden} blocks", str(self.blocks), "name the lattice of hidden units"
            )

    @cached_property
    def _stack(self) -> list[RestrictedBoltzmannMachine]:
        return self.machine.stack if isinstance(self.machine, DeepBeliefNetwork) else [self.machine]

    @property
    def _layers(self) -> list[Units]:
        return [self._stack[0].visible, *(machine.hidden for machine in self._stack)]

    def coarse(self, lattice: Lattice) -> Lattice:
        visible, hidden = self._layers[0].size, self._layers[-1].size
        if lattice.sites != visible:
            raise InputError(
                f"a lattice of {visible} spins", str(lattice), "take the machine that was trained on it"
            )
        return unordered(hidden) if self.blocks is None else self.blocks

    @torch.no_grad()
    def draw(self, spins: Tensor, lattice: Lattice, generator: torch.Generator) -> Tensor:
        check_finite(self.machine)
        s = _as(self._layers[0], spins.to(self._stack[0].hidden_bias))
        for k, machine in enumerate(self._stack):
            field = (
                self.machine.recognition_field(k, s)
                if isinstance(self.machine, DeepBeliefNetwork)
                else machine.hidden_field(s)
            )
            if self.likeliest:
                drawn = machine.hidden.sample(torch.zeros_like(field), generator)
                low, high = machine.hidden.states
                s = torch.where(field == 0, drawn, torch.where(field > 0, high, low))
            else:
                s = machine.hidden.sample_(field, generator)
        return torch.where(s == self._layers[-1].states[1], 1, -1)

    def __str__(self) -> str:
        return f"hidden layer of {self.machine}" if isinstance(self.machine, DeepBeliefNetwork) else self.name


def unordered(sites: int) -> Lattice:
    """Sites without bonds, in a row.

    Examples
    --------
    >>> len(unordered(3).bonds)
    0
    """
    positions = np.arange(sites, dtype=np.float64)[:, None]
    none = np.zeros((0, 2), np.int64)
    return Lattice("unordered", (sites,), (False,), none, none[:, 0], positions)


def _as(units: Units, spins: Tensor) -> Tensor:
    """Spins of ±1 as the states of units."""
    low, high = units.states
    return (high + low) / 2 + (high - low) / 2 * spins
