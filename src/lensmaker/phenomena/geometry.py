"""The geometry of a convolutional network: fields of the theory beside what the instruments read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lensmaker.core import (
    Convergence,
    InputError,
    LayerGeometry,
    Measurement,
    PointSpreadRecord,
    Prediction,
    Table,
    Where,
)
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.instruments.convolutions.input_spectrum import InputSpectrum
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.phenomena.trust import share_beyond
from lensmaker.systems.networks import Network
from lensmaker.theories.field_equation.connection import curvature
from lensmaker.theories.field_equation.kind import kind_of
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.theory import FieldEquation, read
from lensmaker.theories.field_equation.validity import validity_wavelength
from lensmaker.theories.point_spread.theory import PointSpread


def geometry(
    network: Network, *, samples: int = 2, errors: bool = True, layers: int | None = None
) -> Table[LayerGeometry]:
    """Every convolution of a network as a differential operator, in order.

    Parameters
    ----------
    network
        The network with its batch.
    samples
        Of the batch that are looked at.
    errors
        Whether errors of the operator of second order are predicted and measured, which takes longest.
    layers
        Most layers whose point spread is measured; None: all.

    Raises
    ------
    InputError
        If the network has no convolution.

    Examples
    --------
    >>> import torch
    >>> conv = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False)
    >>> _ = torch.nn.init.constant_(conv.weight, 1 / 9)
    >>> (layer,) = geometry(Network(conv, torch.randn(2, 1, 16, 16)))
    >>> layer.kind, [round(row[i], 3) for i, row in enumerate(layer.metric)], round(layer.measured_spread.width, 3)
    ('diffusive', [0.667, 0.667], 0.816)
    """
    if samples < 1:
        raise InputError("at least one sample", f"{samples}", "pass samples=2")
    rows = [_layer(field) for field in read(network.whole)]
    few = network.head(samples)
    spectrum = InputSpectrum(steps=4).measure(few)
    predicted = _spreads(PointSpread(samples=samples), few)
    measured = _spreads(PointSpreadGradients(samples=samples, layers=layers), few)
    expected, found = _errors(few, samples) if errors else ({}, {})
    second = {row.where: replace(row.where, coordinates=(("order", 2.0),)) for row in rows}
    return Table(
        replace(
            row,
            share=share_beyond(spectrum, row.where, row.wavelength) if math.isfinite(row.wavelength) else 0.0,
            expected=expected[at].value if (at := second[row.where]) in expected else math.nan,
            measured=found[at].value if at in found else math.nan,
            measured_error=found[at].error if at in found else math.nan,
            predicted_spread=predicted.get(row.where),
            measured_spread=measured.get(row.where),
        )
        for row in rows
    )


def _layer(field: LayerField) -> LayerGeometry:
    kernel, notes = field.kernel, list(field.kernel.notes)
    kind, _ = kind_of(field)
    known = field.has_sum and not field.is_silent
    if not known:
        notes.append("weights sum to zero: no kernel of integral one, so no drift and metric")
    try:
        curved = curvature(field) if known else math.nan
    except InputError as error:
        curved = math.nan
        notes.append(f"no curvature: {error.got}")
    return LayerGeometry(
        kernel.where,
        kind.name.lower().replace("_", "-"),
        kind.value,
        tuple(map(float, kernel.spacing)),
        field.gain,
        field.potential,
        tuple(field.drift.tolist()) if known else (),
        tuple(map(tuple, field.metric.tolist())) if known else (),
        curved,
        validity_wavelength(field),
        notes=tuple(notes),
    )


def _errors(few: Network, samples: int) -> tuple[Mapping[Where, Prediction], Mapping[Where, Measurement]]:
    predictions = FieldEquation(samples=samples).predict(few).select(quantity="law_error")
    measurements = FieldLawError(orders=(2,), samples=samples).measure(few)
    return {p.where: p for p in predictions}, {m.where: m for m in measurements}


def _spreads(member: PointSpread | PointSpreadGradients, few: Network) -> dict[Where, PointSpreadRecord]:
    """The moments of each layer; nothing where its width is no number, or the network reads no field."""
    try:
        table: Iterable[Prediction | Measurement] = (
            member.predict(few) if isinstance(member, PointSpread) else member.measure(few)
        )
    except InputError:
        return {}
    rows: dict[Where, dict[tuple[str, int], Prediction | Measurement]] = {}
    for row in table:
        ((_, number),) = row.where.coordinates or (("", 0.0),)
        layer = rows.setdefault(replace(row.where, coordinates=()), {})
        layer[row.quantity.name.removeprefix("point_spread_"), int(number)] = row
    return {where: spread for where, layer in rows.items() if (spread := _spread(layer)) is not None}


def _spread(rows: Mapping[tuple[str, int], Prediction | Measurement]) -> PointSpreadRecord | None:
    width = rows["width", 0]
    if not math.isfinite(width.value):
        return None
    drift = tuple(rows["drift", axis].value for axis in range(3) if ("drift", axis) in rows)
    d, variance = len(drift), width.value**2
    covariance = [[variance if i == j else 0.0 for j in range(d)] for i in range(d)]
    if ("ellipticity", 0) in rows and math.isfinite(rows["ellipticity", 0].value):
        across, along = (variance * rows["ellipticity", i].value for i in (0, 1))
        covariance = [[variance + across, along], [along, variance - across]]
    outside = ""
    if isinstance(width, Prediction):
        outside = width.regime.outside
    elif width.convergence is not Convergence.CONVERGED:
        outside = width.convergence.value
    return PointSpreadRecord(drift, tuple(map(tuple, covariance)), width.error, outside)
