"""Loss gradients at activations and parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import Measurement, Where
from lensmaker.core.bibliography import GLOROT_2010
from lensmaker.instruments.sums import squares
from lensmaker.instruments.together import PassInstrument, Reading, Sight
from lensmaker.numerics.resampling import jackknife
from lensmaker.systems.networks import Network


class Gradients(PassInstrument):
    """Gradients of the loss, as it is given, at each element's output and at each parameter.

    g = ⟨(∂L/∂x)²⟩ over units, positions and samples, with its jackknife error over samples. A mean loss over
    B samples gives each sample a gradient of order 1/B: nothing is rescaled.

    g_w = ⟨(∂L/∂w)²⟩ over the entries of a parameter tensor, and |∂L/∂w|/|w|. One batch gives one gradient of
    a parameter, so their errors are those of a mean over the units: the jackknife over axis 0.

    References
    ----------
    X. Glorot and Y. Bengio, AISTATS 2010.

    Examples
    --------
    >>> net = torch.nn.Linear(2, 1, bias=False)
    >>> network = Network(net, torch.ones(4, 2), lambda y: y.sum())
    >>> [(str(m.where), m.quantity.name, m.value) for m in Gradients().measure(network)][:2]
    [('linear', 'gradient', 1.0), ('weight', 'weight_gradient', 16.0)]
    """

    name = "gradients"
    summary = "Loss gradients at activations and parameters, and the relative update of each parameter."
    quantities = ("gradient", "weight_gradient", "update_ratio")
    references = (GLOROT_2010,)
    gradients = True

    def reading(self, network: Network) -> Reading:
        return _GradientReading(self, network)


class _GradientReading(Reading):
    def __init__(self, instrument: Gradients, network: Network) -> None:
        self.instrument = instrument
        self.network = network
        self.by_sample: dict[Where, NDArray[np.float64] | None] = {}
        self.by_parameter: dict[str, NDArray[np.float64]] = {}

    def see(self, sight: Sight) -> None:
        if sight.element is None or not sight.output.requires_grad:
            return

        where, layout, found = sight.where, sight.layout, self.by_sample
        found[where] = None  # keeps the order of the forward pass

        # Registered before any later in-place operation, the hook gets the gradient of the value as it is. It
        # must not lead back to the value: garbage collection does not see a circle through autograd's graph.
        def arrived(gradient: torch.Tensor | None) -> None:
            if gradient is not None:
                found[where] = squares(layout.rows(gradient.detach()))

        # The node of an overwritten view is renewed when it is read; a hook on the old one ends the process.
        _ = sight.output.grad_fn
        sight.output.register_hook(arrived)

    def parameter_gradients(self, gradients: dict[str, torch.Tensor]) -> None:
        parameters = dict(self.network.model.named_parameters())
        for name, gradient in gradients.items():
            units = [_by_unit(t.detach()) for t in (gradient, parameters[name])]
            self.by_parameter[name] = np.stack(units, axis=-1)

    def read(self) -> Iterable[Measurement]:
        signed, samples = self.instrument.measurement, self.network.batch.samples
        for where, values in self.by_sample.items():
            if values is not None:
                yield signed("gradient", where, *jackknife(values), samples)
        for name, rows in self.by_parameter.items():
            path, _, own = name.rpartition(".")
            where = Where(path, operation=own)
            yield signed("weight_gradient", where, *jackknife(rows), samples)
            if rows[:, 1].any():  # a parameter that is zero has no relative update
                yield signed("update_ratio", where, *jackknife(rows, _norm_ratio), samples)


def _by_unit(t: torch.Tensor) -> NDArray[np.float64]:
    """Mean square of each slice along axis 0."""
    t = t.to_dense() if t.is_sparse else t
    return squares(t.reshape(len(t) if t.ndim else 1, -1))


def _norm_ratio(means: NDArray[np.float64]) -> Any:
    return np.sqrt(means[..., 0] / means[..., 1])
