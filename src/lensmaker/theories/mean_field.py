"""Mean field: every quantity at every element, from second moments of actual weights and inputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lensmaker.core import INSIDE, Prediction, Regime, Scale, Table, Where, quantity
from lensmaker.core.bibliography import (
    NEAL_1996,
    POOLE_2016,
    SCHOENHOLZ_2017,
    XIAO_2018,
    YANG_2019,
    YANG_BN_2019,
)
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Network
from lensmaker.theories.base import Theory
from lensmaker.theories.finite_width import FiniteWidth, Spread
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.reading import Reading, read
from lensmaker.theories.statistical_ray.scatter import probe_errors
from lensmaker.theories.statistical_ray.sizing import Sizing
from lensmaker.theories.statistical_ray.walk import Passage, walk

ROUNDING = 2e-6
"""Relative error of what clouds of single precision, and networks of it, add up."""

_LEAST = 1e-70
"""Squares of numbers below 1e-35 are those of numbers that single precision begins to round."""

_NO_SPREAD = Spread(math.nan, 0.0, networks=4)

WIDEST = 2.0
"""Standard deviation of a logarithm beyond which an ensemble of ten networks does not show the median."""


@dataclass(frozen=True)
class MeanField(Theory):
    """The mean-field limit of the recorded network, with the error bars that its finite width gives.

    Every linear element replaces the cloud of virtual neurons by a fresh Gaussian cloud of second moments
    σ_w²⟨x xᵀ⟩ + σ_b², with σ_w² = fan_in·⟨w²⟩ of the actual weights; every other element acts on the cloud as
    it is. Tangent clouds give χ, gradient clouds run backwards from the recorded loss gradient.

    Parameters
    ----------
    finite_width
        The theory of the error bars; None for the bare limit. With it the predicted value is that of the
        typical (median) network: on a log scale e^(−V/2) below the mean, V the variance of the logarithm.
    sizing, seed
        Limits of the ray, and the seed of its generator.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(400, 400, bias=False)
    >>> _ = torch.nn.init.normal_(net.weight, std=(2 / 400) ** 0.5, generator=torch.Generator().manual_seed(0))
    >>> table = MeanField(finite_width=None).predict(Network(net, torch.ones(2, 400)))
    >>> round(table.select(quantity="second_moment")[0].value, 1)
    2.0
    """

    finite_width: FiniteWidth | None = field(default_factory=FiniteWidth)
    sizing: Sizing = field(default_factory=Sizing)
    seed: int = 0

    name = "mean_field"
    summary = "The infinite-width limit of the recorded network, layer by layer, with finite-width errors."
    quantities = FiniteWidth.quantities
    assumptions = (
        "weights are independent and have zero mean",
        "layers are wide enough that their units are jointly Gaussian",
        "backward weights may be taken as the transposed forward ones",
    )
    references = (NEAL_1996, POOLE_2016, SCHOENHOLZ_2017, XIAO_2018, YANG_2019, YANG_BN_2019)

    def predict(self, system: Network) -> Table[Prediction]:
        train = system.probes(self.sizing.probes_for(system))
        spreads = {} if self.finite_width is None else self.finite_width.spreads(system)
        replicas = self.sizing.pooled_replicas(train)
        ensemble = Ensemble(replicas, True, stream("mean field", self.seed), system.batch.samples)
        unseen = 1.0 - train.samples / system.batch.samples
        several = "the loss takes several signals of the network at once" if len(train.boundary) > 1 else ""
        seen: list[tuple[Reading, Where, str]] = []

        def note(passage: Passage) -> None:
            for reading in read(passage, train.samples, system.batch.samples, pooled=True):
                outside = passage.outside
                if reading.name == "gradient":
                    outside = passage.gradient_outside or several
                seen.append((reading, passage.element.where, outside))

        walk(train, system.boundary_gradients(train), ensemble, note, self.seed)
        errors = probe_errors([reading for reading, _, _ in seen])
        found = []
        for (reading, where, outside), probe_error in zip(seen, errors, strict=True):
            spread, _ = spreads.get((reading.name, where), (_NO_SPREAD, INSIDE))
            found.append(self._predict(reading, where, outside, spread, replicas, unseen * probe_error**2))
        return Table(found)

    def _predict(
        self, reading: Reading, where: Where, outside: str, spread: Spread, replicas: int, of_probes: float
    ) -> Prediction:
        value, logarithmic = reading.value, quantity(reading.name).scale is Scale.LOG
        # The cloud is one network of R-fold width; the probes stand for the whole batch.
        error = math.sqrt(spread.error**2 * (1 + 1 / replicas) + of_probes + ROUNDING**2)
        if logarithmic:
            value *= math.exp(-(spread.deviation**2) / 2)
            error *= value
        if logarithmic and spread.deviation > WIDEST:
            outside = "too deep for its width: networks differ by orders of magnitude"
        if logarithmic and value > _LEAST > spread.centre:
            outside = "its spread is not known: it vanishes in the smaller signals that tell the spread"
        if not math.isfinite(value) or (logarithmic and value < _LEAST):
            zero = "is zero, or " if value == 0 else ""
            outside = f"the value {zero}leaves the range of single precision"
        return self.prediction(reading.name, where, value, error, Regime(outside) if outside else INSIDE)
