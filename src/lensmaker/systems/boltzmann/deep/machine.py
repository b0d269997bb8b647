"""The deep Boltzmann machine: layers of units, and weights between neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.units import Binary, Units
from lensmaker.systems.boltzmann.weights import Dense, Weights

Layers = list[Tensor]
"""A configuration of each layer, or its fields or means, (n, size) each, the visible layer first."""


class DeepBoltzmannMachine(nn.Module):
    r"""P(s₀ … s_L) = e^{−E}/Z with E = Σ_k [e_k(s_k) − b_k·s_k] − Σ_k s_k·W_k·s_{k+1}, all of it undirected.

    Layers of even number are independent of each other where those of odd number are known, and the other way round.

    Parameters
    ----------
    layers
        The visible layer, then the hidden ones; numbers stand for so many binary units.
    weights
        Between neighbours; matrices where nothing is said.
    biased
        Whether there are b_k.
    dtype
        Of all parameters.

    Attributes
    ----------
    biases
        b_k, (size,) each.

    Raises
    ------
    InputError
        If there is no hidden layer, or weights do not fit their layers.

    References
    ----------
    R. Salakhutdinov, G. Hinton, Proc. 12th Int. Conf. Artificial Intelligence and Statistics, 448 (2009).

    Examples
    --------
    >>> machine = DeepBoltzmannMachine(3, 2, 2)
    >>> machine.energy([torch.ones(1, n) for n in (3, 2, 2)]).item() == 0
    True
    """

    def __init__(
        self,
        *layers: Units | int,
        weights: Sequence[Weights] | None = None,
        biased: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        if len(layers) < 2:
            fix = "pass DeepBoltzmannMachine(784, 500, 1000)"
            raise InputError("a visible layer and one hidden layer at least", f"{len(layers)} in all", fix)
        self.layers = tuple(n if isinstance(n, Units) else Binary(n) for n in layers)
        sizes = [layer.size for layer in self.layers]
        if weights is None:
            weights = [Dense(*pair, dtype=dtype) for pair in pairwise(sizes)]
        fit = [(w.visible, w.hidden) for w in weights]
        if fit != list(pairwise(sizes)):
            got = "weights between " + ", ".join(f"{a} and {b}" for a, b in fit) if fit else "no weights"
            raise InputError(
                f"weights between neighbours of {', '.join(map(str, sizes))} numbers", got, "make them alike"
            )
        self.links = nn.ModuleList(weights)
        self.biased = biased
        self.biases = nn.ParameterList(
            nn.Parameter(torch.zeros(n, dtype=self.weights[0].parameter.dtype), requires_grad=biased)
            for n in sizes
        )

    @property
    def weights(self) -> list[Weights]:
        """W_k, between the layers k and k + 1."""
        return [cast(Weights, link) for link in self.links]

    @property
    def visible(self) -> Units:
        """The layer that data are of."""
        return self.layers[0]

    # -- energies -----------------------------------------------------------------------------------

    def energy(self, states: Layers) -> Tensor:
        """E(s₀ … s_L), (n,)."""
        total = states[0].new_zeros(len(states[0]))
        for k, (units, bias, s) in enumerate(zip(self.layers, self.biases, states, strict=True)):
            total = total + units.energy(s) - s @ bias
            if k:
                nothing = torch.zeros_like(bias)
                total = total - (self.weights[k - 1].up(states[k - 1], nothing) * s).sum(-1)
        return total

    def field(self, k: int, states: Layers, *, below: float = 1.0) -> Tensor:
        """What the layer k feels, b_k + below · W_{k−1}ᵀ s_{k−1} + W_k s_{k+1}, (n, size)."""
        x: Tensor = self.biases[k]
        if k:
            x = self.weights[k - 1].up(states[k - 1] * below if below != 1 else states[k - 1], x)
        if k < len(self.links):
            x = self.weights[k].down(states[k + 1], x)
        return x

    # -- starting values ----------------------------------------------------------------------------

    @torch.no_grad()
    def initialise(self, *, seed: int, scale: float = 0.01, data: Tensor | None = None) -> None:
        """Weights N(0, scale²), no biases of hidden layers, and b₀ such that without weights the means are of data."""
        generator = stream("deep boltzmann weights", seed)  # on the CPU, whatever the device
        for link in self.weights:
            link.parameter.copy_(torch.empty(link.parameter.shape).normal_(0, scale, generator=generator))
        for bias in self.biases:
            bias.zero_()
        if data is not None:
            self.visible.check_means(data)
        if data is not None and self.biased:
            kinds = self.weights[0].alike("visible", data.to(torch.float64).mean(0))
            tied = kinds.mean(1, keepdim=True).expand_as(kinds).reshape(-1)
            self.biases[0].copy_(self.visible.field_of_mean(tied))

    # -- samples ------------------------------------------------------------------------------------

    @torch.no_grad()
    def gibbs(self, states: Layers, sweeps: int, generator: torch.Generator) -> Layers:
        """The layers after so many sweeps, each of the even layers given the odd ones, then of the odd ones."""
        states = list(states)
        for _ in range(sweeps):
            for parity in (0, 1):
                for k in range(parity, len(self.layers), 2):
                    states[k] = self.layers[k].sample_(self.field(k, states), generator)
        return states

    @torch.no_grad()
    def random(self, rows: int, generator: torch.Generator) -> Layers:
        """Layers in their biases alone: where chains start."""
        return [
            units.sample(bias.detach().expand(rows, -1), generator)
            for units, bias in zip(self.layers, self.biases, strict=True)
        ]

    @property
    def spec(self) -> dict[str, Any]:
        """What a file has to say for the machine to be made again, its parameters apart."""
        return {
            "kind": "deep boltzmann",
            "layers": [layer.spec for layer in self.layers],
            "weights": [w.spec for w in self.weights],
            "biased": self.biased,
        }

    def __str__(self) -> str:
        return " – ".join(map(str, self.layers))
