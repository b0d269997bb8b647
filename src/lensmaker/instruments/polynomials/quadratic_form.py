"""How local and how symmetric the products of two sites in a Hamiltonian are."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Convergence, InputError, Measurement, Where, quantity
from lensmaker.numerics.resampling import Estimate

Values = NDArray[np.float64]
Integers = NDArray[np.int64]

QUANTITIES = ("coupling_distance", "translation_share", "reflection_share")

_CLEAR = 3.0
"""Standard errors by which Σc² has to be above 0."""


@dataclass(frozen=True, eq=False)
class QuadraticForm:
    """Σ_p c_p x_i(p) x_j(p) on a lattice, with i ≠ j; products that are not named have c = 0.

    Weights are c_p² − σ_p², whose mean is the square of the true coefficient: noise of the coefficients adds nothing
    on average.

    Attributes
    ----------
    sides, periodic
        Of the lattice, and whether it closes on itself; sites are counted row by row.
    pairs
        i and j, (P, 2).
    coefficients, covariance
        c, (P,), and theirs, (P, P).

    Examples
    --------
    >>> ring = QuadraticForm((4,), True, np.array([[0, 1], [1, 2], [2, 3], [0, 3]]), np.ones(4), np.zeros((4, 4)))
    >>> ring.distance().value, ring.translation_share().value
    (1.0, 1.0)
    """

    sides: tuple[int, ...]
    periodic: bool
    pairs: Integers
    coefficients: Values
    covariance: Values

    def __post_init__(self) -> None:
        if len(self.pairs) and (self.pairs[:, 0] == self.pairs[:, 1]).any():
            raise InputError("products of two different sites", "a square", "leave squares out")

    @property
    def sites(self) -> int:
        """Of the lattice."""
        return math.prod(self.sides)

    @cached_property
    def weight(self) -> Estimate:
        """Σ (c² − σ²)."""
        c, cov = self.coefficients, self.covariance
        return Estimate(float(c @ c - np.trace(cov)), 2 * math.sqrt(max(0.0, float(c @ cov @ c))))

    @property
    def is_clear(self) -> bool:
        """Whether there are products, and Σ c² stands out of its error."""
        return len(self.pairs) > 0 and self.weight.value > _CLEAR * self.weight.error

    @property
    def without_pairs(self) -> QuadraticForm:
        """The same lattice, and nothing to read."""
        return replace(
            self, pairs=self.pairs[:0], coefficients=self.coefficients[:0], covariance=self.covariance[:0, :0]
        )

    def distance(self) -> Estimate:
        """Mean distance of the two sites, weighted by c², in lattice units."""
        return self._mean(self._distances[tuple(self.pairs.T)])

    def translation_share(self) -> Estimate:
        """Share of Σc² in the mean of c over all pairs that are one displacement apart."""
        return self._share(self._displacements, self._sizes(self._displacements), self.pairs)

    def reflection_share(self) -> Estimate:
        """Share of Σc² in the mean of c over the reflections of the lattice along its axes."""
        return self._share(self._images, self._sizes(self._images), self.pairs)

    def shuffled(self, shuffles: int, seed: int) -> dict[str, Estimate]:
        """The three with the sites at random places: mean, and deviation of one shuffle."""
        rng = np.random.default_rng(seed)
        sizes = [self._sizes(table) for table in (self._displacements, self._images)]
        found: dict[str, list[float]] = {name: [] for name in QUANTITIES}
        for _ in range(shuffles):
            at = rng.permutation(self.sites)[self.pairs]
            found[QUANTITIES[0]].append(self._mean(self._distances[tuple(at.T)]).value)
            found[QUANTITIES[1]].append(self._share(self._displacements, sizes[0], at).value)
            found[QUANTITIES[2]].append(self._share(self._images, sizes[1], at).value)
        return {name: Estimate(float(np.mean(v)), float(np.std(v, ddof=1))) for name, v in found.items()}

    def measurements(self, instrument: str, samples: int, shuffles: int, seed: int) -> list[Measurement]:
        """The three at the sites and at shuffled sites; not a number where there is nothing to read."""
        places = Where("sites"), Where("shuffled sites")
        if not self.is_clear:
            unread = (math.nan, math.inf, instrument, samples, Convergence.NO_PAIRS)
            return [Measurement(quantity(name), at, *unread) for name in QUANTITIES for at in places]
        here = dict(
            zip(
                QUANTITIES,
                (self.distance(), self.translation_share(), self.reflection_share()),
                strict=True,
            )
        )
        return [
            Measurement(quantity(name), at, read[name].value, read[name].error, instrument, samples)
            for name in QUANTITIES
            for at, read in zip(places, (here, self.shuffled(shuffles, seed)), strict=True)
        ]

    def _mean(self, d: Values) -> Estimate:
        c, W = self.coefficients, self.weight.value
        value = float((c**2 - np.diagonal(self.covariance)) @ d) / W
        return self._told(value, 2 * c * (d - value) / W)

    def _share(self, classes: Integers, sizes: Values, pairs: Integers) -> Estimate:
        """Σ_o m_o c̄_o²/Σc² over classes o of m_o pairs; its own noise is taken off."""
        c, W = self.coefficients, self.weight.value
        m = sizes[classes[tuple(pairs.T)]]
        _, of = np.unique(classes[tuple(pairs.T)], return_inverse=True)
        total, size = np.bincount(of, c), np.bincount(of, m) / np.bincount(of)
        noise = np.bincount(of, (self.covariance * (of[:, None] == of)).sum(1))
        value = float(((total**2 - noise) / size).sum()) / W
        return self._told(value, 2 * (total[of] / m - value * c) / W)

    def _told(self, value: float, slope: Values) -> Estimate:
        return Estimate(value, math.sqrt(max(0.0, float(slope @ self.covariance @ slope))))

    @cached_property
    def _places(self) -> Integers:
        return np.stack([a.reshape(-1) for a in np.indices(self.sides)], 1).astype(np.int64)

    @cached_property
    def _steps(self) -> Integers:
        """From each site to each other one, (N, N, d); the shortest where the lattice closes on itself."""
        steps = self._places[None] - self._places[:, None]
        if self.periodic:
            sides = np.array(self.sides)
            steps = (steps + (sides - 1) // 2) % sides - (sides - 1) // 2
        return np.asarray(steps)

    @cached_property
    def _distances(self) -> Values:
        return np.asarray(np.sqrt((self._steps.astype(np.float64) ** 2).sum(-1)))

    @cached_property
    def _displacements(self) -> Integers:
        """A number for each displacement and its opposite, (N, N)."""
        if self.periodic:
            ahead = self._steps % np.array(self.sides)
            back = -self._steps % np.array(self.sides)
        else:
            ahead, back = self._steps + np.array(self.sides), np.array(self.sides) - self._steps
        radix = 2 * np.array(self.sides)
        return np.minimum(_number(ahead, radix), _number(back, radix))

    @cached_property
    def _images(self) -> Integers:
        """A number for each pair and its mirror images, (N, N)."""
        N, sides = self.sites, np.array(self.sides)
        least = np.full((N, N), N * N, dtype=np.int64)
        for flips in itertools.product((False, True), repeat=len(sides)):
            to = _number(np.where(flips, sides - 1 - self._places, self._places), sides)
            low, high = np.minimum(to[:, None], to[None]), np.maximum(to[:, None], to[None])
            least = np.minimum(least, low * N + high)
        return least

    def _sizes(self, classes: Integers) -> Values:
        """How many pairs of different sites have each number."""
        return np.bincount(classes[np.triu_indices(self.sites, 1)]).astype(np.float64)


def _number(digits: Integers, radix: Integers) -> Integers:
    found = np.zeros(digits.shape[:-1], dtype=np.int64)
    for k in range(digits.shape[-1]):
        found = found * radix[k] + digits[..., k]
    return found
