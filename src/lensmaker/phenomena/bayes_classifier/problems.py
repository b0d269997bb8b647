"""The classes of each task: their Hamiltonians, wrong ones, exact draws, and the accuracy that is possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lensmaker.design.compile import Box, CompiledClassifier, Spins, bayes_classifier
from lensmaker.numerics.resampling import Estimate
from lensmaker.numerics.seeding import stream, stream_seed
from lensmaker.phenomena.bayes_classifier.plan import Task
from lensmaker.systems.polynomials import (
    LatticePolynomial,
    Polynomial,
    gaussian,
    gaussian_log_partition,
    phi4,
)
from lensmaker.systems.spins import Canonical, ising, sample, square
from lensmaker.systems.spins.sampling import Wolff
from lensmaker.theories.fields.ring import Ring
from lensmaker.theories.spins.energy_levels import energy_levels
from lensmaker.theories.spins.enumeration import Enumerated

SITES = 8
"""Of the ring of φ⁴."""

MANY = 200_000
"""Draws that tell the accuracy that is possible, where no sum does."""

Draw = Callable[[int, int, torch.Generator], Tensor]
"""Class, number and stream → examples."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Some classes, equally likely.

    Attributes
    ----------
    energies, log_partitions
        Of each class.
    domain
        Where networks are certified.
    draw
        Independent examples of a class.
    """

    task: Task
    energies: Sequence[Polynomial]
    log_partitions: Sequence[float]
    domain: Box | Spins
    draw: Draw

    @property
    def classes(self) -> int:
        """How many."""
        return len(self.energies)

    def network(
        self, activation: nn.Module | None = None, accuracy: float | None = None
    ) -> CompiledClassifier:
        """Its Bayes classifier of gates: on a box, so that it is smooth and can be trained."""
        box = Box(-1, 1) if isinstance(self.domain, Spins) else self.domain
        return bayes_classifier(
            self.energies, None, self.log_partitions, activation=activation, accuracy=accuracy, domain=box
        )

    def exact(self) -> CompiledClassifier:
        """The one whose products are exact to rounding: units of bits for spins, and Hardswish, which is quadratic."""
        if isinstance(self.domain, Spins):
            return bayes_classifier(self.energies, None, self.log_partitions, domain=self.domain)
        return self.network(nn.Hardswish())

    def examples(self, n: int, purpose: str, seed: int) -> tuple[Tensor, Tensor]:
        """Rows and their classes, in random order; float64 (n, variables) and (n,)."""
        generator = stream(f"{purpose} of {self.task.name}", seed)
        y = torch.randint(self.classes, (n,), generator=generator)
        x = None
        for k in range(self.classes):
            found = self.draw(k, int((y == k).sum()), generator).double()
            x = torch.zeros(n, found.shape[-1], dtype=torch.float64) if x is None else x
            x[y == k] = found
        assert x is not None
        return x, y


def problem(task: Task) -> Problem:
    """The classes of a task."""
    if task is Task.GAUSSIANS:
        return _gaussians()
    if task is Task.PHI4:
        fields = [phi4((SITES,), mass=-1.0, coupling=g) for g in (0.25, 0.5)]
        return _rings(fields)
    if task is Task.ISING:
        return _magnets(4, (2.0, 3.0))
    return _magnets(16, (2.2, 2.4))


def wrong(task: Task, off: float) -> list[tuple[Polynomial, float]]:
    """Hamiltonians whose couplings are off by a share, up or down, with their own ln Z."""
    if task is Task.GAUSSIANS:
        return [_solved(_gaussian(k, 1 + off * np.array([1, -1, 1, -1]) * (-1) ** k)) for k in range(3)]
    if task is Task.PHI4:
        fields = [
            phi4((SITES,), mass=-(1 + sign * off), coupling=g * (1 + sign * off))
            for g, sign in ((0.25, 1), (0.5, -1))
        ]
        return [(field.to_polynomial(), Ring.of(field).log_partition) for field in fields]
    found = _magnets(4, (2.0 / (1 + off), 3.0 / (1 - off)))
    return list(zip(found.energies, found.log_partitions, strict=True))


def possible(task: Task) -> Estimate:
    """The accuracy of the Bayes classifier: summed over energies, or the mean of the largest p(y|x) over draws."""
    if task in (Task.ISING, Task.LARGE_ISING):
        sides, temperatures = (4, (2.0, 3.0)) if task is Task.ISING else (16, (2.2, 2.4))
        levels = [energy_levels(sides, sides, 1 / T) for T in temperatures]
        return Estimate(float(np.max(levels, axis=0).sum() / 2), 0.0)
    made = problem(task)
    x, _ = made.examples(MANY, "what is possible", 0)
    classes = made.network().classes
    largest = torch.cat([classes.posterior(some).amax(-1) for some in x.split(10_000)])
    return Estimate(float(largest.mean()), float(largest.std() / math.sqrt(MANY)))


# -- the classes --------------------------------------------------------------------------------


def _magnets(sides: int, temperatures: Sequence[float]) -> Problem:
    systems = [Canonical(ising(square(sides)), T) for T in temperatures]
    classes = bayes_classifier(systems, domain=Spins()).classes
    task = Task.ISING if sides == 4 else Task.LARGE_ISING
    if sides == 4:
        tables = [torch.from_numpy(Enumerated(s).probabilities) for s in systems]

        def draw(k: int, n: int, generator: torch.Generator) -> Tensor:
            at = torch.multinomial(tables[k], n, replacement=True, generator=generator)
            return 1 - 2 * (at[:, None] >> torch.arange(sides**2) & 1)

    else:

        def draw(k: int, n: int, generator: torch.Generator) -> Tensor:
            seed = stream_seed("magnets", int(torch.randint(2**31, (1,), generator=generator)))
            return sample(systems[k], n, rule=Wolff(), seed=seed).spins

    energies = [e for e in classes.energies if isinstance(e, Polynomial)]
    return Problem(task, energies, classes.log_partitions, Spins(), draw)


def _rings(fields: Sequence[LatticePolynomial]) -> Problem:
    rings = [Ring.of(field) for field in fields]
    width = max(float(ring.points[-1]) for ring in rings)
    return Problem(
        Task.PHI4,
        [field.to_polynomial() for field in fields],
        [ring.log_partition for ring in rings],
        Box(-width, width),
        lambda k, n, generator: rings[k].draw(n, generator),
    )


def _gaussian(k: int, factors: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a class; the precision is multiplied by D·D of the factors, and the mean by them."""
    rng = np.random.default_rng(stream_seed("Gaussians", k))
    mean, mixed = rng.normal(size=4) / 2, rng.normal(size=(4, 8))
    D = np.diag(np.ones(4) / np.sqrt(factors))
    return mean * factors, D @ (mixed @ mixed.T / 8 + 0.2 * np.eye(4)) @ D


def _solved(moments: tuple[np.ndarray, np.ndarray]) -> tuple[Polynomial, float]:
    energy = gaussian(*moments)
    return energy, gaussian_log_partition(energy)


def _gaussians() -> Problem:
    moments = [_gaussian(k) for k in range(3)]
    pairs = [_solved(one) for one in moments]
    roots = [torch.from_numpy(np.linalg.cholesky(S)) for _, S in moments]
    widest = max(float(np.abs(m).max() + 7 * np.sqrt(np.diagonal(S).max())) for m, S in moments)

    def draw(k: int, n: int, generator: torch.Generator) -> Tensor:
        noise = torch.randn(n, 4, generator=generator, dtype=torch.float64)
        return torch.from_numpy(moments[k][0]) + noise @ roots[k].T

    return Problem(Task.GAUSSIANS, [e for e, _ in pairs], [z for _, z in pairs], Box(-widest, widest), draw)
