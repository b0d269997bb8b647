"""Dispersion, branches, classes and validity: against closed forms and against symbols summed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.systems.networks import record
from lensmaker.theories.field_equation.connection import connection, curvature
from lensmaker.theories.field_equation.dispersion import dispersion
from lensmaker.theories.field_equation.kind import Kind, kind_of
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.theory import read
from lensmaker.theories.field_equation.validity import relative_error, validity_wavelength
from theories.field_equation.kernels import drawn, field_of


def line(*taps: float, **options: int) -> LayerField:
    conv = nn.Conv1d(1, 1, len(taps), bias=False, **options).double()
    conv.weight.data[:] = torch.tensor([[taps]])
    return read(record(conv, torch.ones(1, 1, 40, dtype=torch.float64)))[0]


# -- dispersion -------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.25, 0.4])
def test_a_lazy_walk_only_fades(p: float) -> None:
    """K = 1 − 2p(1 − cos k): above p = ¼ short waves turn over, beyond a zero that lies between the wave numbers."""
    found = dispersion(line(p, 1 - 2 * p, p))
    K = 1 - 2 * p * (1 - found.k.cos())
    if p == 0.25:
        assert found.zeros == (math.pi,)
        K, omega = K[:-1], found.omega[:-1]
    else:
        omega = found.omega
        assert found.zeros == pytest.approx([math.acos(1 - 1 / (2 * p))] if p > 0.25 else [], abs=1e-9)
    torch.testing.assert_close(omega.imag, -K.abs().log())
    torch.testing.assert_close(
        omega.real.abs(), torch.where(K > 0, torch.zeros_like(K), math.pi), atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_a_shift_has_one_velocity_across_all_branches(shift: int) -> None:
    taps = [0.0] * (2 * shift) + [1.0]
    found = dispersion(line(*taps))
    torch.testing.assert_close(found.omega.real, shift * found.k, atol=1e-9, rtol=0)
    torch.testing.assert_close(found.group_velocity, torch.full((128,), -float(shift), dtype=torch.float64))
    assert len(found.crossings) == shift // 2 if shift % 2 else shift // 2
    assert found.is_principal is (shift == 1)


def test_zeros_of_the_symbol_are_told() -> None:
    """(1 + 2 cos k)/3 vanishes at 2π/3 and is negative beyond; the wave is stopped there, and turned beyond."""
    found = dispersion(line(1 / 3, 1 / 3, 1 / 3), points=97)
    assert found.zeros == pytest.approx([2 * math.pi / 3])
    assert str(found).startswith("K = 0 at k = 2.09: such waves are stopped")
    assert math.isinf(float(found.omega.imag[64]))
    assert float(found.omega.real[63]) == pytest.approx(0, abs=1e-9)
    assert abs(float(found.omega.real[80])) == pytest.approx(math.pi)


def test_a_negative_sum_begins_on_the_negative_axis() -> None:
    found = dispersion(line(0.0, -1.0, 0.0))
    assert found.omega.real.abs().min() == pytest.approx(math.pi)


def test_dispersion_refuses_in_one_sentence() -> None:
    with pytest.raises(InputError, match="weights do not sum to zero"):
        dispersion(line(-1.0, 0.0, 1.0))
    with pytest.raises(InputError, match="a direction of 1 numbers"):
        dispersion(line(0.5, 0.5), torch.zeros(1))
    with pytest.raises(InputError, match="at least two wave numbers"):
        dispersion(line(0.5, 0.5), points=1)


@pytest.mark.parametrize("direction", [(1.0, 0.0), (1.0, 1.0), (-2.0, 0.5)])
def test_the_exponential_of_the_dispersion_is_the_symbol(direction: tuple[float, float]) -> None:
    field = field_of(torch.rand(1, 1, 3, 3, dtype=torch.float64))
    found = dispersion(field, torch.tensor(direction))
    unit = torch.tensor(direction, dtype=torch.float64) / math.hypot(*direction)
    torch.testing.assert_close((1j * found.omega).exp(), field.scalar_symbol(found.k[:, None] * unit))
    steps = found.omega.real.diff().abs()
    assert float(steps.max()) < math.pi / 2


# -- connection and branches ------------------------------------------------------------------------


def test_branches_are_found_behind_a_rotation_of_the_channels() -> None:
    """Three kernels of their own, seen through a mixing S: their velocities and widths come back."""
    kernels = torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]], dtype=torch.float64)
    S = drawn(3, 3, seed=3)
    w = torch.einsum("on,nz,ni->oiz", S, kernels, torch.linalg.inv(S))
    found = connection(field_of(w)).branches()
    z = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    order = found.velocities.argsort()
    expected = (-(kernels @ z)).sort()
    torch.testing.assert_close(found.velocities[order], expected.values)
    growth = kernels @ z**2 - (kernels @ z) ** 2
    torch.testing.assert_close(found.growth[order], growth[expected.indices])
    assert float(found.rates.abs().max()) < 1e-9


def test_channels_that_go_alone_have_their_own_velocities_and_no_curvature() -> None:
    conv = nn.Conv2d(6, 6, 3, groups=6, bias=False).double()
    (field,) = read(record(conv, torch.ones(1, 6, 9, 9, dtype=torch.float64)))
    found = connection(field)
    assert found.curvature == curvature(field) == 0.0
    for axis in (0, 1):
        torch.testing.assert_close(found.branches(axis).velocities, -(field.m1[:, 0, axis] / field.m0[:, 0]))


def test_relative_curvature_reaches_one() -> None:
    """For A_x = σ_x and A_y = σ_z, |[A_x, A_y]| = 2√2 = √2 |A_x| |A_y|."""
    w = torch.zeros(2, 2, 3, 3, dtype=torch.float64)
    w[0, 0, 1, 1] = w[1, 1, 1, 1] = 1.0
    for (a, b), value in {(0, 1): 1.0, (1, 0): 1.0}.items():
        w[a, b, 2, 1], w[a, b, 0, 1] = value / 2, -value / 2
    for a, value in enumerate((1.0, -1.0)):
        w[a, a, 1, 2], w[a, a, 1, 0] = value / 2, -value / 2
    found = connection(field_of(w))
    assert found.relative_curvature == pytest.approx(1.0)
    assert found.curvature == pytest.approx(2.0)


def test_a_connection_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="as many channels out as in"):
        connection(field_of(drawn(2, 3, 3, 3)))
    singular = drawn(2, 2, 3)
    singular[1] = 2 * singular[0]
    with pytest.raises(InputError, match="an m₀ that can be inverted"):
        connection(field_of(singular))


# -- classes ----------------------------------------------------------------------------------------


class Wave(nn.Module):
    """u ← u + h v, v ← v + h Δu: two channels, a wave equation."""

    def __init__(self, h: float = 0.3) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 2, 3, padding=1, bias=False).double()
        self.conv.weight.data[:] = 0.0
        self.conv.weight.data[0, 1, 1] = h
        self.conv.weight.data[1, 0] = h * torch.tensor([1.0, -2.0, 1.0])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


@pytest.mark.parametrize(
    ("taps", "kind"),
    [
        ((0.25, 0.5, 0.25), Kind.DIFFUSIVE),
        ((0.0, 0.1, 0.9), Kind.ADVECTIVE),
        ((-0.1, 1.2, -0.1), Kind.ANTI_DIFFUSIVE),
        ((-0.5, 1.0, -0.45), Kind.OSCILLATORY),
        ((-0.5, 0.0, 0.5), Kind.OSCILLATORY),
        ((-0.25, -0.5, -0.25), Kind.OSCILLATORY),
        ((0.0, 0.0, 0.0), Kind.SILENT),
        ((0.7,), Kind.LOCAL),
    ],
)
def test_classes_of_kernels(taps: tuple[float, ...], kind: Kind) -> None:
    found, numbers = kind_of(line(*taps))
    assert found is kind
    assert (numbers is None) is (kind in (Kind.SILENT, Kind.LOCAL))


def test_a_wave_equation_is_wave_like() -> None:
    (field,) = read(record(Wave(), torch.ones(1, 2, 16, dtype=torch.float64)))
    kind, numbers = kind_of(field)
    assert kind is Kind.WAVE_LIKE
    assert numbers is not None
    assert numbers.waves == 1.0


def test_diffusion_of_two_channels_is_not_wave_like() -> None:
    net = Wave()
    net.conv.weight.data[:] = 0.0
    net.conv.weight.data[0, 0] = net.conv.weight.data[1, 1] = 0.2 * torch.tensor([1.0, -2.0, 1.0])
    (field,) = read(record(net, torch.ones(1, 2, 16, dtype=torch.float64)))
    assert kind_of(field)[0] is Kind.DIFFUSIVE


# -- validity ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_validity_is_the_first_wave_that_fails(d: int, seed: int) -> None:
    """By the symbols of every pair of channels on a fine fan of rays."""
    w = drawn(3, 2, *[3] * d, seed=seed)
    field = field_of(w)
    found = validity_wavelength(field)
    angles = np.linspace(0, math.pi, 16, endpoint=False) if d == 2 else [0.0]
    first = math.inf
    places = field.kernel.sites.numpy()
    flat = w.flatten(2).numpy()
    for angle in angles:
        unit = np.array([math.cos(angle), math.sin(angle)])[:d]
        for k in np.linspace(math.pi / 4000, math.pi, 4000):
            phase = 1j * k * (places @ unit)
            full = flat @ np.exp(phase)
            law = flat @ (1 + phase + phase**2 / 2)
            if np.linalg.norm(full - law) > 0.1 * np.linalg.norm(full):
                first = min(first, k)
                break
    assert found == pytest.approx(2 * math.pi / first, rel=2e-3)
    assert float(relative_error(field, torch.tensor([[2 * math.pi / found] + [0.0] * (d - 1)]))) < 0.11


def test_validity_scales_with_dilation_and_has_ends() -> None:
    once, twice = line(0.2, 0.5, 0.3), line(0.2, 0.5, 0.3, dilation=2)
    assert validity_wavelength(twice) == pytest.approx(2 * validity_wavelength(once))
    assert validity_wavelength(line(1.0)) == 2.0
    assert validity_wavelength(line(-0.5, 1.0, 0.0, -1.0, 0.5)) == math.inf  # a third derivative
    assert validity_wavelength(line(0.0, 0.0, 0.0)) == math.inf
    assert validity_wavelength(line(0.2, 0.5, 0.3), order=4) < validity_wavelength(once)
