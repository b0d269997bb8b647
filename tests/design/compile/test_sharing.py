"""Programs of products, run with fractions, against the polynomials they are made from."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensmaker.design.compile.program import Combination, Program
from lensmaker.design.compile.sharing import share, share_all
from lensmaker.systems.polynomials import Polynomial


def program(p: Polynomial) -> Program:
    terms = [
        ([((i, ()), e) for i, e in f], c) for f, c in zip(p.factors, p.coefficients.tolist(), strict=True)
    ]
    return share(terms, [1.0] * len(p.variables))


def run(made: Program, x: list[Fraction]) -> Fraction:
    values = list(x)

    def total(side: Combination) -> Fraction:
        return sum((Fraction(w) * values[v] for (v, _), w in side), Fraction())

    for product in made.products:
        values += [total(product.left) * total(product.right)]
    return total(made.output) + Fraction(made.constant)


def exact(p: Polynomial, x: list[Fraction]) -> Fraction:
    return sum(
        (
            Fraction(c) * math.prod((a ** int(e) for a, e in zip(x, row, strict=True)), start=Fraction(1))
            for c, row in zip(p.coefficients.tolist(), p.exponents.tolist(), strict=True)
        ),
        Fraction(),
    )


several = st.lists(
    st.tuples(
        st.lists(st.integers(0, 3), min_size=4, max_size=4),
        st.lists(st.sampled_from([-4.0, 0.0, 0.3, 2.0]), min_size=3, max_size=3),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=50)
@given(several, st.lists(st.integers(-4, 4), min_size=4, max_size=4), st.booleans())
def test_a_program_of_several_outputs_is_all_of_them(
    table: list[tuple[list[int], list[float]]], at: list[int], is_proportional: bool
) -> None:
    factors = (1.0, 1 / 3, -0.7)
    polynomials = [
        Polynomial.of(
            ("a", "b", "c", "d"),
            [e for e, _ in table],
            [c[0] * factors[k] if is_proportional else c[k] for _, c in table],
        )
        for k in range(3)
    ]
    terms = [
        [([((i, ()), e) for i, e in f], c) for f, c in zip(p.factors, p.coefficients.tolist(), strict=True)]
        for p in polynomials
    ]
    made = share_all(terms, [1.0] * 4)
    x = [Fraction(v, 4) for v in at]
    values = list(x)
    for product in made.products:
        left, right = (
            sum((Fraction(w) * values[v] for (v, _), w in side), Fraction())
            for side in (product.left, product.right)
        )
        values.append(left * right)
    for p, output, constant in zip(polynomials, made.outputs, made.constants, strict=True):
        found = sum((Fraction(w) * values[v] for (v, _), w in output), Fraction(constant))
        assert float(found) == pytest.approx(float(exact(p, x)), rel=1e-12, abs=1e-12)
    if is_proportional:
        assert neurons(made) == neurons(program(polynomials[0]))


def neurons(made: Program) -> int:
    return 4 * len(made.products) - 2 * made.squares


rows = st.lists(
    st.tuples(st.lists(st.integers(0, 3), min_size=4, max_size=4), st.sampled_from([-4.0, -1.0, 0.5, 2.0])),
    min_size=1,
    max_size=10,
)


@settings(max_examples=50)
@given(rows, st.lists(st.integers(-4, 4), min_size=4, max_size=4))
def test_a_program_is_its_polynomial(table: list[tuple[list[int], float]], at: list[int]) -> None:
    p = Polynomial.of(("a", "b", "c", "d"), [e for e, _ in table], [c for _, c in table])
    made = program(p)
    x = [Fraction(v, 4) for v in at]
    assert float(run(made, x)) == pytest.approx(float(exact(p, x)), rel=1e-12, abs=1e-12)
    assert made.depth == (math.ceil(math.log2(p.degree)) if p.degree > 1 else 0)
    naive = 4 * sum(max(sum(row) - 1, 0) for row in p.exponents.tolist())
    assert neurons(made) <= naive
    for product in made.products:
        for side in (product.left, product.right):
            assert sum(abs(w) for _, w in side) <= 1 + 1e-12
            assert all(made.level(v) < product.level for (v, _), _ in side)


COUNTS = {
    "x1*x2": 4,
    "x1*x2*...*x20": 4 * 19,
    "x**2": 2,
    "x**16": 8,
    "x**5": 2 + 2 + 4,
    "x**100": 6 * 2 + 2 * 4,
    "x*y*z + x*y*w": 8,
    "x*y*z + x*y*w + 2*x*y": 8,
    "x1*x2 + x2*x3 + ... + x19*x20": 4 * 10,
    "a*b + a*c + a*d + a**2": 4,
    "x + 3": 0,
    "(x + y + z)**2": 4 + 4 + 2,
}


@pytest.mark.parametrize("text", COUNTS)
def test_how_many_neurons_a_polynomial_takes(text: str) -> None:
    assert neurons(program(Polynomial.parse(text))) == COUNTS[text]


def test_a_common_product_is_made_once() -> None:
    made = program(Polynomial.parse("x*y*z*(a + b + c) + x*y*z"))
    # in two layers, yz (x + xa + xb + xc); in three xyz (1 + a + b + c) would take two fewer
    assert (len(made.products), made.depth) == (5, 2)
    made = program(Polynomial.parse("x**2*y**2*z + x**2*y**2*w + x**2*y**2"))
    assert made.shared == 1


def test_scales_go_into_the_coefficients() -> None:
    made = share([([((0, ()), 2), ((1, ()), 1)], 3.0)], [2.0, 5.0])
    assert made.output[0][1] == 3 * 4 * 5


def test_terms_that_cancel_leave_nothing() -> None:
    made = share([([((0, ()), 1)], 1.0), ([((0, ()), 1)], -1.0)], [1.0])
    assert made.output == ()
