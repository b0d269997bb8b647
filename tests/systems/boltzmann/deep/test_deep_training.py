"""Gradients of deep machines against slopes of the bound, learning against known distributions, ln Z by annealing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from exact.deep_states import FINITE, deep, rows, states, table
from lensmaker.core import Convergence, InputError
from lensmaker.systems.boltzmann import Gaussian, Potts, Rectified, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.deep import (
    DEEP_PHASES,
    DeepBeliefNetwork,
    DeepBoltzmannMachine,
    DeepLearner,
    DeepMonitor,
    DeepTraining,
    ExactDeep,
    ExactDeepMoments,
    PersistentChains,
    Relaxation,
    deep_log_partition,
    fit_deep,
    fit_stack,
    mean_field,
    mean_field_bound,
    unnormalised_bound,
)
from lensmaker.systems.boltzmann.phases import ExactMoments
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Schedule, Training
from lensmaker.systems.boltzmann.training.monitor import pseudo_likelihoods

TIGHT = Relaxation(tolerance=1e-13, most=5000)
by_kind = pytest.mark.parametrize("kind", FINITE)


def some_data(m: DeepBoltzmannMachine, n: int = 20) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return m.visible.sample(
        torch.randn(m.visible.size, generator=generator).to(m.biases[0].dtype).expand(n, -1), generator
    )


def mean_bound(m: DeepBoltzmannMachine, data: Tensor) -> float:
    """With ln Z from the table of all configurations."""
    bound = unnormalised_bound(m, data, mean_field(m, data, TIGHT))
    return float(bound.detach().mean()) - table(m).log_partition


def learner_of(m: DeepBoltzmannMachine, rule: Rule | None = None) -> DeepLearner:
    return DeepLearner(m, ExactDeepMoments(), rule or Rule(), TIGHT, torch.Generator().manual_seed(0), 1)


@by_kind
def test_the_exact_update_is_the_slope_of_the_bound(kind: str) -> None:
    """Entry by entry, by differences of the bound over relaxed mean fields."""
    m = deep(kind, scale=0.4).double()
    data = some_data(m)
    slope = learner_of(m)._slope(data)
    for parameters, parts in ((m.biases, slope.layers), ([w.parameter for w in m.weights], slope.weights)):
        for parameter, part in zip(parameters, parts, strict=True):
            if not parameter.requires_grad:
                continue
            tied = kind == "convolutional" and parameter.ndim == 1 and len(parameter) == 4
            number, found = parameter.data.view(-1), part.reshape(-1)
            for i in range(0, len(number), 4 if tied else max(1, len(number) // 3)):
                where = slice(None) if tied else slice(i, i + 1)
                values = []
                for step in (1e-4, -2e-4):
                    number[where] += step
                    values.append(mean_bound(m, data))
                number[where] += 1e-4
                assert float(found[i]) == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("kind", [kind for kind in FINITE if kind != "unbiased"])
def test_a_centred_update_raises_the_bound_as_well(kind: str) -> None:
    m = deep(kind, scale=0.4).double()
    data = some_data(m)
    before = mean_bound(m, data)
    learner_of(m, Rule(centering=True)).update(data, 1e-3)
    assert mean_bound(m, data) > before


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_centred_learning_does_not_know_what_the_states_are_called(layer: int) -> None:
    """0 and 1 of a layer exchanged, with the parameters that this asks for: the machines stay each other's mirror."""
    data = some_data(deep("binary").double(), 100)
    one, two = deep("binary").double(), deep("binary").double()
    two.biases[layer].data.neg_()
    for k, w in enumerate(one.weights):
        if layer in (k, k + 1):
            W = w.parameter.data
            two.weights[k].parameter.data.neg_()
            two.biases[k + 1 if layer == k else k].data += W.sum(0 if layer == k else 1)
    mirrored = 1 - data if layer == 0 else data
    assert torch.allclose(ExactDeep(one).log_likelihood(data), ExactDeep(two).log_likelihood(mirrored))
    for m, seen in ((one, data), (two, mirrored)):
        learner = learner_of(m, Rule(centering=True, slide=1.0))
        for _ in range(10):
            learner.update(seen, 0.2)
    found = ExactDeep(one).log_likelihood(data), ExactDeep(two).log_likelihood(mirrored)
    assert torch.allclose(*found, rtol=1e-8)


@pytest.mark.parametrize("centering", [False, True])
def test_one_hidden_layer_learns_as_a_restricted_machine(centering: bool) -> None:
    m = deep("shallow").double()
    r = RestrictedBoltzmannMachine(4, 3, dtype=torch.float64)
    r.weights.parameter.data = m.weights[0].parameter.data.clone()
    r.visible_bias.data, r.hidden_bias.data = (b.data.clone() for b in m.biases)
    data, rule = some_data(m), Rule(momentum=0.5, l1=0.01, l2=0.02, centering=centering)
    deep_one = learner_of(m, rule)
    other = RestrictedLearner(r, ExactMoments(), rule, torch.Generator().manual_seed(0), len(data))
    for _ in range(3):
        deep_one.update(data, 0.1)
        other.update(data, 0.1)
    assert torch.allclose(m.weights[0].parameter, r.weights.parameter, rtol=1e-12)
    assert torch.allclose(m.biases[0], r.visible_bias, rtol=1e-12)
    assert torch.allclose(m.biases[1], r.hidden_bias, rtol=1e-12)


@by_kind
def test_long_chains_estimate_the_moments_of_the_model(kind: str) -> None:
    """Each entry within 5 standard errors of 40,000 chains, with the variance of the table: a false alarm of 1e-4."""
    m, n = deep(kind, scale=0.5), 40_000
    all_of = table(m)
    phase = PersistentChains(steps=30, chains=n)
    learner = DeepLearner(m, phase, Rule(), TIGHT, torch.Generator().manual_seed(1), 1)
    found = [torch.zeros_like(b) for b in m.biases], [torch.zeros_like(w.parameter) for w in m.weights]
    with torch.no_grad():
        model = phase.rows(m, learner.chains, learner.generator)
        type(learner.change)(*found).add_rows_(m, model, -1 / n)
    for part, s in zip(found[0], all_of.layers, strict=True):
        mean = all_of.p @ s
        spread = np.sqrt(all_of.p @ s**2 - mean**2) + 1e-3
        assert (np.abs(-part.numpy() - mean) < 5 * spread / math.sqrt(n)).all()
    if kind == "convolutional":
        return
    for k, part in enumerate(found[1]):
        products = all_of.layers[k][:, :, None] * all_of.layers[k + 1][:, None, :]
        mean = np.einsum("n,nij->ij", all_of.p, products)
        spread = np.sqrt(np.einsum("n,nij->ij", all_of.p, products**2) - mean**2) + 1e-3
        assert (np.abs(-part.numpy() - mean) < 5 * spread / math.sqrt(n)).all()


def test_chains_go_on_where_they_were() -> None:
    m, generator = deep("mixed"), torch.Generator().manual_seed(0)
    phase = PersistentChains(steps=3, chains=7)
    state = phase.start(m, 1, generator)
    for _ in range(2):
        before, same = [state[str(k)].clone() for k in range(4)], torch.Generator()
        same.set_state(generator.get_state())
        with torch.no_grad():
            phase.rows(m, state, generator)
        for k, s in enumerate(m.gibbs(before, 3, same)):
            assert torch.equal(state[str(k)], s)


def bars() -> Tensor:
    """Bars of 3 × 3, fourteen patterns."""
    patterns = {tuple(np.repeat([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    patterns |= {tuple(np.tile([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    return torch.tensor(sorted(patterns), dtype=torch.float32)


TEACHING = DeepTraining(
    epochs=800,
    batch=14,
    learning_rate=Schedule(0.3, 0.02),
    phase=PersistentChains(chains=100, steps=3),
    rule=Rule(momentum=0.5, centering=True),
)


def test_a_deep_machine_learns_the_distribution_of_bars() -> None:
    """The exact likelihood comes near that of the data, −ln 14 = −2.64, from −6.3."""
    data, m = bars(), DeepBoltzmannMachine(9, 10, 6)
    m.initialise(seed=1, scale=0.1, data=data)
    start = float(ExactDeep(m).log_likelihood(data).mean())
    history = fit_deep(m, data, TEACHING)
    exact = ExactDeep(m)
    end = float(exact.log_likelihood(data).mean())
    print(start, end)
    assert end > -3.5
    assert start < -5
    assert history.reason == "all epochs are done"
    bound = mean_field_bound(m, data, exact.log_partition)
    assert start < bound.value < end
    assert bound.error == 0
    found = deep_log_partition(m, seed=0, runs=64, steps=300, data=data)
    assert found.convergence is Convergence.CONVERGED
    assert abs(found.value - exact.log_partition) < 4 * found.error


@pytest.mark.parametrize("visible", [Gaussian(4, variance=0.5), Potts(2, q=3)], ids=["gaussian", "potts"])
def test_other_visible_units_learn(visible: Gaussian | Potts) -> None:
    """The exact likelihood of two clusters rises."""
    generator = torch.Generator().manual_seed(0)
    side = 2.0 * (torch.rand(200, 1, generator=generator) < 0.5).float() - 1
    data = visible.sample(
        side * 2.5 * torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])[: visible.size], generator
    )
    m = DeepBoltzmannMachine(visible, Spin(4), 3)
    m.initialise(seed=0, scale=0.1, data=data)
    start = float(ExactDeep(m).log_likelihood(data[:50]).mean())
    fit_deep(m, data, DeepTraining(epochs=60, batch=50, learning_rate=0.05))
    assert float(ExactDeep(m).log_likelihood(data[:50]).mean()) > start + 0.4


# -- interrupted, diverged, judged ------------------------------------------------------------------

DATA = (torch.rand(200, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()


def fresh() -> DeepBoltzmannMachine:
    """With weights so strong that chains remember where they were."""
    m = DeepBoltzmannMachine(6, 5, 4)
    m.initialise(seed=0, scale=1.0, data=DATA)
    return m


def alike(one: DeepBoltzmannMachine, other: DeepBoltzmannMachine) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_an_interrupted_training_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, phase = Rule(momentum=0.5, centering=True), PersistentChains(steps=1)
    training = DeepTraining(epochs=5, batch=9, rule=rule, phase=phase, seed=3)
    whole, path = fresh(), tmp_path / "m.safetensors"
    lines = str(fit_deep(whole, DATA, training, held_out=DATA[:50]).rows())
    real, calls = DeepLearner.update, iter(range(10**6))

    def cut(self: DeepLearner, v: Tensor, rate: float) -> None:
        if next(calls) == 70:
            raise KeyboardInterrupt
        real(self, v, rate)

    monkeypatch.setattr(DeepLearner, "update", cut)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        fit_deep(fresh(), DATA, training, held_out=DATA[:50], path=path)
    monkeypatch.setattr(DeepLearner, "update", real)
    again = fresh()
    assert str(fit_deep(again, DATA, training, held_out=DATA[:50], path=path).rows()) == lines
    assert alike(again, whole)
    with pytest.raises(InputError, match="of another machine, data or option"):
        fit_deep(fresh(), DATA, DeepTraining(epochs=6), path=path)


def test_a_training_that_runs_away_is_caught() -> None:
    data = 1e3 * torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    m = DeepBoltzmannMachine(Gaussian(6), Gaussian(4), Gaussian(3))
    m.initialise(seed=0, scale=0.1)
    history = fit_deep(m, data, DeepTraining(epochs=20, batch=20, learning_rate=10.0))
    assert history.diverged
    assert all(bool(torch.isfinite(p).all()) for p in m.parameters())


def test_it_stops_when_nothing_gets_better() -> None:
    training = DeepTraining(epochs=400, batch=50, learning_rate=0.05, patience=4)
    history = fit_deep(fresh(), DATA, training, held_out=DATA[:100])
    assert "no better pseudo-likelihood since epoch" in history.reason


@pytest.mark.parametrize("kind", ["shallow", "unbiased"])
def test_pseudo_likelihoods_of_the_monitor(kind: str) -> None:
    """Of one hidden layer those of the restricted machine; of several, with bounds, near the exact ones."""
    m = deep(kind).double()
    v = rows(states(m.visible), m.biases[0])
    monitor = DeepMonitor(m, v, None, TIGHT, seed=0)
    found = monitor._pseudo_likelihood(v, monitor._bounds(v), torch.Generator().manual_seed(0))
    unit = torch.randint(v.shape[1], (len(v), 1), generator=torch.Generator().manual_seed(0))
    other = v.scatter(1, unit, sum(m.visible.states) - v.gather(1, unit))
    exact = ExactDeep(m)
    gain = exact.log_likelihood(v) - exact.log_likelihood(other)
    want = v.shape[1] * torch.nn.functional.logsigmoid(gain).mean()
    assert found == pytest.approx(float(want), rel=1e-10 if kind == "shallow" else 0.1)
    if kind == "shallow":
        r = RestrictedBoltzmannMachine(4, 3, dtype=torch.float64)
        r.weights.parameter.data = m.weights[0].parameter.data
        r.visible_bias.data, r.hidden_bias.data = (b.data for b in m.biases)
        same = pseudo_likelihoods(r, v, torch.Generator().manual_seed(0)).mean()
        assert found == pytest.approx(float(same), rel=1e-12)


def test_the_monitor_says_how_far_the_mean_fields_came() -> None:
    m = deep("five", scale=2.0)
    monitor = DeepMonitor(m, torch.ones(1, 3), torch.zeros(1, 3), Relaxation(tolerance=1e-9, most=2), seed=0)
    reading = monitor.read(1, 1)
    assert reading.iterations == 2
    assert reading.change > 1e-9
    bounds = [
        mean_field_bound(m, v, 0.0, Relaxation(tolerance=1e-9, most=2))
        for v in (torch.ones(1, 3), torch.zeros(1, 3))
    ]
    assert reading.bound_gap == pytest.approx(bounds[0].value - bounds[1].value, rel=1e-5)
    assert bounds[0].convergence is Convergence.ITERATION_LIMIT
    assert "raise the limit" in str(bounds[0])


# -- ln Z -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*FINITE, "gaussian"])
def test_annealing_agrees_with_enumeration(kind: str) -> None:
    """Nine numbers at |z| < 4, a false alarm of 6e-4."""
    m = deep(kind)
    found = deep_log_partition(m, seed=0, runs=128, steps=200, data=some_data(m))
    exact = ExactDeep(m).log_partition
    assert found.convergence is Convergence.CONVERGED
    assert abs(found.value - exact) < 4 * found.error + 1e-5
    assert found.error < 0.1
    bound = mean_field_bound(m, some_data(m), found)
    assert bound.error == found.error
    assert bound.value < float(ExactDeep(m).log_likelihood(some_data(m)).mean()) + 4 * found.error + 1e-5


def test_rectified_units_are_annealed_and_learn() -> None:
    """By |z| < 4 against sums over the binary layer between; the unnormalised bound below the exact likelihood."""
    m = DeepBoltzmannMachine(5, 4, Rectified(3))
    m.initialise(seed=0, scale=0.3)
    data = (torch.rand(60, 5, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    fit_deep(m, data, DeepTraining(epochs=5, batch=20))
    found, exact = deep_log_partition(m, seed=0, runs=64, steps=100, data=data), ExactDeep(m)
    assert abs(found.value - exact.log_partition) < 4 * found.error
    bound = mean_field_bound(m, data, exact.log_partition)
    below = exact.log_likelihood(data) - bound.rows
    assert bool((below > -1e-5).all())
    assert float(below.max()) > 0


def test_the_way_down_can_start_from_chains() -> None:
    m = deep("mixed")
    generator = torch.Generator().manual_seed(0)
    chains = m.gibbs(m.random(200, generator), 50, generator)
    found = deep_log_partition(m, seed=0, runs=100, steps=100, samples=chains)
    assert abs(found.value - ExactDeep(m).log_partition) < 4 * found.error


BAD = {
    "another unit": (lambda: fit_deep(fresh(), DATA * 0.5), "data of 0, 1, but got 0.5"),
    "not finite": (lambda: fit_deep(fresh(), DATA.clone().fill_(math.nan)), "not finite in row 0"),
    "width": (lambda: fit_deep(fresh(), DATA[:, :5]), "data of 6 numbers a row"),
    "width of a bound": (lambda: mean_field_bound(fresh(), DATA[:, :5], 0.0), "data of 6 numbers a row"),
    "width of data": (lambda: deep_log_partition(fresh(), seed=0, data=DATA[:, :5]), "data of 6 numbers"),
    "runs": (lambda: deep_log_partition(fresh(), seed=0, runs=1), "two runs and one step"),
    "steps": (lambda: PersistentChains(steps=0), "one sweep or more"),
    "chains": (lambda: PersistentChains(chains=0), "one chain or more"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case: str) -> None:
    work, message = BAD[case]
    with pytest.raises(InputError, match=message):
        work()


def test_every_estimator_says_what_it_is_off_by() -> None:
    assert len({p.name for p in DEEP_PHASES}) == len(DEEP_PHASES) == 2
    assert all(p.bias and p.references for p in DEEP_PHASES)


def test_layers_of_rectified_units_stack() -> None:
    network = DeepBeliefNetwork.of_layers(6, Rectified(4), 3)
    histories = fit_stack(network, DATA, Training(epochs=3, batch=20, learning_rate=0.01))
    assert [h.reason for h in histories] == ["all epochs are done"] * 2
    assert all(bool(p.isfinite().all()) for p in network.parameters())


def test_patience_without_a_score_is_refused() -> None:
    machine = DeepBoltzmannMachine(Gaussian(6), 3)
    with pytest.raises(InputError, match="patience with a score to judge by"):
        fit_deep(machine, DATA, DeepTraining(epochs=3, patience=1))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (DATA * math.nan, "not finite"),
        (2 * DATA - 1, "means from 0 to 1"),
        (DATA[:, :5], "data of 6 numbers"),
    ],
)
def test_a_deep_machine_does_not_start_from_what_does_not_fit(data: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DeepBoltzmannMachine(6, 3).initialise(seed=0, data=data)


@pytest.mark.parametrize("rows", [DATA.double(), DATA.bool()])
def test_a_bound_takes_any_kind_of_numbers(rows: torch.Tensor) -> None:
    machine = DeepBoltzmannMachine(6, 3)
    assert mean_field_bound(machine, rows, 0.0).value == mean_field_bound(machine, DATA, 0.0).value
