"""Point spread: what the centre of every convolution listens to, from second moments that add up over layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import INSIDE, InputError, Prediction, Reference, Regime, Table, Where
from lensmaker.core.bibliography import LUO_2016
from lensmaker.systems.networks import Element, Network, Train
from lensmaker.systems.networks.receptive_field import Field, receptive_fields
from lensmaker.systems.networks.weights import weights_of
from lensmaker.theories.base import Theory
from lensmaker.theories.point_spread.cloud import Cloud, Weighing
from lensmaker.theories.point_spread.laws import NoLaw, law

INTERFERENCE, OF_SHAPE = 0.07, 3.5
"""Relative error of a width: 0.07 √(Σ 1/C²) over layers of C channels; drift, in widths, and ellipticity have 3.5 times
as much. Fitted to 48 fresh ReLU networks of 4 to 32 channels and ten layers."""

REACH = 2.0
"""Widths from the centroid within which the image must go on."""


@dataclass(frozen=True)
class PointSpread(Theory):
    r"""Width, drift and ellipticity of what the centre of every convolution's output listens to; lengths in pixels.

    A path from a pixel to the centre counts by the product of its weights, squared as a rule: for weights of random
    signs the squares of gradients are on average the sums over such paths. With p_l(z) = Σ w²/Σ Σ w² the moments add,

        Δ = Σ_l j_l ⟨z⟩_l,   C = Σ_l j_l² (⟨zzᵀ⟩_l − ⟨z⟩_l⟨z⟩_lᵀ)

    j_l the pixels from one position of layer l to the next: equal layers spread like √depth. Here that is done for
    each channel with its actual weights; activations count by the mean square of their slope on the batch, in each
    channel, maxima pass a gradient to any of their positions alike, and where paths meet, clouds add.

    Parameters
    ----------
    weighing
        How weights count.
    samples
        Of the batch, for the slopes.

    Raises
    ------
    InputError
        If the network has no float input, or no convolution.

    Examples
    --------
    >>> net = torch.nn.Sequential(*[torch.nn.Conv1d(1, 1, 3, padding=1) for _ in range(4)])
    >>> for layer in net:
    ...     _ = torch.nn.init.ones_(layer.weight)
    >>> table = PointSpread().predict(Network(net, torch.ones(1, 1, 64)))
    >>> [round(p.value**2, 4) for p in table.select(quantity="point_spread_width")]  # 2/3 a layer
    [0.6667, 1.3333, 2.0, 2.6667]
    """

    weighing: Weighing = Weighing.SQUARED
    samples: int = 4

    name = "point_spread"
    summary = "What the centre of each convolution listens to, from second moments of kernels that add up."
    quantities = ("point_spread_width", "point_spread_drift", "point_spread_ellipticity")
    assumptions = (
        "signs of weights are independent of one another, where weights count squared",
        "slopes of activations are independent of position and of the weights",
        "the image goes on beyond what is listened to",
    )
    references: ClassVar[tuple[Reference, ...]] = (LUO_2016,)

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InputError("at least one sample", f"{self.samples}", "pass samples=4")

    def predict(self, system: Network) -> Table[Prediction]:
        train = system.probes(self.samples)
        return Table(p for part in self.clouds(train) for p in self._layer(*part, train))

    def clouds(self, train: Train) -> Iterator[tuple[Element, Field | None, Cloud | str]]:
        """Each convolution with its receptive field and its cloud, or why it has none."""
        found, lost, fields = _start(train), dict[int, str](), receptive_fields(train)
        last_use = {i: e.index for e in train.elements for i in e.inputs}
        if not found:
            raise InputError(
                "a network that reads images, sound or the like",
                f"{train.model}, which reads no field of floats",
                "pass a convolutional network and its images",
            )
        convolutions = 0
        for element in train.before_loss():
            signals = train.signal_inputs(element)
            if not signals or not element.outputs:
                continue
            output = element.outputs[0]
            try:
                if reason := next((lost[i] for i in signals if i in lost), ""):
                    raise NoLaw(reason)
                found[output] = law(element, train, found, self.weighing)
            except NoLaw as why:
                words = str(why)
                lost.update(
                    dict.fromkeys(
                        element.outputs,
                        words if words.startswith("behind ") else f"behind {element.where}: {words}",
                    )
                )
            if element.operation.startswith("conv"):
                convolutions += 1
                yield element, fields.get(output), found.get(output, lost.get(output, ""))
            for i in signals:
                if last_use[i] == element.index:
                    found.pop(i, None)
        if not convolutions:
            raise InputError(
                "a network with convolutions", f"{train.model} without any", "pass a convolutional network"
            )

    def _layer(
        self, element: Element, field: Field | None, cloud: Cloud | str, train: Train
    ) -> Iterator[Prediction]:
        d = int(element.operation[-2])
        if isinstance(cloud, str) or field is None or len(field.sights) != d:
            reason = cloud if isinstance(cloud, str) else "its outputs have no one receptive field"
            nothing = torch.full((d,), math.nan, dtype=torch.float64)
            yield from self._all(element.where, nothing, nothing.expand(d, d), 0.0, reason)
            return
        centre = [n // 2 for n in train.values[element.outputs[0]].shape[-d:]]
        mean, covariance = cloud.spread()
        place = cloud.origin + cloud.jump * torch.tensor(centre, dtype=torch.float64) + mean
        ends = [sum(s.at(c)) / 2 for s, c in zip(field.sights, centre, strict=True)]
        drift = place - torch.tensor(ends, dtype=torch.float64)
        reason = _reason(place, covariance, train.values[_input(train)].shape[-d:])
        yield from self._all(element.where, drift, covariance, _error(element, train), reason)

    def _all(
        self, where: Where, drift: Tensor, covariance: Tensor, relative: float, reason: str
    ) -> Iterator[Prediction]:
        regime = Regime(reason) if reason else INSIDE
        d, variance = len(drift), float(covariance.diagonal().mean())
        width = math.sqrt(variance) if variance >= 0 else math.nan
        for axis in range(d):
            at = replace(where, coordinates=(("axis", float(axis)),))
            error = OF_SHAPE * relative * width
            yield self.prediction("point_spread_drift", at, float(drift[axis]), error, regime)
        yield self.prediction("point_spread_width", where, width, relative * width, regime)
        if d == 2:
            c, trace = covariance, 2 * variance
            point = Regime("nothing is spread: it is a point") if not reason and not trace else regime
            parts = (float(c[0, 0] - c[1, 1]), 2 * float(c[0, 1]))
            for component, part in enumerate(parts):
                at = replace(where, coordinates=(("component", float(component)),))
                value = part / trace if trace else math.nan
                yield self.prediction("point_spread_ellipticity", at, value, OF_SHAPE * relative, point)


def _error(element: Element, train: Train) -> float:
    """Relative error of a width: paths through few channels interfere."""
    total = 0.0
    for earlier in train.before_loss():
        if earlier.index > element.index:
            break
        if earlier.operation.startswith("conv"):
            weights = weights_of(earlier, train)
            if weights is not None and math.prod(weights.kernel) > 1:
                total += 1.0 / train.values[earlier.outputs[0]].shape[1] ** 2
    return INTERFERENCE * math.sqrt(total)


def _start(train: Train) -> dict[int, Cloud]:
    found = {}
    for i in train.inputs:
        value = train.values[i]
        if value.is_signal and value.is_float and len(value.shape) > 2:
            found[i] = Cloud.pixels(value.shape[1], len(value.shape) - 2)
    return found


def _input(train: Train) -> int:
    return next(i for i in _start(train))


def _reason(place: Tensor, covariance: Tensor, sides: tuple[int, ...]) -> str:
    """Why moments do not tell of a cloud: it leaves the image, or is negative."""
    variance = covariance.diagonal()
    if not bool(covariance.isfinite().all()) or float(torch.linalg.eigvalsh(covariance)[0]) < -1e-9 * float(
        variance.abs().max()
    ):
        return "its moments are no spread: weights of both signs cancel"
    reach = REACH * variance.clamp_min(0).sqrt()
    for at, r, n in zip(place.tolist(), reach.tolist(), sides, strict=True):
        if at - r < 0 or at + r > n - 1:
            return "it reaches beyond the border of the image"
    return ""
