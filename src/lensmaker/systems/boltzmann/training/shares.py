"""Processes that learn one machine together, each from its share of the rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as distributed
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.draws import RowsFrom


@dataclass(frozen=True)
class Shares:
    """The place of a process among all: rows are shared out, and sums over them are summed.

    Random numbers of a row are those it would have in one process, so that many processes find what one finds, but for
    the order of sums.

    Attributes
    ----------
    rank, world
        Number of the process, and how many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.world > 1

    def part(self, count: int) -> slice:
        """Its share of so many rows.

        Examples
        --------
        >>> [Shares(rank, 3).part(10) for rank in range(3)]
        [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
        """
        return slice(count * self.rank // self.world, count * (self.rank + 1) // self.world)

    def of(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Its share of what is along the first dimension; numbers without one are everyone's."""
        if not self.several:
            return state
        return {n: t[self.part(len(t))].clone() if t.ndim else t for n, t in state.items()}

    def gathered(self, share: Tensor, count: int) -> Tensor:
        """The shares of all, put together again to so many rows."""
        if not self.several:
            return share
        whole = share.new_zeros(count, *share.shape[1:])
        whole[self.part(count)] = share
        distributed.all_reduce(whole)
        return whole

    def sum_(self, *parts: Tensor) -> None:
        """Each becomes the sum over all processes."""
        if self.several:
            flat = torch.cat([p.reshape(-1) for p in parts])
            distributed.all_reduce(flat)
            for part, found in zip(parts, flat.split([p.numel() for p in parts]), strict=True):
                part.copy_(found.view_as(part))

    def largest(self, value: float, like: Tensor) -> float:
        """The largest of all processes, in the precision of a tensor and by way of its device."""
        if not self.several:
            return value
        found = like.new_tensor(value)
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
        return float(found)

    def generator(self, of: torch.Generator) -> torch.Generator:
        """The random numbers of this process, from those of all."""
        if not self.several:
            return of
        found = RowsFrom(of.device)
        found.set_state(of.get_state())
        return found

    def begin_at(self, generator: torch.Generator, count: int) -> None:
        """Draws that follow are of its share of so many rows."""
        if isinstance(generator, RowsFrom):
            generator.first, generator.total = self.part(count).start, count


ALONE = Shares()
"""One process."""


def shares(batch: int) -> Shares:
    """The place of this process in torch's process group; alone where there is none.

    Raises
    ------
    InputError
        If there are more processes than rows in a batch.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return ALONE
    found = Shares(distributed.get_rank(), distributed.get_world_size())
    if found.world > batch:
        raise InputError(
            f"at least {found.world} rows in a batch, one for each process", f"{batch}", "pass a larger batch"
        )
    return found


@contextmanager
def torchrun() -> Iterator[Shares]:
    """Join the processes that `torchrun` started; alone where it did not.

    torchrun says so by the environment: WORLD_SIZE, RANK and where to meet.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or distributed.is_initialized():
        yield shares(1 << 30)
        return
    distributed.init_process_group("gloo")
    try:
        yield shares(1 << 30)
    finally:
        distributed.destroy_process_group()
