"""Deep machines of all parts against sums over all their configurations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from exact.deep_states import FINITE, deep, rows, states, table
from lensmaker.core import Convergence, InputError
from lensmaker.systems.boltzmann import Dense, Exact, Gaussian, RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.deep import (
    DeepBoltzmannMachine,
    ExactDeep,
    Relaxation,
    halves,
    mean_field,
    unnormalised_bound,
)

by_kind = pytest.mark.parametrize("kind", FINITE)


@by_kind
def test_energies_and_the_partition_function(kind: str) -> None:
    m = deep(kind).double()
    all_of = table(m)
    layers = [rows(s, m.biases[0]) for s in all_of.layers]
    assert m.energy(layers).detach().numpy() == pytest.approx(-all_of.minus, rel=1e-12, abs=1e-12)
    exact = ExactDeep(m)
    assert exact.log_partition == pytest.approx(all_of.log_partition, rel=1e-12)
    v = states(m.visible)
    want = [all_of.log_likelihood(row) for row in v]
    assert exact.log_likelihood(rows(v, m.biases[0])).numpy() == pytest.approx(want, rel=1e-10)
    view = halves(m)
    even, odd = (torch.cat(layers[parity::2], -1) for parity in (0, 1))
    assert view.energy(even, odd).detach().numpy() == pytest.approx(-all_of.minus, rel=1e-12, abs=1e-12)


@by_kind
def test_moments_are_those_of_the_table(kind: str) -> None:
    m = deep(kind).double()
    all_of = table(m)
    means, products = ExactDeep(m).moments
    for found, s in zip(means, all_of.layers, strict=True):
        assert found.numpy() == pytest.approx(all_of.p @ s, rel=1e-10, abs=1e-12)
    for k, (found, w) in enumerate(zip(products, m.weights, strict=True)):
        if isinstance(w, Dense):
            want = np.einsum("n,ni,nj->ij", all_of.p, all_of.layers[k], all_of.layers[k + 1])
            assert found.numpy() == pytest.approx(want, rel=1e-10, abs=1e-12)
    for k, w in enumerate(m.weights):  # and slopes of ln Z, which hold for all kinds
        number = w.parameter.data.view(-1)
        slopes = []
        for sign in (1, -2):
            number[0] += sign * 1e-5
            slopes.append(table(m).log_partition)
        number[0] += 1e-5
        assert float(products[k].reshape(-1)[0]) == pytest.approx((slopes[0] - slopes[1]) / 2e-5, rel=1e-6)


def test_a_real_visible_layer_integrates_to_the_same() -> None:
    """ln Z and ln P(v) by quadrature over the visible layer and sums over the others."""
    m = deep("gaussian").double()
    grid = np.linspace(-12, 12, 12_001)
    h, g = states(m.layers[1]), states(m.layers[2])
    a, b, c = (bias.detach().numpy() for bias in m.biases)
    W, V = (w.parameter.detach().numpy() for w in m.weights)
    inside = ((h @ b)[:, None] + h @ V @ g.T + (g @ c)[None]).ravel()
    pull = np.repeat(h @ W[0], len(g))
    log_p = np.logaddexp.reduce(inside[None] + grid[:, None] * (pull + a)[None], 1) - grid**2 / 1.2
    log_z = float(np.logaddexp.reduce(log_p)) + math.log(grid[1] - grid[0])
    exact = ExactDeep(m)
    assert exact.log_partition == pytest.approx(log_z, rel=1e-9)
    some = torch.tensor([[-1.0], [0.5], [2.0]])
    want = log_p[np.searchsorted(grid, some[:, 0].numpy() - 1e-9)] - log_z
    assert exact.log_likelihood(some).numpy() == pytest.approx(want, rel=1e-8)


@by_kind
def test_gibbs_chains_leave_the_distribution_as_it_is(kind: str) -> None:
    """Drawn from the exact distribution of all layers and moved: χ² at a false alarm of 1e-6."""
    m, n = deep(kind), 40_000
    all_of, generator = table(m), torch.Generator().manual_seed(3)
    start = torch.multinomial(torch.from_numpy(all_of.p), n, replacement=True, generator=generator).numpy()
    found = m.gibbs([rows(s[start], m.biases[0]) for s in all_of.layers], 2, generator)
    key = {row.tobytes(): k for k, row in enumerate(np.concatenate(all_of.layers, 1).astype(np.float32))}
    counts = np.bincount([key[row.tobytes()] for row in torch.cat(found, 1).numpy()], minlength=len(all_of.p))
    expected = n * all_of.p
    used = expected > 5
    observed = np.append(counts[used], counts[~used].sum())
    awaited = np.append(expected[used], expected[~used].sum())
    keep = awaited > 0
    distance = ((observed - awaited)[keep] ** 2 / awaited[keep]).sum()
    assert chi2.sf(distance, keep.sum() - 1) > 1e-6


# -- mean field -------------------------------------------------------------------------------------

TIGHT = Relaxation(tolerance=1e-12, most=5000)


@by_kind
@pytest.mark.parametrize("damping", [0.0, 0.6])
def test_the_bound_is_that_of_the_product_that_mean_field_finds(kind: str, damping: float) -> None:
    """E_q[ln P(v, h) − ln q(h)] term by term over the table; below ln P(v) for every row; at rest at a maximum."""
    m = deep(kind).double()
    all_of, v = table(m), states(m.visible)
    found = mean_field(m, rows(v, m.biases[0]), Relaxation(damping, tolerance=1e-12, most=5000))
    assert found.convergence is Convergence.CONVERGED
    bound = unnormalised_bound(m, rows(v, m.biases[0]), found).detach().numpy() - all_of.log_partition
    for i, row in enumerate(v):
        chosen = (all_of.layers[0] == row).all(1)
        log_q = np.zeros(chosen.sum())
        for units, x, s in zip(m.layers[1:], found.fields, all_of.layers[1:], strict=True):
            norm = np.logaddexp.reduce(states(units) @ x[i].numpy())
            log_q += s[chosen] @ x[i].numpy() - norm
        term = np.exp(log_q) @ (all_of.minus[chosen] - all_of.log_partition - log_q)
        assert bound[i] == pytest.approx(term, rel=1e-9)
        exact = all_of.log_likelihood(row)
        if kind == "shallow":
            assert bound[i] == pytest.approx(exact, rel=1e-10)
        else:
            assert bound[i] < exact


def test_mean_field_is_exact_where_upper_weights_couple_nothing() -> None:
    m = deep("five").double()
    for w in m.weights[1:]:
        w.parameter.data.zero_()
    v = rows(states(m.visible), m.biases[0])
    bound = unnormalised_bound(m, v, mean_field(m, v, TIGHT)) - ExactDeep(m).log_partition
    assert torch.allclose(bound, ExactDeep(m).log_likelihood(v), rtol=1e-10)


@by_kind
def test_every_step_raises_the_bound(kind: str) -> None:
    for seed, damping in itertools.product(range(6), (0.0, 0.5)):
        m = deep(kind, scale=3.0, seed=seed).double()
        v, last = rows(states(m.visible), m.biases[0]), None
        for most in range(1, 12):
            found = mean_field(m, v, Relaxation(damping, tolerance=1e-300, most=most))
            bound = unnormalised_bound(m, v, found)
            assert last is None or bool((bound > last - 1e-10).all())
            last = bound


def test_damping_is_what_is_left_of_the_last_fields() -> None:
    """One iteration by hand, from a way up that feels the layer below twice."""
    m = deep("binary").double()
    v = rows(states(m.visible), m.biases[0])
    W, V = (w.parameter.detach() for w in m.weights)
    _, b, c = (bias.detach() for bias in m.biases)
    first = 2 * v @ W + b
    second = torch.sigmoid(first) @ V + c
    x = 0.75 * (v @ W + b + torch.sigmoid(second) @ V.t()) + 0.25 * first
    y = 0.75 * (torch.sigmoid(x) @ V + c) + 0.25 * second
    found = mean_field(m, v, Relaxation(damping=0.25, most=1))
    assert torch.allclose(found.fields[0], x, rtol=1e-12)
    assert torch.allclose(found.fields[1], y, rtol=1e-12)
    assert torch.equal(found.means[1], torch.sigmoid(found.fields[1]))
    change = max(
        float((torch.sigmoid(new) - torch.sigmoid(old)).abs().max()) for new, old in ((x, first), (y, second))
    )
    assert found.change == pytest.approx(change)


def test_a_mean_field_that_is_not_at_rest_says_so() -> None:
    m = deep("five", scale=2.0)
    found = mean_field(m, torch.ones(1, 3), Relaxation(tolerance=1e-9, most=2))
    assert found.convergence is Convergence.ITERATION_LIMIT
    assert found.iterations == 2
    assert found.change > 1e-9
    whole = mean_field(m, torch.ones(1, 3), Relaxation(tolerance=1e-5, most=2000))
    assert whole.convergence is Convergence.CONVERGED
    assert whole.iterations > 2
    assert whole.change <= 1e-5


# -- one hidden layer, and what cannot be -----------------------------------------------------------


def test_one_hidden_layer_is_a_restricted_machine() -> None:
    m = deep("shallow").double()
    r = RestrictedBoltzmannMachine(4, 3, dtype=torch.float64)
    r.weights.parameter.data = m.weights[0].parameter.data
    r.visible_bias.data, r.hidden_bias.data = (b.data for b in m.biases)
    v, h = (rows(states(units), m.biases[0]) for units in m.layers)
    assert torch.allclose(m.energy([v[:8], h]), r.energy(v[:8], h), rtol=1e-12)
    assert ExactDeep(m).log_partition == pytest.approx(Exact(r).log_partition, rel=1e-13)
    assert torch.allclose(ExactDeep(m).log_likelihood(v), Exact(r).log_likelihood(v), rtol=1e-12)
    bound = unnormalised_bound(m, v, mean_field(m, v))
    assert torch.allclose(bound, -r.free_energy(v), rtol=1e-12)


def test_the_start_is_that_of_independent_units_with_the_means_of_data() -> None:
    data = (torch.rand(500, 4, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    m = DeepBoltzmannMachine(4, 3, 2)
    m.initialise(seed=0, scale=0.0, data=data)
    assert torch.allclose(ExactDeep(m).moments[0][0].float(), data.mean(0), atol=1e-6)
    one, two, other = (DeepBoltzmannMachine(4, 3, 2) for _ in range(3))
    for made, seed in ((one, 0), (two, 0), (other, 1)):
        made.initialise(seed=seed)
    assert torch.equal(one.weights[1].parameter, two.weights[1].parameter)
    assert not torch.equal(one.weights[1].parameter, other.weights[1].parameter)


BAD = {
    "no hidden layer": (lambda: DeepBoltzmannMachine(4), "one hidden layer at least, but got 1 in all"),
    "no layer": (lambda: DeepBoltzmannMachine(), "but got 0 in all"),
    "no unit": (lambda: DeepBoltzmannMachine(4, 0), "a layer of one unit or more"),
    "weights": (
        lambda: DeepBoltzmannMachine(4, 3, 2, weights=[Dense(4, 3), Dense(4, 2)]),
        "neighbours of 4, 3, 2 numbers, but got weights between 4 and 3, 4 and 2",
    ),
    "too few weights": (
        lambda: DeepBoltzmannMachine(4, 3, 2, weights=[Dense(4, 3)]),
        "neighbours of 4, 3, 2",
    ),
    "no weights": (lambda: DeepBoltzmannMachine(4, 3, weights=[]), "but got no weights"),
    "large": (lambda: ExactDeep(DeepBoltzmannMachine(30, 30, 30)), r"no more than 2\^24 configurations"),
    "real": (lambda: ExactDeep(DeepBoltzmannMachine(Gaussian(2), Gaussian(2))), "a continuum in both"),
    "damping": (lambda: Relaxation(damping=1.0), "a damping from 0 to below 1"),
    "tolerance": (lambda: Relaxation(tolerance=math.nan), "a tolerance above 0"),
    "iterations": (lambda: Relaxation(most=0), "one iteration or more"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case: str) -> None:
    work, message = BAD[case]
    with pytest.raises(InputError, match=message):
        work()
