"""A trained network, with real input of the kind it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from lensmaker.core import InputError

UNKNOWN = -100
"""Label of what has no known class: cross-entropy ignores it."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with the weights that someone trained, in evaluation mode.

    Attributes
    ----------
    name
        What it is called.
    model
        The network.
    batch
        Real input, normalised as in training: a tensor, or a dict for `model(**batch)`.
    labels
        The class that the output for `batch` should be largest in, int64, of the shape of the output
        without its last axis; −100 where that is not known, None where it is known nowhere.
    classes
        Name of each output.
    source, license, citation
        The package and file of the weights, their licence, and whom to cite.
    provenance
        What `batch` is, and how it was prepared.
    """

    name: str
    model: nn.Module
    batch: torch.Tensor | Mapping[str, torch.Tensor]
    labels: torch.Tensor | None
    classes: tuple[str, ...]
    source: str
    license: str
    citation: str
    provenance: str

    def __repr__(self) -> str:
        return f"TrainedNetwork({self.name!r}, {type(self.model).__name__}, {self.source!r})"

    @torch.no_grad()
    def output(self) -> torch.Tensor:
        """What the model gives for `batch`."""
        return self.model(**self.batch) if isinstance(self.batch, Mapping) else self.model(self.batch)

    def accuracy(self) -> float:
        """Fraction of the known labels where the output is largest.

        Raises
        ------
        InputError
            If the labels are not known.
        """
        if self.labels is None:
            raise InputError(
                "a network whose batch has labels", self.name, "compare its output() with what you know"
            )
        known = self.labels != UNKNOWN
        return (self.output().argmax(-1) == self.labels)[known].double().mean().item()
