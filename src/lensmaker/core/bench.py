"""What one inspection of a network found: the record that every report is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from lensmaker.core.built import Built
from lensmaker.core.geometry import LayerGeometry
from lensmaker.core.records import Comparison, Measurement, Prediction
from lensmaker.core.references import Reference
from lensmaker.core.tables import Table
from lensmaker.core.where import Where


class Training(Enum):
    """What the theory's prediction means for this network."""

    FRESH = "fresh: the theory is expected to hold, a deviation is news"
    TRAINED = (
        "trained: the theory is the null hypothesis of random weights, a deviation is what training built"
    )


@dataclass(frozen=True)
class ElementRecord:
    """One line of the prescription: an element of the network and its numbers.

    Attributes
    ----------
    where, operation
        The place, and the kind of operation ("linear", "conv2d", "relu", …).
    input_shapes, output_shape
        Shapes with the batch axis.
    fan_in, sigma_w, sigma_b
        Inputs summed by one output unit; σ_w = √(fan_in·⟨w²⟩); σ_b = √⟨b²⟩; None without weights.
    activation
        The element-wise function that follows, "" if none does.
    parameters
        Number of parameters, tied ones counted at their first use only.
    receptive_field, stride
        In input pixels for each spatial axis, for convolutional networks.
    """

    where: Where
    operation: str
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    fan_in: int | None = None
    sigma_w: float | None = None
    sigma_b: float | None = None
    activation: str = ""
    parameters: int = 0
    receptive_field: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    weights: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What harms the network: where, why, the number that shows it, and the number that mends it.

    Attributes
    ----------
    aberration
        Name of the aberration ("depth_collapse", "layer_gain", …).
    where
        The element at fault; the first one where the whole depth is.
    cause
        One sentence: why this harms.
    quantity, value, bound
        The revealing quantity, its value here, and the bound it breaks.
    correction
        One sentence: what to change to what.
    factors
        Parameter name → factor to multiply it by.
    predicted_effect
        One sentence: what the theory says will follow.
    effect
        The theory's predictions for the corrected network, to be measured after `correct()`.
    consequence_of
        The finding that it follows from, as "aberration at place"; "" for a fault of its own. Nothing is
        corrected for a consequence.
    """

    aberration: str
    where: Where
    cause: str
    quantity: str
    value: float
    bound: float
    correction: str
    factors: tuple[tuple[str, float], ...]
    predicted_effect: str
    effect: tuple[Prediction, ...] = field(default=(), repr=False)
    consequence_of: str = ""


@dataclass(frozen=True)
class BenchRecord:
    """Everything one inspection found.

    `comparisons` pairs predictions with measurements; what has no partner is in `predictions`
    or `measurements` alone. `corrected` compares the findings' predicted effects with the
    network measured again after `correct()`, and is empty before. `built` has the weights of a
    trained network beside the null hypothesis of random ones, and is empty for a fresh one.
    `geometry` has the convolutions as differential operators, and is empty without any.
    """

    model: str
    batch: str
    training: Training
    training_reason: str
    elements: Table[ElementRecord]
    comparisons: Table[Comparison]
    predictions: Table[Prediction] = Table()
    measurements: Table[Measurement] = Table()
    findings: tuple[Finding, ...] = ()
    corrected: Table[Comparison] = Table()
    built: Table[Built] = Table()
    references: tuple[Reference, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    geometry: Table[LayerGeometry] = Table()
