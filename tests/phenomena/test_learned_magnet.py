"""Machines that learn a magnet: what is measured of known machines, kept, and judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.finding import Judgement
from lensmaker.phenomena.learned_magnet import Case, Kind, LearnedMagnet, Plan
from lensmaker.phenomena.learned_magnet.claims import Findings
from lensmaker.phenomena.learned_magnet.machines import learned, looks, restricted, undirected
from lensmaker.phenomena.learned_magnet.plan import CRITICAL
from lensmaker.phenomena.learned_magnet.readings import Folder, Reading, measured
from lensmaker.report.accuracy_figure import accuracy_figure, accuracy_html
from lensmaker.systems.boltzmann import DeepBoltzmannMachine, Dense, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.spins import Canonical, ising, square

SMALL = Plan(
    side=4,
    samples=400,
    hidden=(2, 4),
    deep=(2,),
    beside=(3.0,),
    probe=4,
    probe_deep=2,
    epochs=1,
    batch=100,
    chains=20,
    steps=1,
    seeds=2,
    measured_chains=20,
    burn_in=20,
    thin=5,
    looks=60,
)


def bond_weights(side: int, temperature: float) -> torch.Tensor:
    """A hidden unit for each bond of the torus, with w on both ends and cosh 2w = e^{2/T}: the magnet itself."""
    w, sites = math.acosh(math.exp(2 / temperature)) / 2, torch.arange(side**2).view(side, side)
    weights = torch.zeros(side**2, 2 * side**2)
    for axis in (0, 1):
        for k, (a, b) in enumerate(zip(sites.flatten(), sites.roll(-1, axis).flatten(), strict=True)):
            weights[a, axis * side**2 + k] = w
            weights[b, axis * side**2 + k] = w
    return weights


@pytest.mark.parametrize("deep", [False, True])
def test_a_machine_that_is_the_magnet_has_its_energy_and_specific_heat(deep: bool) -> None:
    """False alarm: 4 standard errors of two numbers each, 1 in 8,000."""
    side, plan = 4, replace(SMALL, measured_chains=200, burn_in=300, thin=20, looks=100)
    generator = torch.Generator().manual_seed(0)
    weights = bond_weights(side, 2.5)
    if deep:  # a second layer that is not coupled changes nothing
        machine = DeepBoltzmannMachine(
            Spin(16), Spin(32), Spin(3), weights=[Dense(16, 32), Dense(32, 3)], biased=False
        )
        machine.weights[0].parameter.data = weights
        machine.weights[1].parameter.data.zero_()
        look = undirected(machine, plan.measured_chains, generator)
    else:
        shallow = RestrictedBoltzmannMachine(Spin(16), Spin(32), biased=False)
        shallow.weights.parameter.data = weights
        look = restricted(shallow, plan.measured_chains, generator)
    found = measured(look, Canonical(ising(square(side)), 2.5), plan)
    assert [r.quantity for r in found] == ["energy", "specific_heat"]
    for reading in found:
        assert reading.is_usable
        assert abs(reading.value - reading.exact) < 4 * reading.error
        assert reading.error < 0.03 * abs(reading.exact)


def test_chains_that_have_not_met_are_looked_at_for_longer_and_then_said_not_to_have() -> None:
    asked: list[int] = []

    def frozen(sweeps: int) -> torch.Tensor:
        asked.append(sweeps)
        rows = torch.ones(20, 16)
        rows[::2, ::3] = -1
        return rows

    found = measured(frozen, Canonical(ising(square(4)), 2.5), SMALL)
    assert not any(r.is_usable for r in found)
    assert asked.count(20) == 1 + SMALL.looks  # the first burn-in, and 4 × 5 sweeps between the second looks
    assert asked.count(80) == 1 + SMALL.looks
    assert asked.count(320) == 1


@pytest.mark.parametrize("kind", list(Kind))
def test_what_has_learned_is_nearer_than_what_has_not(kind: Kind) -> None:
    """Each kind learns: half of the distance of noise from the energy, at least, which is 1.56 on this torus."""
    plan = replace(SMALL, epochs=6, samples=4000, measured_chains=100, burn_in=100)
    model = Canonical(ising(square(4)), CRITICAL)
    from lensmaker.systems.spins import sample

    rows = sample(model, plan.samples, seed=0).spins
    look = learned(Case(kind, 4, CRITICAL, 1, 0), rows, plan)
    energy = measured(look, model, plan)[0]
    assert energy.exact < -1.5
    assert energy.off < 0.5
    spins = torch.cat(list(looks(look, 0, 1, 2)))
    assert set(spins.unique().tolist()) == {-1, 1}


def test_a_run_ends_with_a_finding_for_each_claim_and_goes_on_after_an_interrupt(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    outcome = LearnedMagnet(SMALL).run(whole)
    assert len(outcome.findings) == 2 * (1 + 4 + 1 + 2)
    assert len(outcome.facts) == 2 * len(SMALL.cases) == 2 * 2 * 7

    def interrupt(what: str, done: int, of: int) -> None:
        if what.startswith("9 of 14"):
            raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        LearnedMagnet(SMALL).run(cut, interrupt)
    assert len(list(cut.glob("restricted*.json"))) == 5
    assert LearnedMagnet(SMALL).run(cut).facts == outcome.facts
    assert json.loads((cut / "findings.json").read_text()) == json.loads(
        (whole / "findings.json").read_text()
    )
    with pytest.raises(InputError, match="the folder of this plan"):
        LearnedMagnet(replace(SMALL, seeds=3)).run(whole)
    page = accuracy_html(outcome.pictures["accuracy"])
    assert "What machines have learned of a magnet at T_c" in page
    figure = accuracy_figure(outcome.pictures["accuracy"])
    first = figure.data[0]
    assert list(first.x) == [2, 4]
    assert figure.data[1].x[0] == 4, "both layers of a deep machine are counted"
    offs = [f for f in outcome.facts if f["hidden"] == 2 and f["kind"] == "restricted"]
    energies = [abs(f["value"] / f["exact"] - 1) for f in offs if f["quantity"] == "energy"]
    assert first.y[0] == pytest.approx(np.mean(energies), rel=1e-12)


def test_a_damaged_reading_is_said(tmp_path: Path) -> None:
    kept = Folder(tmp_path, SMALL)
    case = SMALL.cases[0]
    kept.readings(case)
    (file,) = tmp_path.glob("restricted-2*.json")
    file.write_text("[{")
    with pytest.raises(InputError, match="which is damaged"):
        kept.readings(case)


def test_plans_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="widths that double"):
        Plan(hidden=(8, 24))
    with pytest.raises(InputError, match="widths n with n and 2 n among"):
        Plan(hidden=(8, 16, 32), deep=(32,))
    with pytest.raises(InputError, match="a probe among"):
        Plan(probe=5)


def test_each_claim_is_decided_by_its_own_numbers() -> None:
    """Planted errors: width helps, depth does not, T_c is worst, and twice the time changes nothing."""
    plan = replace(SMALL, hidden=(2, 4, 8), deep=(2, 4), seeds=5)
    noise = (0.0, 1e-4, -1e-4, 1e-4, -1e-4)
    off = {Kind.RESTRICTED: {2: 0.4, 4: 0.2, 8: 0.1}, Kind.DEEP_BOLTZMANN: {2: 0.3, 4: 0.15}}
    off[Kind.DEEP_BELIEF] = {2: 0.45, 4: 0.2}

    def readings(case: Case) -> list[Reading]:
        size = 0.01 if case.temperature == 3.0 else off[case.kind][case.hidden]
        sign = -1 if case.hidden == 2 else 1  # errors of either sign are errors
        value = 1 + sign * (size + noise[case.seed] * case.hidden)
        return [Reading(q, 1.0, value, 0.0, "CONVERGED") for q in ("energy", "specific_heat")]

    found = {case: readings(case) for case in plan.cases}
    yes, no = Judgement.SUPPORTED, Judgement.NOT_SUPPORTED
    expected = [yes, yes, yes, no, no, no, yes, no, no]
    rows = list(Findings(plan, found).all())
    assert [f.judgement for f in rows] == 2 * expected
    assert rows[2].value.value == pytest.approx(
        (0.1 + 0.05) / 2, abs=1e-9
    )  # a second layer, mean of two widths
    assert rows[3].value.value == pytest.approx((-0.1 - 0.05) / 2, abs=1e-3)

    lost = next(case for case in plan.cases if case.kind is Kind.DEEP_BELIEF and case.seed == 3)
    found[lost] = [replace(r, state="CHAINS_DISAGREE") for r in found[lost]]
    told = list(Findings(plan, found).all())
    assert [f.judgement for f in told[4:6]] == [Judgement.UNDECIDED] * 2
    assert lost.name in told[4].reason
    assert told[0].judgement is yes
    assert isinstance(told[4].value, Estimate)
    assert math.isnan(told[4].value.value)
