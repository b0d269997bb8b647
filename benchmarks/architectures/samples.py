"""What the networks of the zoo are shown: photographs, digits, speech, the bytes of a text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from lensmaker.data import digits, photos
from lensmaker.data.speech import FOLDER, RECORDINGS, read_wave

TEXT = Path(__file__).parents[2] / "LICENSE"
VOCABULARY = 128


@cache
def pictures(samples: int = 16, size: int = 32) -> Tensor:
    """Photographs, normalised by channel, (samples, 3, size, size)."""
    return photos(size).normalised().x[:samples]


def written(samples: int = 32) -> tuple[Tensor, Tensor]:
    """Handwritten digits (samples, 1, 8, 8), normalised, and their classes."""
    x, y = digits().normalised().batch(samples, torch.Generator().manual_seed(0))
    return x, y


def labels(samples: int = 16, classes: int = 10) -> Tensor:
    """A class for each sample."""
    return torch.arange(samples) % classes


@cache
def text(samples: int = 16, length: int = 24) -> Tensor:
    """Bytes of the licence, (samples, length), each sample from another place."""
    letters = torch.tensor(list(TEXT.read_bytes()))
    assert int(letters.max()) < VOCABULARY
    return letters.unfold(0, length, len(letters) // (samples + 1))[:samples].clone()


@cache
def sound(samples: int = 8, length: int = 3200) -> Tensor:
    """Recorded speech at 16 kHz, normalised, (samples, length)."""
    recording = read_wave(FOLDER / RECORDINGS["reader"][0])
    parts = recording.unfold(0, length, len(recording) // (samples + 1))[:samples]
    return (parts - parts.mean(1, keepdim=True)) / parts.std(1, keepdim=True)
