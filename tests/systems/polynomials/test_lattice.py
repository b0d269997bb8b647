"""Polynomials on lattices against sums written out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial, phi4, recognise
from lensmaker.systems.polynomials.lattice import canonical


def action(field: np.ndarray[Any, Any], mass: float, coupling: float) -> float:
    total = 0.0
    for at in itertools.product(*map(range, field.shape)):
        here = field[at]
        for axis in range(field.ndim):
            there = list(at)
            there[axis] = (there[axis] + 1) % field.shape[axis]
            total += (field[tuple(there)] - here) ** 2 / 2
        total += mass * here**2 / 2 + coupling * here**4
    return float(total)


@pytest.mark.parametrize("sides", [(5,), (2,), (3, 4), (2, 2), (3, 2, 4)])
def test_phi4_is_its_sum(sides: tuple[int, ...]) -> None:
    S = phi4(sides, mass=-0.7, coupling=0.3)
    field = np.random.default_rng(0).normal(size=sides)
    expected = action(field, -0.7, 0.3)
    assert S.evaluate(torch.from_numpy(field)).item() == pytest.approx(expected, rel=1e-12)
    listed = S.to_polynomial()
    assert listed.evaluate(torch.from_numpy(field.reshape(-1))).item() == pytest.approx(expected, rel=1e-12)
    again = recognise(listed, sides)
    assert again is not None
    assert again.evaluate(torch.from_numpy(field)).item() == pytest.approx(expected, rel=1e-12)
    assert again.to_polynomial().coefficients == pytest.approx(listed.coefficients)


def test_terms_are_told_apart_by_shape_not_by_place() -> None:
    first, _ = canonical([((4, 0), 1), ((0, 0), 2)], (5, 5))
    second, _ = canonical([((2, 3), 2), ((1, 3), 1)], (5, 5))
    mirrored, _ = canonical([((2, 3), 1), ((1, 3), 2)], (5, 5))
    assert first == second != mirrored


def test_a_product_that_translations_take_to_itself_is_counted_as_often() -> None:
    _, copies = canonical([((0,), 1), ((2,), 1)], (4,))
    assert copies == 2
    across = recognise(Polynomial.parse("x1*x3 + x2*x4"), (4,))
    assert across is not None
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert across.evaluate(x).item() == 11.0


def test_a_constant_is_shared_out() -> None:
    shared = recognise(Polynomial.parse("x1 + x2 + 6"), (2,))
    assert shared is not None
    assert shared.evaluate(torch.ones(3, 2)).tolist() == [8.0] * 3


@pytest.mark.parametrize("text", ["x1*x2 + x2*x3 + 2*x3*x1", "x1*x2 + x2*x3", "x1 + x2 + x3 + x1**2"])
def test_what_a_translation_changes_is_no_lattice_polynomial(text: str) -> None:
    assert recognise(Polynomial.parse(text, ["x1", "x2", "x3"]), (3,)) is None


WRONG: list[tuple[Any, str]] = [
    (lambda: LatticePolynomial((), {}), "sides of at least one site"),
    (lambda: LatticePolynomial((3,), {(((0, 1), 1),): 1.0}), "steps along 1 axes"),
    (lambda: LatticePolynomial((3,), {(((0,), 1),): float("nan")}), "finite coefficients"),
    (lambda: recognise(Polynomial.parse("x*y"), (3,)), "a variable for each of 3 sites"),
    (lambda: phi4((3, 3), mass=1.0, coupling=1.0).evaluate(torch.ones(3)), "fields of"),
]


@pytest.mark.parametrize(("call", "match"), WRONG)
def test_bad_input_is_refused(call: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()
