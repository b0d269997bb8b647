from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import erf

from exact import arccosine_kernel, arcsine_kernel, quadrature_kernel
from lensmaker.core import InputError, Prediction
from lensmaker.theories.activation_functions import NAMED, activation
from lensmaker.theories.critical_line import OnLine, critical_line, critical_weight_scale
from lensmaker.theories.criticality import ActivationLayer, Criticality, Phase, depth_scale, phase
from lensmaker.theories.criticality_record import criticality_report
from lensmaker.theories.fixed_points import Settling, settle_correlation, settle_second_moment
from lensmaker.theories.signal_maps import pair_second_moment
from lensmaker.theories.universality import Universality, universality_class

Function = Callable[[np.ndarray], np.ndarray]

# φ and φ' in NumPy, with φ's kinks
PLAIN: dict[str, tuple[Function, Function, tuple[float, ...]]] = {
    "tanh": (np.tanh, lambda x: 1 / np.cosh(np.clip(x, -300, 300)) ** 2, ()),
    "erf": (erf, lambda x: 2 / math.sqrt(math.pi) * np.exp(-x * x), ()),
    "sin": (np.sin, np.cos, ()),
    "sigmoid": (
        lambda x: 0.5 * (1 + np.tanh(x / 2)),
        lambda x: 0.25 / np.cosh(np.clip(x / 2, -300, 300)) ** 2,
        (),
    ),
    "gelu": (
        lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))),
        lambda x: 0.5 * (1 + erf(x / math.sqrt(2))) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
        (),
    ),
    "hardtanh": (lambda x: np.clip(x, -1, 1), lambda x: (np.abs(x) < 1) * 1.0, (-1.0, 1.0)),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2, ()),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0)), ()),
}


def predicted(name: str, sigma_w: float, sigma_b: float, start: float = 1.0) -> dict[str, Prediction]:
    table = Criticality().predict(ActivationLayer(name, sigma_w, sigma_b, start))
    return {p.quantity.name: p for p in table}


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(0.8, 0.3), (1.6, 0.1), (2.5, 0.4)])
@pytest.mark.parametrize("name", PLAIN)
def test_fixed_points_are_those_of_plain_iteration(name: str, sigma_w: float, sigma_b: float) -> None:
    """Independent: SciPy's quad and dblquad or Gauss–Hermite, and the maps iterated to a standstill."""
    phi, slope, kinks = PLAIN[name]
    found = predicted(name, sigma_w, sigma_b)
    if name in ("gelu", "elu") and sigma_w > 1.5:
        assert found["fixed_point_q"].value == math.inf
        assert "no finite fixed point" in found["fixed_point_q"].regime.outside
        return
    q = quadrature_kernel.iterated_fixed_point(
        lambda q: quadrature_kernel.q_map(phi, q, sigma_w, sigma_b, kinks), 1.0
    )
    step = 1e-4 * q
    moments = [quadrature_kernel.q_map(phi, at, sigma_w, sigma_b, kinks) for at in (q - step, q + step)]
    chi_q = (moments[1] - moments[0]) / (2 * step)
    assert found["fixed_point_q"].value == pytest.approx(q, rel=1e-10)
    assert found["chi_1"].value == pytest.approx(
        quadrature_kernel.chi(slope, q, sigma_w, kinks=kinks), rel=1e-10
    )
    assert found["xi_q"].value == pytest.approx(-1 / math.log(abs(chi_q)), rel=1e-5)
    assert all(found[name].error <= 1e-8 * max(1.0, found[name].value) for name in ("fixed_point_q", "chi_1"))
    c = found["fixed_point_c"].value
    if found["chi_1"].value < 1:
        assert (c, found["xi_c"].value) == (
            1.0,
            pytest.approx(-1 / math.log(found["chi_1"].value), rel=1e-10),
        )
        return
    assert 0 <= c < 1
    if not kinks and name != "softsign":
        mapped = sigma_w**2 * quadrature_kernel.pair_expectation(phi, q, c) + sigma_b**2
        assert mapped / q == pytest.approx(c, abs=1e-9)
        chi_c = quadrature_kernel.chi(slope, q, sigma_w, c)
        assert found["xi_c"].value == pytest.approx(-1 / math.log(chi_c), rel=1e-6)
    elif kinks:
        mapped = sigma_w**2 * quadrature_kernel.kinked_pair_expectation(phi, q, c, kinks) + sigma_b**2
        assert mapped / q == pytest.approx(c, abs=1e-9)


def test_erf_fixed_points_are_those_of_the_arcsine_kernel() -> None:
    sigma_w, sigma_b = 2.0, 0.3
    K = np.array([[1.0, 0.4], [0.4, 1.0]])
    for _ in range(3000):
        K = arcsine_kernel.layer(K, sigma_w, sigma_b)
    found = predicted("erf", sigma_w, sigma_b)
    assert found["fixed_point_q"].value == pytest.approx(K[0, 0], rel=1e-11)
    assert found["fixed_point_c"].value == pytest.approx(K[0, 1] / K[0, 0], abs=1e-10)
    slopes = sigma_w**2 * arcsine_kernel.slope_moment(K)
    assert found["chi_1"].value == pytest.approx(slopes[0, 0], rel=1e-11)
    assert found["xi_c"].value == pytest.approx(-1 / math.log(slopes[0, 1]), rel=1e-9)


def test_xi_c_is_the_decay_observed_in_the_arcsine_recursion() -> None:
    """The correlation of two erf inputs, layer by layer: |c − c*| falls by e in ξ_c layers."""
    for sigma_w in (1.0, 2.0):
        found = predicted("erf", sigma_w, 0.3)
        c_star = found["fixed_point_c"].value
        kernels = arcsine_kernel.recursion(np.array([[1.0, 0.2], [0.2, 1.0]]), 60, sigma_w, 0.3)
        gaps = [abs(K[0, 1] / K[0, 0] - c_star) for K in kernels]
        last = max(i for i, gap in enumerate(gaps) if gap > 1e-9)
        rate = math.log(gaps[last - 4] / gaps[last]) / 4
        assert found["xi_c"].value == pytest.approx(1 / rate, rel=2e-3)


@pytest.mark.parametrize("sigma_w", [0.3, 1.0, 1.4])
def test_relu_has_the_closed_form(sigma_w: float) -> None:
    found = predicted("relu", sigma_w, 0.7)
    assert found["fixed_point_q"].value == pytest.approx(0.49 / (1 - sigma_w**2 / 2), rel=1e-11)
    assert found["chi_1"].value == pytest.approx(sigma_w**2 / 2, rel=1e-13)
    assert found["xi_q"].value == pytest.approx(-1 / math.log(sigma_w**2 / 2), rel=1e-11)
    assert found["xi_c"].value == pytest.approx(found["xi_q"].value, rel=1e-11)
    assert found["fixed_point_c"].value == 1.0


@pytest.mark.parametrize(
    ("name", "sigma_w"),
    [("relu", 2**0.5), ("linear", 1.0), ("leaky_relu", (2 / (1 + 1e-4)) ** 0.5), ("tanh", 1.0), ("sin", 1.0),
     ("erf", math.sqrt(math.pi) / 2), ("hardtanh", 1.0), ("softsign", 1.0), ("elu", 1.0),
     ("selu", (2 / (1.0507009873554805**2 * (1 + 1.6732632423543772**2))) ** 0.5)],
)  # fmt: skip
def test_critical_weight_scale_without_bias(name: str, sigma_w: float) -> None:
    point = critical_weight_scale(name, sigma_b=0.0)
    assert point.status is OnLine.CRITICAL
    assert point.sigma_w == pytest.approx(sigma_w, rel=1e-12)
    assert phase(name, point.sigma_w, 0.0) is Phase.CRITICAL
    assert phase(name, 0.999 * point.sigma_w, 0.0) is Phase.ORDERED
    explodes = universality_class(name).kind is Universality.SCALE_INVARIANT
    assert phase(name, 1.001 * point.sigma_w, 0.0) is (Phase.UNBOUNDED if explodes else Phase.CHAOTIC)


@pytest.mark.parametrize("sigma_b", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("name", ["tanh", "erf", "sin", "hardtanh"])
def test_critical_line_is_where_independent_quadrature_finds_chi_to_be_one(name: str, sigma_b: float) -> None:
    phi, slope, kinks = PLAIN[name]
    point = critical_line(name, [sigma_b])[0]
    mapped = quadrature_kernel.q_map(phi, point.q, point.sigma_w, sigma_b, kinks)
    assert mapped == pytest.approx(point.q, rel=1e-10)
    assert quadrature_kernel.chi(slope, point.q, point.sigma_w, kinks=kinks) == pytest.approx(1.0, abs=1e-10)
    assert phase(name, point.sigma_w, sigma_b) is Phase.CRITICAL
    assert phase(name, point.sigma_w * 0.99, sigma_b) is Phase.ORDERED
    assert phase(name, point.sigma_w * 1.01, sigma_b) is Phase.CHAOTIC


def test_tanh_line_is_that_of_brent_on_scipy_quadrature() -> None:
    """The whole solution a second time: brentq over σ_w of χ₁(σ_w) − 1, q* by iteration."""
    from scipy.optimize import brentq

    phi, slope, _ = PLAIN["tanh"]

    def excess(sigma_w: float) -> float:
        step = lambda q: quadrature_kernel.q_map(phi, q, sigma_w, 0.2)  # noqa: E731
        return quadrature_kernel.chi(slope, quadrature_kernel.iterated_fixed_point(step, 0.5), sigma_w) - 1

    assert critical_line("tanh", [0.2])[0].sigma_w == pytest.approx(
        brentq(excess, 1.1, 1.6, xtol=1e-12), rel=1e-10
    )


@pytest.mark.parametrize(("name", "amplitude"), [("tanh", 1.0), ("erf", 1.0), ("hardtanh", 2.0)])
def test_xi_c_diverges_as_the_inverse_distance_on_both_sides(name: str, amplitude: float) -> None:
    """ξ_c ~ |σ_w − σ_c|^{−1}. With 1 − C = χ₁(1 − c) − a(1 − c)^p, p = 2 for smooth φ and 3/2 for a kink, the
    slope at c* is 1 − (p − 1)(χ₁ − 1), so that the chaotic side is higher by 1/(p − 1)."""
    sigma_c = critical_line(name, [0.3])[0].sigma_w
    distances, phi = np.array([1e-3, 4e-3]), activation(name)

    def xi_c(sigma_w: float) -> float:
        q = settle_second_moment(phi, sigma_w, 0.3).value
        return depth_scale(settle_correlation(phi, sigma_w, 0.3, q).slope)[0]

    below = np.array([xi_c(sigma_c * (1 - d)) for d in distances])
    above = np.array([xi_c(sigma_c * (1 + d)) for d in distances])
    for scales in (below, above):
        exponent = np.polyfit(np.log(distances), np.log(scales), 1)[0]
        assert exponent == pytest.approx(-1.0, abs=0.03)
    assert above[0] / below[0] == pytest.approx(amplitude, rel=0.05)


def test_q_decides_which_critical_point_is_meant() -> None:
    point = critical_weight_scale("tanh", q=1.0)
    again = critical_weight_scale("tanh", sigma_b=point.sigma_b)
    assert again.sigma_w == pytest.approx(point.sigma_w, rel=1e-12)
    assert again.q == pytest.approx(1.0, rel=1e-11)
    assert critical_weight_scale("relu", q=7.0).sigma_w == pytest.approx(2**0.5, rel=1e-13)
    softplus = critical_weight_scale("softplus", q=1.0)
    assert softplus.status is OnLine.NO_BIAS
    assert math.isnan(softplus.sigma_b)
    assert softplus.sigma_w > 1


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "settling"),
    [
        ("relu", 1.5, 0.0, Settling.DIVERGES),
        ("relu", 2**0.5, 0.1, Settling.DIVERGES),
        ("elu", 2.0, 0.0, Settling.DIVERGES),
        ("relu", 2**0.5, 0.0, Settling.EVERY_Q),
        ("linear", 1.0, 0.0, Settling.EVERY_Q),
        ("relu", 1.2, 0.0, Settling.VANISHES),
        ("tanh", 1.0, 0.0, Settling.VANISHES),
        ("tanh", 1.0000001, 0.0, Settling.FIXED_POINT),
        ("sigmoid", 1.0, 0.0, Settling.FIXED_POINT),
    ],
)
def test_how_the_second_moment_settles(name: str, sigma_w: float, sigma_b: float, settling: Settling) -> None:
    found = settle_second_moment(activation(name), sigma_w, sigma_b)
    assert found.settling is settling
    prediction = predicted(name, sigma_w, sigma_b)["fixed_point_q"]
    assert bool(prediction.regime) == (settling in (Settling.FIXED_POINT, Settling.VANISHES))
    assert math.isinf(prediction.value) == (settling is Settling.DIVERGES)


def test_a_growing_parabola_settles_by_its_start() -> None:
    """φ = x²: V = 3σ_w²q² has the repelling fixed point 1/3σ_w²; below it q dies, above it explodes."""
    phi = activation(torch.square)
    assert settle_second_moment(phi, 1.0, 0.0, start=0.3).settling is Settling.VANISHES
    assert settle_second_moment(phi, 1.0, 0.0, start=0.4).settling is Settling.DIVERGES


def test_a_falling_map_settles_too() -> None:
    """φ = 6 e^(−x²): V = 36/√(1 + 4q) + σ_b² falls with q, its slope at the fixed point being above −½."""
    found = settle_second_moment(activation(lambda x: 6 * torch.exp(-(x**2))), 1.0, 0.5)
    q = quadrature_kernel.iterated_fixed_point(lambda q: 36 / math.sqrt(1 + 4 * q) + 0.25, 1.0)
    assert found.value == pytest.approx(q, rel=1e-11)
    assert found.slope == pytest.approx(-2 * 36 / (1 + 4 * q) ** 1.5, rel=1e-10)
    assert -0.5 < found.slope < -0.4


def test_infinite_moments_are_not_hidden() -> None:
    found = Criticality().predict(ActivationLayer(lambda x: torch.exp(x**2), 1.0, 0.0))
    for p in found:
        assert not p.regime
    assert math.isnan(found[0].value)
    with pytest.raises(InputError, match="finite Gaussian moments"):
        phase(lambda x: torch.exp(x**2), 1.0, 0.0)


CLASSES = {
    Universality.SCALE_INVARIANT: "linear relu leaky_relu",
    Universality.VANISHING: "tanh sin erf atan softsign hardtanh elu selu celu relu6",
    Universality.HALF_STABLE: "gelu gelu_tanh silu mish hardswish",
    Universality.NONE: "sigmoid softplus hardsigmoid logsigmoid tanhshrink softshrink hardshrink",
}


def test_every_named_activation_has_its_class() -> None:
    expected = {name: kind for kind, names in CLASSES.items() for name in names.split()}
    assert expected == {name: universality_class(name).kind for name in NAMED}


@pytest.mark.parametrize(
    ("name", "q", "C_W", "C_b"),
    [("gelu", (3 + math.sqrt(17)) / 2, 1.98305, 0.17292), ("silu", 14.32017, 1.98800, 0.55514)],
)
def test_half_stable_points_are_those_of_the_book(name: str, q: float, C_W: float, C_b: float) -> None:
    """Roberts, Yaida, Hanin, section 5.3.4, to the digits printed there."""
    found = universality_class(name)
    assert found.q == pytest.approx(q, abs=5e-6)
    assert found.sigma_w**2 == pytest.approx(C_W, abs=1e-5)
    assert found.sigma_b**2 == pytest.approx(C_b, abs=1e-5)


def test_gelu_attracts_from_above_alone() -> None:
    point, phi = universality_class("gelu"), activation("gelu")
    above = settle_second_moment(phi, point.sigma_w, point.sigma_b, start=10.0)
    assert above.settling is Settling.HALF_STABLE
    assert above.value == pytest.approx(point.q, rel=1e-4)
    below = settle_second_moment(phi, point.sigma_w, point.sigma_b, start=3.4)
    assert below.value < point.q - 0.5


def test_sigmoid_and_softplus_say_that_they_have_no_critical_point() -> None:
    assert "no critical point" in universality_class("sigmoid").sentence()
    assert "E[φ φ''] is negative throughout" in universality_class("sigmoid").explanation
    assert "E[φ φ''] is positive throughout" in universality_class("softplus").explanation
    assert [p.status for p in critical_line("softplus", [0.0, 0.5, 2.0])] == [OnLine.ABSENT] * 3
    assert math.isnan(predicted("softplus", 1.0, 0.1)["critical_sigma_w"].value)
    assert "no σ_w" in predicted("softplus", 1.0, 0.1)["critical_sigma_w"].regime.outside


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_the_repelling_part_of_a_line_is_marked(name: str) -> None:
    kind = universality_class(name)
    below, above = critical_line(name, [0.9 * kind.sigma_b, 1.1 * kind.sigma_b])
    assert (below.status, above.status) == (OnLine.REPELS, OnLine.CRITICAL)
    for point, attracts in ((below, False), (above, True)):
        step = 1e-3 * point.q
        phi, _, _ = PLAIN.get(name, (lambda x: x / (1 + np.exp(-x)), None, ()))
        a, b = (
            quadrature_kernel.q_map(phi, q, point.sigma_w, point.sigma_b)
            for q in (point.q - step, point.q + step)
        )
        assert ((b - a) / (2 * step) < 1) is attracts


def test_jumps_make_chi_infinite() -> None:
    found = predicted("hardshrink", 0.8, 0.3)
    assert found["chi_1"].value == math.inf
    assert phase("hardshrink", 0.8, 0.3) is Phase.CHAOTIC
    q, c = found["fixed_point_q"].value, found["fixed_point_c"].value
    shrink: Function = lambda x: np.where(np.abs(x) > 0.5, x, 0.0)  # noqa: E731
    assert quadrature_kernel.q_map(shrink, q, 0.8, 0.3, (-0.5, 0.5)) == pytest.approx(q, rel=1e-10)
    pair = quadrature_kernel.kinked_pair_expectation(shrink, q, c, (-0.5, 0.5))
    assert (0.64 * pair + 0.09) / q == pytest.approx(c, abs=1e-6)
    step = 1e-4 * q
    ends = [quadrature_kernel.q_map(shrink, x, 0.8, 0.3, (-0.5, 0.5)) for x in (q - step, q + step)]
    assert found["xi_q"].value == pytest.approx(-1 / math.log((ends[1] - ends[0]) / (2 * step)), rel=1e-6)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_rescaling_the_activation_rescales_the_weights(scale: float) -> None:
    """φ(sx) at (σ_w/s, σ_b/s) is φ at (σ_w, σ_b) in other units: q* falls by s², χ, c* and ξ stay."""
    own = predicted("tanh", 1.5, 0.2)
    table = Criticality().predict(
        ActivationLayer(lambda x: torch.tanh(scale * x), 1.5 / scale, 0.2 / scale, scale**-2)
    )
    other = {p.quantity.name: p for p in table}
    assert other["fixed_point_q"].value * scale**2 == pytest.approx(own["fixed_point_q"].value, rel=1e-10)
    for name in ("fixed_point_c", "chi_1", "xi_q", "xi_c"):
        assert other[name].value == pytest.approx(own[name].value, rel=1e-9)


def test_slopes_are_right_at_kinks_and_under_no_grad() -> None:
    with torch.no_grad():
        assert predicted("relu", 1.0, 0.5)["chi_1"].value == pytest.approx(0.5, rel=1e-13)
    assert activation(lambda x: torch.relu(x - 0.37)).kinks == (0.37,)
    shifted = settle_second_moment(activation(lambda x: torch.relu(x - 0.37)), 1.2, 0.3)
    plain = quadrature_kernel.iterated_fixed_point(
        lambda q: quadrature_kernel.q_map(lambda x: np.maximum(x - 0.37, 0), q, 1.2, 0.3, (0.37,)), 1.0
    )
    assert shifted.value == pytest.approx(plain, rel=1e-10)


def test_correlation_of_relu_follows_the_arccosine_kernel() -> None:
    """Two inputs of a critical ReLU network approach c = 1 by the map that the theory inverts."""
    for c in (0.0, 0.5, 0.9):
        K = np.array([[1.0, c], [c, 1.0]])
        expected = 2 * arccosine_kernel.moment(K)[0, 1]
        assert 2 * float(pair_second_moment(activation("relu"), 1.0, c).value) == pytest.approx(
            expected, abs=1e-11
        )
    assert settle_correlation(activation("relu"), 2**0.5, 0.0, 1.0).value == 1.0


def test_depth_scale_has_an_error() -> None:
    _, error = depth_scale(0.9, 1e-3)
    assert error == pytest.approx((depth_scale(0.9005)[0] - depth_scale(0.8995)[0]), rel=1e-2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("rleu", "choose one of linear, relu"),
        (lambda x: torch.softmax(x, -1), "mixes elements"),
        (lambda x: F.dropout(x, 0.5, training=True), "another result at the second call"),
        (lambda x: x.float(), "torch.float32"),
        (lambda x: x.sum(), r"\(\) of torch.float64"),
        (lambda x: x.detach(), "without a gradient"),
        (lambda x: x @ x.T @ torch.ones(3), "one that raises"),
        (lambda x: torch.sqrt(x), "finite values"),
        (lambda x: torch.where(x > 0, torch.sqrt(x), x), "finite slopes"),
        (lambda x: 1.0, "float from 16 numbers"),
    ],
)  # fmt: skip
def test_what_is_no_activation_is_refused(function: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Criticality().predict(ActivationLayer(function, 1.0, 0.0))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (ActivationLayer("tanh", -1.0, 0.0), "sigma_w=-1.0"),
        (ActivationLayer("tanh", math.nan, 0.0), "sigma_w=nan"),
        (ActivationLayer("tanh", 1.0, -0.1), "sigma_b=-0.1"),
        (ActivationLayer("tanh", 1.0, 0.1, start=0.0), "start=0.0"),
    ],
)
def test_impossible_scales_are_refused(layer: ActivationLayer, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Criticality().predict(layer)


def test_critical_weight_scale_wants_one_of_two() -> None:
    with pytest.raises(InputError, match="but got both"):
        critical_weight_scale("tanh", q=1.0, sigma_b=0.0)
    with pytest.raises(InputError, match="but got neither"):
        critical_weight_scale("tanh")
    with pytest.raises(InputError, match="q > 0"):
        critical_weight_scale("tanh", q=0.0)
    with pytest.raises(InputError, match="σ_b ≥ 0"):
        critical_line("tanh", [0.1, -0.1])


def test_report_holds_what_the_theory_predicts_and_is_json() -> None:
    import json

    record = criticality_report("erf", sigma_b=0.3)
    assert record.phase == "critical"
    plain = json.loads(json.dumps(record.to_dict(), allow_nan=False))
    own = predicted("erf", record.sigma_w, 0.3)
    assert {row["quantity"]: row["value"] for row in plain["predictions"] if row["value"] is not None} == {
        name: pytest.approx(p.value) for name, p in own.items() if math.isfinite(p.value)
    }
    for q, after in zip(plain["q_map"]["x"], plain["q_map"]["y"], strict=True):
        K = arcsine_kernel.layer(np.array([[q]]), record.sigma_w, 0.3)
        assert after == pytest.approx(K[0, 0], rel=1e-11)
    for sigma_b, sigma_w in list(zip(plain["line"]["x"], plain["line"]["y"], strict=True))[::25]:
        assert critical_line("erf", [sigma_b])[0].sigma_w == pytest.approx(sigma_w, rel=1e-9)
    top = max(range(len(record.xi_c.y)), key=lambda i: record.xi_c.y[i])
    assert abs(record.xi_c.x[top] / record.critical_sigma_w - 1) < 0.004


def test_report_without_a_critical_point_says_so() -> None:
    record = criticality_report("softplus", sigma_b=0.1)
    assert math.isnan(record.critical_sigma_w)
    assert record.sigma_w == 1.0
    assert any("no σ_w gives χ₁ = 1" in note for note in record.notes)


def test_report_of_a_diverging_layer_says_so() -> None:
    unbounded = criticality_report("relu", sigma_b=0.1, sigma_w=1.6)
    assert unbounded.phase == "unbounded"
    assert any("no finite fixed point" in row["regime"] for row in unbounded.rows())
