"""Field law error: the operators of order 0, 1 and 2 beside the convolution itself, on its actual input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lensmaker.core import InputError, Measurement, Reference, Table
from lensmaker.instruments.base import Instrument
from lensmaker.numerics.resampling import jackknife
from lensmaker.systems.networks import Element, Network, Train
from lensmaker.systems.networks.weights import Weights, weights_of

_CONVOLUTION: dict[int, Any] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@dataclass(frozen=True)
class FieldLawError(Instrument):
    r"""ε_n = |y − y_n|/|y| of every convolution on what it reads, without its bias.

        y(x) = Σ_z w(z) φ(x + z),   y_n = Σ_{|α|≤n} (1/α!) m_α ∂^α φ,   m_α = Σ_z w(z) z^α

    about the middle of the kernel. Derivatives are those of the trigonometric interpolation of the field mirrored at
    its borders. Only outputs of which no tap leaves the field are compared; norms are over these, and over channels.

    1 × 1 kernels are left out, whose error is zero; so are transposed convolutions, whose phases are no one kernel.

    Parameters
    ----------
    orders
        Those of the operators, n.
    samples
        Of the batch.

    Raises
    ------
    InputError
        If there is nothing to measure.

    Examples
    --------
    >>> conv = torch.nn.Conv1d(1, 1, 3, bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.25, 0.5, 0.25]]]))
    >>> k = torch.pi / 8
    >>> wave = torch.cos(k * (torch.arange(64, dtype=torch.float64) + 0.5)).expand(2, 1, 64)
    >>> found = FieldLawError().measure(Network(conv.double(), wave))
    >>> half = (1 + math.cos(k)) / 2
    >>> [round(m.value / abs(1 - exact / half), 6) for m, exact in zip(found, (1, 1, 1 - k**2 / 4))]
    [1.0, 1.0, 1.0]
    """

    orders: tuple[int, ...] = (0, 1, 2)
    samples: int = 2

    name = "field_law_error"
    summary = "Relative errors of the differential operators of each convolution on its actual input."
    quantities = ("law_error",)
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "trefethen2000",
            "L. N. Trefethen",
            "Spectral Methods in MATLAB",
            2000,
            "SIAM",
        ),
    )

    def __post_init__(self) -> None:
        if not self.orders or min(self.orders) < 0 or self.samples < 1:
            raise InputError(
                "orders of 0 or more and at least one sample",
                f"{self.orders} and {self.samples}",
                "leave them out",
            )

    def measure(self, system: Network) -> Table[Measurement]:
        train = system.probes(self.samples)
        return Table(m for element in train.before_loss() for m in self._element(element, train))

    def _element(self, element: Element, train: Train) -> Iterator[Measurement]:
        if not element.operation.startswith("conv") or train.signal_output(element) is None:
            return
        weights = weights_of(element, train)
        if weights is None or weights.transposed or math.prod(weights.kernel) == 1:
            return
        source, before = _source(element, weights, train)
        x = train.values[source].tensor
        if x is None:
            return
        x = x.detach() if x.ndim == len(weights.kernel) + 2 else x.detach()[None]
        squares = [_squares(sample[None], weights, before, self.orders) for sample in x]
        if any(s is None for s in squares):  # the kernel is larger than the field
            return
        table = np.array(squares, dtype=np.float64)
        for column, order in enumerate(self.orders):
            at = replace(element.where, coordinates=(("order", float(order)),))
            rows = table[:, [column, len(self.orders)]]
            yield self.measurement("law_error", at, *jackknife(rows, _root_ratio), len(x))


def _root_ratio(means: Any) -> Any:
    return np.sqrt(means[..., 0] / means[..., 1])


def _source(element: Element, weights: Weights, train: Train) -> tuple[int, list[int]]:
    """The field before any padding of the module's own, and all padding in front of each axis."""
    before = [left for left, _ in weights.padding]
    producer = train.values[weights.signal].producer
    if producer is None or train.elements[producer].operation != "pad":
        return weights.signal, before
    pad = train.elements[producer]
    if pad.where.path != element.where.path:
        return weights.signal, before
    sides = pad.args[1] if len(pad.args) > 1 else pad.kwargs["pad"]
    d = len(before)
    return pad.inputs[0], [before[axis] + sides[2 * (d - 1 - axis)] for axis in range(d)]


def _squares(x: Tensor, weights: Weights, before: list[int], orders: tuple[int, ...]) -> list[float] | None:
    """|y − y_n|² for each order and |y|², of one sample."""
    x = x if x.dtype == torch.float64 else x.float()
    w = weights.weight.detach().to(x)
    d, sides = len(weights.kernel), x.shape[2:]
    reach = [dil * (k - 1) for dil, k in zip(weights.dilation, weights.kernel, strict=True)]
    if any(n <= r for n, r in zip(sides, reach, strict=True)):
        return None
    # Outputs start where PyTorch's do, at −padding + o·stride; of these the ones from 0 on.
    places = [
        slice(-p % s, n - r, s) for p, s, n, r in zip(before, weights.stride, sides, reach, strict=True)
    ]
    if any(part.start >= part.stop for part in places):
        return None
    y = _CONVOLUTION[d](x, w, dilation=weights.dilation, groups=weights.groups)[(..., *places)]
    low: list[Any] = [
        slice(part.start + r // 2, part.stop + r // 2, part.step)
        for part, r in zip(places, reach, strict=True)
    ]
    derivative = _Derivatives(x, d, [r / 2 - r // 2 for r in reach])
    law, found = torch.zeros_like(y), {}
    for order in range(max(orders) + 1):
        for powers in itertools.product(range(order + 1), repeat=d):
            if sum(powers) != order:
                continue
            field = derivative(powers)[(..., *low)]
            factor = math.prod(math.factorial(p) for p in powers)
            matrix = _moment(w, weights, powers) / factor
            law = law + _CONVOLUTION[d](
                field, matrix.reshape(*matrix.shape, *(1,) * d), groups=weights.groups
            )
        found[order] = float((y - law).double().square().sum())
    return [*(found[order] for order in orders), float(y.double().square().sum())]


def _moment(w: Tensor, weights: Weights, powers: tuple[int, ...]) -> Tensor:
    """Σ_z w(z) z^α about the middle, (out, in/groups)."""
    for power, size, dilation in list(zip(powers, weights.kernel, weights.dilation, strict=True))[::-1]:
        middle = (size - 1) / 2
        w = sum(
            (w[..., tap] * (dilation * (tap - middle)) ** power for tap in range(size)),
            torch.zeros_like(w[..., 0]),
        )
    return w


class _Derivatives:
    """Derivatives of a field mirrored at its borders, moved by a part of a step along each axis."""

    def __init__(self, x: Tensor, d: int, shift: list[float]) -> None:
        self.sides, self.axes = x.shape[-d:], tuple(range(-d, 0))
        for axis in self.axes:
            x = torch.cat([x, x.flip(axis)], axis)
        self.waves = torch.fft.fftn(x, dim=self.axes)
        self.numbers = []
        for axis, part in zip(self.axes, shift, strict=True):
            n = x.shape[axis]
            k = 2 * math.pi * torch.fft.fftfreq(n, dtype=torch.float64)
            moved = torch.polar(torch.ones_like(k), k * part)
            moved[n // 2] = math.cos(math.pi * part)  # the shortest wave is its own conjugate
            self.numbers.append((k, moved))

    def __call__(self, powers: tuple[int, ...]) -> Tensor:
        waves = self.waves
        for axis, power, (k, moved) in zip(self.axes, powers, self.numbers, strict=True):
            factor = (1j * k) ** power * moved
            if power % 2:
                factor[len(k) // 2] = 0
            waves = waves * factor.to(waves.dtype).view([-1] + [1] * (-axis - 1))
        found = torch.fft.ifftn(waves, dim=self.axes).real
        kept: list[Any] = [slice(0, n) for n in self.sides]
        return found[(..., *kept)]
