"""The restricted Boltzmann machine: two layers of units, and weights between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.units import Binary, Potts, Units
from lensmaker.systems.boltzmann.weights import Convolutional, Dense, Weights


def _fit_together(weights: Weights, *layers: Units) -> None:
    """Numbers of a Potts unit stand side by side, where tied weights have those of a site in channels."""
    if isinstance(weights, Convolutional) and any(isinstance(units, Potts) for units in layers):
        fix = "take Binary units with q channels, or dense weights"
        raise InputError("units of one number for convolutional weights", "Potts units", fix)


class RestrictedBoltzmannMachine(nn.Module):
    r"""P(v, h) = e^{−E(v, h)}/Z with E = e(v) + e(h) − a·v − b·h − v·W·h.

    Summed over the hidden layer, P(v) = e^{−F(v)}/Z with F(v) = e(v) − a·v − ln Z_h(b + Wᵀv).

    Parameters
    ----------
    visible, hidden
        The layers; numbers stand for so many binary units.
    weights
        A matrix where nothing is said.
    biased
        Whether there are a and b. Without them, and with ±1 units, the machine has the symmetry (v, h) → (−v, −h).
    dtype
        Of all parameters.

    Attributes
    ----------
    visible_bias, hidden_bias
        a, (visible,), and b, (hidden,).

    Raises
    ------
    InputError
        If the weights do not fit the layers.

    References
    ----------
    P. Smolensky, in Parallel Distributed Processing I, MIT Press 1986, chapter 6.
    M. Welling, M. Rosen-Zvi, G. E. Hinton, NIPS 17 (2004): units of the exponential family.

    Examples
    --------
    >>> machine = RestrictedBoltzmannMachine(3, 2)
    >>> round(machine.free_energy(torch.zeros(3)).item(), 6)  # −2 ln 2
    -1.386294
    """

    def __init__(
        self,
        visible: Units | int,
        hidden: Units | int,
        weights: Weights | None = None,
        *,
        biased: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.visible = visible if isinstance(visible, Units) else Binary(visible)
        self.hidden = hidden if isinstance(hidden, Units) else Binary(hidden)
        sizes = self.visible.size, self.hidden.size
        self.weights = weights if weights is not None else Dense(*sizes, dtype=dtype)
        if (self.weights.visible, self.weights.hidden) != sizes:
            got = f"weights between {self.weights.visible} and {self.weights.hidden}"
            raise InputError(
                f"weights between layers of {sizes[0]} and {sizes[1]} numbers", got, "make them alike"
            )
        _fit_together(self.weights, self.visible, self.hidden)
        self.biased = biased
        dtype = self.weights.parameter.dtype
        self.visible_bias = nn.Parameter(torch.zeros(sizes[0], dtype=dtype), requires_grad=biased)
        self.hidden_bias = nn.Parameter(torch.zeros(sizes[1], dtype=dtype), requires_grad=biased)

    # -- energies -----------------------------------------------------------------------------------

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h), (…)."""
        own = self.visible.energy(v) + self.hidden.energy(h)
        fields = self.hidden_field(v)
        return own - v @ self.visible_bias - (fields * h).sum(-1)

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) = −ln Σ_h e^{−E}, (…, visible) → (…)."""
        return (
            self.visible.energy(v) - v @ self.visible_bias - self.hidden.log_partition(self.hidden_field(v))
        )

    def hidden_free_energy(self, h: Tensor) -> Tensor:
        """−ln Σ_v e^{−E}, (…, hidden) → (…)."""
        return (
            self.hidden.energy(h) - h @ self.hidden_bias - self.visible.log_partition(self.visible_field(h))
        )

    def hidden_field(self, v: Tensor) -> Tensor:
        """B + Wᵀv, (…, hidden)."""
        rows = v.reshape(-1, self.visible.size)
        return self.weights.up(rows, self.hidden_bias).view(*v.shape[:-1], self.hidden.size)

    def visible_field(self, h: Tensor) -> Tensor:
        """A + W h, (…, visible)."""
        rows = h.reshape(-1, self.hidden.size)
        return self.weights.down(rows, self.visible_bias).view(*h.shape[:-1], self.visible.size)

    # -- starting values ----------------------------------------------------------------------------

    @torch.no_grad()
    def initialise(self, *, seed: int, scale: float = 0.01, data: Tensor | None = None) -> None:
        """Weights N(0, scale²), b = 0, and a such that without weights the means are those of data."""
        generator = stream("boltzmann weights", seed)  # on the CPU, so that they do not depend on the device
        fresh = torch.empty(self.weights.parameter.shape).normal_(0, scale, generator=generator)
        self.weights.parameter.copy_(fresh)
        self.hidden_bias.zero_()
        self.visible_bias.zero_()
        if data is not None:
            self.visible.check_means(data)
        if data is not None and self.biased:
            mean = data.to(torch.float64).mean(0)
            kinds = self.weights.alike("visible", mean)
            tied = kinds.mean(1, keepdim=True).expand_as(kinds).reshape(-1)
            self.visible_bias.copy_(self.visible.field_of_mean(tied))

    # -- samples ------------------------------------------------------------------------------------

    @torch.no_grad()
    def gibbs(self, v: Tensor, sweeps: int, generator: torch.Generator) -> Tensor:
        """The visible layer after so many sweeps from v, each of hidden given visible, then visible given hidden."""
        v = v.clone()
        for _ in range(sweeps):
            h = self.hidden.sample_(self.weights.up(v, self.hidden_bias), generator)
            v = self.visible.sample_(self.weights.down(h, self.visible_bias), generator)
        return v

    @torch.no_grad()
    def random(self, rows: int, generator: torch.Generator) -> Tensor:
        """Visible layers in the fields a alone, (rows, visible): where chains start."""
        return self.visible.sample(self.visible_bias.detach().expand(rows, -1), generator)

    @property
    def spec(self) -> dict[str, Any]:
        """What a file has to say for the machine to be made again, its parameters apart."""
        return {
            "visible": self.visible.spec,
            "hidden": self.hidden.spec,
            "weights": self.weights.spec,
            "biased": self.biased,
        }

    def __str__(self) -> str:
        return f"{self.visible} – {self.hidden}, {self.weights.kind} weights"
