"""Units of q states, each a row with a single 1."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.draws import exponential_
from lensmaker.systems.boltzmann.units.base import Units


class Potts(Units):
    """q states, one of q numbers 1 and the others 0: ln Z = Σ ln Σ_a e^{x_a}, ⟨s_a⟩ = e^{x_a}/Σ_b e^{x_b}.

    Examples
    --------
    >>> Potts(1, q=4).mean(torch.zeros(4)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    name = "potts"

    def __init__(self, count: int, q: int) -> None:
        super().__init__(count)
        if q < 2:
            raise InputError("two states or more", f"{q}", "pass q=2")
        self.q = q

    @property
    def size(self) -> int:
        return self.count * self.q

    @property
    def spec(self) -> dict[str, float | int | str]:
        return super().spec | {"q": self.q}

    def _apart(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.count, self.q)

    def log_partition(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.count, self.q).logsumexp(-1).sum(-1)

    def mean_(self, x: Tensor) -> Tensor:
        states = self._apart(x)
        states.sub_(states.amax(-1, keepdim=True)).exp_()
        states.div_(states.sum(-1, keepdim=True))
        return x

    def sample_(self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None) -> Tensor:
        self.mean_(x)
        noise = torch.empty_like(x) if noise is None else noise
        # p_a/E_a is largest for a with probability p_a, E exponential
        chosen = self._apart(x.div_(exponential_(noise, generator))).argmax(-1, keepdim=True)
        self._apart(x.zero_()).scatter_(-1, chosen, 1.0)
        return x

    def field_of_mean(self, mean: Tensor) -> Tensor:
        return mean.clamp(1e-3, 1).log()

    def numbered(self, numbers: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(self._digits(self.q, numbers), self.q).flatten(1).double()

    @property
    def log_states(self) -> float:
        return self.count * math.log(self.q)

    def check_means(self, data: Tensor, first: int = 0) -> None:
        super().check_means(data, first)
        sums = self._apart(data).sum(-1)
        if bool((data < 0).any()) or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
            got = f"sums from {float(sums.min()):g} to {float(sums.max()):g}"
            raise InputError("means of q states that add up to 1", got, "encode states by torch one_hot")

    def _check_values(self, data: Tensor, first: int) -> None:
        states = data.reshape(-1, self.count, self.q)
        good = (((states == 0) | (states == 1)).all(-1) & (states.sum(-1) == 1)).all(-1)
        if not bool(good.all()):
            row = first + int((~good).nonzero()[0])
            expected = f"{self.count} units of {self.q} numbers, one of them 1 and the others 0"
            raise InputError(expected, f"something else in row {row}", "encode states by torch one_hot")

    def __repr__(self) -> str:
        return f"Potts({self.count}, q={self.q})"
