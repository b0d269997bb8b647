"""Running statistics of a batch normalisation that are not those of the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lensmaker.core.bibliography import IOFFE_2015
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Change, Replaced
from lensmaker.design.evidence import Evidence
from lensmaker.numerics.finite import all_finite
from lensmaker.systems.networks import Element, Train
from lensmaker.systems.networks.weights import named_arguments

BOUND = 1.0
"""Divergence of the median channel, in nat, beyond which the normalised signal is another one.

A shift of √2 standard deviations makes 1 nat, and so does a variance that is 4.1 times too large.
"""

BOUND_ALONE = 5.0
"""The same where no normalisation before it agrees with the data: these may be another set, read as well as ever."""

SAMPLES, ENTRIES = 32, 64
"""Most samples that are looked at, and fewest entries of a channel that have statistics."""


class StaleStatistics(Aberration):
    """A normalisation in evaluation mode whose stored mean μ_r and variance v_r contradict the data's.

    For each channel D = ½[v/v_r + (μ − μ_r)²/v_r − 1 − ln(v/v_r)] is the divergence of the data, taken as
    Gaussian, from the stored statistics; that of the median channel breaks the bound (channels that are silent
    on this batch are no fault). The bound is wide where no normalisation before it agrees with its data, for
    then the data themselves may be of another kind, and the network still be right about them. Statistics that
    were never estimated (0 and 1 throughout the network) are left alone; of those still on their way from there
    it is the end of the way that is compared.
    The correction stores those of this batch, on the choice that the data are right: were the batch unusual, the
    data are what to look at.
    """

    name = "stale_statistics"
    summary = "Running statistics of a normalisation that contradict the data."
    quantity = "statistics_divergence"
    references = (IOFFE_2015,)
    explained_by = ("non_finite", "layer_gain", "depth_gain", "input_scale", "stale_statistics")

    def look(self, evidence: Evidence) -> list[Suspicion]:
        suspects = [e for e in evidence.train.visible() if _stored(e, evidence.train) is not None]
        if all(_fresh(*found) for e in suspects if (found := _stored(e, evidence.train)) is not None):
            return []
        contents = evidence.network.probes(min(SAMPLES, evidence.network.batch.samples))
        return list(self._found({e.where for e in suspects}, contents, evidence))

    def _found(self, places: set[Any], train: Train, evidence: Evidence) -> Iterator[Suspicion]:
        modules = dict(evidence.network.model.named_modules())
        agreed = disagreed = False
        for element in train.visible():
            stored = _stored(element, train)
            if element.where not in places or stored is None:
                continue
            x = train.values[train.signal_inputs(element)[0]].tensor
            if x is None or not all_finite(x) or x.numel() < ENTRIES * x.shape[1]:
                continue
            axes = [a for a in range(x.ndim) if a != 1]
            variance, mean = torch.var_mean(x.detach().double(), axes, correction=0)
            stored = _settled(stored, modules.get(element.where.path))
            divergence = float(_divergence(mean, variance, *stored).median())
            bound = BOUND if agreed and not disagreed else BOUND_ALONE
            agreed, disagreed = agreed or divergence <= BOUND, disagreed or divergence > BOUND
            if divergence > bound:
                module = modules.get(element.where.path)
                yield self._suspicion(element, divergence, bound, mean, variance, module)

    def _suspicion(
        self,
        element: Element,
        divergence: float,
        bound: float,
        mean: Tensor,
        variance: Tensor,
        module: nn.Module | None,
    ) -> Suspicion:
        changes: dict[str, Change] = {}
        if getattr(module, "running_mean", None) is not None:
            path = element.where.path + "." if element.where.path else ""
            changes = {f"{path}running_mean": Replaced(mean), f"{path}running_var": Replaced(variance)}
        return Suspicion(
            self.name,
            element.where,
            "the stored mean and variance are not those of the data, so what leaves the normalisation is not "
            "what the layers after it were made for",
            self.quantity,
            divergence,
            bound,
            "store the mean and variance of this batch: of the two that disagree, the data are taken to be right",
            changes,
        )


def _stored(element: Element, train: Train) -> tuple[Tensor, Tensor] | None:
    """Mean and variance by which the element normalises, where these are stored."""
    if element.operation != "batch_norm":
        return None
    a = named_arguments(element, "input running_mean running_var weight bias training momentum eps")
    if a.get("training", False) or a.get("running_mean") is None or a.get("running_var") is None:
        return None
    mean, variance = (train.values[a[n].value].tensor for n in ("running_mean", "running_var"))
    if mean is None or variance is None:
        return None
    return mean.detach().double(), variance.detach().double()


def _fresh(mean: Tensor, variance: Tensor) -> bool:
    return bool((mean == 0).all()) and bool((variance == 1).all())


def _settled(stored: tuple[Tensor, Tensor], module: nn.Module | None) -> tuple[Tensor, Tensor]:
    """What the running averages are on their way to: without what is left of the 0 and 1 that they began with."""
    steps, momentum = getattr(module, "num_batches_tracked", None), getattr(module, "momentum", None)
    if steps is None or momentum is None or int(steps) == 0:
        return stored
    left = float((1 - momentum) ** int(steps))
    return (stored[0] / (1 - left), (stored[1] - left) / (1 - left)) if left < 1 else stored


def _divergence(mean: Tensor, variance: Tensor, stored_mean: Tensor, stored_variance: Tensor) -> Tensor:
    """Of each channel, in nat; constant channels are as wide as the rounding of their mean."""
    floor = 1e-12 * (1 + stored_variance.max())
    v, v_r = variance.clamp_min(floor), stored_variance.clamp_min(floor)
    ratio = v / v_r
    return 0.5 * (ratio - 1 - ratio.log() + (mean - stored_mean).square() / v_r)
