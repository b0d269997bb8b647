"""The steps of a checkerboard on words: bits of neighbours are counted, and compared with random bits, by logic."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins, State, Walk
from lensmaker.systems.spins.sampling.tables.limits import FREE

_PLANES = 16
"""Random bits of each spin, and as many again of every `_SHARED`th row."""
_SHARED = 64


class Words(Walk):
    """Chains on a device: words of each colour, (2, groups, rows, columns), and a generator of torch.

    A bit is 1 for s = −1. Of a chain alone, columns are words of 64 sites; else words are 64 chains.
    """

    def __init__(
        self, system: Canonical, spins: Spins, seed: int, *, device: str, compiled: bool = False
    ) -> None:
        h = system.hamiltonian
        assert h.lattice is not None
        self._shape, self._chains = h.lattice.shape, len(spins)
        self._in_rows = self._shape[1] % 128 == 0
        (J,) = {h.couplings[t.name] * w for t in h.terms if t.order == 2 for w in t.weights.tolist()} - {0.0}
        self._bits = tuple(
            _bits(p) for p in (math.exp(-8 * system.beta * abs(J)), math.exp(-4 * system.beta * abs(J)), FREE)
        )
        self._against = J < 0
        self._generator = torch.Generator(device).manual_seed(seed)
        self._words = torch.from_numpy(self._packed(spins)).to(device)
        rows, columns = self._words.shape[-2:]
        groups = self._words.shape[1]
        self._random = self._words.new_empty(_PLANES, groups, rows, columns)
        self._later = self._words.new_empty(_PLANES, groups, -(-rows // _SHARED), columns)
        odd = torch.arange(rows, device=device)[:, None] % 2
        self._odd = -odd.to(torch.int64)
        self._step = torch.compile(turned, dynamic=False) if compiled else turned

    @property
    def state(self) -> State:
        """The words and the generator's state as arrays; to take a walk up again, assign the whole of it."""
        return {
            "words": self._words.cpu().numpy().copy(),
            "generator": self._generator.get_state().numpy().copy(),
        }

    @state.setter
    def state(self, found: State) -> None:
        self._words = torch.from_numpy(found["words"].copy()).to(self._words.device)
        self._generator.set_state(torch.from_numpy(found["generator"].copy()))

    def advance(self, sweeps: int, threads: int = 1) -> None:
        for half in range(2 * sweeps):
            colour = half % 2
            # without its two ends `random_` leaves the sign bit out
            self._random.random_(-(2**63), None, generator=self._generator)
            self._later.random_(-(2**63), None, generator=self._generator)
            self._words[colour] = self._step(
                self._words[colour], self._words[1 - colour], self._odd if colour == 0 else ~self._odd,
                self._random, self._later, self._bits, self._in_rows, self._against,
            )  # fmt: skip

    def spins(self) -> Spins:
        words = self._words.cpu().numpy()[..., None].view(np.uint8)
        rows, columns = self._shape
        bits = np.unpackbits(words, axis=-1, bitorder="little")
        if self._in_rows:
            half = bits.reshape(2, -1, rows, columns // 2)
        else:
            half = bits.transpose(0, 1, 4, 2, 3).reshape(2, -1, rows, columns // 2)[:, : self._chains]
        found = np.empty((self._chains, rows, columns), np.int8)
        signs = 1 - 2 * half.astype(np.int8)
        for parity in (0, 1):
            found[:, parity::2, parity::2] = signs[0][:, parity::2]
            found[:, parity::2, 1 - parity :: 2] = signs[1][:, parity::2]
        return found.reshape(self._chains, -1)

    def put(self, spins: Spins) -> None:
        self._words.copy_(torch.from_numpy(self._packed(spins)))

    def _packed(self, spins: Spins) -> NDArray[np.int64]:
        rows, columns = self._shape
        s = spins.reshape(-1, rows, columns) < 0
        half = np.empty((2, len(s), rows, columns // 2), np.bool_)
        for parity in (0, 1):
            half[0][:, parity::2] = s[:, parity::2, parity::2]
            half[1][:, parity::2] = s[:, parity::2, 1 - parity :: 2]
        if self._in_rows:
            split = half.reshape(2, len(s), rows, columns // 128, 64)
        else:
            filled = np.zeros((2, -(-len(s) // 64) * 64, rows, columns // 2), np.bool_)
            filled[:, : len(s)] = half
            split = filled.reshape(2, -1, 64, rows, columns // 2).transpose(0, 1, 3, 4, 2)
        return np.packbits(split, axis=-1, bitorder="little").view(np.int64)[..., 0]


def turned(
    own: Tensor,
    other: Tensor,
    odd: Tensor,
    random: Tensor,
    later: Tensor,
    bits: tuple[tuple[bool, ...], ...],
    in_rows: bool,
    against: bool,
) -> Tensor:
    """The words of one colour after their turn.

    With k of four neighbours at odds with a spin (for J < 0: equal to it), ΔH = 4|J| (2 − k); those with k ≥ 3 turn
    for certain, the others where u is below the limit for their k.

    Parameters
    ----------
    own, other
        Words of the colour that is moved and of the other, (groups, rows, columns).
    odd
        −1 for the rows whose sites of this colour start at column 1, else 0, (rows, 1).
    random, later
        First and later random bits, (planes, groups, rows, columns) and (planes, groups, ⌈rows/64⌉, columns).
    bits
        The 32 bits of the limits for k = 0, 1, 2, the highest first.
    in_rows
        Whether a word holds sites of one row.
    """
    beside = torch.where(odd != 0, _next(other, in_rows), _previous(other, in_rows))
    mine = ~own if against else own
    a, b, c, d = (mine ^ x for x in (other, beside, other.roll(1, -2), other.roll(-1, -2)))
    one, two, both, all_four = a ^ b, c ^ d, a & b, c & d
    # k = (a + b) + (c + d): one and two are the low bits, both and all_four the high ones
    low, carry = one ^ two, one & two
    at_least_three = (both & (c | d)) | (all_four & (a | b))
    exactly_two = ~low & (carry | (both ^ all_four)) & ~at_least_three
    exactly_one = low & ~at_least_three
    none = ~(a | b | c | d)
    below = [_below(random, later, limit) for limit in bits]
    return own ^ (at_least_three | (exactly_two & below[2]) | (exactly_one & below[1]) | (none & below[0]))


def _below(random: Tensor, later: Tensor, limit: tuple[bool, ...]) -> Tensor:
    """Where the number of the random bits is below the limit, from the lowest bit up.

    With x whether the lower bits are below: the limit's bit 1 gives r̄ | x and 0 gives r̄ & x. Complements of random
    bits are as random, so that r stands for r̄.
    """
    found = torch.zeros_like(later[0])
    for r, bit in zip(later, reversed(limit[_PLANES:]), strict=True):
        found = r | found if bit else r & found
    found = found.repeat_interleave(_SHARED, -2)[:, : random.shape[-2]]
    for r, bit in zip(random, reversed(limit[:_PLANES]), strict=True):
        found = r | found if bit else r & found
    return found


def _next(words: Tensor, in_rows: bool) -> Tensor:
    """Of each site of a row the one after it."""
    if not in_rows:
        return words.roll(-1, -1)
    # >> copies the sign into the bits it makes
    return ((words >> 1) & (2**63 - 1)) | (words.roll(-1, -1) << 63)


def _previous(words: Tensor, in_rows: bool) -> Tensor:
    if not in_rows:
        return words.roll(1, -1)
    return (words << 1) | ((words.roll(1, -1) >> 63) & 1)


def _bits(p: float) -> tuple[bool, ...]:
    """The 2·16 bits of p, the highest first."""
    whole = min(round(p * 2.0 ** (2 * _PLANES)), 2 ** (2 * _PLANES) - 1)
    return tuple(bool(whole >> k & 1) for k in reversed(range(2 * _PLANES)))
