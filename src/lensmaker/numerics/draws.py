"""Random tensors whose rows can be drawn by several processes, each its own, as if by one."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.numerics.philox import fill_


class RowsFrom(torch.Generator):
    """A generator of a process whose rows are not the first ones of all.

    Attributes
    ----------
    first, total
        Number of its first row, and how many all processes have.
    """

    first: int = 0
    total: int = 0


def uniform_(out: Tensor, generator: torch.Generator) -> Tensor:
    """`out`, (rows, …), becomes uniform in [0, 1).

    On the CPU a key is drawn from the generator, and the numbers are Philox's of that key, row and column, which is
    faster than the generator itself. On other devices they are the generator's.

    Examples
    --------
    >>> whole = uniform_(torch.empty(4, 3), torch.Generator().manual_seed(0))
    >>> rest = RowsFrom()
    >>> rest.first = 2
    >>> torch.equal(uniform_(torch.empty(2, 3), rest.manual_seed(0)), whole[2:])
    True
    """
    first, total = (generator.first, generator.total) if isinstance(generator, RowsFrom) else (0, len(out))
    if out.device.type != "cpu" or out.dtype not in (torch.float32, torch.float64):
        whole = out if total == len(out) else out.new_empty(total, *out.shape[1:])
        whole.uniform_(generator=generator)
        return out if whole is out else out.copy_(whole[first : first + len(out)])
    key = int(torch.empty((), dtype=torch.int64).random_(generator=generator))
    if not out.numel():
        return out
    rows = out if out.is_contiguous() else torch.empty_like(out, memory_format=torch.contiguous_format)
    fill_(rows.view(len(out), -1), key, first)
    return out if rows is out else out.copy_(rows)


def exponential_(out: Tensor, generator: torch.Generator) -> Tensor:
    """`out` becomes exponential with mean 1: −ln(1 − u), never 0."""
    least = torch.finfo(out.dtype).eps / 4
    return uniform_(out, generator).neg_().log1p_().neg_().clamp_(min=least)


def normal_(out: Tensor, generator: torch.Generator) -> Tensor:
    """`out` becomes standard normal: √(−2 ln(1 − u)) cos 2πw.

    G. E. P. Box, M. E. Muller, Ann. Math. Stat. 29, 610 (1958).
    """
    angle = uniform_(torch.empty_like(out), generator).mul_(2 * torch.pi).cos_()
    return uniform_(out, generator).neg_().log1p_().mul_(-2).sqrt_().mul_(angle)
