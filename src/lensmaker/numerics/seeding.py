"""Random streams of one's own: numbers that neither the user's data nor another part of the bench has drawn."""

from __future__ import annotations

import zlib

import numpy as np
import torch

from lensmaker.core import InputError


def stream(purpose: str, seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator for one purpose.

    Data, weights and probes drawn by equal seeds would be the same numbers: a tangent drawn by seed 0 is then
    the very batch that the user drew by seed 0. The seed of the stream is a hash of both arguments.

    Examples
    --------
    >>> tangents = torch.randn(3, generator=stream("tangents", 0))
    >>> bool(torch.equal(tangents, torch.randn(3, generator=stream("tangents", 0))))
    True
    >>> bool(torch.equal(tangents, torch.randn(3, generator=torch.Generator().manual_seed(0))))
    False
    """
    return torch.Generator(device).manual_seed(stream_seed(purpose, seed))


def stream_seed(purpose: str, seed: int) -> int:
    """The seed of a stream, 32 bits: torch's generator on the CPU sees no more.

    Raises
    ------
    InputError
        If the seed is negative.
    """
    if seed < 0:
        raise InputError("a seed of 0 or more", f"{seed}", "pass seed=0")
    mixed = np.random.SeedSequence([zlib.crc32(purpose.encode()), seed])
    return int(mixed.generate_state(1)[0])
