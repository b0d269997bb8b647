"""Sawtooth squares against the interpolation that they are, in fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from lensmaker.design.compile.compiler import stages_of
from lensmaker.design.compile.domains import Box
from lensmaker.design.compile.ledger import Ledger, Reached
from lensmaker.design.compile.multipliers import Multiplier, Sawtooth
from lensmaker.design.compile.network import CompiledNetwork
from lensmaker.design.compile.program import Program
from lensmaker.design.compile.sharing import share
from lensmaker.design.compile.stages import Read

LEDGER = Ledger(
    ("x",), "ReLU", "float64", "", 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, None, Reached.BEST
)


def network(program: Program, multiplier: Multiplier) -> CompiledNetwork:
    output = Read((-1, ""), {(value, ""): w for (value, _), w in program.output})
    stages = stages_of(program, multiplier)
    n = program.inputs
    return CompiledNetwork(
        stages, output, [1.0] * n, Box().limits(n), multiplier.activation, LEDGER, dtype=torch.float64
    )


SQUARE = share([([((0, ()), 2)], 1.0)], [1.0])
PRODUCT = share([([((0, ()), 1), ((1, ()), 1)], 1.0)], [1.0] * 2)


@pytest.mark.parametrize("teeth", range(1, 9))
def test_the_error_of_a_square_is_exactly_that_of_the_formula(teeth: int) -> None:
    """The chord of t² over steps of 2^−m is too high by a fourth of the step squared, in the middle."""
    made = network(SQUARE, Sawtooth(teeth))
    steps = 2 ** (teeth + 1)  # all kinks and all middles
    t = torch.arange(-steps, steps + 1, dtype=torch.float64) / steps
    with torch.no_grad():
        found = made(t[:, None])
    off = [Fraction(f) - Fraction(x) ** 2 for f, x in zip(found.tolist(), t.tolist(), strict=True)]
    assert max(off) == Fraction(1, 4 ** (teeth + 1))
    assert min(off) == 0
    assert sum(o > 0 for o in off) == 2 * 2**teeth  # the middles alone


@pytest.mark.parametrize("teeth", [1, 3, 8])
def test_the_error_of_a_product_is_no_larger(teeth: int) -> None:
    made = network(PRODUCT, Sawtooth(teeth))
    line = torch.linspace(-1, 1, 129, dtype=torch.float64)
    x = torch.cartesian_prod(line, line)
    with torch.no_grad():
        off = (made(x) - x.prod(-1)).abs().max().item()
    assert 0.9 * 4.0 ** -(teeth + 1) <= off <= 4.0 ** -(teeth + 1) + 1e-15


@pytest.mark.parametrize("teeth", [1, 2, 7])
def test_how_many_units_it_takes(teeth: int) -> None:
    """m + 3 for a square and twice that for a product, in m layers; of three for each tooth linear lanes save two."""
    for program, squares in ((SQUARE, 1), (PRODUCT, 2)):
        stages = stages_of(program, Sawtooth(teeth))
        assert len(stages) == teeth
        assert sum(len(s.units) for s in stages) == squares * (teeth + 3)


def test_beyond_its_domain_the_square_goes_on_as_a_line() -> None:
    made = network(SQUARE, Sawtooth(6))
    with torch.no_grad():
        beyond = made(torch.tensor([[1.1]], dtype=torch.float64)).item()
    assert abs(beyond - 1.21) <= Sawtooth(6).usual(1.1, 2)
