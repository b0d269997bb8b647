"""Pressure in porous media: Darcy's flow from neuraloperator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.data.installed import package_file
from lensmaker.data.trajectories import REQUIREMENT


class Resolution(Enum):
    """Which file: how many points each side has, and how many media; the value is its name."""

    TRAIN_16 = "darcy_train_16"
    TEST_16 = "darcy_test_16"
    TEST_32 = "darcy_test_32"


@dataclass(frozen=True, eq=False)
class MediaAndFields:
    """Media of two kinds of ground, and the field in each of them.

    Attributes
    ----------
    name
        What the data are called.
    media
        Which kind of ground is at each point, bool [N, n, n].
    fields
        u, float64 [N, n, n], in a unit that the file does not tell.
    source, license, citation
        The package and file they were read from, their licence, and whom to cite.

    Raises
    ------
    InputError
        If media and fields are not of one shape.
    """

    name: str
    media: Tensor
    fields: Tensor
    source: str
    license: str
    citation: str

    def __post_init__(self) -> None:
        if self.media.shape != self.fields.shape or self.media.dtype != torch.bool:
            raise InputError(
                "media of booleans and fields of one shape",
                f"{self.media.dtype} {tuple(self.media.shape)} and {tuple(self.fields.shape)}",
                "stack them alike",
            )

    def __len__(self) -> int:
        return len(self.media)

    def __repr__(self) -> str:
        return f"MediaAndFields({self.name!r}, media={tuple(self.media.shape)})"


def darcy(resolution: Resolution = Resolution.TEST_32) -> MediaAndFields:
    """1,000 or 50 solutions of −∇·(a ∇u) = f in media of two values of a, at 16 × 16 or 32 × 32 points.

    u is 0 on the square's edges, of which the file has the first row and column; the last ones are a point beyond it.
    Neither a nor f is in the file. The package's maintainers call the medium a mask; the papers say a ∈ {3, 12} and
    f = 1, which these fields do not fit: see the page of the phenomenon inverse-scattering.

    Raises
    ------
    MissingDataError
        If neuraloperator is not installed.

    Examples
    --------
    >>> darcy()
    MediaAndFields('darcy', media=(50, 32, 32))
    """
    file = f"datasets/data/{resolution.value}.pt"
    found = torch.load(package_file("neuralop", file, REQUIREMENT), map_location="cpu", weights_only=True)
    return MediaAndFields(
        name="darcy",
        media=found["x"],
        fields=found["y"].double(),
        source=f"neuraloperator 0.3.0: neuralop/{file}",
        license="MIT (its LICENSE; its metadata say modified BSD)",
        citation="Z. Li et al., “Fourier Neural Operator for Parametric Partial Differential Equations”, "
        "arXiv:2010.08895 (2020)",
    )
