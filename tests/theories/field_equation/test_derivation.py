"""Each step of the derivation on the page of the theory, on its own: the numbers of the steps are those of the page."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lensmaker.systems.networks import record
from lensmaker.theories.field_equation.connection import connection
from lensmaker.theories.field_equation.theory import read
from theories.field_equation.kernels import drawn, field_of
from theories.field_equation.spectral import correlated, derivative, smooth


def slope(errors: list[float], steps: list[int]) -> float:
    """Observed order in h = 1/side, from the two finest grids."""
    return math.log(errors[-2] / errors[-1]) / math.log(steps[-1] / steps[-2])


def test_step_1_a_layer_is_an_integral_behind_the_inverse_of_its_activation() -> None:
    """f⁻¹(φ_{t+1}) = ∫Gφ, G = NĜ, ∫Ĝ = 1."""
    w, φ = 0.2 * drawn(1, 1, 3, 3), smooth(24, 2)
    conv = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False).double()
    conv.weight.data[:] = w
    after = torch.tanh(conv(φ[None]))[0].detach()
    field = field_of(w)
    Ĝ = field.profile.reshape(1, 1, 3, 3)
    assert float(Ĝ.sum()) == pytest.approx(1.0, abs=1e-14)
    torch.testing.assert_close(torch.atanh(after), field.gain * correlated(φ, Ĝ), rtol=0, atol=1e-13)


def test_step_2_the_change_is_transport_and_potential() -> None:
    """f⁻¹(φ_{t+1}) − f⁻¹(φ) = N∫Ĝ[φ(y) − φ(x)] + [Nφ − f⁻¹(φ)], an identity."""
    w, φ = 0.3 * drawn(1, 1, 3, 3, seed=1), 0.4 * smooth(24, 2, seed=1)
    field = field_of(w)
    after = torch.tanh(correlated(φ, w))
    transport = torch.zeros_like(φ)
    for value, z in zip(field.profile, field.kernel.sites, strict=True):
        transport += value * (φ.roll([-int(s) for s in z], (1, 2)) - φ)
    potential = field.gain * φ - torch.atanh(φ)
    left = torch.atanh(after) - torch.atanh(φ)
    torch.testing.assert_close(left, field.gain * transport + potential, rtol=0, atol=1e-13)
    # the slope of the potential at zero
    small = torch.tensor(1e-7, dtype=torch.float64)
    assert float(field.gain * small - torch.atanh(small)) / 1e-7 == pytest.approx(field.potential, abs=1e-8)


@pytest.mark.parametrize("f", [torch.tanh, F.softplus], ids=["tanh", "softplus"])
def test_step_3_time_is_continuous_only_for_steps_that_are_small(f) -> None:
    """φ_{t+η} = f(f⁻¹(φ) + ηR) has ∂φ/∂t = Γ(φ)R, Γ = f′(f⁻¹(φ)), to first order in η; a layer has η = 1."""
    w, u = drawn(1, 1, 3, 3, seed=2), smooth(24, 2, seed=2)
    φ = f(u)
    R = correlated(φ, w) - u
    u.requires_grad_()
    (Γ,) = torch.autograd.grad(f(u).sum(), u)
    errors = [float(((f(u.detach() + η * R) - φ) / η - Γ * R).abs().max()) for η in (0.01, 0.005)]
    assert 1.9 < errors[0] / errors[1] < 2.1
    assert float((f(u.detach() + R) - φ - Γ * R).abs().max()) > 10 * errors[0]


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(
    ("order", "even", "expected"), [(0, 0, 1), (1, 0, 2), (2, 0, 3), (2, 1, 4), (0, 1, 2)]
)
def test_step_4_small_kernels_are_differential_operators(
    d: int, order: int, even: int, expected: int
) -> None:
    """∫Gφ = N{φ + A∂φ + ½g∂∂φ} + O(h³), h⁴ for even kernels; three channels in, two out, matrices m₀, m₁, m₂."""
    w = drawn(2, 3, *[3] * d)
    if even:
        w = w + w.flip(tuple(range(2, 2 + d)))
    field = field_of(w)
    sides = [24, 48, 96] if d < 3 else [20, 40]
    errors = []
    for side in sides:
        φ, h = smooth(side, d, channels=3), 1 / side
        law = torch.einsum("oi,i...->o...", field.m0, φ)
        for a in range(d if order > 0 else 0):
            law += h * torch.einsum("oi,i...->o...", field.m1[..., a], derivative(φ, a))
            for b in range(d if order > 1 else 0):
                law += 0.5 * h * h * torch.einsum("oi,i...->o...", field.m2[..., a, b], derivative(φ, a, b))
        errors.append(float((law - correlated(φ, w)).square().mean().sqrt()))
    assert slope(errors, sides) == pytest.approx(expected, abs=0.1 if d < 3 else 0.25)


@pytest.mark.parametrize("f", [torch.tanh, torch.relu], ids=["tanh", "relu"])
@pytest.mark.parametrize(("even", "expected"), [(False, 3), (True, 4)])
def test_step_4_holds_behind_the_activation(f, even: bool, expected: int) -> None:
    """Several channels, behind tanh, and behind ReLU on fields that cross zero."""
    w = 0.3 * drawn(4, 4, 3, 3, seed=3)
    w = w + w.flip((2, 3)) if even else w
    field = field_of(w)
    sides, errors = [24, 48, 96], []
    for side in sides:
        φ, h = smooth(side, 2, channels=4, seed=3), 1 / side
        law = torch.einsum("oi,i...->o...", field.m0, φ)
        for a in range(2):
            law += h * torch.einsum("oi,i...->o...", field.m1[..., a], derivative(φ, a))
            for b in range(2):
                law += 0.5 * h * h * torch.einsum("oi,i...->o...", field.m2[..., a, b], derivative(φ, a, b))
        after = f(correlated(φ, w))
        assert f is torch.tanh or bool((after == 0).any() and (after > 0).any())
        errors.append(float((f(law) - after).abs().max()))
    assert slope(errors, sides) == pytest.approx(expected, abs=0.2)


def test_step_5_the_gauge_form_has_a_potential_of_its_own() -> None:
    """A∂φ + ½g∂∂φ = ½(∂ + a)ᵀg(∂ + a)φ − ½(aᵀga)φ, a = g⁻¹A."""
    w = torch.rand(1, 1, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    field, φ = field_of(w), smooth(24, 2, seed=4)
    g, A, a = field.metric, field.drift, field.gauge
    plain = sum(A[i] * derivative(φ, i) for i in range(2))
    plain = plain + 0.5 * sum(g[i, j] * derivative(φ, i, j) for i in range(2) for j in range(2))
    inner = [derivative(φ, j) + a[j] * φ for j in range(2)]
    flux = [sum(g[i, j] * inner[j] for j in range(2)) for i in range(2)]
    gauge = 0.5 * sum(derivative(flux[i], i) + a[i] * flux[i] for i in range(2))
    torch.testing.assert_close(plain, gauge - 0.5 * (a @ g @ a) * φ, rtol=0, atol=1e-8)
    assert float((plain - gauge).abs().max()) > 1e-3


def test_correction_1_second_order_sees_a_riemannian_metric_alone() -> None:
    """Two kernels with one m₀, m₁ and m₂ and other fourth moments: alike to k³, not at k⁴, and not round there."""
    cross = torch.zeros(5, 5, dtype=torch.float64)
    cross[1, 2] = cross[3, 2] = cross[2, 1] = cross[2, 3] = 0.1
    cross[2, 2] = 0.6
    diagonal = torch.zeros(5, 5, dtype=torch.float64)
    diagonal[1, 1] = diagonal[1, 3] = diagonal[3, 1] = diagonal[3, 3] = 0.05
    diagonal[2, 2] = 0.8
    one, two = (field_of(w[None, None]) for w in (cross, diagonal))
    torch.testing.assert_close(one.metric, two.metric)
    differences = []
    for size in (0.2, 0.1):
        along = torch.tensor([[size, 0.0], [size / math.sqrt(2), size / math.sqrt(2)]])
        K1, K2 = (f.scalar_symbol(along).real for f in (one, two))
        differences.append((float((K1 - K2)[1].abs()), float((K1[0] - K1[1]).abs())))
    for coarse, fine in zip(*differences, strict=True):
        assert math.log2(coarse / fine) == pytest.approx(4, abs=0.05)


def test_correction_2_signed_weights_make_an_indefinite_metric_that_sharpens() -> None:
    w = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    w[0, 0, 1] = torch.tensor([-0.1, 1.0, -0.1])
    w[0, 0, 0, 1] = w[0, 0, 2, 1] = 0.1
    field = field_of(w)
    assert field.is_indefinite
    assert field.axes[0].tolist() == pytest.approx([-0.2, 0.2])
    side = 32
    x = 2 * math.pi * torch.arange(side, dtype=torch.float64) / side
    rows, columns = (1 + 0.1 * torch.cos(4 * x)).expand(side, side).T[None], None
    columns = rows.mT
    for φ, grows in ((rows, False), (columns, True)):
        after = correlated(φ, w)
        assert (float(after.std()) > float(φ.std())) is grows


def test_correction_3_one_channel_has_no_curvature_and_several_have() -> None:
    """[K_x, K_y] = h²·i²k²[A_x, A_y] + …: shifts along x and along y do not commute where channels mix."""
    single = field_of(drawn(1, 1, 3, 3, seed=5))
    assert connection(single).curvature == 0.0
    w = drawn(2, 2, 3, 3, seed=6)
    field = field_of(w)
    A = connection(field).drift[0]
    commutator = A[0] @ A[1] - A[1] @ A[0]
    assert connection(field).curvature == pytest.approx(float(commutator.norm()) / math.sqrt(2))
    assert float(commutator.norm()) > 0.1
    inverse = torch.linalg.inv(field.m0).to(torch.complex128)
    found = []
    for k in (0.02, 0.01):
        x, y = (inverse @ field.symbol(k * torch.eye(2, dtype=torch.float64)[[a]])[..., 0] for a in (0, 1))
        found.append((x @ y - y @ x) / (1j * k) ** 2 - commutator)
    assert float(found[0].abs().max() / found[1].abs().max()) == pytest.approx(2.0, abs=0.1)


def test_special_case_relu_has_no_potential_where_it_is_positive() -> None:
    """N = 1: a uniform positive field stays, bit for bit; and V = N − 1 elsewhere."""
    w = torch.full((1, 1, 2, 2), 0.25, dtype=torch.float64)
    net = nn.Sequential(nn.Conv2d(1, 1, 2, bias=False).double(), nn.ReLU())
    net[0].weight.data[:] = w
    (field,) = read(record(net, torch.ones(1, 1, 5, 5, dtype=torch.float64)))
    assert field.potential == 0.0
    assert bool((net(torch.full((1, 1, 5, 5), 0.7, dtype=torch.float64)) == 0.7).all())
    net[0].weight.data *= 1.5
    assert read(record(net, torch.ones(1, 1, 5, 5, dtype=torch.float64)))[0].potential == pytest.approx(0.5)


def test_special_case_a_residual_layer_is_a_step_of_time() -> None:
    """x + h·conv(x) has the drift and the metric h·m₁, h·m₂ of the branch, over 1 + h·m₀: a step of length h."""
    w = drawn(1, 1, 3, 3, seed=7)

    class Step(nn.Module):
        def __init__(self, h: float) -> None:
            super().__init__()
            self.h, self.conv = h, nn.Conv2d(1, 1, 3, padding=1, bias=False).double()
            self.conv.weight = nn.Parameter(w)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.h * self.conv(x)

    branch = field_of(w)
    for h in (0.1, 0.01):
        (field,) = read(record(Step(h), torch.ones(1, 1, 9, 9, dtype=torch.float64)))
        whole = 1 + h * float(branch.m0)
        torch.testing.assert_close(field.drift, h * branch.m1[0, 0] / whole)
        torch.testing.assert_close(field.metric, h * branch.m2[0, 0] / whole)
