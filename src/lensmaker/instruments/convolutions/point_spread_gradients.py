"""Point spread: which input pixels the centre of a layer really listens to, by gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import InputError, Measurement, Reference, Table, Where
from lensmaker.core.bibliography import LUO_2016
from lensmaker.instruments.base import Instrument
from lensmaker.numerics.resampling import jackknife
from lensmaker.systems.networks import Element, Network, Train
from lensmaker.systems.networks.receptive_field import Field, receptive_fields
from lensmaker.systems.networks.weights import weights_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PointSpreadGradients(Instrument):
    r"""Width, drift and ellipticity of the gradient of the centre of every convolution's output; lengths in pixels.

        P(x) = Σ_c (∂(Σ_o ε_o y_o(centre))/∂φ_c(x))²,   ε_o = ±1 at random

    its centroid less the middle of the receptive field, and its covariance C: the width is √(tr C/d); of images the
    ellipticity has the components (C₀₀ − C₁₁)/tr C and 2C₀₁/tr C. Errors are jackknives over samples, each with signs
    of its own.

    Parameters
    ----------
    samples
        Of the batch; each of them is one row of the statistics.
    draws
        Signs drawn for each sample.
    signed
        The gradient itself in place of its square, ε = 1 and summed over channels: moments of it may be negative,
        and the width is told only where they are not.
    seed
        Of the signs.
    layers
        Most convolutions that are looked at: those of more than one tap, evenly spread, the last among them. None: all,
        1 × 1 ones too.

    Raises
    ------
    InputError
        If the network has no float input that its convolutions see, or no convolution.

    Examples
    --------
    >>> conv = torch.nn.Conv1d(1, 1, 3, padding=1, bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.0, 1.0, 1.0]]]))
    >>> for m in PointSpreadGradients(samples=2).measure(Network(conv, torch.randn(2, 1, 9))):
    ...     print(m.where, m.quantity, round(m.value, 6))
    conv1d[axis=0] point_spread_drift 0.5
    conv1d point_spread_width 0.5
    """

    samples: int = 4
    draws: int = 1
    signed: bool = False
    seed: int = 0
    layers: int | None = None

    name = "point_spread_gradients"
    summary = "Width, drift and ellipticity of what the centre of each convolution listens to, by gradients."
    quantities = ("point_spread_width", "point_spread_drift", "point_spread_ellipticity")
    references: ClassVar[tuple[Reference, ...]] = (LUO_2016,)

    def __post_init__(self) -> None:
        if self.samples < 1 or self.draws < 1:
            raise InputError(
                "at least one sample and one draw",
                f"{self.samples} and {self.draws}",
                "pass samples=4, draws=1",
            )
        if self.layers is not None and self.layers < 1:
            raise InputError("at least one layer", f"{self.layers}", "pass layers=4, or leave it out for all")

    def measure(self, system: Network) -> Table[Measurement]:
        return Table(
            m for where, spread, field in self.spreads(system) for m in self._read(where, spread, field)
        )

    def spreads(self, system: Network) -> Iterator[tuple[Where, Floats, tuple[float, ...]]]:
        """Of each convolution: the place, P(x) of each sample (samples, n_1, …, n_d), and the middle of its field."""
        train = system.probes(self.samples)
        fields = receptive_fields(train)
        generator = torch.Generator().manual_seed(self.seed)
        start, ends = _replayed(train, self._chosen(train))
        if not ends:
            raise InputError(
                "a network whose convolutions see a float input",
                f"{train.model}, where none does",
                "pass a convolutional network and its images",
            )
        for position, (element, output) in enumerate(ends):
            field, d = fields.get(element.outputs[0]), int(element.operation[-2])
            if field is None or len(field.sights) != d or start.ndim != d + 2 or output.ndim != d + 2:
                continue
            centre: list[Any] = [n // 2 for n in output.shape[2:]]
            total = torch.zeros(start.shape[0], *start.shape[2:], dtype=torch.float64)
            for draw in range(self.draws):
                seed = torch.zeros_like(output)
                shape = output.shape[:2]
                signs = torch.randint(0, 2, shape, generator=generator) * 2 - 1
                seed[:, :, *centre] = (torch.ones(shape) if self.signed else signs).to(seed)
                last = position == len(ends) - 1 and draw == self.draws - 1
                (gradient,) = torch.autograd.grad(output, start, seed, retain_graph=not last)
                values = gradient.detach().to("cpu", torch.float64)
                total += values.sum(1) if self.signed else values.square().sum(1)
            yield element.where, total.numpy(), _middle(field, tuple(centre))

    def _chosen(self, train: Train) -> set[int] | None:
        """Indices of the elements that are looked at; None: all convolutions."""
        if self.layers is None:
            return None
        found = [e.index for e in train.before_loss() if _has_reach(e, train)]
        n = min(self.layers, len(found))
        return {found[(j + 1) * len(found) // n - 1] for j in range(n)}

    def _read(self, where: Where, spread: Floats, middle: tuple[float, ...]) -> Iterator[Measurement]:
        d, rows = len(middle), _moments(spread, middle)
        for axis in range(d):
            at = replace(where, coordinates=(("axis", float(axis)),))
            value = jackknife(rows, lambda m, a=axis: m[..., 1 + a] / m[..., 0])  # type: ignore[misc]
            yield self.measurement("point_spread_drift", at, *value, len(rows))
        yield self.measurement("point_spread_width", where, *jackknife(rows, _width(d)), len(rows))
        for component in range(2 if d == 2 else 0):
            at = replace(where, coordinates=(("component", float(component)),))
            value = jackknife(rows, _ellipticity(component))
            yield self.measurement("point_spread_ellipticity", at, *value, len(rows))


def _has_reach(element: Element, train: Train) -> bool:
    weights = weights_of(element, train) if element.operation.startswith("conv") else None
    return weights is not None and math.prod(weights.kernel) > 1


def _replayed(train: Train, chosen: set[int] | None) -> tuple[Tensor, list[tuple[Element, Tensor]]]:
    """The train run again with a graph from its float input on; the outputs of its convolutions.

    What lies behind an element that cannot be run again is left out: its gradient would lack a part.
    """
    index = next((i for i in train.inputs if train.values[i].is_signal and train.values[i].is_float), None)
    if index is None:
        return torch.zeros(()), []
    content = train.values[index].tensor
    assert content is not None
    start = content.detach().clone().requires_grad_()
    live: dict[int, Any] = {index: start}
    lost: set[int] = set()
    ends: list[tuple[Element, Tensor]] = []
    last = max(chosen, default=-1) if chosen is not None else len(train.elements)

    def resolve(i: int) -> Any:
        return live[i] if i in live else train.values[i].tensor

    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        for element in train.before_loss():
            if element.index > last:
                break
            unseen = not element.inputs and train.signal_output(element) is not None
            if unseen or lost.intersection(element.inputs):
                lost.update(element.outputs)
                continue
            if not any(i in live for i in element.inputs):
                continue
            torch.manual_seed(element.index)
            try:
                outputs = element.replay(resolve)
            except (RuntimeError, NotImplementedError, TypeError, ValueError):  # it cannot be run again
                lost.update(element.outputs)
                continue
            live.update(zip(element.outputs, outputs, strict=False))
            wanted = chosen is None or element.index in chosen
            if wanted and element.operation.startswith("conv") and outputs[0].requires_grad:
                ends.append((element, outputs[0]))
    return start, ends


def _middle(field: Field, centre: tuple[int, ...]) -> tuple[float, ...]:
    """The middle of what the centre sees, in pixels."""
    return tuple(sum(s.at(c)) / 2 for s, c in zip(field.sights, centre, strict=True))


def _moments(spread: Floats, middle: tuple[float, ...]) -> Floats:
    """Sum, first and second moments about the middle, of each sample: (samples, 1 + d + d²)."""
    d = len(middle)
    places = np.stack(
        np.meshgrid(
            *[np.arange(n) - m for n, m in zip(spread.shape[1:], middle, strict=True)], indexing="ij"
        ),
        -1,
    ).reshape(-1, d)
    flat = spread.reshape(len(spread), -1)
    second = (places[:, :, None] * places[:, None, :]).reshape(-1, d * d)
    return np.concatenate([flat.sum(1)[:, None], flat @ places, flat @ second], 1)


def _covariance(means: Floats, d: int) -> Floats:
    first = means[..., 1 : 1 + d] / means[..., :1]
    second = (means[..., 1 + d :] / means[..., :1]).reshape(*means.shape[:-1], d, d)
    return np.asarray(second - first[..., :, None] * first[..., None, :])


def _width(d: int) -> Callable[[Floats], Any]:
    def width(means: Floats) -> Any:
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.trace(_covariance(means, d), axis1=-2, axis2=-1) / d)

    return width


def _ellipticity(component: int) -> Callable[[Floats], Any]:
    def ellipticity(means: Floats) -> Any:
        c = _covariance(means, 2)
        parts = (c[..., 0, 0] - c[..., 1, 1], 2 * c[..., 0, 1])
        return parts[component] / np.trace(c, axis1=-2, axis2=-1)

    return ellipticity
