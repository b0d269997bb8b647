"""What the theory predicts for a network as it would be with a correction."""

from __future__ import annotations

from collections.abc import Mapping

from lensmaker.core import Prediction, Table
from lensmaker.design.correction import Change, tried
from lensmaker.systems.networks import Network
from lensmaker.theories.mean_field import MeanField


def forecast(network: Network, changes: Mapping[str, Change], theory: MeanField) -> Table[Prediction]:
    """The predictions of `theory`; while they are made the weights are changed, and then put back bitwise."""
    with tried(network.model, changes):
        corrected = Network(
            network.model, network.batch, network.loss_fn, batch_axis=network.batch.axis, seed=network.seed
        )
        return theory.predict(corrected)
