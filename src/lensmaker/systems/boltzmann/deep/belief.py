"""The deep belief network: a restricted machine on top of layers that it generates, one from the other."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.deep.machine import Layers
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Units
from lensmaker.systems.boltzmann.weights import Weights


class DeepBeliefNetwork(nn.Module):
    r"""P(s₀ … s_L) = P(s_{L−1}, s_L) Π_k P(s_k | s_{k+1}), the first factor a restricted Boltzmann machine.

    The machine k of the stack is between the layers k and k + 1. Below the top one its weights W_k and its visible bias
    a_k generate, P(s_k | s_{k+1}) with fields a_k + W_k s_{k+1}; its hidden bias c_k belongs to the way up, which is an
    approximation, q(s_{k+1} | s_k) with fields c_k + R_kᵀ s_k. R_k = W_k until `untie`.

    Parameters
    ----------
    machines
        From the lowest to the top one.

    Attributes
    ----------
    recognition
        R_k, nothing while they are tied.

    Raises
    ------
    InputError
        If there is no machine, or the hidden units of one are not the visible ones of the next.

    References
    ----------
    G. E. Hinton, S. Osindero, Y.-W. Teh, Neural Comput. 18, 1527 (2006).

    Examples
    --------
    >>> network = DeepBeliefNetwork.of_layers(4, 3, 2)
    >>> print(network)
    Binary(4) ← Binary(3) – Binary(2)
    """

    def __init__(self, *machines: RestrictedBoltzmannMachine) -> None:
        super().__init__()
        if not machines:
            fix = "pass restricted Boltzmann machines, the lowest first"
            raise InputError("a stack of one machine at least", "none", fix)
        for k in range(len(machines) - 1):
            one, two = machines[k].hidden, machines[k + 1].visible
            if one.spec != two.spec:
                expected = (
                    f"the visible units of machine {k + 1} to be the hidden units of machine {k}, {one}"
                )
                raise InputError(expected, f"{two}", "make them alike")
        self.machines = nn.ModuleList(machines)
        self.recognition = nn.ModuleList()

    @classmethod
    def of_layers(
        cls, *layers: Units | int, biased: bool = True, dtype: torch.dtype = torch.float32
    ) -> DeepBeliefNetwork:
        """A stack of machines with matrices of weights between these layers.

        Raises
        ------
        InputError
            If there are fewer than two.
        """
        if len(layers) < 2:
            fix = "pass DeepBeliefNetwork.of_layers(784, 500, 250)"
            raise InputError("a visible layer and one hidden layer at least", f"{len(layers)} in all", fix)
        return cls(
            *(RestrictedBoltzmannMachine(*pair, biased=biased, dtype=dtype) for pair in pairwise(layers))
        )

    @property
    def stack(self) -> list[RestrictedBoltzmannMachine]:
        """The machines, the lowest first."""
        return [cast(RestrictedBoltzmannMachine, machine) for machine in self.machines]

    @property
    def top(self) -> RestrictedBoltzmannMachine:
        """The machine that is undirected."""
        return self.stack[-1]

    @property
    def lower(self) -> list[RestrictedBoltzmannMachine]:
        """The others."""
        return self.stack[:-1]

    @property
    def visible(self) -> Units:
        """The layer that data are of."""
        return self.stack[0].visible

    @property
    def is_tied(self) -> bool:
        """Whether the way up has no weights of its own."""
        return len(self.recognition) < len(self.lower)

    def untie(self) -> None:
        """Give the way up weights of its own, equal to the others at first."""
        if self.is_tied:
            self.recognition = nn.ModuleList(copy.deepcopy(m.weights) for m in self.lower)

    def upwards(self, k: int) -> Weights:
        """R_k."""
        return self.stack[k].weights if self.is_tied else cast(Weights, self.recognition[k])

    def recognition_field(self, k: int, s: Tensor) -> Tensor:
        """What the layer k + 1 feels on the way up, c_k + R_kᵀ s_k, (n, size); exact at the top."""
        machine = self.stack[k]
        weights = machine.weights if machine is self.top else self.upwards(k)
        return weights.up(s, machine.hidden_bias)

    def generative_field(self, k: int, s: Tensor) -> Tensor:
        """What the layer k feels on the way down, a_k + W_k s_{k+1}, (n, size)."""
        return self.stack[k].weights.down(s, self.stack[k].visible_bias)

    # -- ways up and down ---------------------------------------------------------------------------

    @torch.no_grad()
    def up(self, v: Tensor, generator: torch.Generator) -> Layers:
        """Samples of the layers 0 … L − 1, those below the top one, on the way up from v."""
        states = [v]
        for k, machine in enumerate(self.lower):
            states.append(machine.hidden.sample_(self.recognition_field(k, states[k]), generator))
        return states

    @torch.no_grad()
    def down(self, s: Tensor, generator: torch.Generator) -> Layers:
        """Samples of the layers 0 … L − 1 on the way down from the last of them."""
        states = [s]
        for k in reversed(range(len(self.lower))):
            states.insert(0, self.stack[k].visible.sample_(self.generative_field(k, states[0]), generator))
        return states

    @torch.no_grad()
    def encode(self, v: Tensor) -> Layers:
        """Means of the hidden layers 1 … L on the way up from v, each in the means of the one below.

        Raises
        ------
        InputError
            If rows do not fit the visible units.
        """
        self.visible.check(v)
        means, s = [], v
        for k, machine in enumerate(self.stack):
            s = machine.hidden.mean_(self.recognition_field(k, s))
            means.append(s)
        return means

    @torch.no_grad()
    def sample(
        self, rows: int, generator: torch.Generator, *, sweeps: int = 1000, start: Tensor | None = None
    ) -> Tensor:
        """Visible layers: the top machine after so many sweeps, then the way down.

        Parameters
        ----------
        start
            Rows of data from whose way up the sweeps begin, as many as there are; by default units in their biases.
        """
        s = self.top.random(rows, generator) if start is None else self.up(start, generator)[-1]
        return self.down(self.top.gibbs(s, sweeps, generator), generator)[0]

    @property
    def spec(self) -> dict[str, Any]:
        """What a file has to say for the network to be made again, its parameters apart."""
        return {
            "kind": "deep belief",
            "machines": [machine.spec for machine in self.stack],
            "tied": self.is_tied,
        }

    def __str__(self) -> str:
        return " ← ".join([*(str(m.visible) for m in self.lower), f"{self.top.visible} – {self.top.hidden}"])
