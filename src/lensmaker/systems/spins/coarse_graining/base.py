"""The contract of a coarse-grainer: spins on a lattice become fewer spins on a coarser one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import InputError, Reference
from lensmaker.systems.spins.lattices import Lattice

_BLOCK = 1 << 26
"""Spins that are worked on at a time."""


class CoarseGrainer(ABC):
    """P(μ|s) of block spins μ = ±1 given spins s = ±1, each configuration by itself.

    Attributes
    ----------
    name
        Of the rule.
    references
        The sources it rests on.
    """

    name: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]] = ()

    @abstractmethod
    def coarse(self, lattice: Lattice) -> Lattice:
        """The lattice of the block spins.

        Raises
        ------
        InputError
            If the rule does not fit the lattice.
        """

    @abstractmethod
    def draw(self, spins: Tensor, lattice: Lattice, generator: torch.Generator) -> Tensor:
        """Block spins of configurations that fit: (n, N) of ±1 → (n, M) of ±1."""

    @torch.no_grad()
    def apply(self, spins: Tensor, lattice: Lattice, generator: torch.Generator) -> Tensor:
        """One draw of the block spins of each configuration, int8, (n, M).

        Parameters
        ----------
        spins
            Of ±1, (n, N).
        lattice
            That they are on.
        generator
            Of what the rule leaves to chance.

        Raises
        ------
        InputError
            If the rule does not fit the lattice, the spins are not on it, or spins or what became of them are not ±1.
        """
        sites = self.coarse(lattice).sites
        if spins.ndim != 2 or spins.shape[1] != lattice.sites:
            expected = f"configurations of {lattice.sites} spins, (n, {lattice.sites})"
            raise InputError(expected, f"shape {tuple(spins.shape)}", "pass one row for each configuration")
        out = torch.empty(len(spins), sites, dtype=torch.int8, device=spins.device)
        step = max(1, _BLOCK // lattice.sites)
        for rows, into in zip(spins.split(step), out.split(step), strict=True):
            _check(rows, "spins of ±1", "pass 2 * bits - 1 for spins of 0 and 1")
            found = self.draw(rows, lattice, generator)
            if found.shape != into.shape:
                expected = f"block spins of shape {tuple(into.shape)} from {self}"
                raise InputError(
                    expected, f"shape {tuple(found.shape)}", "return one row for each configuration"
                )
            _check(found, f"block spins of ±1 from {self}", "return signs, with ties drawn at random")
            into.copy_(found)
        return out


def _check(spins: Tensor, expected: str, fix: str) -> None:
    if spins.is_complex():
        raise InputError(expected, "complex numbers", fix)
    wrong = ~((spins == 1) | (spins == -1))
    if bool(wrong.any()):
        raise InputError(expected, f"{spins[wrong][0].item()}", fix)
