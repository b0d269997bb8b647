"""Solutions against closed ones, for every maker, space and method."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from torch import Tensor

from exact import field_solutions as exact
from lensmaker.core import Convergence, InputError
from lensmaker.systems.fields.equations import (
    Boundary,
    FieldEquation,
    Grid,
    Medium,
    Method,
    PolynomialReaction,
    Space,
    advection_diffusion,
    allen_cahn,
    divergence_form,
    fisher_kpp,
    gauge_form,
    imaginary_time,
    propagated,
    schrodinger,
    solve,
    wave,
)

LONG = Grid.of_length((200,), (40.0,))
SQUARE = Grid.of_length((48, 64), (24.0, 24.0))


def line(grid: Grid = LONG) -> np.ndarray:
    """Positions about the middle of the grid."""
    x = grid.positions(0).numpy()
    return x - grid.shape[0] // 2 * grid.spacing[0]


def off(found: Tensor, wanted: np.ndarray) -> float:
    return float(np.abs(found.squeeze().numpy() - wanted).max())


@pytest.mark.parametrize("method", Method)
def test_a_bump_moves_and_spreads(method: Method) -> None:
    x = line()
    equation = advection_diffusion(LONG, velocity=(0.7,), diffusivity=0.3)
    start = torch.from_numpy(exact.heat_bump(x, 0, 1.0, 0.3))
    found = solve(equation, start, [1.0, 3.0], method=method, tolerance=1e-9)
    assert found.convergence is Convergence.CONVERGED
    for time, field in zip(found.times, found.fields, strict=True):
        assert off(field, exact.heat_bump(x, time, 1.0, 0.3, 0.7)) < 2e-8


def test_the_propagator_is_exact_in_one_step() -> None:
    x = line()
    equation = advection_diffusion(LONG, velocity=(0.7,), diffusivity=0.3)
    start = torch.from_numpy(exact.heat_bump(x, 0, 1.0, 0.3))
    assert off(propagated(equation, start, 3.0), exact.heat_bump(x, 3.0, 1.0, 0.3, 0.7)) < 1e-13


def test_a_tilted_metric_in_two_dimensions() -> None:
    """All of g and A, with axes of different lengths and spacings: a swapped axis shows."""
    x, y = (c.numpy() - 12 for c in SQUARE.coordinates)
    diffusion, velocity = np.array([[0.5, 0.2], [0.2, 0.25]]), np.array([0.5, -0.3])
    start = np.array([[2.0, 0.3], [0.3, 3.0]])
    equation = advection_diffusion(SQUARE, velocity=velocity.tolist(), diffusivity=diffusion.tolist())
    begin = torch.from_numpy(exact.tensor_bump(x, y, 0, start, diffusion, velocity))
    wanted = exact.tensor_bump(x, y, 1.5, start, diffusion, velocity)
    assert off(propagated(equation, begin, 1.5), wanted) < 3e-8  # the torus is finite
    for space, tolerance in (
        (Space.SPECTRAL, 2e-8),
        (Space.DIFFERENCES_4, 4e-3),
        (Space.DIFFERENCES_2, 3e-2),
    ):
        found = solve(equation, begin, [1.5], space=space, tolerance=1e-9)
        assert off(found.last, wanted) < tolerance


@pytest.mark.parametrize(("space", "order"), [(Space.DIFFERENCES_2, 2), (Space.DIFFERENCES_4, 4)])
def test_differences_have_their_order(space: Space, order: int) -> None:
    errors = []
    for n in (24, 48):
        grid = Grid.of_length((n, n), (18.0, 18.0))
        x, y = (c.numpy() - 9 for c in grid.coordinates)
        diffusion, velocity = np.array([[0.5, 0.2], [0.2, 0.25]]), np.array([0.5, -0.3])
        start = np.array([[2.0, 0.3], [0.3, 2.0]])
        equation = advection_diffusion(grid, velocity=velocity.tolist(), diffusivity=diffusion.tolist())
        begin = torch.from_numpy(exact.tensor_bump(x, y, 0, start, diffusion, velocity))
        found = propagated(equation, begin, 0.5, space)
        errors.append(off(found, exact.tensor_bump(x, y, 0.5, start, diffusion, velocity)))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.4)


def test_a_wave_parts_in_two() -> None:
    x = line()
    start = torch.zeros(2, 200, dtype=torch.float64)
    start[0] = torch.from_numpy(exact.d_alembert(x, 0, 1.0, 1.5))
    equation = wave(LONG, speed=1.5)
    assert off(propagated(equation, start, 4.0)[:, 0], exact.d_alembert(x, 4.0, 1.0, 1.5)) < 1e-11
    found = solve(equation, start, [4.0], tolerance=1e-10)
    assert off(found.last[:, 0], exact.d_alembert(x, 4.0, 1.0, 1.5)) < 1e-7


def test_a_free_packet() -> None:
    grid = Grid.of_length((256,), (60.0,))
    x = line(grid)
    psi = exact.free_packet(x, 0, 1.5, 1.2)
    start = torch.from_numpy(np.stack([psi.real, psi.imag]))
    found = propagated(schrodinger(grid), start, 3.0)
    wanted = exact.free_packet(x, 3.0, 1.5, 1.2)
    assert off(found, np.stack([wanted.real, wanted.imag])) < 1e-11
    assert float(found.square().sum() / start.square().sum()) == pytest.approx(1, abs=1e-12)


def test_an_oscillator_comes_back_and_its_ground_state_stays() -> None:
    """A packet at rest at 2 is at −2 after half a period; in imaginary time e^{−x²/2} decays by e^{−t/2}."""
    grid = Grid.of_length((128,), (20.0,))
    x = torch.from_numpy(line(grid))
    start = torch.stack([torch.exp(-((x - 2) ** 2) / 2), torch.zeros_like(x)])
    found = solve(schrodinger(grid, potential=x**2 / 2), start, [math.pi], tolerance=1e-9)
    density = found.last[0].square().sum(0)
    assert off(density, np.exp(-((x.numpy() + 2) ** 2))) < 1e-6
    ground = torch.exp(-(x**2) / 2)
    cooled = solve(imaginary_time(grid, potential=x**2 / 2), ground, [1.0], tolerance=1e-9)
    assert off(cooled.last, math.exp(-0.5) * ground.numpy()) < 1e-8


@pytest.mark.parametrize("method", Method)
def test_a_front_of_fisher_and_kolmogorov(method: Method) -> None:
    """Two fronts back to back, far apart, on a periodic grid."""
    grid = Grid.of_length((256,), (160.0,))
    x = line(grid)

    def fronts(t: float) -> np.ndarray:
        return exact.kpp_front(x - 20, t) * exact.kpp_front(-x - 20, t)

    found = solve(fisher_kpp(grid), torch.from_numpy(fronts(0)), [4.0], method=method, tolerance=1e-9)
    assert found.convergence is Convergence.CONVERGED
    assert off(found.last, fronts(4.0)) < 1e-5


@pytest.mark.parametrize("method", Method)
def test_a_wall_rests_and_a_tilted_one_moves(method: Method) -> None:
    grid = Grid.of_length((256,), (80.0,))
    x = line(grid)
    pair = torch.from_numpy(exact.wall(x + 20) * exact.wall(20 - x))
    found = solve(allen_cahn(grid), pair, [5.0], method=method, tolerance=1e-9)
    assert off(found.last, pair.numpy()) < 1e-8

    def fronts(t: float) -> np.ndarray:
        return exact.moving_wall(x - 10, t, 0.2) * exact.moving_wall(-x - 10, t, 0.2)

    nagumo = PolynomialReaction((0.0, -0.2, 1.2, -1.0))
    equation = FieldEquation(grid, (Medium.plain(1, metric=2.0),), reaction=nagumo)
    found = solve(equation, torch.from_numpy(fronts(0)), [5.0], method=method, tolerance=1e-9)
    assert off(found.last, fronts(5.0)) < 1e-5


@pytest.mark.parametrize("space", [Space.SPECTRAL, Space.DIFFERENCES_2])
def test_a_drift_that_depends_on_the_place(space: Space) -> None:
    grid = Grid.of_length((191,), (16.0,), Boundary.ZERO)
    x = grid.positions(0) - 8
    equation = FieldEquation(grid, (Medium.plain(1, metric=1.0, drift=(x,), potential=1.0),))
    start = torch.from_numpy(exact.ornstein_uhlenbeck(x.numpy(), 0, 2.0, 0.3))
    found = solve(equation, start, [0.8], space=space, tolerance=1e-9)
    wanted = exact.ornstein_uhlenbeck(x.numpy(), 0.8, 2.0, 0.3)
    assert off(found.last, wanted) < (1e-8 if space is Space.SPECTRAL else 2e-3)


def test_a_metric_that_depends_on_the_place_is_a_change_of_coordinates() -> None:
    """With y₁ = x₁ + ε sin x₂, y₂ = x₂ of determinant 1, ½ ∂_i g^{ij} ∂_j is ½ of the Laplacian in y."""
    grid = Grid.of_length((24, 40), (2 * math.pi, 2 * math.pi))
    a, b = grid.coordinates
    eps = 0.4
    g01 = -eps * torch.cos(b)
    metric = [[1 + g01**2, g01], [g01, torch.ones_like(b)]]
    medium = divergence_form(grid, Medium.plain(2, metric=metric))
    assert float((medium.drift[0, 0, 0] - eps * torch.sin(b) / 2).abs().max()) < 1e-12
    assert float(medium.drift[1].abs().max()) < 1e-12
    start = torch.cos(a + eps * torch.sin(b)) * torch.sin(2 * b)
    found = solve(FieldEquation(grid, (medium,)), start, [0.4], tolerance=1e-9)
    assert off(found.last, (start * math.exp(-0.4 * 5 / 2)).numpy()) < 1e-8


def test_a_pure_gauge_is_taken_away_by_a_factor() -> None:
    """With a = ∂θ, e^{−θ} times a solution of the heat equation solves ½ (∂ + a)² φ."""
    grid = Grid.of_length((64,), (2 * math.pi,))
    x = grid.positions(0)
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    medium = gauge_form(grid, one, 0.3 * torch.cos(x)[None, None, None], 0 * one[0, 0])
    factor = torch.exp(-0.3 * torch.sin(x))
    found = solve(FieldEquation(grid, (medium,)), factor * torch.cos(2 * x), [0.5], tolerance=1e-10)
    assert off(found.last, (factor * torch.cos(2 * x) * math.exp(-1)).numpy()) < 1e-9


def test_matrices_keep_their_order_in_the_gauge_form() -> None:
    """½ (∂ + a)² with a = iσ_y q turns two channels: e^{−aθ} again, with θ = x."""
    grid = Grid.of_length((32, 32), (2 * math.pi, 2 * math.pi))
    x, y = grid.coordinates
    a = torch.zeros(2, 2, 2, dtype=torch.float64)
    a[0] = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    metric = torch.einsum("ij,oc->ijoc", torch.eye(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64))
    medium = gauge_form(grid, metric, a, torch.zeros(2, 2, dtype=torch.float64))
    plain = torch.sin(y)
    start = torch.stack([torch.cos(x) * plain, torch.sin(x) * plain])  # e^{−ax} (1, 0)
    found = propagated(FieldEquation(grid, (medium,)), start, 0.6)
    assert off(found, start.numpy() * math.exp(-0.3)) < 1e-12


def test_divergence_form_conserves_the_sum() -> None:
    grid = Grid.of_length((48,), (2 * math.pi,))
    x = grid.positions(0)
    medium = divergence_form(grid, Medium.plain(1, metric=1 + 0.5 * torch.sin(x), drift=(torch.cos(2 * x),)))
    start = torch.exp(torch.sin(x + 1))
    found = solve(FieldEquation(grid, (medium,)), start, [0.7], tolerance=1e-10)
    assert float(found.last.sum()) == pytest.approx(float(start.sum()), rel=1e-8)


@pytest.mark.parametrize(
    ("boundary", "mode"), [(Boundary.REFLECTING, math.cos), (Boundary.ZERO, math.sin)], ids=str
)
def test_waves_between_walls(boundary: Boundary, mode: object) -> None:
    """Of ∂_t φ = φ″ the wave cos 3πx, or sin 3πx, on 0 … 1 decays by e^{−9π²t}; differences by (2 − 2 cos 3πh)/h²."""
    grid = Grid.of_length((33,), (1.0,), boundary)
    x, h = grid.positions(0), grid.spacing[0]
    start = torch.cos(3 * math.pi * x) if mode is math.cos else torch.sin(3 * math.pi * x)
    equation = advection_diffusion(grid, diffusivity=1.0)
    rates = {Space.SPECTRAL: 9 * math.pi**2, Space.DIFFERENCES_2: (2 - 2 * math.cos(3 * math.pi * h)) / h**2}
    for space, decay in rates.items():
        found = solve(equation, start, [0.02], space=space, tolerance=1e-10)
        assert off(found.last, (start * math.exp(-decay * 0.02)).numpy()) < 1e-8


@pytest.mark.parametrize("method", Method)
def test_media_follow_each_other(method: Method) -> None:
    grid = Grid.of_length((16,), (2 * math.pi,))
    media = tuple(Medium.plain(1, metric=2 * d) for d in (0.1, 0.5, 0.3))
    equation = FieldEquation(grid, media, interval=0.5)
    start = torch.cos(grid.positions(0))
    found = solve(equation, start, [0.25, 0.75, 2.0], method=method, tolerance=1e-10)
    for field, power in zip(found.fields, (0.025, 0.05 + 0.125, 0.05 + 0.25 + 0.3), strict=True):
        assert off(field, (start * math.exp(-power)).numpy()) < 1e-9
    assert off(propagated(equation, start, 2.0), (start * math.exp(-0.6)).numpy()) < 1e-13


def test_a_mobility_slows_what_it_multiplies() -> None:
    """φ_t = (1 − φ²) φ at each point: φ/√(1 − φ²) grows by e^t."""
    grid = Grid((3,), (1.0,))
    equation = FieldEquation(grid, (Medium.plain(1, potential=1.0),), mobility=lambda f: 1 - f * f)
    start = torch.tensor([0.1, 0.3, 0.5], dtype=torch.float64)
    found = solve(equation, start, [1.2], tolerance=1e-10)
    grown = start / (1 - start**2).sqrt() * math.exp(1.2)
    assert off(found.last, (grown / (1 + grown**2).sqrt()).numpy()) < 1e-8
    with pytest.raises(InputError, match=r"without a mobility, but got a field equation"):
        solve(equation, start, [1.0], method=Method.INTEGRATING_FACTOR)


@pytest.mark.parametrize("method", Method)
def test_what_blows_up_says_so(method: Method) -> None:
    """φ_t = φ² from 1 is infinite at t = 1."""
    grid = Grid((4,), (1.0,))
    equation = FieldEquation(grid, (Medium.plain(1),), reaction=PolynomialReaction((0.0, 0.0, 1.0)))
    found = solve(equation, torch.ones(4, dtype=torch.float64), [0.5, 1.5], method=method, limit=2000)
    assert found.convergence in (
        Convergence.STEP_VANISHED,
        Convergence.NOT_FINITE,
        Convergence.ITERATION_LIMIT,
    )
    assert bool(found.last.isnan().all())


def test_a_limit_of_steps() -> None:
    equation = advection_diffusion(LONG, diffusivity=1.0)
    found = solve(equation, torch.ones(200, dtype=torch.float64).cumsum(0), [50.0], limit=5)
    assert found.convergence is Convergence.ITERATION_LIMIT
    assert bool(found.last.isnan().all())


def test_short_waves_do_not_limit_the_integrating_factor() -> None:
    grid = Grid.of_length((512,), (80.0,))
    x = torch.from_numpy(line(grid))
    start = torch.exp(-(x**2))
    a = solve(fisher_kpp(grid), start, [3.0], tolerance=1e-8)
    b = solve(fisher_kpp(grid), start, [3.0], tolerance=1e-8, method=Method.INTEGRATING_FACTOR)
    assert float((a.last - b.last).abs().max()) < 1e-6
    assert b.evaluations < a.evaluations / 10


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("ascending positive times, but got [0.0]", {"times": [0.0]}),
        ("ascending positive times, but got [2.0, 1.0]", {"times": [2.0, 1.0]}),
        ("a tolerance between 0 and 1, but got 0", {"tolerance": 0.0}),
        ("fields of shape (…, 1, 200), but got (199,)", {"start": torch.zeros(199)}),
        ("a finite real field", {"start": torch.full((200,), torch.nan)}),
    ],
)
def test_bad_input_is_refused(words: str, change: dict[str, object]) -> None:
    arguments: dict[str, object] = {"start": torch.zeros(200), "times": [1.0]} | change
    with pytest.raises(InputError, match=re.escape(words)):
        solve(advection_diffusion(LONG, diffusivity=1.0), **arguments)  # type: ignore[arg-type]
