"""Several instruments, one pass: each leaves a reading in the beam and takes it out afterwards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from lensmaker.core import Measurement, Table, Where
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.layout import Layout, Layouts
from lensmaker.systems.networks import Element, Family, Network
from lensmaker.systems.networks.train import LOSS_PATH


@dataclass(frozen=True)
class Sight:
    """What a reading sees of one visible element, right after it ran.

    Attributes
    ----------
    where, output, layout
        The place, the first floating-point output, and how that divides into samples.
    element
        The element, None for the input of the network.
    inputs, layouts
        The tensors that flowed in, in the order of `element.inputs`, and their layouts. The first is already
        overwritten where `element.mutates`.
    """

    where: Where
    output: torch.Tensor
    layout: Layout
    element: Element | None = None
    inputs: tuple[torch.Tensor, ...] = ()
    layouts: tuple[Layout, ...] = ()


class Reading:
    """What one instrument gathers during one pass; a subclass overrides what it cares for."""

    def overwriting(self, operation: str, inputs: list[torch.Tensor]) -> None:
        """An operation is about to run that may overwrite its first input."""

    def element(self, element: Element) -> None:
        """An element of the signal ran, visible or not."""

    def see(self, sight: Sight) -> None:
        """A visible element ran; its tensors are detached only by the reading itself."""

    def parameter_gradients(self, gradients: dict[str, torch.Tensor]) -> None:
        """The loss gradient of each parameter, by name."""

    def read(self) -> Iterable[Measurement]:
        """The measurements, after the pass."""
        return ()


class PassInstrument(Instrument):
    """An instrument that reads everything off a single pass, and can share that pass with others.

    Attributes
    ----------
    gradients
        Whether the pass must run backward as well.
    """

    gradients: ClassVar[bool] = False

    @abstractmethod
    def reading(self, network: Network) -> Reading:
        """A fresh reading to be put in the beam."""

    def measure(self, system: Any) -> Table[Measurement]:
        return measure_together(system, [self])[self.name]


def measure_together(
    network: Network, instruments: Sequence[PassInstrument]
) -> dict[str, Table[Measurement]]:
    """What each instrument measures, by its name, from one shared pass of the network.

    The pass runs backward too if one of the instruments needs gradients and the network has a loss.

    Examples
    --------
    >>> from lensmaker.instruments.signals import Signals
    >>> network = Network(torch.nn.ReLU(), torch.tensor([[-1.0, 1.0], [2.0, 2.0]]))
    >>> found = measure_together(network, [Signals()])["signals"]
    >>> [m.value for m in found if str(m.where) == "relu" and m.quantity.name == "second_moment"]
    [2.25]
    """
    readings = {instrument.name: instrument.reading(network) for instrument in instruments}
    beam = _Beam(list(readings.values()), Layouts(network.batch.samples, network.batch.axis))
    given = next((t for t in network.batch.tensors if t.is_floating_point()), None)
    if given is not None:
        beam.show(Sight(Where(operation="input"), given, beam.layouts.guess(given.shape)))
    network.observe(
        beam, gradients=any(i.gradients for i in instruments), on_parameter_gradients=beam.parameter_gradients
    )
    return {name: Table(reading.read()) for name, reading in readings.items()}


class _Beam:
    """The one observer of the pass: follows layouts, and shows each visible element to every reading."""

    def __init__(self, readings: list[Reading], layouts: Layouts) -> None:
        self.readings = readings
        self.layouts = layouts

    def show(self, sight: Sight) -> None:
        for reading in self.readings:
            reading.see(sight)

    def overwriting(self, operation: str, inputs: list[torch.Tensor]) -> None:
        for reading in self.readings:
            reading.overwriting(operation, inputs)

    def element(self, element: Element, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> None:
        if element.family is Family.LOSS or element.where.path.startswith(LOSS_PATH):
            return
        with torch.no_grad():
            before = [self.layouts.of(i, t.shape) for i, t in zip(element.inputs, inputs, strict=True)]
            self.layouts.follow(element, inputs, outputs)
        for reading in self.readings:
            reading.element(element)
        at = next((k for k, t in enumerate(outputs) if t.is_floating_point()), None)
        if at is None or element.family is Family.STRUCTURE or outputs[at].numel() == 0:
            return
        output = outputs[at]
        layout = self.layouts.of(element.outputs[at], output.shape)
        self.show(Sight(element.where, output, layout, element, tuple(inputs), tuple(before)))

    def parameter_gradients(self, gradients: dict[str, torch.Tensor]) -> None:
        for reading in self.readings:
            reading.parameter_gradients(gradients)
