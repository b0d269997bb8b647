"""Networks of products in 60 digits: what they miss the product by, and to which order in the scale."""

from __future__ import annotations

import math

import pytest
import torch

from exact.flat_products import network
from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import smooth_function
from lensmaker.systems.polynomials.product_network import (
    Hidden,
    ProductNetwork,
    flat_monomial,
    half_product,
    mixed_difference,
    neighbours,
    product_of_layers,
)

PLACES = ((1.0,) * 5, (-1.0, 1.0, 1.0, -1.0, 1.0), (0.7, -0.4, 0.9, -0.3, 0.6), (0.1, 0.8, -0.6, 0.5, -0.9))


def missed(name: str, hidden: Hidden, x: tuple[float, ...], powers: tuple[int, ...]) -> float:
    found = network(name, hidden.weights.tolist(), hidden.bias, hidden.readout.tolist(), x) + hidden.constant
    return float(found - math.prod(v**r for v, r in zip(x, powers, strict=True)))


@pytest.mark.parametrize(("name", "b"), [("tanh", 0.5), ("softplus", 1.0), ("gelu", -0.7), ("exp", 0.0)])
@pytest.mark.parametrize("powers", [(1, 1), (1, 1, 1, 1), (2, 1), (3,), (2, 2, 1), (5, 0, 1)])
def test_a_flat_monomial_is_right_to_second_order(name: str, b: float, powers: tuple[int, ...]) -> None:
    """At two scales: errors in a ratio of 4, to 2 %, and the coefficient is that of the series."""
    σ, d = smooth_function(name), sum(powers)
    c, step = (
        σ.taylor(b, d + 2),
        2.0 ** (-8 if d < 5 else -6),
    )  # exact in binary, and far above rounded read-outs
    for place in PLACES:
        x = place[: len(powers)]
        wide, narrow = (missed(name, flat_monomial(powers, σ, b, s), x, powers) for s in (2 * step, step))
        value = math.prod(v**r for v, r in zip(x, powers, strict=True))
        second = (
            (d + 2) * (d + 1) / 6 * c[d + 2] / c[d] * sum(r * v * v for r, v in zip(powers, x, strict=True))
        )
        assert wide / narrow == pytest.approx(4, rel=0.03)
        assert narrow == pytest.approx(step**2 * second * value, rel=0.03)
    assert len(flat_monomial(powers, σ, b, 0.01).readout) == math.prod(r + 1 for r in powers)


@pytest.mark.parametrize(
    ("name", "n", "b", "order"),
    [
        ("tanh", 3, 0.0, 2),
        ("sin", 5, 0.0, 2),
        ("softplus", 4, 0.0, 2),
        ("gelu", 4, 0.0, 2),
        ("silu", 2, -1.2784645427610738, 1),
        ("gelu", 3, math.sqrt(2), 1),
    ],
)
def test_half_of_the_units_are_enough_at_a_zero_of_the_derivative_below(
    name: str, n: int, b: float, order: int
) -> None:
    σ = smooth_function(name)
    for place in PLACES[2:]:
        wide, narrow = (missed(name, half_product(n, σ, b, s), place[:n], (1,) * n) for s in (2e-3, 1e-3))
        assert wide / narrow == pytest.approx(2**order, rel=0.03)
        assert abs(narrow) < 0.02
    assert len(half_product(n, σ, b, 0.01).readout) == 2 ** (n - 1)


def test_elsewhere_half_of_the_units_are_not_enough() -> None:
    """At another bias ∏_{i>1} x_i remains, and grows as 1/λ."""
    σ = smooth_function("tanh")
    wide, narrow = (missed("tanh", half_product(3, σ, 0.4, s), PLACES[2][:3], (1,) * 3) for s in (2e-3, 1e-3))
    assert narrow / wide == pytest.approx(2, rel=0.01)
    assert abs(narrow) > 100


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_mixed_difference_has_a_constant_in_place_of_a_unit(n: int) -> None:
    σ = smooth_function("exp")
    made = mixed_difference(n, σ, 0.0, 1e-3)
    assert len(made.readout) == 2**n - 1
    wide, narrow = (
        missed("exp", mixed_difference(n, σ, 0.0, s), PLACES[2][:n], (1,) * n) for s in (2e-3, 1e-3)
    )
    assert wide / narrow == pytest.approx(2, rel=0.01)
    assert abs(narrow) < 0.01


def test_layers_are_what_their_gates_are() -> None:
    """The product of three groups against its gates one by one, and the plain network that merges the read-outs."""
    σ = smooth_function("softplus")
    made = product_of_layers([[3, 2, 1], [2, 1], [2]], σ, lambda b: (0.9, 0.02))
    assert made.widths == (8 + 4 + 2, 4 + 2, 4)
    x = torch.rand(50, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1

    def gate(*columns: torch.Tensor) -> torch.Tensor:
        hidden = flat_monomial([1] * len(columns), σ, 0.9, 0.02)
        return σ(torch.stack(columns, 1) @ hidden.weights.T + 0.9) @ hidden.readout

    a, b, c = gate(x[:, 0], x[:, 1], x[:, 2]), gate(x[:, 3], x[:, 4]), gate(x[:, 5])
    expected = gate(gate(a, b), gate(c))
    assert made(x)[:, 0].tolist() == pytest.approx(expected.tolist(), abs=1e-8)
    assert made(x)[:, 0].tolist() == pytest.approx(x.prod(1).tolist(), abs=0.01)
    y = x
    *hidden, last = made.merged()
    for weights, bias in hidden:
        y = σ(y @ weights.T + bias)
    assert (y @ last[0].T + last[1])[:, 0].tolist() == pytest.approx(expected.tolist(), abs=1e-8)
    assert [len(weights) for weights, _ in hidden] == list(made.widths)


def test_it_is_a_network_like_others() -> None:
    made = ProductNetwork(
        [[flat_monomial([1, 1], smooth_function("gelu"), 0.0, 0.01)]], smooth_function("gelu"), torch.float32
    )
    assert {p.dtype for p in made.parameters()} == {torch.float32}
    made(torch.rand(3, 2, dtype=torch.float64)).sum().backward()
    assert all(p.grad is not None for p in made.parameters())


def test_neighbours_fit_one_another() -> None:
    assert neighbours(20, (7, 3, 1)) == [[3] * 6 + [2], [3, 2, 2], [3]]
    for groups in ([[2, 2], [3]], [], [[2], [1, 1]], [[2, 2]]):
        with pytest.raises(InputError, match="layers of groups"):
            product_of_layers(groups, smooth_function("tanh"), lambda b: (0.5, 0.1))


def test_what_cannot_be_built_is_refused() -> None:
    σ = smooth_function("tanh")
    with pytest.raises(InputError, match="at most 4194304 hidden units, but got 8388608"):
        flat_monomial([1] * 23, σ, 0.5, 0.1)
    with pytest.raises(InputError, match="at most 4194304 hidden units"):
        product_of_layers([[40]], σ, lambda b: (0.5, 0.1))
    with pytest.raises(InputError, match="the derivative of order 2 is not 0, but got tanh at 0"):
        flat_monomial([1, 1], σ, 0.0, 0.1)
    with pytest.raises(InputError, match="a monomial with a variable in it"):
        flat_monomial([0, 0], σ, 0.5, 0.1)
