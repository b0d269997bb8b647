"""Networks whose weights are written down: one hidden layer that multiplies, and layers of such gates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import SmoothFunction

MOST_UNITS = 1 << 22
"""Hidden units of a network that is built."""


@dataclass(frozen=True)
class Hidden:
    """One hidden layer that computes one number: v·σ(W x + b) + a.

    Attributes
    ----------
    weights
        W, shape (units, inputs).
    bias
        b, the same for all units.
    readout
        v, shape (units,).
    constant
        a.
    """

    weights: Tensor
    bias: float
    readout: Tensor
    constant: float = 0.0


class ProductNetwork(nn.Module):
    """Hidden layers with a linear read-out behind each: (…, inputs) → (…, 1).

    `merged` multiplies each read-out with the weights behind it, which makes a plain network of the same hidden layers.

    Parameters
    ----------
    layers
        The gates that stand side by side in each layer; they share the inputs out in turn.
    activation
        σ.
    dtype
        Of the parameters; they are rounded to it once.
    """

    activation: SmoothFunction

    def __init__(
        self,
        layers: Sequence[Sequence[Hidden]],
        activation: SmoothFunction,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.inside, self.readouts = nn.ModuleList(), nn.ModuleList()
        for gates in layers:
            bias = torch.cat([torch.full((len(h.readout),), h.bias, dtype=torch.float64) for h in gates])
            constants = torch.tensor([h.constant for h in gates], dtype=torch.float64)
            self.inside.append(_linear(torch.block_diag(*(h.weights for h in gates)), bias, dtype))
            self.readouts.append(
                _linear(torch.block_diag(*(h.readout[None] for h in gates)), constants, dtype)
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(inside.out_features for inside, _ in self._layers)

    @property
    def _layers(self) -> list[tuple[nn.Linear, nn.Linear]]:
        return [
            (cast(nn.Linear, a), cast(nn.Linear, b)) for a, b in zip(self.inside, self.readouts, strict=True)
        ]

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self._layers[0][0].weight.dtype)
        for inside, readout in self._layers:
            x = readout(self.activation(inside(x)))
        return x

    def merged(self) -> list[tuple[Tensor, Tensor]]:
        """Weights and biases of the plain network of the same hidden layers, the last one its read-out."""
        found, before = [], None
        for inside, readout in self._layers:
            weights, bias = inside.weight.detach().double(), inside.bias.detach().double()
            if before is not None:
                bias = bias + weights @ before[1]
                weights = weights @ before[0]
            found.append((weights, bias))
            before = readout.weight.detach().double(), readout.bias.detach().double()
        assert before is not None
        return [*found, before]


def _linear(weights: Tensor, bias: Tensor, dtype: torch.dtype) -> nn.Linear:
    layer = nn.Linear(weights.shape[1], weights.shape[0], dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(weights)
        layer.bias.copy_(bias)
    return layer


def flat_monomial(powers: Sequence[int], activation: SmoothFunction, bias: float, scale: float) -> Hidden:
    r"""∏(r_i + 1) units: ∏x_i^r_i from central differences of σ.

        ∏x_i^r_i ≈ Σ_a ∏(−1)^{(r_i−a_i)/2} C(r_i, (r_i−a_i)/2) σ(b + λ a·x) / (2^d d! c_d λ^d)

    with a_i from −r_i to r_i in steps of 2 and d = Σ r_i; for r_i = 1 these are 2^n signs. All monomials below d vanish
    for any b, and those of degree d + 1; what is left is of the order λ².

    Parameters
    ----------
    bias, scale
        b and λ.

    Raises
    ------
    InputError
        If the units are too many, no power is above 0, or c_d = σ⁽ᵈ⁾(b)/d! is 0.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> square = flat_monomial([2], smooth_function("softplus"), 0.0, 0.01)
    >>> square.weights.flatten().tolist(), [round(v) for v in square.readout.tolist()]
    ([-0.02, 0.0, 0.02], [10000, -20000, 10000])
    """
    _check(math.prod(r + 1 for r in powers))
    d = sum(powers)
    if d < 1 or min(powers) < 0:
        raise InputError("a monomial with a variable in it", f"the powers {tuple(powers)}", "pass [1, 1]")
    steps = [[(2 * j - r, (-1) ** (r - j) * math.comb(r, j)) for j in range(r + 1)] for r in powers]
    rows = list(itertools.product(*steps))
    a = torch.tensor([[place for place, _ in row] for row in rows], dtype=torch.float64)
    signs = torch.tensor([math.prod(w for _, w in row) for row in rows], dtype=torch.float64)
    return Hidden(scale * a, bias, signs / _lead(activation, bias, scale, d, 2**d))


def half_product(n: int, activation: SmoothFunction, bias: float, scale: float) -> Hidden:
    """2^(n−1) units: of each pair s, −s of signs the one with s₁ = 1. It takes σ⁽ⁿ⁻¹⁾(b) = 0.

    Raises
    ------
    InputError
        If the units are too many, or σ⁽ⁿ⁾(b) is 0.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> half_product(3, smooth_function("tanh"), 0.0, 0.01).readout.sign().tolist()  # tanh‴(0) = −2
    [-1.0, 1.0, 1.0, -1.0]
    """
    _check(2 ** (n - 1))
    s = torch.tensor(list(itertools.product((1.0, -1.0), repeat=n))[: 2 ** (n - 1)], dtype=torch.float64)
    return Hidden(scale * s, bias, s.prod(1) / _lead(activation, bias, scale, n, 2 ** (n - 1)))


def mixed_difference(n: int, activation: SmoothFunction, bias: float, scale: float) -> Hidden:
    """2^n − 1 units and a constant: ∏x_i ≈ Σ_A (−1)^{n−|A|} σ(b + λ Σ_{i∈A} x_i) / (n! c_n λ^n), to the order λ.

    Raises
    ------
    InputError
        If the units are too many, or σ⁽ⁿ⁾(b) is 0.
    """
    _check(2**n)
    a = torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)), dtype=torch.float64)
    v = (-1) ** (n - a.sum(1)) / _lead(activation, bias, scale, n, 1)
    return Hidden(scale * a[1:], bias, v[1:], float(v[0]) * activation.taylor(bias, 0)[0])


def product_of_layers(
    groups: Sequence[Sequence[int]],
    activation: SmoothFunction,
    gate: Callable[[int], tuple[float, float]],
    dtype: torch.dtype = torch.float64,
) -> ProductNetwork:
    """The product of n numbers in layers of flat gates.

    Parameters
    ----------
    groups
        For each layer the numbers of neighbours that are multiplied; the last layer has one group. [[2, 2], [2]] is
        the tree of four.
    gate
        b and λ of a flat product of so many factors.

    Raises
    ------
    InputError
        If the groups do not fit one another, or the units are too many.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> tree = product_of_layers([[2, 2], [2]], smooth_function("gelu"), lambda b: (0.0, 1e-5))
    >>> tree.widths, round(tree(torch.tensor([1.0, -0.5, 0.5, 0.75])).item(), 8)
    ((8, 4), -0.1875)
    """
    for layer, after in itertools.pairwise(groups):
        if len(layer) != sum(after):
            got = f"{len(layer)} groups before a layer of {sum(after)}"
            raise InputError("layers of groups that fit one another", got, "[[2, 2], [2]] is one")
    if not groups or len(groups[-1]) != 1 or min(map(min, groups)) < 1:
        raise InputError("layers of groups, of which the last has one", f"{groups}", "[[2, 2], [2]] is one")
    _check(sum(2**b for layer in groups for b in layer))
    known = {b: flat_monomial([1] * b, activation, *gate(b)) for b in {b for layer in groups for b in layer}}
    return ProductNetwork([[known[b] for b in layer] for layer in groups], activation, dtype)


def neighbours(n: int, groups: Iterable[int]) -> list[list[int]]:
    """Sizes of the groups in which n numbers become so many, layer by layer, as even as they can be.

    Examples
    --------
    >>> neighbours(8, [4, 2, 1]), neighbours(5, [2, 1])
    ([[2, 2, 2, 2], [2, 2], [2]], [[3, 2], [2]])
    """
    found = []
    for g in groups:
        small, larger = divmod(n, g)
        found.append([small + 1] * larger + [small] * (g - larger))
        n = g
    return found


def _lead(activation: SmoothFunction, bias: float, scale: float, n: int, times: int) -> float:
    """What the sum over units is of the product: n! c_n λ^n times their number."""
    lead = times * math.factorial(n) * activation.taylor(bias, n)[n] * scale**n
    if lead == 0 or not math.isfinite(1 / lead):
        got = f"{activation} at {bias:g}, of which it is 0"
        fix = "choose another bias, or a larger scale"
        raise InputError(f"a bias at which the derivative of order {n} is not 0", got, fix)
    return lead


def _check(units: int) -> None:
    if units > MOST_UNITS:
        raise InputError(f"at most {MOST_UNITS} hidden units", f"{units}", "multiply in more layers")
