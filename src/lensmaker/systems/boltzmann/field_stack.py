"""The fields that hidden units have in the spins of a lattice, layer by layer of a stack of machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from lensmaker.core import InputError, Where
from lensmaker.systems.boltzmann.deep.belief import DeepBeliefNetwork
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.spins.lattices import Lattice

Machines = RestrictedBoltzmannMachine | DeepBeliefNetwork | Sequence[RestrictedBoltzmannMachine]

LEAST_SIDE = 3
"""A site of a shorter torus is its own second neighbour."""


@dataclass(frozen=True, eq=False)
class FieldStack:
    r"""r^(l) = r^(l−1) W^(l) with r^(0) = 1: a column is what a unit of layer l sees of the lattice.

    Parameters
    ----------
    machines
        One, a list from the lowest to the top one, or a deep belief network, whose generating weights are taken.
    lattice
        That the visible units of the lowest one are on: a square torus.
    name
        The place that numbers are signed with.

    Raises
    ------
    InputError
        If the lattice is no square torus with sides of three and more, or machines do not fit it or each other.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann import Spin
    >>> from lensmaker.systems.spins import square
    >>> below = RestrictedBoltzmannMachine(Spin(16), Spin(4))
    >>> stack = FieldStack([below, RestrictedBoltzmannMachine(Spin(4), Spin(2))], square(4))
    >>> [tuple(layer.shape) for layer in stack.fields]
    [(4, 4, 4), (2, 4, 4)]
    """

    machines: Machines
    lattice: Lattice
    name: str = "fields"

    def __post_init__(self) -> None:
        lattice = self.lattice
        if lattice.name != "square" or not all(lattice.periodic) or min(lattice.shape) < LEAST_SIDE:
            expected = f"a square torus with sides of {LEAST_SIDE} or more"
            raise InputError(expected, str(lattice), "pass square(40)")
        if not self.stack:
            raise InputError("a machine or more", "none", "pass machines, the lowest first")
        if (visible := self.stack[0].visible.size) != lattice.sites:
            expected = f"a lattice of {visible} sites, as the lowest machine has visible units"
            raise InputError(expected, str(lattice), "take the lattice that it was trained on")
        for one, two in pairwise(self.stack):
            if one.hidden.size != two.visible.size:
                expected = f"{one.hidden.size} visible units on a machine of so many hidden ones"
                raise InputError(
                    expected, f"{two.visible.size}", "pass the machines from the lowest to the top"
                )

    @cached_property
    def stack(self) -> list[RestrictedBoltzmannMachine]:
        """The machines, the lowest first."""
        if isinstance(self.machines, RestrictedBoltzmannMachine):
            return [self.machines]
        return self.machines.stack if isinstance(self.machines, DeepBeliefNetwork) else list(self.machines)

    @property
    def units(self) -> list[int]:
        """Hidden units of each layer."""
        return [machine.hidden.size for machine in self.stack]

    @property
    def fields(self) -> list[Tensor]:
        """Of the layers 1, 2 …: (units, rows, columns) in double precision."""
        found, r = [], None
        for machine in self.stack:
            W = matrix(machine)
            r = W if r is None else r @ W
            found.append(r.t().reshape(-1, *self.lattice.shape).contiguous())
        return found

    def check_window(self, window: int) -> None:
        """See that a window around a site is no wider than the lattice.

        Raises
        ------
        InputError
            If it is.
        """
        if window > min(self.lattice.shape):
            got = f"{window} on a {self.lattice}"
            raise InputError("a window no wider than the lattice", got, "pass a smaller window")

    def where(self, layer: int) -> Where:
        """The place of a layer, the lowest hidden one being 1."""
        return Where(self.name, coordinates=(("layer", layer),))


def check_odd(window: int) -> None:
    """See that a window has a site in its middle.

    Raises
    ------
    InputError
        If its side is even, or no size at all.
    """
    if window < 1 or window % 2 == 0:
        raise InputError("a window of an odd number of sites", f"{window}", "pass window=9")


@torch.no_grad()
def matrix(machine: RestrictedBoltzmannMachine) -> Tensor:
    """W as a matrix, (visible, hidden) in double precision, of weights of any kind."""
    like = machine.weights.parameter
    one = torch.eye(machine.visible.size, dtype=like.dtype, device=like.device)
    return machine.weights.up(one, torch.zeros_like(machine.hidden_bias)).double().cpu()
