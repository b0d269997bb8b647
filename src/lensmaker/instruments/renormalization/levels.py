"""Samples taken through a flow: the block spins of each level, and how many sites became one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray

from lensmaker.core import InputError, Where
from lensmaker.systems.spins.coarse_graining import CoarseGrainer, Flow, Level
from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.sampling.samples import Samples


def levels_of(samples: Samples, flow: CoarseGrainer, seed: int) -> Iterator[Level]:
    """The samples themselves, and their block spins after each step; a coarse-grainer that is no flow is one step.

    Raises
    ------
    InputError
        If the samples are on no lattice, or a step does not fit.
    """
    lattice = samples.system.hamiltonian.lattice
    if lattice is None:
        raise InputError(
            "samples on a lattice",
            "a Hamiltonian without one",
            "make it with ising(square(64)), for instance",
        )
    steps = flow if isinstance(flow, Flow) else Flow((flow,))
    return steps.levels(samples.spins, lattice, torch.Generator().manual_seed(seed))


def scale_between(fine: Lattice, coarse: Lattice) -> float:
    """b: how many sites of a side become one.

    Raises
    ------
    InputError
        If that is not the same number above 1 along all axes.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> scale_between(square(12, 6), square(4, 2))
    3.0
    """
    ratios = {n / m for n, m in zip(fine.shape, coarse.shape, strict=False)}
    if len(fine.shape) != len(coarse.shape) or len(ratios) > 1 or not min(ratios) > 1:
        raise InputError(
            "a step that shortens all sides of a lattice alike",
            f"{fine} → {coarse}",
            "choose another coarse-grainer",
        )
    return ratios.pop()


def by_chain(values: NDArray[Any], chains: int) -> NDArray[Any]:
    """(n, …) in the order of `Samples` → (chains, steps, …); a last step that not all chains have taken is left out."""
    steps = len(values) // chains
    return values[: steps * chains].reshape(steps, chains, *values.shape[1:]).swapaxes(0, 1)


def at_level(samples: Samples, number: int, name: str = "") -> Where:
    """The place of what is measured after so many steps, and of an operator's coupling there."""
    place = samples.system.where
    return Where(name, operation=place.operation, coordinates=(*place.coordinates, ("level", number)))
