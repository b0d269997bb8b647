"""Small deep machines, and tables of all their configurations: sums term by term, from matrices and lists of states."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.systems.boltzmann import Binary, Convolutional, Dense, Gaussian, Potts, Spin, Units, Weights
from lensmaker.systems.boltzmann.deep import DeepBoltzmannMachine

Array = NDArray[np.float64]


def deep(kind: str, scale: float = 0.7, seed: int = 7) -> DeepBoltzmannMachine:
    made = {
        "binary": lambda: DeepBoltzmannMachine(4, 3, 3),
        "spin": lambda: DeepBoltzmannMachine(Spin(4), Spin(3), Spin(2)),
        "mixed": lambda: DeepBoltzmannMachine(4, Spin(3), 2, Spin(2)),
        "five": lambda: DeepBoltzmannMachine(3, 2, 3, 2, 2),
        "potts": lambda: DeepBoltzmannMachine(Potts(2, q=3), Binary(3), Potts(2, q=3)),
        "shallow": lambda: DeepBoltzmannMachine(4, 3),
        "unbiased": lambda: DeepBoltzmannMachine(Spin(3), Spin(3), Spin(2), biased=False),
        "gaussian": lambda: DeepBoltzmannMachine(Gaussian(1, variance=0.6), 3, 2),
        "convolutional": lambda: DeepBoltzmannMachine(
            Spin(4), Spin(4), Spin(2), weights=[Convolutional((4,), (2,), filters=1), Dense(4, 2)]
        ),
    }[kind]()
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in made.named_parameters():
        if made.biased or "bias" not in name:
            parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    if kind == "convolutional":  # one bias for all sites
        for bias in made.biases[:2]:
            bias.data[:] = float(bias.data[0])
    return made


FINITE = ("binary", "spin", "mixed", "five", "potts", "shallow", "unbiased", "convolutional")


def states(units: Units) -> Array:
    """All states of a layer, one by one."""
    if isinstance(units, Potts):
        rows = itertools.product(np.eye(units.q), repeat=units.count)
        return np.array([np.concatenate(row) for row in rows])
    values = {Binary: (0.0, 1.0), Spin: (-1.0, 1.0)}[type(units)]
    return np.array(list(itertools.product(values, repeat=units.count)))


def matrix(w: Weights) -> Array:
    """W as a matrix; of a ring site by site."""
    numbers = w.parameter.detach().double().numpy()
    if isinstance(w, Dense):
        return numbers
    assert isinstance(w, Convolutional)
    found, n = np.zeros((w.visible, w.hidden)), w.shape[0]
    for f, c, x, r in itertools.product(range(w.filters), range(w.channels), range(n), range(w.kernel[0])):
        found[c * n + (x + r) % n, f * n + x] += numbers[f, c, r]
    return found


@dataclass(frozen=True)
class Table:
    """All configurations of a machine of finitely many, (count, size) for each layer, and −E of each."""

    layers: tuple[Array, ...]
    minus: Array

    @property
    def log_partition(self) -> float:
        return float(np.logaddexp.reduce(self.minus))

    @property
    def p(self) -> Array:
        return np.exp(self.minus - self.log_partition)

    def log_likelihood(self, v: Array) -> float:
        """Of one visible configuration."""
        chosen = (self.layers[0] == v).all(1)
        return float(np.logaddexp.reduce(self.minus[chosen])) - self.log_partition


def table(machine: DeepBoltzmannMachine) -> Table:
    own = [states(units) for units in machine.layers]
    at = np.array(list(itertools.product(*(range(len(s)) for s in own))))
    layers = tuple(s[at[:, k]] for k, s in enumerate(own))
    minus = np.zeros(len(at))
    for s, bias in zip(layers, machine.biases, strict=True):
        minus += s @ bias.detach().double().numpy()
    for k, w in enumerate(machine.weights):
        minus += np.einsum("ni,ij,nj->n", layers[k], matrix(w), layers[k + 1])
    return Table(layers, minus)


def rows(array: Array, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(array).to(like.dtype)
