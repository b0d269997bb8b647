"""The table of a network's convolutions as differential operators."""

from __future__ import annotations

import math

from torch import Tensor

from lensmaker.core import InputError, Table
from lensmaker.core.layer_reading import LayerReading
from lensmaker.systems.networks import Train
from lensmaker.theories.field_equation.connection import curvature
from lensmaker.theories.field_equation.kind import kind_of
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.theory import read
from lensmaker.theories.field_equation.validity import validity_wavelength


def readings(train: Train) -> Table[LayerReading]:
    """One line for each convolution of a recorded train; a train without contents will do.

    Raises
    ------
    InputError
        If the network has no convolution, or a weight is not finite.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.networks import record
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, bias=False), torch.nn.ReLU())
    >>> _ = torch.nn.init.constant_(net[0].weight, 1 / 9)
    >>> (row,) = readings(record(net, torch.ones(1, 1, 8, 8)))
    >>> row.kind, row.activation, round(row.gain, 6), round(row.metric[0][0], 6), row.notes
    ('diffusive', 'relu', 1.0, 0.666667, ())
    """
    return Table(reading(field) for field in read(train))


def reading(field: LayerField) -> LayerReading:
    """The numbers of one layer."""
    kernel, notes = field.kernel, list(field.kernel.notes)
    kind, _ = kind_of(field)
    try:
        bent = curvature(field)
    except InputError as error:
        bent = math.nan
        notes.append(f"no connection: {error.got}")
    if field.has_sum and field.is_indefinite:
        notes.append("its metric is indefinite")
    return LayerReading(
        where=kernel.where,
        inputs=kernel.inputs,
        outputs=kernel.outputs,
        groups=kernel.groups,
        spacing=kernel.spacing,
        stride=kernel.stride,
        kind=kind.name.lower().replace("_", "-"),
        skip=kernel.skip.name.lower(),
        boundary=kernel.boundary.name.lower(),
        activation=kernel.activation,
        gain=field.gain,
        potential=field.potential,
        drift=_numbers(field.drift) if field.has_sum else (),
        metric=tuple(map(_numbers, field.metric)) if field.has_sum else (),
        covariance=tuple(map(_numbers, field.covariance)) if field.has_sum else (),
        curvature=bent,
        validity_wavelength=validity_wavelength(field),
        notes=tuple(notes),
    )


def _numbers(row: Tensor) -> tuple[float, ...]:
    return tuple(float(x) for x in row)
