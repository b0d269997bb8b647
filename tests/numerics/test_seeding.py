"""Streams: the same again for the same arguments, and nobody else's numbers."""

from __future__ import annotations

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream, stream_seed


def test_a_stream_shares_no_numbers_with_the_users_seeds_nor_with_another_purpose() -> None:
    drawn = [torch.randn(1000, generator=stream(p, s)) for p in ("a", "b") for s in range(3)]
    drawn += [torch.randn(1000, generator=torch.Generator().manual_seed(s)) for s in range(3)]
    together = torch.corrcoef(torch.stack(drawn)) - torch.eye(len(drawn))
    # 36 correlations of 1000 numbers: one over 0.15 (4.7 standard errors) happens once in 10,000 runs.
    assert float(together.abs().max()) < 0.15


def test_a_stream_is_fixed_by_its_arguments() -> None:
    assert torch.equal(torch.randn(9, generator=stream("a", 5)), torch.randn(9, generator=stream("a", 5)))


def test_large_seeds_differ_in_the_bits_that_the_generator_sees() -> None:
    assert len({stream_seed("a", s << 32) for s in range(100)}) == 100


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="a seed of 0 or more, but got -1"):
        stream("a", -1)
