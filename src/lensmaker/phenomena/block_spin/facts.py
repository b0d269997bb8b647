"""The numbers of one training: its receptive fields layer by layer, and what its top layer keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensmaker.instruments.boltzmann import field_statistics as statistics
from lensmaker.instruments.boltzmann.receptive_fields import ReceptiveFields
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.block_spin.plan import Plan, Variant
from lensmaker.phenomena.block_spin.reconstruction import agreement, by_majority, decoded
from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork
from lensmaker.systems.boltzmann.field_stack import FieldStack
from lensmaker.systems.spins import square

AGREEMENT = "sign_agreement"
"""Share of sites that a code of one bit a block gets right."""

LOCAL_UNITS = "local_units"
"""Share of the units of a layer that have more than half of Σw² in the window at their peak."""

FIELD_FACTS = ("window_fraction", "sign_coherence", "field_half_width", "field_participation")


@dataclass(frozen=True)
class Fact:
    """A number of a training.

    Attributes
    ----------
    variant, seed
        Of the training.
    layer
        From 1 on; 0 where it is of the whole stack.
    name
        What it is.
    value, error
        The error is over the units of the layer, or over configurations.
    """

    variant: Variant
    seed: int
    layer: int
    name: str
    value: float
    error: float


def field_facts(plan: Plan, variant: Variant, seed: int, network: DeepBeliefNetwork) -> Iterator[Fact]:
    """Of the receptive fields."""
    stack = FieldStack(network, square(plan.side))
    for m in ReceptiveFields(plan.window).measure(stack):
        if m.quantity.name in FIELD_FACTS:
            layer = int(dict(m.where.coordinates)["layer"])
            yield Fact(variant, seed, layer, m.quantity.name, m.value, m.error)
    for layer, fields in enumerate(stack.fields, start=1):
        w = statistics.centred(fields.numpy())
        local = statistics.window_fraction(w, plan.window) > 0.5
        share = float(local.mean()) if len(w) else 0.0
        error = float(np.sqrt(share * (1 - share) / max(1, len(w))))
        yield Fact(variant, seed, layer, LOCAL_UNITS, share, error)


def agreement_fact(variant: Variant, seed: int, network: DeepBeliefNetwork, bits: Tensor) -> Fact:
    """Of bits, (n, sites), that the machine has not seen."""
    found = over_rows(agreement(2 * bits - 1, decoded(network, bits)))
    return Fact(variant, seed, 0, AGREEMENT, found.value, found.error)


def majority_agreement(plan: Plan, spins: Tensor, generator: torch.Generator) -> Estimate:
    """Of the majority rule, as many bits for each configuration as it has blocks."""
    lattice = square(plan.side)
    return over_rows(agreement(spins, by_majority(spins, lattice, plan.block, generator)))


def over_rows(values: np.ndarray) -> Estimate:
    """Mean and standard error over independent rows."""
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))
