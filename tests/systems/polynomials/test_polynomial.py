"""Polynomials against SymPy and fractions, which they do not call when they are read or evaluated."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from lensmaker.core import InputError
from lensmaker.systems.polynomials import Polynomial


def as_dict(p: Polynomial) -> dict[tuple[int, ...], float]:
    return {tuple(e): c for e, c in zip(p.exponents.tolist(), p.coefficients.tolist(), strict=True)}


TEXTS = [
    "x1*x2**2 - 3*y",
    "(x + 2*y)**3*(x - y) - 4*x/8 + 1.5e-3",
    "-x**2",
    "-(x - 1)**4 + +x",
    "2*-x*-y**2",
    "x**(2)*y - x^2·y + z",
    "1 - 2 - 3 - 4*(x - (y - (z - 1)))",
    "((((x))))",
    ".5*x + 2.*y + 1E1*z",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_formula_means_what_sympy_says(text: str) -> None:
    p = Polynomial.parse(text)
    expected = sympy.Poly(
        sympy.sympify(text.replace("^", "**").replace("·", "*"), rational=True), *sympy.symbols(p.variables)
    )
    assert as_dict(p) == pytest.approx({e: float(c) for e, c in expected.terms()}, rel=1e-14)


ELLIPSES = {
    "x1*x2*...*x20": math.prod(sympy.symbols("x1:21")),
    "3*x1**2*x2**2*…*x5**2 - 1": 3 * math.prod(x**2 for x in sympy.symbols("x1:6")) - 1,
    "a + x1+x3+...+x9": sympy.Symbol("a") + sum(sympy.symbols("x1 x3 x5 x7 x9")),
    "x9*x8*...*x6*(1 - x1 - x2 - ... - x4)": math.prod(sympy.symbols("x6:10"))
    * (1 - sum(sympy.symbols("x1:5"))),
    "x1*x2 + x2*x3 + ... + x5*x6": sum(a * b for a, b in itertools.pairwise(sympy.symbols("x1:7"))),
    "x1*x2*...*x3": math.prod(sympy.symbols("x1:4")),
}


@pytest.mark.parametrize("text", ELLIPSES)
def test_an_ellipsis_stands_for_what_is_left_out(text: str) -> None:
    p = Polynomial.parse(text)
    expected = sympy.Poly(sympy.expand(ELLIPSES[text]), *sympy.symbols(p.variables))
    assert as_dict(p) == {e: float(c) for e, c in expected.terms()}


names = st.sampled_from(["x", "y", "z2", "z10"])
tables = st.dictionaries(
    st.lists(names, max_size=5).map(lambda x: tuple(sorted(x))),
    st.integers(-9, 9).map(float),
    max_size=8,
)


@given(tables, st.lists(st.integers(-5, 5), min_size=4, max_size=4))
def test_values_are_those_of_fractions(table: dict[tuple[str, ...], float], at: list[int]) -> None:
    variables = ("x", "y", "z2", "z10")
    p = Polynomial.from_table(table, variables)
    place = {n: Fraction(v, 4) for n, v in zip(variables, at, strict=True)}
    exact = sum(
        (Fraction(c) * math.prod((place[n] for n in k), start=Fraction(1)) for k, c in table.items()),
        Fraction(),
    )
    x = torch.tensor([[float(place[n]) for n in variables]] * 2)
    assert p.evaluate(x).tolist() == pytest.approx([float(exact)] * 2, rel=1e-13, abs=1e-10)


@given(tables)
def test_text_and_sympy_come_back_as_they_went(table: dict[tuple[str, ...], float]) -> None:
    p = Polynomial.from_table(table)
    assert Polynomial.parse(str(p), p.variables) == p
    assert Polynomial.from_sympy(p.to_sympy(), p.variables) == p
    assert hash(Polynomial.from_table(table)) == hash(p)


def test_the_order_is_that_of_degree_then_of_variables() -> None:
    p = Polynomial.of(("x", "y"), [[0, 0], [0, 2], [1, 1], [2, 0], [0, 2], [3, 1]], [1, 2, 3, 4, -2, 0])
    assert p.exponents.tolist() == [[2, 0], [1, 1], [0, 0]]
    assert p.coefficients.tolist() == [4, 3, 1]
    assert not p.exponents.flags.writeable


def test_numbers_and_zero() -> None:
    assert Polynomial.parse("3").evaluate(torch.zeros(5, 0)).tolist() == [3.0] * 5
    zero = Polynomial.parse("x - x", ["x"])
    assert (zero.terms, zero.degree, str(zero)) == (0, 0, "0")
    assert zero.evaluate(torch.ones(2, 3, 1)).tolist() == torch.zeros(2, 3).tolist()
    assert Polynomial.parse("(x - x)**0").evaluate(torch.zeros(1, 0)).item() == 1.0


def test_gradients_are_those_of_the_polynomial() -> None:
    x = torch.tensor([0.0, 2.0], dtype=torch.float64, requires_grad=True)
    Polynomial.parse("x*y**2 + x**3").evaluate(x).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 0.0]


def test_variables_are_counted_as_people_count() -> None:
    assert Polynomial.parse("x10 + x9 + a").variables == ("a", "x9", "x10")


def test_a_sum_of_many_terms_is_read() -> None:
    text = " + ".join(f"{k}*x{k}**2" for k in range(1, 5000))
    assert Polynomial.parse(text).terms == 4999


REFUSED = {
    "": "a polynomial of numbers.* write",
    "x +": "a polynomial of numbers",
    "sin(x)": "which is none near",
    "__import__('os')": "a polynomial of numbers, names",
    "x**y": "powers that are whole numbers from 0 on, but got 'y'",
    "x**-1": "powers that are whole numbers",
    "x**0.5": "powers that are whole numbers",
    "x**2**3": "which is none near",
    "1/x": "division by a variable",
    "x/0": "division by zero",
    "x/(1 - 1)": "division by zero",
    "x == y": "a polynomial of numbers",
    "x;y": "a polynomial of numbers, names",
    "x.real": "a polynomial of numbers",
    "x1*...*x4": "two terms before an ellipsis",
    "x1*x2*...*x2": "equal steps",
    "x1*x3*...*x8": "equal steps",
    "x1*x2*...*y5": "equal steps",
    "x1*x2*...*x999999999": "at most 1000000 parts",
    "...": "two terms before an ellipsis, but got none",
    "1e999*x": "finite coefficients",
    "1e300*1e300*x": "finite coefficients",
    "(a + b + c + d + e + f)**100": "at most 1000000 terms once it is multiplied out",
    "(1e30*x + 1)**20": "finite coefficients",
    "x**999999999": "a degree up to",
    "(x**1000)**10000": "a degree up to",
    "(" * 5000 + "x" + ")" * 5000: "at most 40 brackets",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda t: t[:20])
def test_what_is_no_polynomial_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=REFUSED[text]):
        Polynomial.parse(text)


x, y = sympy.symbols("x y")
NO_POLYNOMIALS: list[tuple[Any, str]] = [
    (sympy.sin(x), "a polynomial with real coefficients"),
    (x**-1, "a polynomial with real coefficients"),
    (x**y, "a polynomial with real coefficients"),
    (sympy.I * x, "a polynomial with real coefficients"),
    ((x + y + 1) ** 10**6, "1000000 terms"),
    (x < y, "an expression of SymPy"),
    (sympy.Float("1e400") * x, "finite coefficients"),
]


@pytest.mark.parametrize(("expression", "match"), NO_POLYNOMIALS)
def test_sympy_that_is_no_polynomial_is_refused(expression: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        Polynomial.from_sympy(expression)


def test_an_unknown_variable_is_refused() -> None:
    with pytest.raises(InputError, match="Expected one of the variables x, but got y"):
        Polynomial.parse("x + y", ["x"])
    with pytest.raises(InputError, match="one of the variables x"):
        Polynomial.from_table({("x", "z"): 1.0}, ["x"])


WRONG_TABLES: list[tuple[Any, Any, Any, str]] = [
    (("x",), [[1], [2]], [1.0], "exponents of shape"),
    (("x",), [[-1]], [1.0], "whole numbers from 0 on"),
    (("x",), [[0.5]], [1.0], "whole numbers from 0 on"),
    (("x",), [[1]], [np.nan], "finite coefficients"),
    (("x", "x"), [[1, 1]], [1.0], "names of their own"),
    (("x y",), [[1]], [1.0], "letters, digits"),
    (("x",), [[1 << 21]], [1.0], "a degree up to"),
]


@pytest.mark.parametrize(("variables", "exponents", "coefficients", "match"), WRONG_TABLES)
def test_a_table_that_does_not_fit_is_refused(
    variables: Any, exponents: Any, coefficients: Any, match: str
) -> None:
    with pytest.raises(InputError, match=match):
        Polynomial.of(variables, exponents, coefficients)


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(InputError, match="2 variables along the last axis"):
        Polynomial.parse("x*y").evaluate(torch.ones(3))


def test_a_coefficient_must_be_a_number() -> None:
    with pytest.raises(InputError, match="a finite coefficient for each product"):
        Polynomial.from_table({("x",): math.inf})
