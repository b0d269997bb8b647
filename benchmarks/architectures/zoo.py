"""The zoo: every architecture, by the file it stands in."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import audio
import convolutional
import generative
import language
import sequential
import torch
import vision
import wrapped
from case import Case, Subject

ZOO: dict[str, tuple[Case, ...]] = {
    "language": language.CASES,
    "vision": vision.CASES,
    "audio, time, several senses": audio.CASES,
    "convolutions, written by hand": convolutional.CASES,
    "sequences, graphs, tables": sequential.CASES,
    "generative, fields": generative.CASES,
    "wrapped code": wrapped.CASES,
}
"""Group → its cases."""

REFUSED = ("Fully sharded (FSDP2)", "Dynamically quantised")
"""Networks that are refused with one sentence, as there are no whole weights of floating point to read."""


def made(case: Case, seed: int = 0) -> Subject:
    """The network of a case with fresh weights, its batch and its loss."""
    torch.manual_seed(seed)
    with quiet():
        return case.make()


@contextmanager
def quiet() -> Iterator[None]:
    """What libraries announce about themselves is not heard."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
