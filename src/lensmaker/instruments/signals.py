"""The signal on the real run: moments, correlations between samples and tokens, zeros and dead units."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import Measurement, Where
from lensmaker.core.bibliography import POOLE_2016
from lensmaker.instruments.layout import Layout
from lensmaker.instruments.sums import RowSums, numbers, row_sums
from lensmaker.instruments.together import PassInstrument, Reading, Sight
from lensmaker.numerics.resampling import Estimate, jackknife, jackknife_error
from lensmaker.systems.networks import Network


class Signals(PassInstrument):
    """Statistics of the input and of every visible element's output, over the whole batch.

    q = ⟨x²⟩, m = ⟨x⟩, v = q − m², the mean cosine c between different samples and, where a sample is a
    sequence of tokens, c_T between different tokens of one sample; the fraction of exact zeros, and the
    fraction of units that are zero at all positions of each of the first few samples. Sums run in double
    precision, those of large single-precision tensors to 1e-6 (`lensmaker.instruments.sums`). Errors are
    jackknife errors over the samples of the batch; with one sample, or where the samples cannot be told
    apart, the error is infinite and the measurement says so.

    Parameters
    ----------
    probes
        For how many samples a unit must be zero to count as dead.

    References
    ----------
    B. Poole et al., NeurIPS 2016.

    Examples
    --------
    >>> network = Network(torch.nn.ReLU(), torch.tensor([[3.0, -1.0], [0.0, 4.0], [-1.0, 2.0]]))
    >>> [(m.quantity.name, round(m.value, 3)) for m in Signals().measure(network) if str(m.where) == "relu"]
    [('second_moment', 4.833), ('mean', 1.5), ('variance', 2.583), ('correlation', 0.333),
     ('zero_fraction', 0.5), ('dead_fraction', 0.0)]
    """

    name = "signals"
    summary = "Moments, correlations, zeros and dead units of every signal of the real run."
    quantities = (
        "second_moment",
        "mean",
        "variance",
        "correlation",
        "token_correlation",
        "zero_fraction",
        "dead_fraction",
    )
    references = (POOLE_2016,)

    def __init__(self, probes: int = 16) -> None:
        self.probes = probes

    def reading(self, network: Network) -> Reading:
        return _SignalReading(self, network.batch.samples)


class _SignalReading(Reading):
    def __init__(self, instrument: Signals, samples: int) -> None:
        self.instrument = instrument
        self.samples = samples
        self.sums: dict[Where, RowSums] = {}
        self.alive: dict[Where, NDArray[np.float64]] = {}

    def see(self, sight: Sight) -> None:
        with torch.no_grad():
            x = sight.output.detach()
            words = _tokens(sight, x)
            rows = sight.layout.rows(x) if words is None else words.flatten(1)
            self.sums[sight.where] = row_sums(rows, None if words is None else words.shape[1])
            if self.sums[sight.where].zero_fraction[: self.instrument.probes].any():
                self.alive[sight.where] = _alive(x, sight.layout, self.instrument.probes)

    def read(self) -> Iterable[Measurement]:
        for where, sums in self.sums.items():
            moments = np.stack([sums.second_moment, sums.mean], axis=-1)
            found = {
                "second_moment": jackknife(sums.second_moment),
                "mean": jackknife(sums.mean),
                "variance": jackknife(moments, lambda means: means[..., 0] - means[..., 1] ** 2),
            }
            if len(moments) == self.samples and len(sums.cosines.projections) > 1:
                found["correlation"] = sums.cosines.estimate()
            if sums.token_cosines is not None:
                # Samples with fewer than two tokens that are not zero have no pair.
                known = sums.token_cosines[~np.isnan(sums.token_cosines) | ~np.isfinite(sums.second_moment)]
                if len(known):
                    found["token_correlation"] = jackknife(known)
            found["zero_fraction"] = jackknife(sums.zero_fraction)
            found["dead_fraction"] = _dead(self.alive.get(where), min(len(moments), self.instrument.probes))
            for name, estimate in found.items():
                yield self.instrument.measurement(name, where, *estimate, self.samples)


def _tokens(sight: Sight, x: torch.Tensor) -> torch.Tensor | None:
    """The output as (samples, tokens, features), None where it is no sequence of tokens.

    Tokens are the middle axis of (B, T, D), the axis that shares the batch's in (B·T, D), and those of the
    heads together in the (B, h, T, d) of an attention. The channels of (B, C, L) are none.
    """
    layout = sight.layout
    if not layout.is_known or x.ndim < 2 or layout.features != x.ndim - 1 or layout.axis == layout.features:
        return None
    operation = sight.element.operation if sight.element else ""
    sequence = (x.ndim == 3 and layout.is_plain) or (x.ndim == 2 and not layout.is_plain)
    heads = operation == "scaled_dot_product_attention" and x.ndim == 4 and layout.is_plain
    if not (sequence or heads):
        return None
    words = layout.by_sample(x)
    words = words.transpose(1, 2).flatten(2) if heads else words
    return words if words.shape[1] > 1 else None


def _alive(x: torch.Tensor, layout: Layout, probes: int) -> NDArray[np.float64]:
    """Whether each unit is non-zero anywhere, for each of the first samples: shape (samples, units)."""
    if layout.is_plain and layout.axis is not None:
        x = x.narrow(layout.axis, 0, min(probes, layout.samples))
    elif layout.is_known:
        x = layout.by_sample(x)[:probes]
    if not layout.is_known or x.ndim == 1 or layout.axis == layout.features:
        # Without an axis of units, or where samples lie along it, every entry is a unit.
        x = x.movedim(layout.axis, 0) if layout.is_plain and layout.axis is not None else x
        return numbers((x != 0).reshape(1 if not layout.is_known else len(x), -1))
    axis, features = (layout.axis or 0, layout.features) if layout.is_plain else (0, _moved(layout))
    others = [k for k in range(x.ndim) if k not in (axis, features)]
    alive = (x.amax(others) != 0) | (x.amin(others) != 0) if others else x != 0
    return numbers(alive if axis < features else alive.T)


def _moved(layout: Layout) -> int:
    """The feature axis after `by_sample` has split and moved the axis of the samples."""
    axis = layout.axis or 0
    return layout.features + 1 if layout.features >= axis else layout.features + 2


def _dead(alive: NDArray[np.float64] | None, samples: int) -> Estimate:
    """Fraction of units alive in no sample, with its jackknife error."""
    if alive is None:
        return Estimate(0.0, 0.0)
    times = alive.sum(axis=0)
    value = float(np.mean(times == 0))
    if samples < 2:
        return Estimate(value, float("inf"))
    return Estimate(value, jackknife_error(np.mean(times - alive == 0, axis=1)))
