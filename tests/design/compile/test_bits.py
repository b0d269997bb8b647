"""Polynomials in bits, at all corners."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.compile import Bits, Reached, compile_polynomial
from lensmaker.systems.polynomials import Polynomial

TEXT = "3*x*y**2 - 2*x*y*z + z**3 - 4*w*x*y*z + 0.5"


def corners(n: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)), dtype=torch.float64)


def by_hand(w: float, x: float, y: float, z: float) -> float:
    return 3 * x * y - 2 * x * y * z + z - 4 * w * x * y * z + 0.5


@pytest.mark.parametrize("accuracy", [None, 1e-3, 1e-8, 1e-12])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_one_unit_for_each_product(accuracy: float | None, dtype: torch.dtype) -> None:
    network = compile_polynomial(TEXT, domain=Bits(), accuracy=accuracy, dtype=dtype)
    x = corners(4)
    with torch.no_grad():
        found = network(x).double()
    off = max(abs(f - by_hand(*row)) for f, row in zip(found.tolist(), x.tolist(), strict=True))
    assert off <= network.ledger.bound
    assert network.ledger.neurons == 3
    assert network.ledger.depth == 1
    if accuracy is not None:
        reached = network.ledger.reached is Reached.REACHED
        assert reached == (network.ledger.bound <= accuracy)
        assert reached == (dtype is torch.float64 or accuracy > 1e-5)


@pytest.mark.parametrize("digits", [2, 5, 9])
def test_a_unit_has_the_digits_it_was_made_for(digits: int) -> None:
    """β = 2 D ln 10: a unit that is nearly on is 10^−D/(1 + 10^−D) off."""
    network = compile_polynomial("x1*x2*...*x5", domain=Bits(), accuracy=10.0**-digits)
    with torch.no_grad():
        off = (network(corners(5)) - corners(5).prod(-1)).abs().max().item()
    assert off == pytest.approx(10.0**-digits / (1 + 10.0**-digits), rel=1e-6) or off < 10.0 ** -(
        digits + 0.9
    )
    assert off < network.ledger.bound <= 10.0**-digits


def test_products_that_cancel_as_bits_are_gone() -> None:
    assert compile_polynomial("x*y**2 - x**2*y", domain=Bits()).ledger.neurons == 0
    p = Polynomial.parse("x**3")
    assert compile_polynomial(p, domain=Bits())(torch.tensor([1.0])).item() == 1.0


def test_another_activation_is_refused() -> None:
    with pytest.raises(InputError, match=r"nn.Sigmoid\(\) for bits"):
        compile_polynomial("x*y", domain=Bits(), activation=nn.Tanh())
