"""Fields that were recorded in time: Burgers' equation from neuraloperator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.data.installed import package_file

REQUIREMENT = "neuraloperator==0.3.0"


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Looks at fields on a periodic grid, one after the other.

    Attributes
    ----------
    name
        What the data are called.
    fields
        φ, float64 [trajectories, looks, *shape].
    spacing, interval
        Of two points, and of two looks.
    viscosity
        That the file states.
    source, license, citation
        The package and file they were read from, their licence, and whom to cite.

    Raises
    ------
    InputError
        If there are not two looks or more, or a spacing or an interval is not positive.
    """

    name: str
    fields: Tensor
    spacing: float
    interval: float
    viscosity: float
    source: str
    license: str
    citation: str

    def __post_init__(self) -> None:
        if self.fields.ndim < 3 or self.fields.shape[1] < 2 or not min(self.spacing, self.interval) > 0:
            raise InputError(
                "fields [trajectories, looks, *shape] with two looks or more, and positive distances",
                f"a shape {tuple(self.fields.shape)}, {self.spacing:g} and {self.interval:g}",
                "stack the looks along the second axis",
            )

    def __repr__(self) -> str:
        return f"Trajectories({self.name!r}, fields={tuple(self.fields.shape)})"


def burgers() -> Trajectories:
    """1,200 solutions of u_t = −u u_x + ν u_xx with ν = 0.01 on x ∈ [0, 1), 17 looks at 16 points.

    The file has no times. The loaders that come with it speak of 101 times and 128 points of the original; every
    sixth of the one and every eighth of the other are 17 and 16, so that looks are 0.06 apart and end at t = 0.96.
    An interval of 1/16 would make advection and viscosity both 4 % too small.

    Raises
    ------
    MissingDataError
        If neuraloperator is not installed.

    Examples
    --------
    >>> burgers()
    Trajectories('burgers', fields=(1200, 17, 16))
    """
    file = "datasets/data/burgers_lowres.pt"
    found = torch.load(package_file("neuralop", file, REQUIREMENT), map_location="cpu", weights_only=True)
    return Trajectories(
        name="burgers",
        fields=found["output"].double(),
        spacing=1 / 16,
        interval=0.06,
        viscosity=float(found["visc"]),
        source=f"neuraloperator 0.3.0: neuralop/{file}",
        license="MIT (its LICENSE; its metadata say modified BSD)",
        citation="J. Kossaifi et al., “A Library for Learning Neural Operators”, arXiv:2412.10354 (2024)",
    )
