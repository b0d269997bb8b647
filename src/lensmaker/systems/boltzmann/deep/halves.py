"""A deep machine as one of two layers: the even ones side by side, and the odd ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine, Layers
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Units
from lensmaker.systems.boltzmann.weights import Weights


class Joined(Units):
    """Layers side by side, of different kinds if need be.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann.units import Binary, Spin
    >>> Joined([Spin(1), Binary(1)]).configurations().tolist()
    [[-1.0, 0.0], [-1.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """

    name = "joined"

    def __init__(self, layers: Sequence[Units]) -> None:
        super().__init__(sum(layer.count for layer in layers))
        self.layers = tuple(layers)

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)

    @property
    def spec(self) -> dict[str, Any]:
        return {"name": self.name, "layers": [layer.spec for layer in self.layers]}

    def parts(self, x: Tensor) -> tuple[Tensor, ...]:
        """Those of each layer, (…, its size), no copies."""
        return x.split([layer.size for layer in self.layers], -1)

    def energy(self, s: Tensor) -> Tensor:
        return self._sum([u.energy(part) for u, part in zip(self.layers, self.parts(s), strict=True)])

    def log_partition(self, x: Tensor) -> Tensor:
        return self._sum([u.log_partition(part) for u, part in zip(self.layers, self.parts(x), strict=True)])

    @staticmethod
    def _sum(terms: list[Tensor]) -> Tensor:
        return torch.stack(terms).sum(0)

    def mean_(self, x: Tensor) -> Tensor:
        for units, part in zip(self.layers, self.parts(x), strict=True):
            units.mean_(part)
        return x

    def sample_(self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None) -> Tensor:
        buffers = self.parts(torch.empty_like(x) if noise is None else noise)
        for units, part, buffer in zip(self.layers, self.parts(x), buffers, strict=True):
            units.sample_(part, generator, buffer)
        return x

    def field_of_mean(self, mean: Tensor) -> Tensor:
        parts = zip(self.layers, self.parts(mean), strict=True)
        return torch.cat([units.field_of_mean(part) for units, part in parts], -1)

    @property
    def log_states(self) -> float:
        return sum(layer.log_states for layer in self.layers)

    def numbered(self, numbers: Tensor) -> Tensor:
        found = []
        for units in reversed(self.layers):
            states = round(math.exp(units.log_states))
            found.append(units.numbered(numbers % states))
            numbers = numbers // states
        return torch.cat(found[::-1], -1)

    def _check_values(self, data: Tensor, first: int) -> None:
        for units, part in zip(self.layers, self.parts(data), strict=True):
            units.check(part, first)

    def __repr__(self) -> str:
        return " and ".join(map(repr, self.layers))


class Woven(Weights):
    """The weights of a deep machine between its even layers and its odd ones: most pairs of layers have none.

    Attributes
    ----------
    links
        W_k between the layers k and k + 1.
    """

    kind = "woven"

    def __init__(self, links: Sequence[Weights]) -> None:
        super().__init__()
        self.links = nn.ModuleList(links)
        self._sizes = [w.visible for w in links] + [links[-1].hidden]
        self.visible, self.hidden = sum(self._sizes[0::2]), sum(self._sizes[1::2])

    @property
    def _weights(self) -> list[Weights]:
        return [cast(Weights, link) for link in self.links]

    @property
    def parameter(self) -> nn.Parameter:  # type: ignore[override]
        """All numbers of all links in a row: a copy."""
        return nn.Parameter(torch.cat([w.parameter.detach().reshape(-1) for w in self._weights]))

    @property
    def spec(self) -> dict[str, Any]:
        return {"kind": self.kind, "links": [w.spec for w in self._weights]}

    def shared_out(self, numbers: Tensor) -> list[Tensor]:
        """A row of numbers in the shapes of the links, no copies."""
        shapes = [w.parameter.shape for w in self._weights]
        parts = numbers.split([shape.numel() for shape in shapes])
        return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]

    def _layers(self, even: Tensor, odd: Tensor) -> Layers:
        """Both halves, layer by layer."""
        parts = even.split(self._sizes[0::2], -1), odd.split(self._sizes[1::2], -1)
        return [parts[k % 2][k // 2] for k in range(len(self._sizes))]

    def _fields(self, parity: int, other: Tensor, bias: Tensor, out: Tensor | None) -> Tensor:
        """Those of the layers of this parity from the others."""
        given = other.split(self._sizes[1 - parity :: 2], -1)
        own = list(bias.split(self._sizes[parity::2], -1))
        for at, k in enumerate(range(parity, len(self._sizes), 2)):
            if k:
                own[at] = self._weights[k - 1].up(given[(k - 1) // 2], own[at])
            if k < len(self.links):
                own[at] = self._weights[k].down(given[(k + 1) // 2], own[at])
        return torch.cat(own, -1, out=out)

    def up(self, v: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return self._fields(1, v, bias, out)

    def down(self, h: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return self._fields(0, h, bias, out)

    def add_products_(self, into: Tensor, v: Tensor, h: Tensor, scale: float, keep: float = 1.0) -> None:
        states = self._layers(v, h)
        for k, (w, part) in enumerate(zip(self._weights, self.shared_out(into), strict=True)):
            w.add_products_(part, states[k], states[k + 1], scale, keep)

    def add_outer_(self, into: Tensor, v: Tensor, h: Tensor, scale: float) -> None:
        self.add_products_(into, v[None], h[None], scale)

    def applied_up(self, parameter: Tensor, v: Tensor) -> Tensor:
        return self._with(parameter).up(v[None], v.new_zeros(self.hidden))[0]

    def applied_down(self, parameter: Tensor, h: Tensor) -> Tensor:
        return self._with(parameter).down(h[None], h.new_zeros(self.visible))[0]

    def _with(self, numbers: Tensor) -> Woven:
        """The same between the same layers, of other numbers."""
        other = copy.deepcopy(self)
        with torch.no_grad():
            for w, part in zip(other._weights, self.shared_out(numbers), strict=True):
                w.parameter.copy_(part)
        return other


def halves(machine: DeepBoltzmannMachine) -> RestrictedBoltzmannMachine:
    """A copy of a deep machine as a restricted one, whose visible layer is all even layers, and the hidden one all odd.

    Its energies, its partition function and its moments are those of the deep one: all that is known of restricted
    machines, sums over one layer, annealing, is so known of deep ones.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann.exact import Exact
    >>> round(Exact(halves(DeepBoltzmannMachine(3, 2, 2))).log_partition / math.log(2), 6)
    7.0
    """
    links = copy.deepcopy(machine.weights)
    found = RestrictedBoltzmannMachine(
        Joined(machine.layers[0::2]), Joined(machine.layers[1::2]), Woven(links), biased=machine.biased
    )
    with torch.no_grad():
        found.visible_bias.copy_(torch.cat([b.detach() for b in machine.biases[0::2]]))
        found.hidden_bias.copy_(torch.cat([b.detach() for b in machine.biases[1::2]]))
    return found
