"""Compiled classifiers and trainings: problems against first principles, risks by hand, claims by planted curves."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from exact.class_posteriors import bayes, magnets, ring_log_partition, torus_bonds, torus_states
from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.bayes_classifier import BayesClassifier, Plan, Start, Task
from lensmaker.phenomena.bayes_classifier import problems as problems_module
from lensmaker.phenomena.bayes_classifier.claims import Counted, Findings, needed
from lensmaker.phenomena.bayes_classifier.plan import LEARNED
from lensmaker.phenomena.bayes_classifier.problems import possible, problem, wrong
from lensmaker.phenomena.bayes_classifier.training import READ_OUT, Reached, Trainings, _Adam
from lensmaker.phenomena.finding import Judgement
from lensmaker.systems.polynomials import gaussian_log_partition

SMALL = Plan(
    sizes=(8, 16),
    rates=(1e-4, 1e-2),
    updates=50,
    batch=8,
    seeds=2,
    held_out=60,
    sets=2,
    drawn=60,
    large=False,
)


def test_magnets_are_drawn_and_judged_as_enumeration_has_it() -> None:
    made = problem(Task.ISING)
    x, y = made.examples(20_000, "test", 0)
    spins, p = magnets(4, (2.0, 3.0), (0.5, 0.5))
    bonds = torus_bonds(spins, 4)
    for k, T in enumerate((2.0, 3.0)):
        weights = np.exp(bonds / T)
        mean = float(weights @ bonds / weights.sum())
        found = torus_bonds(x[y == k].numpy(), 4)
        assert abs(found.mean() - mean) < 4 * found.std() / math.sqrt(len(found))
    joint = np.stack([np.exp(bonds / T) / np.exp(bonds / T).sum() for T in (2.0, 3.0)], 1)
    best = float(joint.max(1).sum() / 2)
    assert possible(Task.ISING).value == pytest.approx(best, abs=1e-12)
    posterior = made.exact().posterior(torch.from_numpy(spins)).detach().numpy()
    assert np.abs(posterior - p).max() < 1e-12


@pytest.mark.parametrize("task", LEARNED)
def test_examples_have_the_classes_that_posteriors_say(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibration: the share of a class among examples is the mean of its posterior, in all parts of the posterior."""
    made = problem(task)
    x, y = made.examples(20_000, "calibration", 1)
    p = made.network().classes.posterior(x)
    for k in range(made.classes):
        for low, high in ((0.0, 0.3), (0.3, 0.6), (0.6, 1.0)):
            some = (p[:, k] >= low) & (p[:, k] < high)
            count = int(some.sum())
            away = float((y[some] == k).double().mean() - p[some, k].mean())
            assert abs(away) < 4 * 0.5 / math.sqrt(count)
    monkeypatch.setattr(problems_module, "MANY", 20_000)
    share = float((p.argmax(-1) == y).double().mean())
    best = possible(task)
    assert abs(share - best.value) < 4 * math.hypot(best.error, 0.5 / math.sqrt(20_000))


def test_wrong_couplings_are_off_with_partition_functions_of_their_own() -> None:
    spins = torus_states(4)
    bonds = torus_bonds(spins, 4)
    for (energy, log_z), T in zip(wrong(Task.ISING, 0.2), (2.0 / 1.2, 3.0 / 0.8), strict=True):
        np.testing.assert_allclose(energy.evaluate(torch.from_numpy(spins[:50])), -bonds[:50] / T, rtol=1e-12)
        assert log_z == pytest.approx(math.log(np.exp(bonds / T).sum()), rel=1e-12)
    for energy, log_z in wrong(Task.GAUSSIANS, 0.2):
        assert log_z == gaussian_log_partition(energy)
    (first, _), (second, _) = wrong(Task.PHI4, 0.2)
    fourth = [dict(zip(e.factors, e.coefficients.tolist(), strict=True))[((0, 4),)] for e in (first, second)]
    assert fourth == pytest.approx([0.25 * 1.2, 0.5 * 0.8])
    assert ring_log_partition(3, -1.2, 0.3) != ring_log_partition(3, -1.0, 0.25)
    true = problem(Task.GAUSSIANS)
    for (energy, _), own in zip(wrong(Task.GAUSSIANS, 0.2), true.energies, strict=True):
        a = dict(zip(own.factors, own.coefficients.tolist(), strict=True))
        b = dict(zip(energy.factors, energy.coefficients.tolist(), strict=True))
        ratios = sorted({round(b[((i, 2),)] / a[((i, 2),)], 9) for i in range(4)})
        assert ratios == [0.8, 1.2]


def test_risks_are_divergences_from_the_exact_posterior_summed_by_hand() -> None:
    trainings = Trainings(problem(Task.ISING), SMALL)
    off = trainings.reached(Start.WRONG, 0)
    spins, exact = magnets(4, (2.0, 3.0), (0.5, 0.5))
    bonds = torus_bonds(spins, 4)
    wrong_ones = bayes(
        [bonds / T - math.log(np.exp(bonds / T).sum()) for T in (2.0 / 1.2, 3.0 / 0.8)], (0.5, 0.5)
    )
    place = {tuple(row): k for k, row in enumerate(spins.tolist())}
    for run in range(2):
        at = [place[tuple(row)] for row in trainings.held_out.x[run].tolist()]
        p, q = exact[at], wrong_ones[at]
        assert off.risks[run] == pytest.approx(float((p * np.log(p / q)).sum(1).mean()), rel=0.03)
        right = (q.argmax(1) == trainings.held_out.y[run].numpy()).mean()
        assert off.accuracies[run] == pytest.approx(right, abs=0.04)
    compiled = trainings.reached(Start.COMPILED, 0)
    assert max(compiled.risks) <= trainings.network.risk_bound <= SMALL.accuracy**2 / 2 * 1.01
    permuted, random = (trainings.reached(s, 0) for s in (Start.PERMUTED, Start.RANDOM))
    assert min(*permuted.risks, *random.risks) > max(off.risks)


def test_permuted_weights_are_the_same_numbers_and_random_ones_differ_from_run_to_run() -> None:
    trainings = Trainings(problem(Task.GAUSSIANS), SMALL)
    compiled, permuted = (trainings._begin(s, 0) for s in (Start.COMPILED, Start.PERMUTED))
    for name, value in compiled.items():
        assert torch.equal(value.flatten().sort().values, permuted[name].flatten().sort().values)
    assert any(not torch.equal(value, permuted[name]) for name, value in compiled.items())
    random = [trainings._begin(Start.RANDOM, run)["output.weight"] for run in (0, 1, 0)]
    assert torch.equal(random[0], random[2])
    assert not torch.equal(random[0], random[1])


def test_where_the_output_layer_learns_nothing_else_does() -> None:
    plan = replace(SMALL, updates=200, sizes=(8, 400))
    trainings = Trainings(problem(Task.ISING), plan)
    begun = [trainings._begin(Start.READ_OUT, run) for run in range(2)]
    kept, _, stopped = trainings._trained(Start.READ_OUT, begun, 400, None)
    assert int(stopped.max()) > 0
    moved = {name for name, value in kept.items() if not torch.equal(value[-1], begun[-1][name])}
    assert moved
    assert moved <= set(READ_OUT)


def test_each_network_of_a_stack_learns_at_its_own_rate_as_torch_has_it() -> None:
    generator = torch.Generator().manual_seed(0)
    start, target = torch.randn(2, 3, 4, generator=generator).double(), torch.randn(3, 4, generator=generator)
    stack = start.clone().requires_grad_()
    ours = _Adam([stack], torch.tensor([1e-2, 1e-1]))
    alone = [w.clone().requires_grad_() for w in start]
    theirs = [torch.optim.Adam([w], lr=rate) for w, rate in zip(alone, (1e-2, 1e-1), strict=True)]
    for _ in range(20):
        ours.step(((stack - target) ** 2).sum())
        for w, optimiser in zip(alone, theirs, strict=True):
            optimiser.zero_grad()
            ((w - target) ** 2).sum().backward()
            optimiser.step()
    torch.testing.assert_close(stack.detach(), torch.stack([w.detach() for w in alone]), rtol=1e-6, atol=1e-9)


def test_a_run_ends_with_a_finding_for_each_claim_and_goes_on_after_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems_module, "MANY", 1000)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    outcome = BayesClassifier(SMALL).run(whole)
    assert len(outcome.findings) == 3 + 1 + 3 * 6
    assert len(outcome.facts) == 3 + 3 * len(Start) * 3 * 2 + 3 * 2

    def interrupt(what: str, done: int, of: int) -> None:
        if what.startswith("three Gaussians, couplings off") and "16 examples" in what:
            raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        BayesClassifier(SMALL).run(cut, interrupt)
    assert len(json.loads((cut / "gaussians-wrong.json").read_text())) == 2
    assert BayesClassifier(SMALL).run(cut).facts == outcome.facts
    assert (cut / "findings.json").read_text() == (whole / "findings.json").read_text()
    with pytest.raises(InputError, match="the folder of this plan"):
        BayesClassifier(replace(SMALL, off=0.1)).run(whole)
    assert [panel["title"] for panel in outcome.pictures["accuracy"]["panels"]] == [t.value for t in LEARNED]


def planted(factor: dict[Start, tuple[float, float, float]]) -> list[list[Reached]]:
    noise = 1 + 0.01 * np.array([1, -1, 1, -1, 1, -1])
    return [
        [
            Reached(n, (risk * noise).tolist(), [0.5] * 6, [0] * 6, [0.0] * 6)
            for n, risk in zip((0, 32, 512), risks, strict=True)
        ]
        for risks in factor.values()
    ]


def test_each_claim_is_decided_by_its_own_numbers() -> None:
    plan = Plan(sizes=(32, 512), large=False)
    risks = {
        Start.COMPILED: (1e-6, 1e-2, 2e-3),
        Start.WRONG: (5e-2, 4e-2, 1e-2),
        Start.READ_OUT: (5e-2, 4e-2, 5e-2),
        Start.PERMUTED: (90.0, 50.0, 3.0),
        Start.RANDOM: (0.7, 0.1, 2e-2),
    }
    curves = {
        (task, start): points for task in LEARNED for start, points in zip(risks, planted(risks), strict=True)
    }
    wobble = [1e-4 * (-1) ** k for k in range(20)]
    right = Counted(
        [2e-15] * 20,
        [0.8 + w for w in wobble],
        [0.5 + w for w in wobble],
        Estimate(0.8, 1e-4),
        2,
        1,
        1,
        1e-13,
    )
    counted = dict.fromkeys(LEARNED, right)
    yes, no = Judgement.SUPPORTED, Judgement.NOT_SUPPORTED
    found = list(Findings(plan, counted, curves).all())
    # ahead of random, worth it from few examples and from many, put right by all weights, by the output layer, spoilt
    assert [f.judgement for f in found] == [yes] * 4 + [yes, yes, yes, yes, no, yes] * 3
    numbers = [10**f.value.value for f in found[4:10]]  # type: ignore[union-attr]
    assert numbers == pytest.approx([10, 0.1 / 0.04, 2, 5, 1, 100], rel=0.01)
    counted = dict.fromkeys(
        LEARNED, replace(right, errors=[3e-12] * 20, accuracies=[0.82 + w for w in wobble])
    )
    found = list(Findings(plan, counted, curves).all())
    assert [f.judgement for f in found[:4]] == [no] * 4
    examples, is_bound = needed(curves, Task.ISING, 0)
    assert not is_bound
    slope = math.log(512 / 32) / math.log(0.1 / 0.02)
    assert examples == pytest.approx(32 * math.exp(slope * math.log(0.1 / 0.05)), rel=0.02)
    curves[Task.ISING, Start.RANDOM] = curves[Task.ISING, Start.PERMUTED]
    assert needed(curves, Task.ISING, 0) == (512, True)


def test_plans_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="sizes that rise"):
        Plan(sizes=(64, 32))
    with pytest.raises(InputError, match="two seeds, two sets"):
        Plan(seeds=1)
    with pytest.raises(InputError, match="off by a share"):
        Plan(off=1.5)
