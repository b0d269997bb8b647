"""Compiled classifiers against posteriors from first principles, and against their own certified bounds."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from exact.class_posteriors import (
    action,
    bayes,
    magnets,
    normals,
    ring_log_partition,
    strip_log_partition,
    torus_bonds,
)
from lensmaker.core import InputError
from lensmaker.design.compile import (
    Bits,
    Box,
    ClassHamiltonians,
    CompiledClassifier,
    Reached,
    Spins,
    bayes_classifier,
    check_classifier,
    compile_polynomial,
)
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial, gaussian, phi4
from lensmaker.systems.spins import Canonical, blume_capel, chain, gaussian_glass, ising, square

EXACT = 1e-12
PRIORS = [0.3, 0.7]
MAGNETS = [Canonical(ising(square(4)), T) for T in (2.0, 3.0)]


def posterior(network: CompiledClassifier, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network.posterior(torch.from_numpy(x)).double().numpy()


def gaussians() -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(1)
    means = [rng.normal(size=3) for _ in range(3)]
    mixed = [rng.normal(size=(3, 6)) for _ in range(3)]
    return means, [m @ m.T / 6 + 0.2 * np.eye(3) for m in mixed]


# -- exact posteriors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "activation", "within"),
    [
        (Spins(), None, EXACT),
        (Box(), nn.Hardswish(), EXACT),
        (Box(), nn.ReLU(), EXACT),
        (Box(), nn.GELU(), 1e-9),
        (Box(), nn.Tanh(), 1e-8),
    ],
    ids=["bits", "Hardswish", "ReLU", "GELU", "tanh"],
)
def test_all_configurations_of_magnets_at_two_temperatures_by_enumeration(
    domain: Any, activation: nn.Module | None, within: float
) -> None:
    spins, exact = magnets(4, (2.0, 3.0), PRIORS)
    network = bayes_classifier(MAGNETS, PRIORS, domain=domain, activation=activation)
    off = float(np.abs(posterior(network, spins) - exact).max())
    assert off <= network.posterior_bound < within
    assert np.abs(network.classes.posterior(torch.from_numpy(spins)).numpy() - exact).max() < EXACT


@pytest.mark.parametrize(("activation", "within"), [(nn.Hardswish(), EXACT), (nn.GELU(), 1e-6)])
def test_gaussians_of_different_covariances_by_scipy(activation: nn.Module, within: float) -> None:
    means, covariances = gaussians()
    priors = [0.5, 0.2, 0.3]
    energies = [gaussian(m, S) for m, S in zip(means, covariances, strict=True)]
    network = bayes_classifier(energies, priors, domain=Box(-6, 6), activation=activation)
    x = np.random.default_rng(0).uniform(-6, 6, size=(2000, 3))
    off = float(np.abs(posterior(network, x) - normals(x, means, covariances, priors)).max())
    assert off < within
    assert off <= network.posterior_bound < max(within, 1e-11)


@pytest.mark.parametrize(("activation", "within"), [(nn.Hardswish(), EXACT), (nn.SiLU(), 1e-6)])
def test_a_field_with_two_couplings_by_integration_on_a_tensor_grid(
    activation: nn.Module, within: float
) -> None:
    couplings = [(-1.0, 0.25), (-0.5, 0.5)]
    known = [ring_log_partition(3, *c) for c in couplings]
    network = bayes_classifier(
        [phi4((3,), mass=m, coupling=g) for m, g in couplings],
        PRIORS,
        domain=Box(-2, 2),
        activation=activation,
    )
    x = np.random.default_rng(0).uniform(-2, 2, size=(500, 3))
    exact = bayes([-action(x, *c) - z for c, z in zip(couplings, known, strict=True)], PRIORS)
    off = float(np.abs(posterior(network, x) - exact).max())
    assert off < within
    assert off <= network.posterior_bound < max(within, 1e-11)


def test_larger_magnets_by_a_transfer_matrix() -> None:
    temperatures = (2.1, 2.6)
    systems = [Canonical(ising(square(8)), T) for T in temperatures]
    network = bayes_classifier(systems, domain=Box(), activation=nn.Hardswish())
    rng = np.random.default_rng(0)
    spins = np.where(rng.random((300, 64)) < rng.random((300, 1)), 1.0, -1.0)
    spins[:, : 8 * rng.integers(9)] = 1.0
    bonds = torus_bonds(spins, 8)
    exact = bayes([bonds / T - strip_log_partition(8, T) for T in temperatures], [0.5, 0.5])
    assert np.abs(posterior(network, spins) - exact).max() < EXACT
    assert network.ledger.parameters < 100, "one convolution for all sites"


# -- bounds -------------------------------------------------------------------------------------

tables = st.lists(
    st.tuples(
        st.lists(st.integers(0, 2), min_size=3, max_size=3),
        st.lists(st.floats(-4, 4), min_size=3, max_size=3),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25)
@given(
    tables,
    st.sampled_from([nn.GELU(), nn.Tanh(), nn.ReLU(), nn.Hardswish()]),
    st.sampled_from([torch.float32, torch.float64]),
    st.booleans(),
)
def test_logits_are_within_their_bounds(
    table: list[tuple[list[int], list[float]]],
    activation: nn.Module,
    dtype: torch.dtype,
    is_proportional: bool,
) -> None:
    rows = [row for row, _ in table]
    values = [[c[0] * (1, 0.3, -7.0)[k] if is_proportional else c[k] for _, c in table] for k in range(3)]
    energies = [Polynomial.of(("a", "b", "c"), rows, v) for v in values]
    known = [0.5, -2.0, 30.0]
    network = bayes_classifier(energies, None, known, activation=activation, dtype=dtype)
    x = torch.rand(40, 3, dtype=torch.float64).to(dtype) * 2 - 1
    x[20:] = x[20:].round()
    with torch.no_grad():
        found = network(x).double()
    for k, energy in enumerate(energies):
        for row, logit in zip(x.double().tolist(), found[:, k].tolist(), strict=True):
            H = sum(
                Fraction(c)
                * math.prod((Fraction(a) ** e for a, e in zip(row, powers, strict=True)), start=Fraction(1))
                for c, powers in zip(energy.coefficients.tolist(), energy.exponents.tolist(), strict=True)
            )
            assert abs(logit - float(-H) - (math.log(1 / 3) - known[k])) <= network.logit_bounds[k]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.floats(-8, 8), st.floats(0, 3), st.floats(-1, 1)), min_size=2, max_size=5),
)
def test_no_error_of_logits_moves_a_posterior_or_its_risk_beyond_the_bound(
    rows: list[tuple[float, float, float]],
) -> None:
    z, δ, share = (np.array(column) for column in zip(*rows, strict=True))
    p, q = (np.exp(v) / np.exp(v).sum() for v in (z, z + δ * share))
    first, second = sorted(δ)[-2:]
    assert np.abs(p - q).max() <= math.tanh((first + second) / 4) + 1e-14
    assert (p * np.log(p / q)).sum() <= max(δ) ** 2 / 2 + 1e-13


def test_the_bounds_are_reached() -> None:
    """Two classes, as likely as each other, whose logits are off in opposite directions."""
    δ = 0.8
    z = torch.tensor([δ / 2, -δ / 2], dtype=torch.float64)
    off = torch.tensor([-δ, δ], dtype=torch.float64)
    assert float((z.softmax(-1) - (z + off).softmax(-1)).abs().max()) == pytest.approx(math.tanh(δ / 2))
    network = bayes_classifier([gaussian(0, 1), gaussian(1, 1)], accuracy=1e-2)
    first, second = network.logit_bounds
    assert network.posterior_bound == pytest.approx(math.tanh((first + second) / 4), rel=1e-9)
    assert network.risk_bound == pytest.approx(max(first, second) ** 2 / 2)


def test_what_is_asked_for_is_certified_and_measured() -> None:
    means, covariances = gaussians()
    energies = [gaussian(m, S) for m, S in zip(means, covariances, strict=True)]
    for accuracy in (1e-2, 1e-5):
        network = bayes_classifier(energies, accuracy=accuracy, domain=Box(-6, 6))
        logits, p = check_classifier(network)
        assert network.reached is Reached.REACHED
        assert logits.measured <= logits.bound <= accuracy * (1 + 1e-9)
        assert p.measured <= p.bound
        assert logits.bound > accuracy / 40
    assert bayes_classifier(energies, accuracy=1e-15).reached is Reached.BELOW_FLOOR
    with pytest.raises(InputError, match="a point or more"):
        check_classifier(network, torch.zeros(0, 3))


def test_hardswish_is_certified_without_an_accuracy_too() -> None:
    assert compile_polynomial("x*y", activation=nn.Hardswish()).ledger.bound < 2e-14


# -- what is shared -----------------------------------------------------------------------------


def test_one_energy_at_two_temperatures_takes_no_more_neurons_than_at_one() -> None:
    for domain in (Box(), Spins()):
        one = compile_polynomial(ising(square(4)), domain=domain).ledger.neurons
        assert bayes_classifier(MAGNETS, domain=domain).ledger.neurons == one


def test_classes_share_monomials() -> None:
    """Squares and fourth powers of sites, and bonds, are the same in all couplings; and covariances have all pairs."""
    fields = [phi4((8,), mass=m, coupling=g).to_polynomial() for m, g in ((-1, 0.25), (0, 0.5), (1, 0.1))]
    alone = compile_polynomial(fields[0]).ledger.neurons
    together = bayes_classifier(fields, None, [0.0] * 3)
    assert together.ledger.neurons == alone < together.ledger.naive_neurons / 6
    assert together.ledger.depth == 2
    means, covariances = gaussians()
    energies = [gaussian(m, S) for m, S in zip(means, covariances, strict=True)]
    assert bayes_classifier(energies).ledger.neurons == 3 * 2 + 3 * 4
    two = [Polynomial.parse(t, variables=tuple("abcdef")) for t in ("a*(b+c+d+e+f)", "a*(b+2*c+3*d+4*e+5*f)")]
    assert bayes_classifier(two, None, [0.0, 0.0]).ledger.neurons == 8, "gathered for each class"


# -- a network as any other ---------------------------------------------------------------------


def test_it_is_trained_copied_and_saved() -> None:
    network = bayes_classifier([gaussian([0, 0], np.eye(2)), gaussian([1, 1], np.eye(2))], accuracy=1e-2)
    other = copy.deepcopy(network)
    x, y = torch.randn(64, 2, generator=torch.Generator().manual_seed(0)).double(), torch.arange(64) % 2
    optimiser = torch.optim.SGD(other.parameters(), lr=1e-6)
    losses = []
    for _ in range(20):
        loss = cross_entropy(other(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert not torch.equal(other.mu, network.mu)
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(x), network(x))


@pytest.mark.parametrize(
    ("energies", "options"),
    [
        (MAGNETS, {"domain": Spins()}),
        (MAGNETS, {"activation": nn.Tanh(), "dtype": torch.float32}),
        ([gaussian([0, 0], np.eye(2)), gaussian([1, 1], 2 * np.eye(2))], {"activation": nn.Tanh()}),
    ],
    ids=["bits", "convolution", "gates"],
)
def test_onnxruntime_has_the_same_logits(energies: Any, options: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="pip install lensmaker[onnx]")
    runtime = pytest.importorskip("onnxruntime", reason="pip install lensmaker[onnx]")
    network = bayes_classifier(energies, PRIORS, **options)
    n = 2 if len(energies[0].variables if isinstance(energies[0], Polynomial) else "s" * 16) == 2 else 16
    x = torch.where(torch.rand(32, n) < 0.5, 1.0, -1.0).to(network.scale.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (x,), tmp_path / "network.onnx", input_names=["x"], dynamo=False, opset_version=17
        )
    session = runtime.InferenceSession(str(tmp_path / "network.onnx"), providers=["CPUExecutionProvider"])
    there = torch.from_numpy(session.run(None, {"x": x.numpy()})[0])
    with torch.no_grad():
        assert (there - network(x)).abs().max() <= 2 * max(network.logit_bounds)


def test_rows_and_fields_of_any_batch() -> None:
    fields = [phi4((4, 6), mass=1.0, coupling=g) for g in (0.1, 0.2)]
    network = bayes_classifier(fields, None, [1.0, 2.0])
    x = torch.rand(2, 3, 4, 6, dtype=torch.float64)
    assert network(x).shape == network.classes.logits(x).shape == (2, 3, 2)
    assert (network(x) - network.classes.logits(x)).abs().max() <= max(network.logit_bounds)
    flat = bayes_classifier(MAGNETS)
    spins = torch.ones(5, 16)
    assert flat(spins).shape == flat.classes.logits(spins).shape == (5, 2)
    network.checks_domain = True
    with pytest.raises(InputError, match="the field from -1 to 1"):
        network(2 * torch.ones(4, 6))


def test_a_lattice_and_a_list_of_terms_are_listed_together() -> None:
    ring = LatticePolynomial((4,), {(((0,), 1), ((1,), 1)): -1.0})
    listed = Polynomial.parse("-a*b - b*c - c*d", variables=("a", "b", "c", "d"))
    network = bayes_classifier([ring, listed], None, [0.0, 0.0])
    x = torch.tensor([1.0, 0.5, -1.0, 1.0], dtype=torch.float64)
    expected = [0.5 - 0.5 - 1.0 + 1.0, 0.5 - 0.5 - 1.0]
    assert network(x).tolist() == pytest.approx([e + math.log(0.5) for e in expected], abs=1e-8)


# -- spins, ln Z, bad input ---------------------------------------------------------------------


def test_partition_functions_that_the_arithmetic_lacks_are_refused() -> None:
    with pytest.raises(InputError, match=r"ln Z that float32 has, but got 1e\+39"):
        bayes_classifier(["x**2", "2*x**2"], log_partitions=[1e39, 0.0], dtype=torch.float32)


def test_lines_take_any_accuracy() -> None:
    network = bayes_classifier(["x", "2*x"], log_partitions=[0.0, 0.0], accuracy=1e-3)
    assert network.ledger.neurons == 0


def test_polynomials_of_spins_at_all_corners() -> None:
    text = "2*a*b*c - 3*a*b**2 + a**2*d**3 - b*d + 0.5*a**2 - 1"
    network = compile_polynomial(text, domain=Spins())
    assert network.ledger.neurons == 5  # abc, ab, ac, bc and bd; a and d are single
    x = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 4)
    a, b, c, d = x.unbind(1)
    expected = 2 * a * b * c - 3 * a + d - b * d + 0.5 - 1
    with torch.no_grad():
        assert (network(x) - expected).abs().max() <= network.ledger.bound < 1e-12


def test_partition_functions_that_are_known_need_not_be_given() -> None:
    glass = gaussian_glass(chain(6), seed=3)
    listed = ClassHamiltonians.of([Canonical(glass, 1.3), Canonical(glass, 2.0)])
    table = Polynomial.parse("x*y - y", variables=("x", "y"))
    bits = ClassHamiltonians.of([table, table], domain=Bits())
    assert bits.log_partitions[0] == pytest.approx(math.log(2 + math.exp(1) + 1))  # 00, 10; 01; 11
    spins = np.array([[1 - 2 * (k >> i & 1) for i in range(6)] for k in range(64)], dtype=float)
    energy = glass.energy(torch.from_numpy(spins)).numpy()
    assert listed.log_partitions == pytest.approx([math.log(np.exp(-energy / T).sum()) for T in (1.3, 2.0)])


def three(text: str) -> Polynomial:
    return Polynomial.parse(text, variables=("x", "y", "z"))


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: bayes_classifier([three("x**2")]), "two classes or more, but got 1"),
    (lambda: bayes_classifier(["x**2", "x**2 + y**2"]), "classes in the same variables, but got x and x, y"),
    (
        lambda: bayes_classifier([phi4((4,), mass=1, coupling=1), phi4((5,), mass=1, coupling=1)]),
        "on one lattice",
    ),
    (
        lambda: bayes_classifier([phi4((4,), mass=1, coupling=1), three("x*y*z")]),
        "classes in the same variables",
    ),
    (lambda: bayes_classifier(["x**2", "x**2"], [0.5, 0.6]), "add up to 1, but got 1.1"),
    (lambda: bayes_classifier(["x**2", "x**2"], [1.5, -0.5]), "priors above 0"),
    (lambda: bayes_classifier(["x**2", "x**2"], [math.nan, 1.0]), "priors above 0, but got nan"),
    (lambda: bayes_classifier(["x**2", "x**2"], [1.0]), "a prior for each of 2 classes"),
    (
        lambda: bayes_classifier(["x**2", "x**2"], None, [1.0, math.inf]),
        "a finite ln Z for each of 2 classes",
    ),
    (lambda: bayes_classifier(["x**2", "x**2"], None, [1.0]), "a finite ln Z for each of 2 classes"),
    (lambda: bayes_classifier(["x**2", "-x**2"]), "a quadratic form that is positive definite"),
    (lambda: bayes_classifier(["x**4", "x**2"]), "whose ln Z is known, but got one of degree 4"),
    (
        lambda: bayes_classifier([Canonical(ising(square(6), h=0.1), 2.0)] * 2),
        "36 spins without an exact solution",
    ),
    (lambda: bayes_classifier([Canonical(blume_capel(square(4)), 2.0)] * 2), "spins ±1"),
    (
        lambda: bayes_classifier([three("x*y*z")] * 2, None, [0, 0], domain=Spins(), activation=nn.Tanh()),
        "Sigmoid",
    ),
    (lambda: bayes_classifier(["x1*x2*...*x20"] * 2, None, [0, 0], domain=Spins()), "at most 16 spins"),
    (lambda: bayes_classifier(["x1 + x2 + ... + x21"] * 2, domain=Spins()), "21 variables of two states"),
    (
        lambda: gaussian([0, 0], [[1, 2], [2, 1]]),
        "positive definite, but got one whose least eigenvalue is -1",
    ),
    (lambda: gaussian([0, 0], [[1, 2], [1, 4]]), "one that is not symmetric"),
    (lambda: gaussian([0, math.nan], np.eye(2)), "finite"),
    (lambda: gaussian([0, 0], np.eye(3)), r"a covariance of shape \(2, 2\)"),
    (lambda: ClassHamiltonians.of(MAGNETS).logits(torch.ones(3)), "16 variables along the last axis"),
]


@pytest.mark.parametrize(("make", "said"), BAD)
def test_bad_input_is_one_sentence(make: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
