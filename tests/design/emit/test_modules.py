"""Emitted networks as modules: weights that train, export, load and can be inspected."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from lensmaker import inspect
from lensmaker.design.emit import LocallyConnected, Scheme, emit
from lensmaker.systems.fields.equations import (
    FieldEquation,
    Grid,
    Medium,
    advection_diffusion,
    allen_cahn,
    fisher_kpp,
    solve,
)

RING = Grid.of_length((16,), (2 * math.pi,))
X = RING.positions(0)
BENT = FieldEquation(RING, (Medium.plain(1, metric=0.3 + 0.1 * torch.sin(X), drift=(0.2 * torch.cos(X),)),))
EQUATIONS = {
    "uniform": advection_diffusion(RING, velocity=(0.3,), diffusivity=0.2),
    "bent": BENT,
    "reacting": fisher_kpp(RING, diffusivity=0.2),
    "two axes": allen_cahn(Grid((6, 5), (1.0, 1.0)), diffusivity=0.2),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_every_weight_has_a_gradient_and_loads(name: str) -> None:
    equation = EQUATIONS[name]
    network = emit(equation, 1.0, 5)
    x = torch.rand(3, 1, *equation.grid.shape, dtype=torch.float64)
    network(x).square().sum().backward()
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in network.parameters())
    other = emit(equation, 2.0, 5)
    other.load_state_dict(network.state_dict())
    torch.testing.assert_close(other(x), network(x), rtol=0, atol=0)
    assert torch.equal(copy.deepcopy(network)(x), network(x))


@pytest.mark.parametrize("name", EQUATIONS)
def test_single_precision(name: str) -> None:
    equation = EQUATIONS[name]
    double, single = emit(equation, 1.0, 5), emit(equation, 1.0, 5, dtype=torch.float32)
    x = torch.rand(1, 1, *equation.grid.shape, dtype=torch.float64)
    torch.testing.assert_close(single(x.float()).double(), double(x), rtol=1e-5, atol=1e-6)


def test_a_local_layer_with_one_kernel_is_a_convolution() -> None:
    grid = Grid((6, 7), (1.0, 1.0))
    kernel = torch.randn(2, 2, 3, 3, dtype=torch.float64)
    conv = nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular", bias=False, dtype=torch.float64)
    conv.weight.data = kernel
    local = LocallyConnected(kernel[..., None, None].expand(2, 2, 3, 3, 6, 7), grid)
    x = torch.randn(4, 2, 6, 7, dtype=torch.float64)
    torch.testing.assert_close(local(x), conv(x))


def test_a_local_layer_against_a_loop() -> None:
    grid = Grid((4, 5), (1.0, 1.0))
    weights = torch.randn(2, 3, 3, 3, 4, 5, dtype=torch.float64)
    x = torch.randn(1, 3, 4, 5, dtype=torch.float64)
    found = LocallyConnected(weights, grid)(x)
    for o, r, c in ((0, 0, 0), (1, 3, 4), (1, 2, 1)):
        total = sum(
            float(weights[o, i, a, b, r, c] * x[0, i, (r + a - 1) % 4, (c + b - 1) % 5])
            for i in range(3)
            for a in range(3)
            for b in range(3)
        )
        assert float(found[0, o, r, c]) == pytest.approx(total, rel=1e-12)


def test_a_mobility_and_any_reaction_are_kept() -> None:
    equation = FieldEquation(
        RING, (Medium.plain(1, metric=0.2),), reaction=torch.sin, mobility=lambda f: 1 - f * f
    )
    x = 0.3 + 0.2 * torch.cos(X)[None, None]
    found = emit(equation, 0.5, 50)(x)
    wanted = solve(equation, x, [0.5], tolerance=1e-10).last
    assert float((found - wanted).detach().abs().max()) < 1e-3  # differences of second order on 16 points


@pytest.mark.parametrize("scheme", [Scheme.EULER, Scheme.RK2, Scheme.EXACT])
def test_a_network_is_inspected(scheme: Scheme) -> None:
    network = emit(advection_diffusion(RING, velocity=(0.1,), diffusivity=0.2), 0.4, 4, scheme=scheme)
    record = inspect(network, torch.randn(8, 1, 16, dtype=torch.float64)).record
    assert sum(e.operation == "conv1d" for e in record.elements) == (8 if scheme is Scheme.RK2 else 4)


def test_a_local_network_is_inspected() -> None:
    record = inspect(
        emit(BENT, 0.4, 2, scheme=Scheme.EULER), torch.randn(8, 1, 16, dtype=torch.float64)
    ).record
    assert any("einsum" in e.operation for e in record.elements)


def test_training_finds_a_velocity() -> None:
    """A shared kernel that starts as pure diffusion learns the drift of another medium from inputs and outputs."""
    true = emit(advection_diffusion(RING, velocity=(0.5,), diffusivity=0.2), 1.0, 8, shared=True)
    model = emit(advection_diffusion(RING, diffusivity=0.3), 1.0, 8, shared=True)
    x = torch.randn(32, 1, 16, dtype=torch.float64)
    y = true(x).detach()
    fit = torch.optim.LBFGS(
        model.parameters(), max_iter=60, tolerance_grad=1e-12, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        fit.zero_grad()
        off = (model(x) - y).square().mean()
        off.backward()
        return off

    fit.step(loss)
    (weight,) = model.parameters()
    h = RING.spacing[0]
    w = weight.detach().flatten() / (1.0 / 8)
    assert float(w.sum()) == pytest.approx(0, abs=1e-4)
    assert float((w[2] - w[0]) * h) == pytest.approx(-0.5, abs=1e-4)
    assert float((w[2] + w[0]) * h**2 / 2) == pytest.approx(0.2, abs=1e-4)
