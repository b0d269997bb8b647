"""512 lanes of bits against plain numpy: their random bits, and the steps from one lane to another."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from lensmaker.systems.spins.sampling.tables.packing import Packing, strides
from lensmaker.systems.spins.sampling.walks.bit_parallel import drawn
from lensmaker.systems.spins.sampling.walks.lane_steps import across, lane_steps
from lensmaker.systems.spins.sampling.walks.lanes import load, store
from lensmaker.systems.spins.sampling.walks.randomness import bits, streams


@njit
def _next(random: NDArray[np.uint64], found: NDArray[np.uint64]) -> None:
    a, b, c, d = load(random, 0), load(random, 1), load(random, 2), load(random, 3)
    for k in range(len(found)):
        r, a, b, c, d = drawn(a, b, c, d)
        store(found, k, r)


@njit
def _across(spins: NDArray[np.uint64], step: int, steps: NDArray[np.uint64]) -> None:
    store(spins, 1, across(spins, 0, step, steps))


def test_every_word_is_a_stream_of_its_own() -> None:
    each = streams(3, 8)
    found = np.empty((50, 8), np.uint64)
    _next(each.T.copy(), found)
    assert found.tolist() == [[int(bits(stream)) for stream in each] for _ in range(50)]


@pytest.mark.parametrize(
    "blocks",
    [(512,), (128,), (2, 256), (16, 32), (4, 4), (8, 8, 8), (2, 4, 8), (2, 2, 64), (4, 64, 1)],
    ids=str,
)
def test_steps_lead_to_the_next_block(blocks: tuple[int, ...]) -> None:
    words = np.random.default_rng(0).integers(0, 2**64, (2, 8), np.uint64)
    lanes = Packing.lanes(words)[0]
    lane, count = np.arange(512), int(np.prod(blocks))
    for axis, (stride, pieces) in enumerate(zip(strides(blocks), blocks, strict=True)):
        digit = lane % count // stride % pieces
        for step, by in ((2 * axis + 1, 1), (2 * axis + 2, -1)):
            _across(words, step, lane_steps(blocks))
            expected = lanes[lane + ((digit + by) % pieces - digit) * stride]
            assert (Packing.lanes(words)[1] == expected).all()
