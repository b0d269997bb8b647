"""Finite width: how far one network strays from the mean-field limit, by an ensemble of virtual networks."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace

from lensmaker.core import INSIDE, Prediction, Regime, Scale, Table, Where, quantity
from lensmaker.core.bibliography import HANIN_NICA_2020, ROBERTS_2022
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Network
from lensmaker.theories.base import Theory
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.reading import Reading, read
from lensmaker.theories.statistical_ray.scatter import centres, replica_spreads
from lensmaker.theories.statistical_ray.sizing import Sizing, numbers_of_a_sample
from lensmaker.theories.statistical_ray.walk import Passage, walk


@dataclass(frozen=True)
class Spread:
    """Centre and standard deviation over the ensemble; relative, around the median, on a log scale."""

    centre: float
    deviation: float
    networks: int

    @property
    def error(self) -> float:
        """Of one more network: a deviation known from few follows Student's law, of variance ν/(ν − 2).

        Examples
        --------
        >>> Spread(1.0, 0.1, networks=8).error == 0.1 * math.sqrt(7 / 5)
        True
        """
        freedom = self.networks - 1
        return self.deviation * math.sqrt(freedom / (freedom - 2))


@dataclass(frozen=True)
class FiniteWidth(Theory):
    """The distribution of each quantity over networks of the true widths.

    An ensemble of virtual networks passes through the train: every random linear map fluctuates as a
    Gaussian matrix of its true size does, so that the fluctuations add up over depth and through branches
    by themselves. For a ReLU network of depth L and width n, ln q is normal with variance 5L/n and the
    median of q lies e^(−5L/2n) below its mean.

    Parameters
    ----------
    networks
        Size of the ensemble, less where the budget does not pay for it; its own error is 1/√(2·networks) of
        the spread.
    extent
        Most positions along each axis of images and sequences: larger inputs are cropped, since the spread
        comes from the weights that all positions share.
    sizing, seed
        Limits of the ray, and the seed of its generator.
    """

    networks: int = 64
    extent: int = 32
    sizing: Sizing = field(default_factory=lambda: Sizing(batch_probes=32, live_budget=2**24))
    seed: int = 1

    name = "finite_width"
    summary = "Median and spread of every quantity over networks of the true widths and depth."
    quantities = (
        "second_moment",
        "mean",
        "variance",
        "correlation",
        "token_correlation",
        "chi",
        "tangent",
        "zero_fraction",
        "dead_fraction",
        "saturation",
        "gradient",
        "attention_entropy",
    )
    assumptions = (
        "weights are independent with the second moments of the actual ones",
        "backward weights may be taken as the transposed forward ones",
    )
    references = (HANIN_NICA_2020, ROBERTS_2022)

    def predict(self, system: Network) -> Table[Prediction]:
        return Table(
            self.prediction(name, where, *_interval(name, spread), regime)
            for (name, where), (spread, regime) in self.spreads(system).items()
        )

    def spreads(self, system: Network) -> dict[tuple[str, Where], tuple[Spread, Regime]]:
        """Centre and deviation of every quantity at every visible element."""
        small = system.cropped(self.extent)
        train = small.probes(self.sizing.probes_for(small, _TYPICAL))
        replicas = self.sizing.replicas_for(train, _FEWEST, self.networks)
        # Batch statistics over the cropped positions of more samples stand for those over all positions.
        samples = round(
            system.batch.samples
            * max(1.0, numbers_of_a_sample(system.whole))
            / max(1.0, numbers_of_a_sample(small.whole))
        )
        ensemble = Ensemble(replicas, False, stream("finite width", self.seed), samples)
        found: dict[tuple[str, Where], tuple[Spread, Regime]] = {}
        alike: dict[tuple[object, ...], list[tuple[str, Where]]] = defaultdict(list)

        seen: list[tuple[tuple[str, Where], Reading, Regime]] = []

        def note(passage: Passage) -> None:
            where = passage.element.where
            role = re.sub(r"\d+", "#", where.path), where.operation, where.ordinal
            kind = (*role, *(x.shape for x in passage.inputs), passage.output.shape)
            for reading in read(passage, train.samples, system.batch.samples):
                key = (reading.name, where)
                outside = passage.gradient_outside if reading.name == "gradient" else passage.outside
                seen.append((key, reading, Regime(outside) if outside else INSIDE))
                alike[(reading.name, *kind)].append(key)

        walk(train, small.boundary_gradients(train), ensemble, note, self.seed)
        readings = [reading for _, reading, _ in seen]
        middles, deviations = centres(readings), replica_spreads(readings, system.batch.samples)
        for (key, _, regime), middle, deviation in zip(seen, middles, deviations, strict=True):
            found[key] = (Spread(middle, deviation, replicas), regime)
        for keys in alike.values():
            smooth = _smoothed([found[key][0].deviation for key in keys], replicas)
            for key, deviation in zip(keys, smooth, strict=True):
                found[key] = (replace(found[key][0], deviation=deviation), found[key][1])
        return found


def _smoothed(deviations: list[float], networks: int) -> list[float]:
    """Geometric means over windows of elements of one role, in order, symmetric so that a trend stays.

    A window of w elements makes up for few networks; there are none where w·networks = 200 would need none.
    What the boundary fixes (the size of the loss gradient, for one) does not fluctuate, and is left out.

    Examples
    --------
    >>> [round(d, 12) for d in _smoothed([1.0, 8.0, 1.0], networks=32)]
    [1.0, 2.0, 1.0]
    >>> _smoothed([1.0, 8.0, 1.0], networks=200)
    [1.0, 8.0, 1.0]
    >>> _smoothed([1.0, 1.0, 1e-8], networks=32)
    [1.0, 1.0, 1e-08]
    """
    widest = min(_WINDOW, math.ceil((200 / networks - 1) / 2))
    if widest == 0 or not all(d < math.inf for d in deviations):
        return deviations
    free = [i for i, d in enumerate(deviations) if d > _FIXED * max(deviations)]
    logarithms = [math.log(deviations[i]) for i in free]
    smooth = list(deviations)
    for place, i in enumerate(free):
        reach = min(widest, place, len(free) - 1 - place)
        window = logarithms[place - reach : place + reach + 1]
        smooth[i] = math.exp(sum(window) / len(window))
    return smooth


_WINDOW = 3
"""Most neighbours on either side that share in a smoothed deviation."""

_FIXED = 1e-3
"""Deviation, over the largest of its role, below which a value is fixed and does not fluctuate."""

_FEWEST = 8
"""Virtual networks below which no spread can be told."""

_TYPICAL = 48
"""Virtual networks that are wanted beside the probes, when both compete for the budget."""


def _interval(name: str, spread: Spread) -> tuple[float, float]:
    error = spread.error * (spread.centre if quantity(name).scale is Scale.LOG else 1.0)
    return spread.centre, error if math.isfinite(error) else 0.0
