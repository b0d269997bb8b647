"""Emitted networks against dense matrices and closed solutions: orders in time and space, norms, walls."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from exact import dense_fields
from exact import field_solutions as exact
from lensmaker.design.emit import Scheme, emit
from lensmaker.systems.fields.equations import (
    Boundary,
    FieldEquation,
    Grid,
    Medium,
    advection_diffusion,
    allen_cahn,
    fisher_kpp,
    imaginary_time,
    schrodinger,
    wave,
)

RING = Grid.of_length((16,), (2 * math.pi,))
TORUS = Grid((5, 6), (0.8, 0.6))
RUNGE_KUTTA = (Scheme.EULER, Scheme.RK2, Scheme.RK4)


@dataclass(frozen=True)
class Case:
    """An equation, and the same one as a dense matrix of coefficients and a function."""

    equation: FieldEquation
    coefficients: Callable[[tuple[int, ...]], tuple[np.ndarray, np.ndarray, np.ndarray]]
    reaction: Callable[[np.ndarray], np.ndarray] | None = None

    def start(self) -> Tensor:
        shape = (self.equation.channels, *self.equation.grid.shape)
        draw = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        return 0.2 + 0.6 * draw

    def wanted(self, t: float) -> np.ndarray:
        grid = self.equation.grid
        m = dense_fields.matrix(grid.shape, grid.spacing, grid.boundary.name.lower(), self.coefficients)
        start = self.start().numpy().reshape(-1)
        found = (
            dense_fields.evolved(m, start, t)
            if self.reaction is None
            else dense_fields.reacted(m, start, t, self.reaction)
        )
        return found.reshape(self.start().shape)


def uniform(
    g: object, a: object, v: object
) -> Callable[[tuple[int, ...]], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    arrays = np.asarray(g, float), np.asarray(a, float), np.asarray(v, float)
    return lambda site: arrays


def one(
    g: list[list[float]], a: list[float], v: float
) -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Coefficients of one channel."""
    return uniform(np.array(g)[..., None, None], np.array(a)[..., None, None], [[v]])


X = RING.positions(0)
BENT = Medium.plain(1, metric=1 + 0.5 * torch.sin(X), drift=(torch.cos(X),), potential=0.3 * torch.sin(2 * X))


def bent(site: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = site[0] * 2 * math.pi / 16
    return (
        np.array([[[[1 + 0.5 * math.sin(x)]]]]),
        np.array([[[math.cos(x)]]]),
        np.array([[0.3 * math.sin(2 * x)]]),
    )


TWO = np.array([[0.0, 1.0], [-1.0, 0.0]])
CASES = {
    "advection–diffusion": Case(
        advection_diffusion(TORUS, velocity=(0.7, -0.4), diffusivity=[[0.3, 0.1], [0.1, 0.2]]),
        one([[0.6, 0.2], [0.2, 0.4]], [-0.7, 0.4], 0.0),
    ),
    "wave": Case(
        wave(RING, speed=0.8), uniform([[[[0, 0], [1.28, 0]]]], np.zeros((1, 2, 2)), [[0, 1], [0, 0]])
    ),
    "Fisher–KPP": Case(
        fisher_kpp(RING, diffusivity=0.2, rate=1.5), one([[0.4]], [0.0], 0.0), lambda y: 1.5 * y * (1 - y)
    ),
    "Allen–Cahn": Case(
        allen_cahn(TORUS, diffusivity=0.2), one([[0.4, 0], [0, 0.4]], [0, 0], 0.0), lambda y: y - y**3
    ),
    "Schrödinger": Case(
        schrodinger(RING, mass=2.0, potential=0.3),
        uniform([[-TWO / 2]], np.zeros((1, 2, 2)), 0.3 * TWO),
    ),
    "imaginary time": Case(imaginary_time(RING, mass=2.0, potential=0.3), one([[0.5]], [0.0], -0.3)),
    "a bent medium": Case(FieldEquation(RING, (BENT,)), bent),
}
WALLS = {
    f"walls, {boundary.name.lower()}": Case(
        advection_diffusion(Grid((5, 4), (0.8, 0.6), boundary), velocity=(0.7, -0.4), diffusivity=0.3),
        one([[0.6, 0], [0, 0.6]], [-0.7, 0.4], 0.0),
    )
    for boundary in (Boundary.REFLECTING, Boundary.ZERO)
}


def error(case: Case, scheme: Scheme, steps: int, t: float = 0.4) -> float:
    network = emit(case.equation, t, steps, scheme=scheme, unstable=True)
    with torch.no_grad():
        found = network(case.start()[None])[0].numpy()
    return float(np.abs(found - case.wanted(t)).max())


@pytest.mark.parametrize("scheme", RUNGE_KUTTA, ids=lambda s: s.name)
@pytest.mark.parametrize("name", [*CASES, *WALLS])
def test_each_scheme_has_its_order_in_time(name: str, scheme: Scheme) -> None:
    case = (CASES | WALLS)[name]
    steps = 16 if scheme is Scheme.RK4 else 32
    coarse, fine = error(case, scheme, steps), error(case, scheme, 2 * steps)
    assert math.log2(coarse / fine) == pytest.approx(scheme.value, abs=0.15)
    assert fine < {1: 0.03, 2: 1e-3, 4: 1e-6}[scheme.value]


@pytest.mark.parametrize(("order", "tolerance"), [(2, 0.1), (4, 0.2)])
@pytest.mark.parametrize("name", ["heat", "wave", "packet", "oscillator"])
def test_differences_have_their_order_in_space(name: str, order: int, tolerance: float) -> None:
    """Steps so short that time has no share in it."""
    errors = []
    for n in (96, 192):
        grid = Grid.of_length((n,), (24.0,))
        x = grid.positions(0).numpy() - 12
        if name == "heat":
            equation = advection_diffusion(grid, velocity=(0.5,), diffusivity=0.3)
            start, wanted = exact.heat_bump(x, 0, 1, 0.3)[None], exact.heat_bump(x, 1, 1, 0.3, 0.5)[None]
        elif name == "wave":
            equation = wave(grid, speed=1.2)
            start = np.stack([exact.d_alembert(x, 0, 1, 1.2), 0 * x])
            wanted = exact.d_alembert(x, 1, 1, 1.2)[None]
        elif name == "packet":
            equation = schrodinger(grid)
            first, last = exact.free_packet(x, 0, 1.2, 0.8), exact.free_packet(x, 1, 1.2, 0.8)
            start, wanted = np.stack([first.real, first.imag]), np.stack([last.real, last.imag])
        else:
            equation = imaginary_time(grid, potential=torch.from_numpy(x**2 / 2))
            start, wanted = np.exp(-(x**2) / 2)[None], math.exp(-0.5) * np.exp(-(x**2) / 2)[None]
        network = emit(equation, 1.0, 400, order=order, shared=True)
        with torch.no_grad():
            found = network(torch.from_numpy(start)[None])[0, : len(wanted)].numpy()
        errors.append(np.abs(found - wanted).max())
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=tolerance)


def test_reactions_travel_at_their_speed() -> None:
    """Fisher's and Kolmogorov's front, as a network of 4th order in space and time."""
    grid = Grid.of_length((400,), (160.0,))
    x = grid.positions(0).numpy() - 80

    def fronts(t: float) -> np.ndarray:
        return exact.kpp_front(x - 20, t) * exact.kpp_front(-x - 20, t)

    for scheme, steps, tolerance in ((Scheme.RK4, 100, 1e-4), (Scheme.EXACT, 100, 5e-4)):
        network = emit(fisher_kpp(grid), 4.0, steps, scheme=scheme, order=4, shared=True)
        with torch.no_grad():
            found = network(torch.from_numpy(fronts(0))[None, None])[0, 0].numpy()
        assert np.abs(found - fronts(4.0)).max() < tolerance


@pytest.mark.parametrize(("scheme", "power"), [(Scheme.EULER, 1), (Scheme.RK2, 3), (Scheme.RK4, 5)])
def test_the_norm_is_kept_to_the_order_of_the_scheme(scheme: Scheme, power: int) -> None:
    """|R(iω)|² − 1 is ω²h², ω⁴h⁴/4 and −ω⁶h⁶/72 a step: over a time, one power of h less."""
    grid = Grid.of_length((64,), (24.0,))
    x = grid.positions(0).numpy() - 12
    psi = exact.free_packet(x, 0, 1.5, 0.5)
    start = torch.from_numpy(np.stack([psi.real, psi.imag]))[None]
    drifts = []
    for steps in (64, 128):
        network = emit(schrodinger(grid), 1.0, steps, scheme=scheme, unstable=True, shared=True)
        with torch.no_grad():
            drifts.append(abs(float(network(start).square().sum() / start.square().sum()) - 1))
    assert math.log2(drifts[0] / drifts[1]) == pytest.approx(power, abs=0.1)


def test_the_exact_scheme_keeps_the_norm_and_the_packet() -> None:
    grid = Grid.of_length((128,), (48.0,))
    x = grid.positions(0).numpy() - 24
    first, last = exact.free_packet(x, 0, 1.5, 1.2), exact.free_packet(x, 3, 1.5, 1.2)
    start = torch.from_numpy(np.stack([first.real, first.imag]))[None]
    network = emit(schrodinger(grid), 3.0, 2, scheme=Scheme.EXACT)
    with torch.no_grad():
        found = network(start)
    assert np.abs(found[0].numpy() - np.stack([last.real, last.imag])).max() < 1e-10
    assert float(found.square().sum() / start.square().sum()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("shape", [(16, 15), (15, 16)])
def test_one_exact_layer_is_any_time(shape: tuple[int, int]) -> None:
    """Waves on the torus: cos(2x − 3y) under a tilted metric decays by ½ kᵀgk and moves by A·k."""
    grid = Grid.of_length(shape, (2 * math.pi, 2 * math.pi))
    x, y = grid.coordinates
    medium = Medium.plain(2, metric=[[0.6, 0.2], [0.2, 0.4]], drift=(0.7, -0.4), potential=0.1)
    network = emit(FieldEquation(grid, (medium,)), 1.5, 1, scheme=Scheme.EXACT)
    with torch.no_grad():
        found = network(torch.cos(2 * x - 3 * y)[None, None])[0, 0]
    decay = (0.6 * 4 - 2 * 0.2 * 6 + 0.4 * 9) / 2 - 0.1
    phase = (0.7 * 2 + 0.4 * 3) * 1.5
    wanted = math.exp(-1.5 * decay) * torch.cos(2 * x - 3 * y + phase)
    assert float((found - wanted).abs().max()) < 1e-12


def test_the_exact_kernel_of_heat_is_narrow() -> None:
    network = emit(advection_diffusion(Grid((201,), (1.0,)), diffusivity=0.5), 8.0, 1, scheme=Scheme.EXACT)
    (weight,) = network.parameters()
    assert 35 <= weight.shape[-1] <= 55
    z = np.arange(weight.shape[-1]) - weight.shape[-1] // 2
    second = float((weight.detach().numpy()[0, 0] * z**2).sum())
    assert second == pytest.approx(8.0, abs=1e-9)  # variance 2Dt


def test_strang_splitting_is_of_second_order() -> None:
    """Against the integration of waves by scipy, without differences in space."""
    n = 32
    grid = Grid.of_length((n,), (2 * math.pi,))
    x = grid.positions(0)
    start = 0.5 + 0.3 * torch.cos(x)
    k = np.fft.fftfreq(n, 1 / n)
    dense = np.real(np.fft.ifft(-0.2 * k[:, None] ** 2 * np.fft.fft(np.eye(n), axis=0), axis=0))
    wanted = dense_fields.reacted(dense, start.numpy(), 1.0, lambda y: 1.5 * y * (1 - y))
    errors = []
    for steps in (8, 16):
        network = emit(fisher_kpp(grid, diffusivity=0.2, rate=1.5), 1.0, steps, scheme=Scheme.EXACT)
        with torch.no_grad():
            errors.append(np.abs(network(start[None, None])[0, 0].numpy() - wanted).max())
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_layers_carry_the_media_in_turn() -> None:
    media = tuple(Medium.plain(1, metric=2 * d) for d in (0.1, 0.4))
    equation = FieldEquation(RING, media, interval=0.5)
    network = emit(equation, 1.0, 8, scheme=Scheme.EULER, shared=True)
    h = 2 * math.pi / 16
    seen = [
        round(float(layer.law.stencil.weight.detach()[0, 0, 0]) * h**2 / 0.125, 12)
        for layer in network.layers
    ]
    assert seen == [0.1] * 4 + [0.4] * 4
    assert len(list(network.parameters())) == 2
    start = torch.cos(X)[None, None]
    rate = (2 - 2 * math.cos(h)) / h**2
    wanted = start * (1 - 0.0125 * rate) ** 4 * (1 - 0.05 * rate) ** 4
    torch.testing.assert_close(network(start).detach(), wanted, rtol=1e-12, atol=1e-13)
    assert network.trajectory(start).shape == (9, 1, 1, 16)
