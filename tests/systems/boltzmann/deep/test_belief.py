"""Deep belief networks against tables of all their configurations: likelihoods, samples and both gradients."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from exact.belief_states import LAYERS, BeliefTable, belief, dreams, table
from exact.deep_states import Array, states
from lensmaker.core import Convergence, InputError
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann import Exact, Gaussian, Potts, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.deep import (
    TUNINGS,
    BeliefLearner,
    BeliefMonitor,
    DeepBeliefNetwork,
    FineTuning,
    Given,
    Tuning,
    UpDown,
    WakeSleep,
    fine_tune,
    fit_stack,
    importance_estimate,
    variational_bound,
)
from lensmaker.systems.boltzmann.deep.stack import lifted
from lensmaker.systems.boltzmann.likelihood import log_partition
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Schedule, Training
from lensmaker.systems.boltzmann.training.rows import rows_of

by_kind = pytest.mark.parametrize("kind", LAYERS)
PARTS = ("visible_bias", "hidden_bias", "weights.parameter")


# -- likelihoods ------------------------------------------------------------------------------------


@by_kind
@pytest.mark.parametrize("untied", [False, True])
def test_bound_and_estimate_against_the_table(kind: str, untied: bool) -> None:
    """The mean over all visible states at |z| < 5, both; the exact bound below the exact likelihood for each.

    Couplings are such that the way up is not far off: weights of a relative variance of some hundreds, as of spins at
    0.4 already, have no error to speak of.
    """
    network = belief(kind, scale=0.5 if kind in ("binary", "potts", "single") else 0.2, untied=untied)
    all_of, v = table(network), torch.from_numpy(states(network.visible))
    exact, bound = all_of.log_likelihood(), all_of.bound()
    assert np.exp(exact).sum() == pytest.approx(1, rel=1e-12)
    log_z = Exact(network.top).log_partition
    found = variational_bound(network, v, log_z, seed=0, samples=1000)
    guess = importance_estimate(network, v, log_z, seed=1, samples=1000)
    if kind == "single":
        assert bound == pytest.approx(exact, rel=1e-10)
        assert max(found.error, guess.error) < 1e-10
        assert found.rows.numpy() == pytest.approx(exact, rel=1e-10)
        assert guess.rows.numpy() == pytest.approx(exact, rel=1e-10)
        return
    assert (bound < exact).all()
    assert 0 < found.error < 0.04
    assert 0 < guess.error < 0.04
    assert abs(found.value - bound.mean()) < 5 * found.error
    assert abs(guess.value - exact.mean()) < 5 * guess.error
    assert found.value < exact.mean()
    assert guess.value > found.value
    assert guess.convergence is Convergence.CONVERGED
    assert str(found).startswith("ln P(v) ≥ ")


@pytest.mark.slow
def test_errors_are_standard_errors() -> None:
    """Of 400 with 40 samples: the spread is what each says, a false alarm of 1e-5; ln Z's error is added."""
    network = belief("binary", scale=0.3)
    v = torch.from_numpy(states(network.visible))[:5]
    for measure in (variational_bound, importance_estimate):
        found = [measure(network, v, 0.0, seed=s, samples=40) for s in range(400)]
        ratio = np.var([f.value for f in found], ddof=1) / np.mean([f.error**2 for f in found])
        assert chi2.ppf(1e-5, 399) / 399 < ratio < chi2.ppf(1 - 1e-5, 399) / 399
    annealed = log_partition(network.top, seed=0, runs=16, steps=3)
    both = variational_bound(network, v, annealed, seed=0, samples=20)
    alone = variational_bound(network, v, annealed.value, seed=0, samples=20)
    assert both.error**2 == pytest.approx(alone.error**2 + annealed.error**2)
    assert both.convergence is annealed.convergence
    assert alone.convergence is Convergence.CONVERGED


def test_few_samples_are_too_low_in_the_mean() -> None:
    network = belief("binary", scale=2.0)
    v = torch.from_numpy(states(network.visible))
    exact = table(network).log_likelihood().mean()
    log_z = Exact(network.top).log_partition
    few, more = (
        np.mean([importance_estimate(network, v, log_z, seed=s, samples=n).value for s in range(40)])
        for n in (2, 50)
    )
    assert few < more < exact
    found = importance_estimate(belief("spin", scale=2.0), torch.ones(1, 3).double(), 0.0, seed=0, samples=50)
    assert found.convergence is Convergence.UNEVEN
    assert "take more of them" in str(found)


# -- samples ----------------------------------------------------------------------------------------


def distance(counts: Array, expected: Array) -> float:
    """Chance of so large a χ²."""
    used = expected > 5
    observed, awaited = (
        np.append(counts[used], counts[~used].sum()),
        np.append(expected[used], expected[~used].sum()),
    )
    keep = awaited > 0
    return float(chi2.sf(((observed - awaited)[keep] ** 2 / awaited[keep]).sum(), keep.sum() - 1))


def visible_counts(network: DeepBeliefNetwork, v: torch.Tensor) -> Array:
    own = states(network.visible)
    key = {row.tobytes(): k for k, row in enumerate(own)}
    return np.bincount([key[row.tobytes()] for row in v.double().numpy()], minlength=len(own))


@by_kind
def test_samples_are_of_the_network(kind: str) -> None:
    """From the exact top machine moved and brought down, and by long chains: two tests of χ² at 1e-6."""
    network, n = belief(kind), 30_000
    p = np.exp(table(network).log_likelihood())
    generator = torch.Generator().manual_seed(3)
    s = torch.from_numpy(states(network.top.visible))
    start = s[torch.multinomial(Exact(network.top).log_likelihood(s).exp(), n, True, generator=generator)]
    moved = network.down(network.top.gibbs(start, 2, generator), generator)[0]
    assert distance(visible_counts(network, moved), n * p) > 1e-6
    drawn = network.sample(n, generator, sweeps=100)
    assert distance(visible_counts(network, drawn), n * p) > 1e-6


def test_samples_can_start_from_data() -> None:
    network = belief("binary")
    v = torch.from_numpy(states(network.visible))
    one, two = (network.sample(9, torch.Generator().manual_seed(0), sweeps=2, start=v) for _ in range(2))
    assert one.shape == v.shape
    assert torch.equal(one, two)


def test_the_way_up_in_means() -> None:
    network = belief("mixed")
    v = torch.from_numpy(states(network.visible))
    first, second, third = network.encode(v)
    below = v.numpy() @ network.upwards(0).parameter.detach().numpy()
    want = np.tanh(below + network.stack[0].hidden_bias.detach().numpy())
    assert first.numpy() == pytest.approx(want, rel=1e-12)
    below = want @ network.upwards(1).parameter.detach().numpy()
    want = 1 / (1 + np.exp(-below - network.stack[1].hidden_bias.detach().numpy()))
    assert second.numpy() == pytest.approx(want, rel=1e-12)
    below = want @ network.top.weights.parameter.detach().numpy()
    assert third.numpy() == pytest.approx(np.tanh(below + network.top.hidden_bias.detach().numpy()))


# -- gradients --------------------------------------------------------------------------------------


def expected_slopes(network: DeepBeliefNetwork, data: Array, sweeps: int | None) -> dict[str, Array]:
    """By differences of E_awake[ln P(v, h)] and of E_dreams[ln q(h|v)], both distributions held as they are.

    Of the top machine, the moments awake less those of the dreams; without end, that is a slope of the first as well.
    """
    first = table(network)
    awake = data[first.at[0]] * np.exp(first.log_q)
    asleep = dreams(network, data, sweeps)
    top = f"machines.{len(network.stack) - 1}."
    found = {}
    for name, parameter in network.named_parameters():
        number, slopes = parameter.data.view(-1), []
        recognises = name.startswith("recognition") or name.endswith("hidden_bias")
        for i in range(len(number)):
            values = []
            for step in (1e-5, -2e-5):
                number[i] += step
                moved = table(network)
                if name.startswith(top):  # an energy alone: differences of −E
                    values.append((awake - asleep) @ moved.log_p)
                else:
                    values.append(asleep @ moved.log_q if recognises else awake @ moved.log_p)
            number[i] += 1e-5
            slopes.append((values[0] - values[1]) / 2e-5)
        found[name] = np.array(slopes)
        if name.startswith(top) and sweeps is None:  # the slope of ln P itself, ln Z with it
            for i in range(len(number)):
                number[i] += 1e-5
                high = awake @ table(network).log_p
                number[i] -= 2e-5
                low = awake @ table(network).log_p
                number[i] += 1e-5
                assert (high - low) / 2e-5 == pytest.approx(slopes[i], rel=1e-5, abs=1e-8)
    return found


@by_kind
@pytest.mark.parametrize(
    ("tuning", "sweeps"),
    [(WakeSleep(steps=12, chains=1200), None), (UpDown(steps=2), 2), (UpDown(steps=1), 1)],
    ids=["wake-sleep", "up-down", "up-down of one sweep"],
)
def test_slopes_awake_and_asleep(kind: str, tuning: Tuning, sweeps: int | None) -> None:
    """Each entry over sixty batches of 1,500 rows at |t| < 5.5: a false alarm of 1e-6 each, 5e-4 in all."""
    network = belief(kind, scale=0.6)
    v = torch.from_numpy(states(network.visible))
    data = np.random.default_rng(0).dirichlet(np.ones(len(v)))
    want = expected_slopes(network, data, sweeps)
    generator = torch.Generator().manual_seed(4)
    learner = BeliefLearner(network, tuning, Rule(), generator, 1500)
    drawn: dict[str, list[Array]] = {name: [] for name in want}
    with torch.no_grad():
        learner._slope(v)  # chains settle
        for _ in range(60):
            rows = torch.multinomial(torch.from_numpy(data), 1500, True, generator=generator)
            for name, part in learner._slope(v[rows]).items():
                drawn[name].append(part.reshape(-1).numpy())
    for name, parts in drawn.items():
        error = np.std(parts, 0, ddof=1) / np.sqrt(len(parts))
        assert error.max() < 0.01
        assert (np.abs(np.mean(parts, 0) - want[name]) < 5.5 * error + 1e-9).all(), name


def test_one_machine_learns_as_a_restricted_one() -> None:
    """The same chains, the same numbers: bit for bit."""
    network = belief("single")
    other = RestrictedBoltzmannMachine(4, 3, dtype=torch.float64)
    other.load_state_dict(network.top.state_dict())
    data, rule = torch.from_numpy(states(network.visible)), Rule(momentum=0.3, l1=0.01, l2=0.02)
    tuning = WakeSleep(steps=2)
    learner = BeliefLearner(network, tuning, rule, torch.Generator().manual_seed(0), 16)
    same = RestrictedLearner(other, tuning.phase, rule, torch.Generator().manual_seed(0), 16)
    for _ in range(5):
        learner.update(data, 0.1)
        same.update(data, 0.1)
    for name, p in other.named_parameters():
        assert torch.allclose(p, network.top.get_parameter(name), rtol=1e-12), name


# -- learning ---------------------------------------------------------------------------------------


def bars() -> torch.Tensor:
    """Bars of 3 × 3, fourteen patterns."""
    patterns = {tuple(np.repeat([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    patterns |= {tuple(np.tile([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    return torch.tensor(sorted(patterns), dtype=torch.float32)


def likelihood_of_two(network: DeepBeliefNetwork, v: torch.Tensor) -> float:
    """Mean ln P(v) of a network of two machines, binary, by a sum over the layer between them."""
    low, top = network.stack
    s = states(top.visible)
    a, b = (p.detach().double().numpy() for p in (top.visible_bias, top.hidden_bias))
    log_s = s @ a + np.logaddexp(0, s @ top.weights.parameter.detach().double().numpy() + b).sum(1)
    log_s -= np.logaddexp.reduce(log_s)
    x = s @ low.weights.parameter.detach().double().numpy().T + low.visible_bias.detach().double().numpy()
    given = v.double().numpy() @ x.T - np.logaddexp(0, x).sum(1)[None]
    return float(np.logaddexp.reduce(given + log_s[None], 1).mean())


@pytest.mark.parametrize("tuning", [WakeSleep(steps=3, chains=100), UpDown(steps=5)], ids=lambda t: t.name)
def test_a_network_learns_the_distribution_of_bars(tuning: Tuning) -> None:
    """Greedily, and then as a whole: each raises the exact likelihood, towards −ln 14 = −2.64."""
    data, network = bars(), DeepBeliefNetwork.of_layers(9, 10, 8)
    rule = Rule(momentum=0.5, centering=True)
    fit_stack(
        network, data.repeat(10, 1), Training(epochs=60, batch=14, learning_rate=0.2, rule=rule), scale=0.1
    )
    greedy = likelihood_of_two(network, data)
    plan = FineTuning(epochs=60, batch=14, learning_rate=Schedule(0.05, 0.01), tuning=tuning)
    history = fine_tune(network, data.repeat(10, 1), plan)
    tuned = likelihood_of_two(network, data)
    print(greedy, tuned, history.readings[0].bound, history.readings[-1].bound)
    assert greedy > -5.5
    assert tuned > greedy + 0.1
    last = history.readings[-1]
    assert last.bound < tuned + 5 * last.bound_error
    assert last.bound > history.readings[0].bound


@pytest.mark.parametrize("visible", [Gaussian(4, variance=0.5), Potts(2, q=3)], ids=["gaussian", "potts"])
@pytest.mark.parametrize("given", Given)
def test_other_visible_units_learn(visible: Gaussian | Potts, given: Given) -> None:
    """The bound of two clusters rises, of ±1 units above too."""
    generator = torch.Generator().manual_seed(0)
    side = 2.0 * (torch.rand(200, 1, generator=generator) < 0.5).float() - 1
    data = visible.sample(side * 2.5 * torch.tensor([1.0, -1, 1, -1, 1, -1])[: visible.size], generator)
    network = DeepBeliefNetwork.of_layers(visible, Spin(4), 3)
    network.stack[0].initialise(seed=0, scale=0.01, data=data)
    start = BeliefMonitor(network, data, None, seed=0).read(0, 0)
    fit_stack(network, data, Training(epochs=40, batch=20, learning_rate=0.05), given=given)
    history = fine_tune(
        network, data, FineTuning(epochs=20, batch=20, learning_rate=0.02), held_out=data[:50]
    )
    last = history.readings[-1]
    assert last.bound > start.bound + 0.4
    assert last.held_out_bound == pytest.approx(last.bound, abs=0.5)
    assert last.reconstruction < start.reconstruction


# -- interrupted, and what cannot be ----------------------------------------------------------------

DATA = (torch.rand(150, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()
PLAN = Training(epochs=4, batch=9, rule=Rule(momentum=0.5, centering=True), seed=3)


def fresh() -> DeepBeliefNetwork:
    return DeepBeliefNetwork.of_layers(6, 5, 4, 3)


def alike(one: DeepBeliefNetwork, other: DeepBeliefNetwork) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("given", Given)
def test_what_lower_machines_make_of_a_table_of_one_block_is_made_once(given: Given) -> None:
    """And is what is made of a table of many blocks where nothing is left to chance."""
    lower, made = fresh().stack[:1], [0]
    lower[0].initialise(seed=0, scale=1.0)
    rows = lifted(rows_of(DATA), lower, given, seed=5)

    def counted(block: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        made[0] += 1
        return rows.through(block, generator)  # type: ignore[attr-defined]

    once = replace(rows, through=counted)
    epochs = [
        torch.cat([b.clone() for b in once.batches(9, seed=0, epoch=0, skip=0, like=torch.ones(1))])
        for _ in "abc"
    ]
    assert made[0] == 1
    assert torch.equal(epochs[0], epochs[2])
    assert torch.equal(
        once.read(0, len(once), torch.float32), rows.through(DATA, stream("rows lifted from 0", 5))
    )  # type: ignore[attr-defined]
    parts = replace(once, block=20, kept={})
    for _ in range(2):
        apart = torch.cat([block for _, block in parts.blocks(torch.float32)])
        if given is Given.MEANS:
            torch.testing.assert_close(apart, once.read(0, len(once), torch.float32))
    assert made[0] == 1 + 2 * -(-len(DATA) // 20)
    assert not parts.kept, "more than a block is never held"  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", Given)
@pytest.mark.parametrize(
    "at", [30, 68, 80, 136, 200], ids=["first", "between", "second", "end of it", "third"]
)
def test_a_stack_that_was_killed_goes_on_bit_for_bit(
    given: Given, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 × 17 updates a machine: in the middle of one, and between two."""
    whole = fresh()
    lines = str([h.rows() for h in fit_stack(whole, DATA, PLAN, given=given, held_out=DATA[:40])])
    real, calls = RestrictedLearner.update, iter(range(10**6))

    def cut(self: RestrictedLearner, v: torch.Tensor, rate: float) -> None:
        if next(calls) == at:
            raise KeyboardInterrupt
        real(self, v, rate)

    monkeypatch.setattr(RestrictedLearner, "update", cut)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        fit_stack(fresh(), DATA, PLAN, given=given, held_out=DATA[:40], folder=tmp_path)
    monkeypatch.setattr(RestrictedLearner, "update", real)
    again = fresh()
    histories = fit_stack(again, DATA, PLAN, given=given, held_out=DATA[:40], folder=tmp_path)
    assert str([h.rows() for h in histories]) == lines
    assert alike(again, whole)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"layer-{k}.safetensors" for k in range(3)]


@pytest.mark.parametrize("tuning", [WakeSleep(steps=1), UpDown()], ids=lambda t: t.name)
def test_a_fine_tuning_that_was_killed_goes_on_bit_for_bit(
    tuning: Tuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = FineTuning(epochs=4, batch=9, tuning=tuning, rule=Rule(momentum=0.5), seed=3)
    whole, part, again = fresh(), fresh(), fresh()
    for network in (whole, part, again):  # with weights so strong that chains remember where they were
        for k, machine in enumerate(network.stack):
            machine.initialise(seed=k, scale=1.5)
    lines = str(fine_tune(whole, DATA, plan, held_out=DATA[:40]).rows())
    real, calls, path = BeliefLearner.update, iter(range(10**6)), tmp_path / "n.safetensors"

    def cut(self: BeliefLearner, v: torch.Tensor, rate: float) -> None:
        if next(calls) == 40:
            raise KeyboardInterrupt
        real(self, v, rate)

    monkeypatch.setattr(BeliefLearner, "update", cut)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        fine_tune(part, DATA, plan, held_out=DATA[:40], path=path)
    monkeypatch.setattr(BeliefLearner, "update", real)
    assert str(fine_tune(again, DATA, plan, held_out=DATA[:40], path=path).rows()) == lines
    assert alike(again, whole)


def test_machines_above_see_means_or_samples_of_the_hidden_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 3,000 equal rows: means all alike, samples with these means, to five errors; the same at each reading."""
    from lensmaker.systems.boltzmann.deep.stack import lifted
    from lensmaker.systems.boltzmann.training import rows_of

    network = belief("binary", untied=False)
    data = torch.ones(3000, 4, dtype=torch.float64)
    want = network.encode(data[:1])[0]
    for given in Given:
        rows = lifted(rows_of(data), network.stack[:1], given, seed=0)
        seen = rows.read(0, 3000, torch.float64)
        assert torch.equal(seen, rows.read(0, 3000, torch.float64))
        assert (rows.size, len(rows)) == (3, 3000)
        if given is Given.MEANS:
            assert torch.allclose(seen, want.expand_as(seen))
        else:
            assert set(seen.unique().tolist()) == {0.0, 1.0}
            error = (want * (1 - want) / 3000).sqrt()
            assert bool(((seen.mean(0) - want).abs() < 5 * error).all())


def test_the_way_up_unties() -> None:
    network = DeepBeliefNetwork.of_layers(4, 3, 2)
    assert network.is_tied
    assert network.upwards(0) is network.stack[0].weights
    network.untie()
    assert not network.is_tied
    own = network.upwards(0)
    assert own is not network.stack[0].weights
    assert torch.equal(own.parameter, network.stack[0].weights.parameter)
    network.untie()
    assert network.upwards(0) is own


def test_a_stack_ends_where_a_machine_diverges() -> None:
    data = 1e3 * torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    network = DeepBeliefNetwork.of_layers(Gaussian(6), Gaussian(4), 3)
    histories = fit_stack(network, data, Training(epochs=20, batch=20, learning_rate=10.0), scale=0.1)
    assert len(histories) == 1
    assert histories[0].diverged


BAD = {
    "none": (lambda: DeepBeliefNetwork(), "a stack of one machine at least, but got none"),
    "no hidden layer": (
        lambda: DeepBeliefNetwork.of_layers(4),
        "one hidden layer at least, but got 1 in all",
    ),
    "sizes": (
        lambda: DeepBeliefNetwork(RestrictedBoltzmannMachine(4, 3), RestrictedBoltzmannMachine(2, 2)),
        r"visible units of machine 1 to be the hidden units of machine 0, Binary\(3\), but got Binary\(2\)",
    ),
    "kinds": (
        lambda: DeepBeliefNetwork(RestrictedBoltzmannMachine(4, 3), RestrictedBoltzmannMachine(Spin(3), 2)),
        r"but got Spin\(3\)",
    ),
    "data": (lambda: fit_stack(fresh(), DATA * 0.5), "data of 0, 1, but got 0.5"),
    "width": (lambda: fit_stack(fresh(), DATA[:, :5]), "data of 6 numbers a row"),
    "trainings": (lambda: fit_stack(fresh(), DATA, [Training()]), "trainings for 3 machines, but got 1"),
    "folder": (lambda: fit_stack(fresh(), DATA, folder="nowhere"), "a folder that exists, but got nowhere"),
    "tuning data": (lambda: fine_tune(fresh(), DATA * 0.5), "data of 0, 1, but got 0.5"),
    "centering": (
        lambda: fine_tune(fresh(), DATA, FineTuning(rule=Rule(centering=True))),
        "a rule without centering",
    ),
    "steps": (lambda: UpDown(steps=0), "one sweep or more"),
    "chains": (lambda: WakeSleep(chains=0), "one chain or more"),
    "samples": (lambda: variational_bound(fresh(), DATA, 0.0, seed=0, samples=1), "two samples or more"),
    "rows": (lambda: importance_estimate(fresh(), DATA[:, :2], 0.0, seed=0), "data of 6 numbers a row"),
    "encoded": (lambda: fresh().encode(DATA[:, :2]), "data of 6 numbers a row"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case: str) -> None:
    work, message = BAD[case]
    with pytest.raises(InputError, match=message):
        work()


def test_a_network_that_is_fine_tuned_is_not_trained_greedily() -> None:
    network = fresh()
    fine_tune(network, DATA, FineTuning(epochs=1))
    with pytest.raises(InputError, match="a network that is not fine-tuned"):
        fit_stack(network, DATA)


def test_every_algorithm_says_what_it_is_off_by() -> None:
    assert len({t.name for t in TUNINGS}) == len(TUNINGS) == 2
    assert all(t.bias and t.references for t in TUNINGS)
    assert isinstance(table(belief("single")), BeliefTable)
