"""What each method minimises, against its definition over all configurations."""

from __future__ import annotations

import numpy as np
import pytest

from exact import spin_states
from exact.losses import LOSSES, drawn, probabilities
from lensmaker.instruments.couplings import METHODS, CouplingMethod, infer, observe
from lensmaker.systems.spins.hamiltonian import Hamiltonian, from_matrix, hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, square

WEIGHTED = hamiltonian(
    5,
    {"a": [[0, 1], [1, 2], [3, 4]], "b": [[0, 1, 2, 3], [1, 2, 3, 4]], "c": [[0, 2, 4]], "h": [[0], [3]]},
    {"a": 0.3, "b": -0.5, "c": 0.2, "h": 0.4},
    weights={"a": [1.0, -2.0, 0.5]},
)
SYSTEMS = {
    "ring in a field": ising(chain(5), J=0.4, h=0.2),
    "torus with double bonds": ising(square(2, 3), J=0.3),
    "glass": from_matrix([[0, 0.5, -0.3], [0.5, 0, 0.8], [-0.3, 0.8, 0]], [0.1, -0.2, 0.3]),
    "products of all orders": WEIGHTED,
}

every = pytest.mark.parametrize(
    ("method", "name"),
    [(m(), name) for m in METHODS for name in SYSTEMS],
    ids=lambda x: getattr(x, "name", x),
)


def expected(method: CouplingMethod, model: Hamiltonian, K: np.ndarray, numbers: np.ndarray) -> float:
    return float(LOSSES[method.name](probabilities(model, K))[numbers].mean())


def differences(function, K: np.ndarray, step: float) -> np.ndarray:
    """Central differences of fourth order along each coupling."""
    rows = []
    for direction in np.eye(len(K)) * step:
        near = function(K + direction) - function(K - direction)
        far = function(K + 2 * direction) - function(K - 2 * direction)
        rows.append((8 * near - far) / (12 * step))
    return np.array(rows)


@every
def test_value_gradient_and_hessian(method: CouplingMethod, name: str) -> None:
    """At couplings that are not those of the samples; 300 samples are more than a kernel takes at a time."""
    model, rng = SYSTEMS[name], np.random.default_rng(0)
    samples = drawn(model, 300, rng)
    K, numbers = rng.normal(size=len(model.names)) * 0.5, spin_states.number(samples)
    problem = method.problem(observe(samples, model))
    found = problem.expand(K)
    assert found.value == pytest.approx(expected(method, model, K, numbers), rel=1e-12)
    by_value = differences(lambda k: expected(method, model, k, numbers), K, 2e-3)
    assert found.gradient == pytest.approx(by_value, rel=1e-6, abs=1e-7)
    by_gradient = differences(lambda k: problem.expand(k).gradient, K, 2e-3)
    assert found.hessian == pytest.approx(by_gradient, rel=1e-7, abs=1e-7)


@every
@pytest.mark.parametrize("size", [1, 7, 300])
def test_scores_are_gradients_of_some_samples(method: CouplingMethod, name: str, size: int) -> None:
    model, rng = SYSTEMS[name], np.random.default_rng(1)
    samples = drawn(model, 1400, rng).reshape(2, 700, -1)
    K = rng.normal(size=len(model.names)) * 0.5
    found = method.problem(observe(samples, model)).scores(K, size)
    assert found.shape == (2, 700 // size, len(K))
    for c, k in [(0, 0), (1, 700 // size - 1)]:
        some = samples[c, k * size : (k + 1) * size]
        exact = method.problem(observe(some, model)).expand(K).gradient
        assert found[c, k] == pytest.approx(exact, rel=1e-12, abs=1e-14)


@every
def test_the_true_couplings_are_where_infinitely_many_samples_lead(method: CouplingMethod, name: str) -> None:
    """Consistency: the mean of ∂ℓ/∂K over the exact distribution vanishes."""
    model = SYSTEMS[name]
    K = np.array(list(model.couplings.values()))
    scores = method.problem(observe(spin_states.states(model.sites), model)).scores(K, 1)[0]
    p = probabilities(model, K)
    assert np.abs(p @ scores).max() < 1e-14
    assert np.abs(p @ np.abs(scores)).max() > 0.1


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_maximum_of_the_likelihood_matches_moments(name: str) -> None:
    model, rng = SYSTEMS[name], np.random.default_rng(2)
    samples = drawn(model, 1000, rng)
    found = infer(samples, model, METHODS[0]())
    p, s = probabilities(model, list(found.couplings.values())), spin_states.states(model.sites).astype(float)
    for coupling in model.names:
        statistic = sum(
            w * s[:, c].prod(1)
            for t in model.terms
            if t.name == coupling
            for c, w in zip(t.cliques, t.weights, strict=True)
        )
        assert p @ statistic == pytest.approx(statistic[spin_states.number(samples)].mean(), abs=1e-10)


@pytest.mark.parametrize("method", [m(l2=0.05) for m in METHODS], ids=lambda m: m.name)
def test_a_penalty_pulls_to_zero_by_its_bias(method: CouplingMethod) -> None:
    """Where the loss of the definition and the penalty together are least."""
    model, rng = WEIGHTED, np.random.default_rng(3)
    samples = drawn(model, 2000, rng)
    found = infer(samples, model, method)
    K = np.array(list(found.couplings.values()))
    slope = differences(lambda k: expected(method, model, k, spin_states.number(samples)), K, 2e-3)
    assert slope == pytest.approx(-0.05 * K, abs=1e-7)
    free = np.array(list(infer(samples, model, type(method)()).couplings.values()))
    assert K - free == pytest.approx(np.array(list(found.bias.values())), rel=0.25)


@pytest.mark.parametrize("method", [m(threads=3) for m in METHODS], ids=lambda m: m.name)
def test_threads_change_nothing(method: CouplingMethod) -> None:
    samples = drawn(WEIGHTED, 1000, np.random.default_rng(4))
    one, three = infer(samples, WEIGHTED, type(method)()), infer(samples, WEIGHTED, method)
    assert one.couplings == three.couplings
    assert one.errors == three.errors


@pytest.mark.parametrize("method", [m() for m in METHODS], ids=lambda m: m.name)
def test_the_influence_of_a_sample_is_what_it_pulls(method: CouplingMethod) -> None:
    """K of all samples less K without the first is x/(M − 1) to first order."""
    samples = drawn(WEIGHTED, 2000, np.random.default_rng(5))
    found, without = infer(samples, WEIGHTED, method), infer(samples[1:], WEIGHTED, method)
    pulled = [found.couplings[n] - without.couplings[n] for n in WEIGHTED.names]
    assert pulled == pytest.approx((found.spread.influence[0, 0] / 1999).tolist(), rel=0.05, abs=1e-6)
