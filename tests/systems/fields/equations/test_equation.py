"""What is an equation and what is not: shapes, well-posedness, stencils and reactions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.numerics.small_eigenvalues import small_eigenvalues
from lensmaker.systems.fields.equations import (
    Boundary,
    FieldEquation,
    Grid,
    Medium,
    PolynomialReaction,
    advection_diffusion,
    divergence_form,
    propagated,
    schrodinger,
    stencil,
    wave,
)
from lensmaker.systems.fields.equations.stencils import neighbour_sum

LINE = Grid((12,), (0.5,))
SQUARE = Grid((8, 8), (1.0, 0.5))


def coupled(metric: list[list[float]], potential: list[list[float]], drift: float = 0.0) -> Medium:
    """Two channels on a line."""
    g, v = (torch.tensor(m, dtype=torch.float64) for m in (metric, potential))
    return Medium(g[None, None], drift * torch.eye(2, dtype=torch.float64)[None], v)


ILL_POSED: dict[str, Callable[[], object]] = {
    "anti-diffusion": lambda: advection_diffusion(LINE, diffusivity=-1e-3),
    "indefinite": lambda: FieldEquation(SQUARE, (Medium.plain(2, metric=[[1.0, 0.0], [0.0, -0.01]]),)),
    "indefinite off the axes": lambda: FieldEquation(
        SQUARE, (Medium.plain(2, metric=[[1.0, 1.2], [1.2, 1.0]]),)
    ),
    "at one point": lambda: advection_diffusion(
        LINE, diffusivity=torch.tensor([1.0] * 11 + [-0.1], dtype=torch.float64)
    ),
    "in the second medium": lambda: FieldEquation(
        LINE, (Medium.plain(1, metric=1.0), Medium.plain(1, metric=-1.0))
    ),
    "a wave of imaginary speed": lambda: FieldEquation(LINE, (coupled([[0, 0], [-2, 0]], [[0, 1], [0, 0]]),)),
    "one channel of two": lambda: FieldEquation(LINE, (coupled([[1, 0], [0, -1]], [[0, 0], [0, 0]]),)),
}
WELL_POSED: dict[str, Callable[[], object]] = {
    "growth of all waves alike": lambda: advection_diffusion(LINE, diffusivity=0.1, potential=50.0),
    "advection alone": lambda: advection_diffusion(LINE, velocity=(3.0,)),
    "a degenerate metric": lambda: FieldEquation(SQUARE, (Medium.plain(2, metric=[[1.0, 1.0], [1.0, 1.0]]),)),
    "waves": lambda: wave(SQUARE, speed=3.0),
    "Schrödinger": lambda: schrodinger(SQUARE, mass=0.1, potential=torch.ones(8, 8, dtype=torch.float64)),
    "told": lambda: FieldEquation(LINE, (Medium.plain(1, metric=-1.0),), ill_posed=True),
    "nothing": lambda: FieldEquation(LINE, (Medium.plain(1),)),
    "small metric, large drift": lambda: advection_diffusion(LINE, velocity=(1e3,), diffusivity=1e-6),
}


@pytest.mark.parametrize("name", ILL_POSED)
def test_equations_without_a_future_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"waves whose growth is bounded, .* or pass ill_posed=True"):
        ILL_POSED[name]()


@pytest.mark.parametrize("name", WELL_POSED)
def test_equations_with_a_future_are_taken(name: str) -> None:
    assert WELL_POSED[name]() is not None


def test_eigenvalues_in_closed_form_are_those_of_lapack() -> None:
    m = torch.randn(50, 2, 2, dtype=torch.complex128)
    found, wanted = small_eigenvalues(m).numpy(), np.linalg.eigvals(m.numpy())
    for f, w in zip(found, wanted, strict=True):
        assert min(abs(f - w).max(), abs(f[::-1] - w).max()) < 1e-12
    assert small_eigenvalues(torch.eye(3)).shape == (3,)


@pytest.mark.parametrize("order", [2, 4])
def test_a_stencil_is_exact_on_polynomials(order: int) -> None:
    """On x^p y^q up to the order of accuracy and one more, at the middle of the grid."""
    grid = Grid((9, 11), (0.5, 0.25))
    medium = Medium.plain(2, metric=[[2.0, 0.7], [0.3, 1.5]], drift=(0.4, -0.6), potential=0.9)
    weights = stencil(medium, grid, order)
    x, y = (c - c[4, 5] for c in grid.coordinates)
    wanted = {
        (0, 0): 0.9,
        (1, 0): 0.4,
        (0, 1): -0.6,
        (2, 0): 2.0,
        (0, 2): 1.5,
        (1, 1): 0.5,
        (3, 0): 0.0,
        (0, 3): 0.0,
    }
    for (p, q), value in wanted.items():
        if order == 2 and 3 in (p, q):
            continue
        found = neighbour_sum(weights, grid)((x**p * y**q)[None, None])[0, 0, 4, 5]
        assert float(found) == pytest.approx(value, abs=1e-11), (p, q)


def test_a_stencil_of_fields_is_that_of_each_point() -> None:
    grid = Grid((5, 6), (1.0, 0.5))
    torch.manual_seed(3)
    g, a, v = torch.rand(2, 2, 2, 2, 5, 6), torch.rand(2, 2, 2, 5, 6), torch.rand(2, 2, 5, 6)
    fields = stencil(Medium(g, a, v), grid)
    one = stencil(Medium(g[..., 3, 4], a[..., 3, 4], v[..., 3, 4]), grid)
    torch.testing.assert_close(fields[..., 3, 4], one)
    assert fields.shape == (2, 2, 3, 3, 5, 6)


@pytest.mark.parametrize("boundary", Boundary)
def test_neighbours_beyond_the_edge(boundary: Boundary) -> None:
    grid = Grid((4,), (1.0,), boundary)
    field = torch.tensor([1.0, 2.0, 3.0, 5.0])[None, None]
    wide = {
        Boundary.PERIODIC: [3.0, 5.0, 1.0, 2.0, 3.0, 5.0, 1.0, 2.0],
        Boundary.REFLECTING: [3.0, 2.0, 1.0, 2.0, 3.0, 5.0, 3.0, 2.0],
        Boundary.ZERO: [0.0, 0.0, 1.0, 2.0, 3.0, 5.0, 0.0, 0.0],
    }
    assert grid.padded(field, (2,)).flatten().tolist() == wide[boundary]


def test_slopes_of_reactions() -> None:
    assert PolynomialReaction((0.0, 1.0, 0.0, -1.0)).slopes == (-2.0, 1.0)
    assert PolynomialReaction((1.0, 0.0, 1.0)).slopes == (0.0,)  # 1 + φ² rests nowhere
    assert PolynomialReaction((2.0,)).slopes == (0.0,)
    x = torch.linspace(-2, 2, 7, dtype=torch.float64)
    torch.testing.assert_close(PolynomialReaction((0.5, -1.0, 2.0))(x), 0.5 - x + 2 * x**2)


def test_uniform_media_need_no_derivatives() -> None:
    medium = Medium.plain(1, metric=1.0)
    assert divergence_form(LINE, medium) is medium
    bent = Medium.plain(1, metric=torch.ones(12, dtype=torch.float64))
    with pytest.raises(InputError, match="a periodic grid, where the waves of the coefficients are known"):
        divergence_form(Grid((12,), (0.5,), Boundary.ZERO), bent)


BAD: dict[str, Callable[[], object]] = {
    "one to three axes": lambda: Grid((4, 4), (1.0,)),
    "3 points or more": lambda: Grid((2,), (1.0,)),
    "positive spacings": lambda: Grid((4,), (-1.0,)),
    "a metric of shape (1, 1, 1, 1)": lambda: Medium(torch.ones(1, 1), torch.ones(1, 1, 1), torch.ones(1, 1)),
    "a finite drift": lambda: Medium.plain(1, drift=(math.inf,)),
    "coefficients for 12 points, periodic": lambda: FieldEquation(LINE, (Medium.plain(2),)),
    "fields of shape (11,)": lambda: advection_diffusion(LINE, diffusivity=torch.ones(11)),
    "one medium or more": lambda: FieldEquation(LINE, ()),
    "media of as many channels": lambda: FieldEquation(
        LINE, (Medium.plain(1), coupled([[1, 0], [0, 1]], [[0, 0], [0, 0]]))
    ),
    "2 velocities, but got 1": lambda: advection_diffusion(SQUARE, velocity=(1.0,)),
    "differences of order 2 or 4": lambda: stencil(Medium.plain(1), LINE, 3),
    "order 2 where the field is zero outside": lambda: stencil(
        Medium.plain(1), Grid((8,), (1.0,), Boundary.ZERO), 4
    ),
    "finite coefficients": lambda: PolynomialReaction(()),
    "a linear equation of uniform media": lambda: propagated(
        advection_diffusion(LINE, diffusivity=torch.ones(12)), torch.ones(12), 1.0
    ),
    "neighbours within the grid": lambda: Grid((3,), (1.0,)).padded(torch.ones(1, 1, 3), (3,)),
    "fields on one grid": lambda: Medium(torch.ones(1, 1, 1, 1, 5), torch.ones(1, 1, 1, 4), torch.ones(1, 1)),
}


@pytest.mark.parametrize("words", BAD)
def test_what_does_not_fit_is_refused(words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        BAD[words]()
