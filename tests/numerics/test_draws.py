"""Random numbers by counters: known answers, both ways of computing them, parts of a whole, and their distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from lensmaker.numerics import philox
from lensmaker.numerics.draws import RowsFrom, exponential_, normal_, uniform_

FULL = 0xFFFFFFFF
PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)

DTYPES = (torch.float32, torch.float64)


@pytest.mark.parametrize(
    ("counter", "key", "known"),
    [
        ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((FULL,) * 4, FULL << 32 | FULL, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (PI[:4], PI[5] << 32 | PI[4], (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ],
)
def test_words_are_the_known_ones(counter: tuple[int, ...], key: int, known: tuple[int, ...]) -> None:
    """The three vectors of Random123's kat_vectors, philox4x32 of 10 rounds."""
    found = philox.block(tuple(torch.tensor([word]) for word in counter), key)
    assert tuple(int(word) for word in found) == known


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 6), (4, 784), (7, 9)])
def test_the_compiled_kernel_draws_the_same(
    dtype: torch.dtype, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = 0x0123456789ABCDEF
    fast = philox.fill_(torch.empty(shape, dtype=dtype), key, 3)
    monkeypatch.setattr(philox, "compiled", lambda: None)
    assert torch.equal(philox.fill_(torch.empty(shape, dtype=dtype), key, 3), fast)


@pytest.mark.parametrize("draw", [uniform_, normal_, exponential_])
@pytest.mark.parametrize("dtype", DTYPES)
def test_parts_are_those_of_the_whole(draw: Callable[..., Tensor], dtype: torch.dtype) -> None:
    whole, one, two = torch.Generator().manual_seed(5), RowsFrom(), RowsFrom()
    for part in (one, two):
        part.manual_seed(5)
    two.first = 3
    for _ in range(3):
        table = draw(torch.empty(8, 2, 3, dtype=dtype), whole)
        assert torch.equal(draw(torch.empty(3, 2, 3, dtype=dtype), one), table[:3])
        assert torch.equal(draw(torch.empty(5, 2, 3, dtype=dtype), two), table[3:])


def test_what_is_not_contiguous_gets_the_same_numbers() -> None:
    whole = uniform_(torch.empty(4, 6), torch.Generator().manual_seed(1))
    turned = uniform_(torch.empty(6, 4).t(), torch.Generator().manual_seed(1))
    assert torch.equal(whole, turned)
    assert uniform_(torch.empty(0, 3), torch.Generator().manual_seed(1)).shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_parts_of_other_types_are_those_of_the_whole(dtype: torch.dtype) -> None:
    whole, part = torch.Generator().manual_seed(5), RowsFrom()
    part.manual_seed(5)
    part.first, part.total = 3, 8
    table = uniform_(torch.empty(8, 2, dtype=dtype), whole)
    assert torch.equal(uniform_(torch.empty(5, 2, dtype=dtype), part), table[3:])


@pytest.mark.parametrize(
    ("draw", "law"), [(uniform_, stats.uniform), (normal_, stats.norm), (exponential_, stats.expon)]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_distribution_is_the_one_it_says(
    draw: Callable[..., Tensor], law: stats.rv_continuous, dtype: torch.dtype
) -> None:
    """Kolmogorov and Smirnov's test of 10⁶ numbers; a false alarm once in 10⁴ seeds for each of six."""
    found = (
        draw(torch.empty(1000, 1000, dtype=dtype), torch.Generator().manual_seed(2)).double().numpy().ravel()
    )
    assert np.isfinite(found).all()
    assert stats.kstest(found, law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbours_do_not_know_of_each_other(dtype: torch.dtype) -> None:
    """Correlations along rows, along columns, and from one draw to the next: |z| < 4.5 of 20, false once in 7,000."""
    generator = torch.Generator().manual_seed(3)
    one, two = (uniform_(torch.empty(500, 400, dtype=dtype), generator) - 0.5 for _ in range(2))
    pairs = [(one, two)]
    pairs += [(one[:, :-lag], one[:, lag:]) for lag in (1, 2, 3, 4, 50, 100, 200)]
    pairs += [(one[:-lag], one[lag:]) for lag in (1, 2)]
    for x, y in pairs:
        assert abs(float((x * y).mean()) * 12 * x.numel() ** 0.5) < 4.5
