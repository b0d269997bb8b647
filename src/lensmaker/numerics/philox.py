"""Philox4x32-10: random numbers as a function of a key and a place, so that any part of them can be drawn alone.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Proc. SC'11, 16 (2011).
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
LOW = 0xFFFFFFFF


def block(counter: tuple[Tensor, ...], key: int) -> list[Tensor]:
    """Four words for each counter of four words, all of them whole numbers below 2³² held in 64 bits.

    Examples
    --------
    >>> nothing = (torch.zeros(1, dtype=torch.int64),) * 4
    >>> [f"{int(word):08x}" for word in block(nothing, 0)]  # Random123's known answer
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    a, b, c, d = counter
    k, j = key & LOW, key >> 32
    for _ in range(ROUNDS):
        p, s = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (s >> 32 & LOW) ^ b ^ k, s & LOW, (p >> 32 & LOW) ^ d ^ j, p & LOW
        k, j = k + WEYL[0] & LOW, j + WEYL[1] & LOW
    return [a, b, c, d]


def fill_(out: Tensor, key: int, first: int) -> Tensor:
    """Rows of numbers uniform in [0, 1), (n, m), on the CPU: those of rows first … first + n − 1 of the key's table.

    Single precision takes a word for each number, double precision two: 24 and 53 bits.
    """
    if compiled() is not None:
        compiled()(out.numpy(), np.uint64(key), np.uint32(first))
        return out
    wide = out.dtype == torch.float64
    q = -(-out.shape[1] // (2 if wide else 4))
    rows = torch.arange(first, first + len(out))[:, None].expand(-1, q)
    zero = torch.zeros(1, dtype=torch.int64)
    words = block((torch.arange(q).expand(len(out), -1), rows, zero, zero), key)
    if wide:
        parts = [((words[k] << 21) ^ (words[k + 1] >> 11)).double() * 2.0**-53 for k in (0, 2)]
    else:
        parts = [(word >> 8).float() * 2.0**-24 for word in words]
    return out.copy_(torch.cat(parts, 1)[:, : out.shape[1]])


@cache
def compiled() -> Any:
    """The same, compiled; nothing where numba is not installed."""
    if find_spec("numba") is None:
        return None
    from lensmaker.numerics.philox_kernel import fill

    return fill
