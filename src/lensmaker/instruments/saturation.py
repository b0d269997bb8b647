"""Which inputs of an activation lie where it is flat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import Measurement, Where
from lensmaker.core.bibliography import GLOROT_2010
from lensmaker.instruments.sums import numbers
from lensmaker.instruments.together import PassInstrument, Reading, Sight
from lensmaker.numerics.resampling import jackknife, ratio
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Element, Network
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS

SATURATED = 0.05
"""Fraction of the largest slope below which an input counts as saturated."""

# Functions whose slope has no largest value, on which no input is saturated.
_UNBOUNDED = frozenset(["exp", "log", "log1p", "sqrt", "rsqrt", "square", "pow", "reciprocal"])
_RANGE, _POINTS = 8.0, 1025


class Saturation(PassInstrument):
    """Fraction of an activation's inputs at which |φ′(x)| is below 5 % of its largest value.

    The slopes are those of the function that really ran, by automatic differentiation at a random sub-sample
    of the inputs, taken before an in-place activation overwrites them. The largest slope is sought on [−8, 8]
    and among the inputs. Left out are functions of unbounded slope (exp, log, sqrt, …) and those of none
    (sign).

    Parameters
    ----------
    limit
        Size of the sub-sample for each element; all inputs where they are fewer.
    seed
        Draws the sub-sample.

    References
    ----------
    X. Glorot and Y. Bengio, AISTATS 2010, section 3.

    Examples
    --------
    >>> network = Network(torch.nn.Tanh(), torch.tensor([[0.0, 1.0], [5.0, 0.0], [-3.0, 9.0]]))
    >>> [round(m.value, 3) for m in Saturation().measure(network)]
    [0.5]
    """

    name = "saturation"
    summary = "Fraction of an activation's inputs at which it is flat."
    quantities = ("saturation",)
    references = (GLOROT_2010,)

    def __init__(self, limit: int = 1 << 14, seed: int = 0) -> None:
        self.limit = limit
        self.seed = seed

    def reading(self, network: Network) -> Reading:
        return _SaturationReading(self, network)


@dataclass(frozen=True)
class _Entries:
    """Some entries of a tensor, with their flat indices."""

    tensor: torch.Tensor
    values: torch.Tensor
    flat: torch.Tensor


class _SaturationReading(Reading):
    def __init__(self, instrument: Saturation, network: Network) -> None:
        self.instrument = instrument
        self.samples = network.batch.samples
        self.generator = stream("saturation", instrument.seed)
        self.saved: _Entries | None = None
        self.counts: dict[Where, NDArray[np.float64]] = {}

    def overwriting(self, operation: str, inputs: list[torch.Tensor]) -> None:
        real = bool(inputs) and inputs[0].is_floating_point()
        self.saved = self._draw(inputs[0]) if real and _has_largest_slope(operation) else None

    def see(self, sight: Sight) -> None:
        element = sight.element
        if element is None or not _has_largest_slope(element.operation):
            return
        x = sight.inputs[0]
        if sight.output.shape != x.shape or not x.is_floating_point():
            return
        entries = self.saved if self.saved is not None and self.saved.tensor is x else self._draw(x)
        self.saved = None
        channel = entries.flat // x.shape[2:].numel() % (x.shape[1] if x.ndim > 1 else 1)
        constants = {
            i: c.detach().to(entries.values.dtype)
            for i, c in zip(element.inputs[1:], sight.inputs[1:], strict=True)
        }
        if any(c.numel() > 1 for c in constants.values()) and element.operation != "prelu":
            return
        here, anywhere = self._slopes_here_and_anywhere(element, entries.values, constants, channel)
        largest = float(torch.cat([here, anywhere]).nan_to_num(0.0, posinf=0.0).max())
        if largest == 0:
            return
        layout = sight.layouts[0]
        n = self.samples if layout.is_known else 1
        owner = layout.owners(entries.flat, x.shape)
        flat = torch.bincount(owner, weights=(here < SATURATED * largest).double(), minlength=n)
        self.counts[sight.where] = numbers(
            torch.stack([flat, torch.bincount(owner, minlength=n).double()], -1)
        )

    @staticmethod
    def _slopes_here_and_anywhere(
        element: Element, x: torch.Tensor, constants: dict[int, torch.Tensor], channel: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """At the entries, and on a grid."""
        grid = torch.linspace(-_RANGE, _RANGE, _POINTS, dtype=x.dtype, device=x.device)
        if not constants:
            both = _slopes(element, torch.cat([x, grid]), {})
            return both[:-_POINTS], both[-_POINTS:]
        by_entry = {i: c[channel] if c.numel() > 1 else c for i, c in constants.items()}
        return _slopes(element, x, by_entry), _slopes(
            element, grid, {i: c.mean().reshape(1) for i, c in constants.items()}
        )

    def _draw(self, x: torch.Tensor) -> _Entries:
        n, limit = x.numel(), self.instrument.limit
        drawn = torch.arange(n) if n <= limit else torch.randint(n, (limit,), generator=self.generator)
        drawn = drawn.to(x.device)
        values = torch.take(x.detach(), drawn)
        return _Entries(x, values if values.dtype == torch.float64 else values.float(), drawn)

    def read(self) -> Iterable[Measurement]:
        for where, counts in self.counts.items():
            yield self.instrument.measurement("saturation", where, *jackknife(counts, ratio), self.samples)


def _has_largest_slope(operation: str) -> bool:
    return operation in ELEMENTWISE_ACTIVATIONS - _UNBOUNDED


def _slopes(element: Element, x: torch.Tensor, constants: dict[int, torch.Tensor]) -> torch.Tensor:
    """|φ′| at the points x; a random activation draws without disturbing the network's own draws."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        constants = {i: c.clone() for i, c in constants.items()}
        x = x.detach().clone().view(1, -1).requires_grad_()
        (y,) = element.replay(lambda i: constants.get(i, x))
        if not y.requires_grad:
            return torch.zeros_like(x).view(-1)
        return torch.autograd.grad(y.sum(), x)[0].abs().view(-1)
