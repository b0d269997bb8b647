"""The product gate against fifty digits of mpmath, which knows nothing of series in torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from torch import nn

from lensmaker.core import InputError, compare
from lensmaker.instruments.gate_errors import GateErrors
from lensmaker.systems.polynomials import Gate
from lensmaker.theories.polynomial_networks.gates import ULPS, ProductGate, at_scale, best_gate, gate_terms
from lensmaker.theories.polynomial_networks.taylor import derivatives


def exact_sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


EXACT: dict[str, Callable[[Any], Any]] = {
    "Tanh": mpmath.tanh,
    "Sigmoid": exact_sigmoid,
    "Softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "SiLU": lambda x: x * exact_sigmoid(x),
    "GELU": lambda x: x * mpmath.ncdf(x),
}
ACTIVATIONS: dict[str, nn.Module] = {name: getattr(nn, name)() for name in EXACT}
STEEPEST = {"Tanh": 0.6584789485, "Sigmoid": 1.3169578969, "Softplus": 0.0, "SiLU": 0.0, "GELU": 0.0}
"""Where |σ″| is largest: artanh(1/√3), twice that, and 0."""


@cache
def best(name: str, dtype: torch.dtype = torch.float64, bias: float | None = None) -> Gate:
    return best_gate(ACTIVATIONS[name], dtype=dtype, bias=bias)


by_name = pytest.mark.parametrize("name", EXACT)
by_dtype = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


def exact_gate(gate: Gate, name: str, u: float, v: float) -> Any:
    σ, b, λ = EXACT[name], mpmath.mpf(gate.bias), mpmath.mpf(gate.scale)
    s, d = mpmath.mpf(u) + mpmath.mpf(v), mpmath.mpf(u) - mpmath.mpf(v)
    found = σ(b + λ * s) + σ(b - λ * s) - σ(b + λ * d) - σ(b - λ * d)
    return found / (4 * λ**2 * mpmath.diff(σ, b, 2))


@by_name
def test_derivatives_are_those_of_mpmath(name: str) -> None:
    with mpmath.workdps(60):
        for b in (-2.3, -0.7922834, 0.0, 1.1):
            expected = [float(c) * math.factorial(k) for k, c in enumerate(mpmath.taylor(EXACT[name], b, 8))]
            found = derivatives(ACTIVATIONS[name], torch.tensor([b], dtype=torch.float64), 8)[:, 0]
            assert found == pytest.approx(expected, rel=1e-11, abs=1e-11)


@by_name
@pytest.mark.parametrize("scale", [0.3, 0.05, 0.002])
@pytest.mark.parametrize("offset", [0.0, 0.37])
def test_the_truncation_is_the_largest_error_in_exact_arithmetic(
    name: str, scale: float, offset: float
) -> None:
    b = STEEPEST[name] + offset
    curvature = float(derivatives(ACTIVATIONS[name], torch.tensor([b], dtype=torch.float64), 2)[2, 0])
    gate = Gate(ACTIVATIONS[name], b, scale, curvature)
    with mpmath.workdps(50):
        off = [
            abs(exact_gate(gate, name, u, v) - mpmath.mpf(u) * mpmath.mpf(v))
            for u in (1.0, 0.75, 0.5)
            for v in (1.0, -1.0, 0.875, 0.5)
        ]
    truncation = gate_terms(gate).truncation
    assert float(max(off)) <= truncation * (1 + 1e-9)
    # a wide gate has the eighth derivative in its remainder, at its largest
    assert truncation == pytest.approx(float(max(off)), rel=0.2 if scale > 0.1 else 0.02)


def test_the_leading_truncation_is_that_of_the_formula() -> None:
    """uv λ² σ⁗/(6σ″)(u² + v²) at u = v = 1 for tanh, whose σ⁗/σ″ is −4 at 0.6585, where tanh² = ⅓."""
    t = 1 / math.sqrt(3)
    σ2, σ4 = -2 * t * (1 - t**2), 8 * t * (1 - t**2) * (2 - 3 * t**2)
    assert σ4 / σ2 == pytest.approx(-4)
    gate = Gate(nn.Tanh(), math.atanh(t), 1e-3, σ2)
    assert gate_terms(gate).truncation == pytest.approx(1e-6 * 4 / 3, rel=2e-3)


@by_name
@by_dtype
def test_activations_are_as_accurate_as_the_certificate_assumes(name: str, dtype: torch.dtype) -> None:
    gate = best(name, dtype)
    for b in (gate.bias, STEEPEST[name]):
        z = (b + 0.5 * torch.linspace(-1, 1, 101, dtype=torch.float64)).to(dtype)
        found = ACTIVATIONS[name](z).double().numpy()
        with mpmath.workdps(40):
            exact = [EXACT[name](mpmath.mpf(float(x))) for x in z.double()]
            off = np.array([float(abs(mpmath.mpf(float(f)) - e)) for f, e in zip(found, exact, strict=True)])
        size = np.abs(np.array([float(e) for e in exact]))
        if name == "GELU":
            size = size + np.abs(z.double().numpy()) / 2
        assert (off <= ULPS * torch.finfo(dtype).eps / 2 * size).all()


@by_name
@by_dtype
def test_the_worst_rounding_is_that_of_four_neurons_that_are_off_with_one_sign(
    name: str, dtype: torch.dtype
) -> None:
    """Each σ by 4 units, b + λs by one: their sum is multiplied by 1/(4λ²|σ″|). No test at points comes near it."""
    gate, unit = best(name, dtype), torch.finfo(dtype).eps / 2
    with mpmath.workdps(40):
        σ, slope, bend = (abs(float(mpmath.diff(EXACT[name], gate.bias, k))) for k in range(3))
    off = 4 * (4 * unit * (σ + (abs(gate.bias) / 2 if name == "GELU" else 0)) + unit * abs(gate.bias) * slope)
    least = off / (4 * gate.scale**2 * bend)
    assert least < gate_terms(gate).worst_rounding < 3 * least


TARGETS = [
    ("GELU", torch.float64, 2.6e-11),
    ("SiLU", torch.float64, 3.3e-11),
    ("Softplus", torch.float64, 1.4e-8),
    ("Tanh", torch.float64, 1.9e-8),
    ("GELU", torch.float32, 2.2e-5),
    ("Sigmoid", torch.float64, 1e-10),
    ("Tanh", torch.float32, 5e-5),
]


@pytest.mark.parametrize(("name", "dtype", "target"), TARGETS)
def test_the_best_gate_is_as_good_as_known_ones(name: str, dtype: torch.dtype, target: float) -> None:
    gate = best(name, dtype)
    measured = GateErrors(201).measure(gate)[0].value
    assert measured < target
    assert measured < gate_terms(gate).bound < 12 * measured


@by_name
@by_dtype
def test_prediction_and_measurement_agree_over_decades_of_scale(name: str, dtype: torch.dtype) -> None:
    """Where truncation rules, closely; where rounding does, within a factor of four."""
    steepest = best(name, dtype, STEEPEST[name])
    for factor in (16.0, 4.0, 1.0, 0.25, 1 / 16):
        gate = at_scale(steepest, steepest.scale * factor)
        pairs, _, _ = compare(ProductGate().predict(gate), GateErrors(101).measure(gate))
        assert 0.2 < pairs[0].ratio < 2.0
        if factor == 16.0:
            assert pairs[0].ratio == pytest.approx(1, abs=0.1)


def test_the_best_bias_is_where_the_truncation_cancels_not_where_the_curvature_is_largest() -> None:
    """tanh⁗ = 0 at tanh² = ⅔: five hundred times better than at the largest tanh″."""
    found, steepest = best("Tanh"), best("Tanh", bias=STEEPEST["Tanh"])
    assert abs(found.bias) == pytest.approx(math.atanh(math.sqrt(2 / 3)), abs=1e-3)
    errors = [GateErrors(101).measure(gate)[0].value for gate in (found, steepest)]
    assert errors[1] > 200 * errors[0]


def test_a_quadratic_activation_makes_exact_products() -> None:
    """Hardswish is x²/6 + x/2 between −3 and 3."""
    gate = best_gate(nn.Hardswish())
    assert GateErrors(101).measure(gate)[0].value < 1e-14


def test_the_smooth_gate_of_relu_has_no_small_error() -> None:
    """|s| − |d| is twice the smaller of |u| and |v|; at best it is 3 − 2√2 off, at any scale."""
    errors = GateErrors(101)

    def error(curvature: float, scale: float) -> float:
        return errors.measure(Gate(nn.ReLU(), 0.0, scale, curvature))[0].value

    for scale in (1.0, 0.01):
        # m = 2 λ min / (4 λ² σ″) = c min, so σ″ stands for 1/(2 λ c)
        least = min(error(1 / (2 * scale * c), scale) for c in np.linspace(0.8, 0.86, 31))
        assert least == pytest.approx(3 - 2 * math.sqrt(2), abs=2e-3)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(), nn.Hardtanh(), nn.Identity()])
def test_an_activation_without_curvature_is_refused(activation: nn.Module) -> None:
    with pytest.raises(InputError, match="σ″\\(b\\) ≠ 0 at some b where it is smooth"):
        best_gate(activation)


class Kinked(nn.Module):
    """tanh below 0.1, and another slope above."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x) + torch.relu(x - 0.1)


def test_a_kink_within_the_gate_is_noticed_and_avoided() -> None:
    b = torch.tensor([0.0999], dtype=torch.float64)
    gate = Gate(Kinked(), 0.0999, 0.05, float(derivatives(nn.Tanh(), b, 2)[2, 0]))
    found = ProductGate().predict(gate)[0]
    assert "departs from its Taylor series" in found.regime.outside
    found_gate = best_gate(Kinked())
    assert abs(found_gate.bias - 0.1) > 2 * found_gate.scale
    assert GateErrors(101).measure(found_gate)[0].value < 1e-10


def test_a_gate_without_curvature_is_outside() -> None:
    assert "σ″(b) = 0" in ProductGate().predict(Gate(nn.Tanh(), 0.0, 0.1, 1.0))[0].regime.outside


class Folding(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1)[:1]


def test_what_is_no_activation_is_refused() -> None:
    with pytest.raises(InputError, match="one of another shape"):
        best_gate(Folding())
    with pytest.raises(InputError, match="one that raises"):
        best_gate(nn.Linear(3, 3))
