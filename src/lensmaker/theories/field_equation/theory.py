"""Field equation: each convolution of a network as a differential operator, and where that may be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import INSIDE, InputError, Prediction, Reference, Regime, Table, Where
from lensmaker.core.bibliography import LONG_2018, RUTHOTTO_2020
from lensmaker.systems.networks import Network, Train
from lensmaker.theories.base import Theory
from lensmaker.theories.field_equation.connection import curvature
from lensmaker.theories.field_equation.effective_kernel import effective_kernels
from lensmaker.theories.field_equation.expected_error import expected_error
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.validity import TOLERANCE, validity_wavelength

ORDERS = (0, 1, 2)

CORRELATED, ALONE = 0.1, 0.02
"""Relative errors of an expected error where channels are mixed, and where each goes alone."""


@dataclass(frozen=True)
class FieldEquation(Theory):
    r"""Gain, potential, drift, metric, curvature and validity of every convolution; lengths in pixels of the input.

        f⁻¹(φ_{t+1}) = Nφ + N A^i ∂_i φ + ½ N g^{ij} ∂_i ∂_j φ + O(h³)

    with batch norms, factors and a skip of the layer itself folded into the kernel: `LayerField` says what stands for
    many channels. `read` gives the fields themselves. The error of the operators of order 0, 1 and 2 on the actual
    input is told too, from the spectrum of that input, for the bare convolution.

    Parameters
    ----------
    samples
        Of the batch whose spectra are looked at; 0: none, and no errors are told.

    Raises
    ------
    InputError
        If the network has no convolution.

    Examples
    --------
    >>> import torch
    >>> conv = torch.nn.Conv2d(1, 1, 3, bias=False)
    >>> _ = torch.nn.init.constant_(conv.weight, 1 / 9)
    >>> table = FieldEquation(samples=0).predict(Network(conv, torch.ones(1, 1, 8, 8)))
    >>> for p in table.select(quantity="metric_largest") + table.select(quantity="validity_wavelength"):
    ...     print(p.quantity, round(p.value, 3))
    metric_largest 0.667
    validity_wavelength 5.545
    """

    samples: int = 2

    name = "field_equation"
    summary = (
        "Each convolution as a differential operator: gain, drift, metric, curvature, and where it holds."
    )
    quantities = (
        "field_gain",
        "potential",
        "field_drift",
        "metric_smallest",
        "metric_largest",
        "curvature",
        "validity_wavelength",
        "law_error",
    )
    assumptions = (
        "fields are smooth over a kernel: their waves are longer than the validity wavelength",
        "borders are further away than a kernel",
        "channels that come in are uncorrelated and alike, where one number stands for many channels",
    )
    references: ClassVar[tuple[Reference, ...]] = (
        RUTHOTTO_2020,
        LONG_2018,
    )

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise InputError("a number of samples of 0 or more", f"{self.samples}", "pass samples=2")

    def predict(self, system: Network) -> Table[Prediction]:
        if self.samples:
            train = system.probes(self.samples)
            return Table(
                p for field in read(train) for p in (*self._layer(field), *self._errors(field, train))
            )
        return Table(p for field in read(system.whole) for p in self._layer(field))

    def _layer(self, field: LayerField) -> Iterator[Prediction]:
        where = field.kernel.where
        own = Regime("all weights are zero") if field.is_silent else INSIDE
        if not field.is_finite:
            yield self.prediction("field_gain", where, math.nan, regime=Regime("a weight is not finite"))
            return
        yield self.prediction("field_gain", where, field.gain, regime=own)
        no_slope = (
            Regime(f"{field.kernel.activation} is flat at zero") if math.isnan(field.potential) else own
        )
        yield self.prediction("potential", where, field.potential, regime=no_slope)
        yield from self._transport(field)
        yield self._or_why_not("curvature", where, lambda: curvature(field))
        wavelength = validity_wavelength(field)
        never = (
            Regime("the operator of second order holds for no wavelength") if math.isinf(wavelength) else own
        )
        yield self.prediction("validity_wavelength", where, wavelength, regime=never)

    def _transport(self, field: LayerField) -> Iterator[Prediction]:
        where = field.kernel.where
        for axis in range(field.kernel.dimension):
            at = along(where, axis)
            yield self._or_why_not("field_drift", at, lambda axis=axis: float(field.drift[axis]))  # type: ignore[misc]
        yield self._or_why_not("metric_smallest", where, lambda: float(field.axes[0][0]))
        yield self._or_why_not("metric_largest", where, lambda: float(field.axes[0][-1]))

    def _errors(self, field: LayerField, train: Train) -> Iterator[Prediction]:
        kernel = field.kernel
        if kernel.is_local or not field.is_finite:
            return
        inputs = train.values[kernel.source].tensor
        relative = _left_open(field, inputs)
        for order in ORDERS:
            at = replace(kernel.where, coordinates=(("order", float(order)),))
            found = self._or_why_not("law_error", at, lambda order=order: _expected(field, inputs, order))  # type: ignore[misc]
            yield replace(found, error=relative * found.value)

    def _or_why_not(self, name: str, where: Where, value: Callable[[], float]) -> Prediction:
        try:
            found = value()
        except InputError as error:
            return self.prediction(name, where, math.nan, regime=Regime(f"{error.got}: {error.fix}"))
        outside = "" if math.isfinite(found) else "it has no finite value here"
        return self.prediction(name, where, found, regime=Regime(outside) if outside else INSIDE)


def read(train: Train) -> tuple[LayerField, ...]:
    """The fields of every convolution of a recorded train, in order.

    Raises
    ------
    InputError
        If the network has no convolution.
    """
    return tuple(LayerField(kernel) for kernel in effective_kernels(train))


def along(where: Where, axis: int) -> Where:
    """The place with an axis: 0 is the first spatial one, rows of an image."""
    return replace(where, coordinates=(("axis", float(axis)),))


def _expected(field: LayerField, inputs: Tensor | None, order: int) -> float:
    if inputs is None or inputs.ndim < field.kernel.dimension + 1:
        raise InputError("an input that was kept", "one that was not", "record it with keep=True")
    return expected_error(field.kernel, inputs, order)


def _left_open(field: LayerField, inputs: Tensor | None) -> float:
    """Relative error of an expected error: of correlated channels, and of the outputs left out near the border."""
    kernel = field.kernel
    open_ = CORRELATED if kernel.groups < kernel.inputs else ALONE
    if inputs is None:
        return open_
    sides = inputs.shape[-kernel.dimension :]
    reach = (kernel.places.amax(0) - kernel.places.amin(0)) / torch.tensor(
        kernel.spacing, dtype=torch.float64
    )
    return open_ + float(sum(r / n for r, n in zip(reach.tolist(), sides, strict=True))) / 4


__all__ = ["ORDERS", "TOLERANCE", "FieldEquation", "along", "read"]
