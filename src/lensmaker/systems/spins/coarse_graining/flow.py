"""Coarse-graining again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.spins.coarse_graining.base import CoarseGrainer
from lensmaker.systems.spins.lattices import Lattice


class Level(NamedTuple):
    """Block spins after so many steps, and the lattice that they are on."""

    number: int
    lattice: Lattice
    spins: Tensor


@dataclass(frozen=True)
class Flow(CoarseGrainer):
    """Coarse-grainers one after the other, which together are one.

    Parameters
    ----------
    steps
        The first one acts first.

    Raises
    ------
    InputError
        If there are none.

    Examples
    --------
    >>> from lensmaker.systems.spins.coarse_graining import DecimationRule
    >>> from lensmaker.systems.spins.lattices import chain
    >>> flow = repeated(DecimationRule(), 2)
    >>> s = torch.tensor([[1, 1, -1, 1, -1, 1, 1, 1]])
    >>> [level.spins.tolist() for level in flow.levels(s, chain(8), torch.Generator())]
    [[[1, 1, -1, 1, -1, 1, 1, 1]], [[1, -1, -1, 1]], [[1, -1]]]
    """

    steps: tuple[CoarseGrainer, ...]

    name = "flow"

    def __post_init__(self) -> None:
        if not self.steps:
            raise InputError("a step or more", "none", "pass repeated(MajorityRule(), 3)")

    def coarse(self, lattice: Lattice) -> Lattice:
        for step in self.steps:
            lattice = step.coarse(lattice)
        return lattice

    def draw(self, spins: Tensor, lattice: Lattice, generator: torch.Generator) -> Tensor:
        for step in self.steps:
            spins, lattice = step.apply(spins, lattice, generator), step.coarse(lattice)
        return spins

    def levels(self, spins: Tensor, lattice: Lattice, generator: torch.Generator) -> Iterator[Level]:
        """The spins themselves, and those after each step."""
        self.coarse(lattice)  # what does not fit is said before anything is done
        yield Level(0, lattice, spins)
        for number, step in enumerate(self.steps, start=1):
            spins, lattice = step.apply(spins, lattice, generator), step.coarse(lattice)
            yield Level(number, lattice, spins)

    def __str__(self) -> str:
        return ", then ".join(map(str, self.steps))


def repeated(step: CoarseGrainer, times: int) -> Flow:
    """The same step so many times."""
    return Flow((step,) * times)
