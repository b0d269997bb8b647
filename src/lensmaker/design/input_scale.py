"""An input far from the size that initialisations are made for."""

from __future__ import annotations

import math

from torch import Tensor

from lensmaker.core import Training, Where
from lensmaker.core.bibliography import LECUN_1998
from lensmaker.design.aberration import Aberration, Suspicion
from lensmaker.design.correction import Change, Replaced, Scaled
from lensmaker.design.evidence import Evidence
from lensmaker.design.handle import handle_of, users_of
from lensmaker.systems.networks import Family
from lensmaker.systems.networks.weights import Layout, Weights, weights_of

BOUND = 100.0
"""Second moment beyond which (or below the inverse of which) an input is not normalised.

Data between 0 and 1, and standardised ones, lie well inside; bytes, at 10⁴, do not.
"""


class InputScale(Aberration):
    """The second moment q₀ of the input is far from 1, in a fresh network that has no normalisation before it.

    Initialisations keep the size of a signal: one that enters large leaves large, and where activations
    saturate it saturates them all. The correction standardises the input by its overall mean m and standard
    deviation s, x → (x − m)/s, and writes that into the first layer: W → W/s, b → b − (Σ_j W_ij) m/s. Where
    that layer pads its input with zeros, or has no bias, the mean is left to the data, and x → x/√q₀ alone
    is written. That mends the function; the gradient of this weight is still taken with the raw input, (m² + s²)^½
    times as large, so that to train it is better to normalise the data themselves and leave the weights alone.
    """

    name = "input_scale"
    summary = "The input is not normalised: far larger or smaller than initialisations expect."
    quantity = "second_moment"
    references = (LECUN_1998,)
    explained_by = ()

    def look(self, evidence: Evidence) -> list[Suspicion]:
        train, batch = evidence.train, evidence.network.batch
        inputs = [i for i in train.inputs if train.values[i].is_signal and train.values[i].is_float]
        if evidence.training is Training.TRAINED or len(inputs) != 1:
            return []
        x = next(t for t in batch.tensors if t.is_floating_point()).detach().double()
        q = float(x.square().mean())
        first = next((e for e in train.visible() if evidence.enters(e)), None)
        if first is None or first.family is not Family.LINEAR or 1 / BOUND <= q <= BOUND or q == 0:
            return []
        if any(s.normalised for s in evidence.stages if first in s.elements):
            return []
        felt = (evidence.felt(first, evidence.typical_sigma_w(), apart=a) for a in (False, True))
        if all(1 / BOUND <= f <= BOUND for f in felt):  # the first layer makes up for it
            return []
        mean, deviation = float(x.mean()), float(x.std(correction=0))
        weights = weights_of(first, train)
        handle = handle_of(first, train)
        shared = handle.parameter and users_of(handle.parameter, train) - {first.index}
        words, changes = f"divide the input by {math.sqrt(q):.4g}", dict[str, Change]()
        if weights is not None and handle.parameter and not shared:
            words, changes = _folded(weights, handle.parameter, evidence, q, mean, deviation)
        return [
            Suspicion(
                self.name,
                first.where if changes else Where(operation="input"),
                f"the input is not normalised: its root mean square is {math.sqrt(q):.3g}, its mean {mean:.3g}, "
                "and initialisations are made for 1 and 0",
                self.quantity,
                q,
                BOUND if q > 1 else 1 / BOUND,
                words,
                changes,
            )
        ]


def _folded(
    weights: Weights, parameter: str, evidence: Evidence, q: float, mean: float, deviation: float
) -> tuple[str, dict[str, Change]]:
    """The normalisation, written into the first layer."""
    padded = any(side for pair in weights.padding for side in pair)
    bias = _bias_of(weights, evidence)
    if padded or bias is None or deviation == 0 or weights.layout is Layout.LOOKUP:
        size = math.sqrt(q)
        words = f"divide the input by {size:.4g}, or, as is done here, multiply {parameter} by {1 / size:.4g}"
        return words, {parameter: Scaled(1 / size)}
    name, stored = bias
    sums = weights.weight.detach().double().flatten(1).sum(1)
    shifted = stored.detach().double() - sums * mean / deviation
    words = (
        f"subtract {mean:.4g} from the input and divide it by {deviation:.4g}, or, as is done here, multiply "
        f"{parameter} by {1 / deviation:.4g} and shift {name} by as much: the function is the same, but the gradient "
        f"of that weight stays {math.sqrt(q):.3g} times as large, so normalise the data before you train"
    )
    return words, {parameter: Scaled(1 / deviation), name: Replaced(shifted)}


def _bias_of(weights: Weights, evidence: Evidence) -> tuple[str, Tensor] | None:
    if weights.bias is None or weights.bias.ndim != 1:
        return None
    for name, p in evidence.network.model.named_parameters():
        if p.shape == weights.bias.shape and p.data_ptr() == weights.bias.data_ptr():
            return name, p
    return None
