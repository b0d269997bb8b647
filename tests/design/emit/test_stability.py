"""Largest stable steps: closed ones, and what happens a little below and above."""

from __future__ import annotations

import math
import re

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.design.emit import Scheme, emit, largest_step
from lensmaker.systems.fields.equations import (
    Boundary,
    FieldEquation,
    Grid,
    Medium,
    advection_diffusion,
    allen_cahn,
    divergence_form,
    fisher_kpp,
    imaginary_time,
    schrodinger,
    wave,
)

LINE, PLANE, BOX = Grid((32,), (0.5,)), Grid((16, 16), (0.5, 0.5)), Grid((8, 8, 8), (0.5, 0.5, 0.5))
REAL, IMAGINARY = 2.7852935634, math.sqrt(8)
"""Where |R| = 1 on the axes, of the scheme of fourth order."""

CLOSED = [
    (advection_diffusion(LINE, diffusivity=2.0), Scheme.EULER, 2, 0.25 / 4),
    (advection_diffusion(PLANE, diffusivity=2.0), Scheme.EULER, 2, 0.25 / 8),
    (advection_diffusion(BOX, diffusivity=2.0), Scheme.RK2, 2, 0.25 / 12),
    (advection_diffusion(LINE, diffusivity=2.0), Scheme.RK4, 2, REAL * 0.25 / 8),
    (advection_diffusion(LINE, diffusivity=2.0), Scheme.EULER, 4, 0.25 / 4 * 3 / 4),
    (advection_diffusion(LINE, velocity=(3.0,)), Scheme.EULER, 2, 0.0),
    (advection_diffusion(LINE, velocity=(3.0,)), Scheme.RK2, 2, 0.0),
    (advection_diffusion(LINE, velocity=(3.0,)), Scheme.RK4, 2, IMAGINARY * 0.5 / 3),
    (advection_diffusion(LINE, velocity=(2.0,), diffusivity=0.1), Scheme.EULER, 2, 2 * 0.1 / 4),
    (wave(PLANE, speed=3.0), Scheme.RK4, 2, IMAGINARY * 0.5 / (2 * 3 * math.sqrt(2))),
    (wave(PLANE, speed=3.0), Scheme.EULER, 2, 0.0),
    (schrodinger(LINE), Scheme.RK4, 2, IMAGINARY * 0.25 / 2),
    (schrodinger(LINE), Scheme.RK2, 2, 0.0),
    (imaginary_time(LINE, potential=4.0), Scheme.EULER, 2, 2 / (4 + 2 / 0.25)),
    (advection_diffusion(LINE, diffusivity=2.0, potential=1.0), Scheme.EULER, 2, 0.0667426),  # 31h − 1 = e^h
    (allen_cahn(LINE, diffusivity=2.0, rate=3.0), Scheme.EULER, 2, 2 / (4 * 2 / 0.25 + 6)),
    (fisher_kpp(LINE, rate=3.0), Scheme.EXACT, 2, 2 * REAL / 3),
    (wave(PLANE), Scheme.EXACT, 2, math.inf),
    (FieldEquation(LINE, (Medium.plain(1, potential=2.0),)), Scheme.EULER, 2, math.inf),
]


@pytest.mark.parametrize("case", CLOSED, ids=lambda c: f"{c[0]}, {c[1].name}, {c[2]}")
def test_closed_limits(case: tuple[FieldEquation, Scheme, int, float]) -> None:
    """The largest wavenumbers are among those looked at; advection–diffusion's limit is between two: 1e-3."""
    equation, scheme, order, wanted = case
    assert largest_step(equation, scheme, order) == pytest.approx(wanted, rel=1e-3)


X = Grid.of_length((48,), (2 * math.pi,)).positions(0)
BENT = divergence_form(
    Grid.of_length((48,), (2 * math.pi,)),
    Medium.plain(1, metric=1 + 0.9 * torch.sin(X), drift=(torch.cos(X),)),
)


@pytest.mark.parametrize("scheme", [Scheme.EULER, Scheme.RK2, Scheme.RK4])
@pytest.mark.parametrize(
    "equation",
    [
        advection_diffusion(PLANE, velocity=(1.0, -2.0), diffusivity=0.6),
        FieldEquation(Grid.of_length((48,), (2 * math.pi,)), (BENT,)),
        advection_diffusion(Grid((40,), (0.5,), Boundary.ZERO), diffusivity=1.0),
        advection_diffusion(Grid((40,), (0.5,), Boundary.REFLECTING), diffusivity=1.0),
    ],
    ids=str,
)
def test_noise_dies_below_the_limit_and_explodes_above(equation: FieldEquation, scheme: Scheme) -> None:
    """Of frozen coefficients the limit is an estimate: what one point makes grow may leave it in time."""
    most = largest_step(equation, scheme)
    noise = torch.randn(1, 1, *equation.grid.shape, dtype=torch.float64)
    for factor, grows in ((0.97, False), (1.1 if equation.uniform else 1.6, True)):
        network = emit(equation, 300 * most * factor, 300, scheme=scheme, unstable=True, shared=True)
        with torch.no_grad():
            size = float(network(noise).abs().max())
        assert (size > 1e6 or math.isnan(size)) is grows, factor


def test_what_is_not_stable_is_refused_with_the_step_that_is() -> None:
    heat = advection_diffusion(LINE, diffusivity=2.0)
    with pytest.raises(
        InputError, match=r"at most 0\.0625, .* Scheme\.EULER here, but got 0\.1: take 16 steps"
    ):
        emit(heat, 1.0, 10, scheme=Scheme.EULER)
    assert emit(heat, 1.0, 16, scheme=Scheme.EULER).emission.steps == 16
    with pytest.raises(InputError, match=r"one with waves that it makes grow at any step: take Scheme\.RK4"):
        emit(wave(LINE), 1.0, 1000, scheme=Scheme.EULER)


def test_what_cannot_be_emitted_is_refused() -> None:
    bent = FieldEquation(Grid.of_length((48,), (2 * math.pi,)), (BENT,))
    walls = advection_diffusion(Grid((8,), (1.0,), Boundary.ZERO), diffusivity=1.0)
    for equation in (bent, walls):
        with pytest.raises(
            InputError, match=r"uniform media on a periodic grid without a mobility for Scheme\.EXACT"
        ):
            emit(equation, 1.0, 10, scheme=Scheme.EXACT)
    with pytest.raises(InputError, match="order 2 where the field is zero outside"):
        emit(walls, 1.0, 10, order=4)
    media = FieldEquation(LINE, (Medium.plain(1, metric=1.0), Medium.plain(1, metric=2.0)), interval=0.3)
    with pytest.raises(InputError, match=re.escape("a whole number of steps, but got 0.3 in steps of 0.125")):
        emit(media, 1.0, 8)
    with pytest.raises(InputError, match="a positive time in one step or more, but got 0 in 3"):
        emit(media, 0.0, 3)
