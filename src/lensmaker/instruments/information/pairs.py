"""Pairs of what is read off a block, or its block spin, and off its environment, in the order of the samples."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.finite import all_finite
from lensmaker.systems.spins.coarse_graining import CoarseGrainer
from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.sampling.samples import Samples
from lensmaker.systems.spins.surroundings import Surroundings


@dataclass(frozen=True, eq=False)
class Pairs:
    """Spins of ±1 of two regions.

    Attributes
    ----------
    x, y
        (chains, steps, copies, spins), int8; copies are of one configuration.
    """

    x: Tensor
    y: Tensor

    def __post_init__(self) -> None:
        if self.x.ndim != 4 or self.x.shape[:3] != self.y.shape[:3] or not self.x.numel():
            got = f"{tuple(self.x.shape)} and {tuple(self.y.shape)}"
            raise InputError(
                "two tensors (chains, steps, copies, spins)", got, "take both from the same samples"
            )
        if not (all_finite(self.x) and all_finite(self.y)):
            raise InputError("pairs of finite numbers", "others among them", "remove or mend them")

    @property
    def rows(self) -> int:
        """How many pairs, of all chains, steps and copies."""
        return self.x.shape[0] * self.x.shape[1] * self.x.shape[2]

    def between(self, first: float, last: float, *, fewest: int = 1) -> Pairs:
        """The steps of every chain between two shares of its length.

        Raises
        ------
        InputError
            If there are fewer than are needed.
        """
        n = self.x.shape[1]
        start, stop = round(first * n), round(last * n)
        if stop - start < fewest:
            raise InputError(
                "chains of 12 steps or more, to be cut into three", f"{n}", "sample longer, or fewer chains"
            )
        return Pairs(self.x[:, start:stop], self.y[:, start:stop])

    def flat(self) -> tuple[Tensor, Tensor]:
        """Both as rows, one chain after the other."""
        return self.x.flatten(0, 2), self.y.flatten(0, 2)


def pairs_of(
    samples: Samples,
    around: Surroundings,
    rule: CoarseGrainer | None,
    generator: torch.Generator,
    copies: int = 1,
) -> Pairs:
    """What samples show of a block and its environment.

    Parameters
    ----------
    rule
        What makes the block one spin, by one draw of each configuration; None for the block itself.
    copies
        At how many places the block is looked at, by translations that change nothing.

    Raises
    ------
    InputError
        If block, rule or copies do not fit the lattice, or the spins are not ±1.
    """
    lattice = samples.system.hamiltonian.lattice
    if lattice is None or samples.system.hamiltonian.states != (-1, 1):
        raise InputError(
            "samples of spins ±1 on a lattice", str(samples), "give the Hamiltonian the lattice it is on"
        )
    steps = _steps(samples, lattice, around.side, copies)
    to = torch.from_numpy(np.stack([lattice.translation(step) for step in steps]))
    spins = samples.by_chain()
    if rule is None:
        x = spins[..., to[:, around.block(lattice)]]
    else:
        flat = rule.apply(spins.flatten(0, 1), lattice, generator)
        coarse = flat.unflatten(0, spins.shape[:2])
        sites = [_site(around.moved(step, lattice), rule, lattice) for step in steps]
        x = coarse[..., torch.tensor(sites)].unsqueeze(-1)
    return Pairs(x, spins[..., to[:, around.environment(lattice)]])


def _site(around: Surroundings, rule: CoarseGrainer, lattice: Lattice) -> int:
    """Which of the block spins is that of the block."""
    shape, b = rule.coarse(lattice).shape, around.side
    corner = around.corner or (0,) * len(lattice.shape)
    if shape != tuple(n // b for n in lattice.shape) or any(a % b for a in corner):
        expected = f"a rule that makes a spin of each block of side {b}, one of which begins at {corner}"
        raise InputError(expected, f"{rule}, whose block spins are {shape}", "take blocks of the rule")
    return int(np.ravel_multi_index([a // b for a in corner], shape))


def _steps(samples: Samples, lattice: Lattice, side: int, copies: int) -> list[tuple[int, ...]]:
    """Translations by whole blocks, spread evenly over all that there are."""
    some = [range(0, n, side) if p else (0,) for n, p in zip(lattice.shape, lattice.periodic, strict=True)]
    known = list(itertools.product(*some))
    if not 1 <= copies <= len(known) or (copies > 1 and any(n % side for n in lattice.shape)):
        raise InputError(f"1 to {len(known)} copies", f"{copies}", "take as many as there are blocks")
    if copies > 1:
        units = np.eye(len(lattice.shape), dtype=int)[list(lattice.periodic)] * side
        if not all(samples.system.hamiltonian.is_invariant(lattice.translation(u.tolist())) for u in units):
            raise InputError(
                "a Hamiltonian that is the same at every block", "one that is not", "pass copies=1"
            )
    return [known[k * len(known) // copies] for k in range(copies)]
