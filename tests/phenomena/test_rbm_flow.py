"""The study of the flow on a small torus: what is kept, taken up, read and judged."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from command import Run
from exact.iterated_machine import torus_energies
from lensmaker.core import Convergence, InputError
from lensmaker.instruments.boltzmann.thermometer import Thermometer
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.equality import Equality
from lensmaker.phenomena.finding import Finding, Judgement
from lensmaker.phenomena.folder import put, taken
from lensmaker.phenomena.rbm_flow import T_C, CriticalFlow, Plan, Setting, training
from lensmaker.phenomena.rbm_flow.claims import Findings
from lensmaker.phenomena.rbm_flow.pictures import pictures
from lensmaker.phenomena.rbm_flow.reading import Reading
from lensmaker.phenomena.rbm_flow.training import Folder
from lensmaker.phenomena.thermometers import energy_thermometer, largest_specific_heat
from lensmaker.report.claims import figures_of
from lensmaker.systems.boltzmann.constructed import bond_machine
from lensmaker.systems.spins import Canonical, ising, square

SMALL = Plan(
    side=6,
    temperatures=(0.0, 2.0, 6.0),
    rows=120,
    hidden=(2, 4),
    probe=4,
    epochs=2,
    other_epochs=(1,),
    other_cd=(2,),
    batch=20,
    seeds=2,
    configurations=200,
    doublings=2,
    patience=1,
    calibration=300,
)
YES, NO = Judgement.SUPPORTED, Judgement.NOT_SUPPORTED
ARTEFACT, OPEN = Judgement.ARTEFACT, Judgement.UNDECIDED


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the small plan, with the samples that all its machines are read by."""
    path = tmp_path_factory.mktemp("begun")
    folder = Folder(path, SMALL)
    assert len(folder.thermometers) == 2
    assert len(folder.starts) == 3
    return path / "samples"


@pytest.fixture(scope="module")
def scales() -> dict[str, Thermometer]:
    """The exact thermometer of the small torus, made once."""
    return {str(model): energy_thermometer(model) for model in [ising(square(6))]}


@pytest.fixture(autouse=True)
def _scales(scales: dict[str, Thermometer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "energy_thermometer", lambda model: scales[str(model)])


def begun(folder: Path, samples: Path) -> Path:
    """A new folder, with these samples in it: that a run of them goes on bit for bit is tested where they are drawn."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(samples, folder / "samples")
    return folder


def test_a_run_ends_with_a_finding_for_each_claim_and_goes_on_after_an_interrupt(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines and readings that are there are not made again, and the numbers are the same."""
    cut = begun(tmp_path / "cut", samples)

    def interrupt(what: str, done: int, of: int) -> None:
        assert of == 20
        if done == 7:
            raise KeyboardInterrupt(what)

    with pytest.raises(KeyboardInterrupt, match=r"T = T_c, 4 units, 2 epochs, CD-2, seed 0"):
        CriticalFlow(SMALL).run(cut, interrupt)
    assert not (cut / "findings.json").exists()
    assert len(list((cut / "machines").glob("*.json"))) == 7
    (cut / "machines" / ".T-T_c-4-2-2-0.json.partial").write_text(
        '{"energy": [2.'
    )  # killed as it was written
    learned = []
    fit = training.fit
    monkeypatch.setattr(training, "fit", lambda *a, **b: learned.append(a) or fit(*a, **b))
    again = CriticalFlow(SMALL).run(cut)
    assert len(learned) == 13
    CriticalFlow(SMALL).run(cut)
    assert len(learned) == 13

    whole = begun(tmp_path / "whole", cut / "samples")
    outcome = CriticalFlow(SMALL).run(whole)
    assert len(learned) == 13 + 20
    assert [f.to_dict() for f in again.findings] == [f.to_dict() for f in outcome.findings]
    kept = [json.loads((folder / "findings.json").read_text()) for folder in (cut, whole)]
    assert kept[0] == kept[1]
    assert [f["claim"] for f in kept[0]["findings"]] == [f.claim for f in outcome.findings]
    assert len(outcome.findings) == 3 + 1 + 1 + 1 + 3
    assert [f["seed"] for f in outcome.facts[:-1]] == [0] * 10 + [1] * 10
    assert len({(f["data"], f["of_data"]) for f in outcome.facts[:-1]}) == 4 * 2, "each seed has its own data"


def test_a_damaged_reading_is_said_and_another_plan_is_refused(samples: Path, tmp_path: Path) -> None:
    setting = SMALL.settings[0]
    begun(tmp_path, samples)
    Folder(tmp_path, SMALL).reading(setting, 0)
    file = tmp_path / "machines" / "T-0-6-2-2-1-0.json"
    file.write_text(file.read_text()[:50])
    with pytest.raises(InputError, match=r"T-0-6-2-2-1-0\.json, which is damaged .*: remove it"):
        Folder(tmp_path, SMALL).reading(setting, 0)
    with pytest.raises(InputError, match="the folder of this plan"):
        Folder(tmp_path, replace(SMALL, seeds=3))
    with pytest.raises(InputError, match="a folder that exists"):
        CriticalFlow(SMALL).run(tmp_path / "none")


def test_a_file_is_put_in_its_place_whole(tmp_path: Path) -> None:
    put(tmp_path / "a.json", {"T": [1.5, 2]})
    with pytest.raises(TypeError, match="not JSON serializable"):
        put(tmp_path / "a.json", {"T": [1.5, object()]})
    assert taken(tmp_path / "a.json") == {"T": [1.5, 2]}


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"temperatures": (2.0,)}, "several temperatures of 0 or more"),
        ({"temperatures": (2.0, 2.0, 3.0)}, "several temperatures of 0 or more"),
        ({"temperatures": (-1.0, 2.0)}, "several temperatures of 0 or more"),
        ({"alone": (2.25,)}, "controls at temperatures that are not T_c"),
        ({"alone": (0.0,)}, "controls at temperatures that are not T_c"),
        ({"hidden": (64, 16)}, "rising numbers of hidden units"),
        ({"probe": 5}, "the probe among them"),
        ({"other_epochs": (2,)}, "other epochs and other k"),
        ({"other_cd": (1,)}, "other epochs and other k"),
        ({"seeds": 0}, "seeds, epochs and k of one or more"),
        ({"rows": 5}, "6 rows or more"),
        ({"margin": 0.0}, "a margin above zero"),
    ],
)
def test_plans_that_do_not_fit_are_refused(changed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        replace(SMALL, **changed)


def test_the_study_is_the_one_that_is_told() -> None:
    """42 machines of three seeds and six controls; the data of Iso, Shiba and Yokoo."""
    plan = replace(Plan(), seeds=3)
    assert len(list(plan.trainings)) == 42 + 6
    assert len(set(plan.trainings)) == 48
    assert (plan.many.temperatures[0], plan.many.temperatures[-1], len(plan.many.temperatures)) == (0, 6, 25)
    assert [s.hidden for s in plan.sizes(plan.many)] == [16, 64, 100, 225]
    assert [s.epochs for s in plan.lengths(plan.many)] == [6, 20, 60]
    assert [str(plan.probed(data)) for data in plan.controls] == [
        "T = 1.8, 64 units, 20 epochs, CD-1",
        "T = 3, 64 units, 20 epochs, CD-1",
    ]
    assert [seed for _, seed in plan.trainings] == [0] * 16 + [1] * 16 + [2] * 16
    assert pytest.approx(2.269185, abs=1e-6) == T_C


def test_rows_are_of_the_temperatures_they_are_said_to_be(samples: Path, tmp_path: Path) -> None:
    """Mean energies of 6000 rows: T_c to 2 %, T = 1.8 and 3 too, and those of T = 0 are half up and half down."""
    plan = replace(SMALL, rows=6000)
    folder = Folder(begun(tmp_path, samples), plan)
    for data, T in [(plan.critical, T_C), *zip(plan.controls, plan.alone, strict=True)]:
        rows, of_data = folder.rows(data, 0)
        assert rows.shape == (6000, 36)
        assert of_data == pytest.approx(T, rel=0.02)
    rows, of_data = folder.rows(plan.many, 0)
    frozen = rows[:2000].double().mean(1)
    assert (float(frozen.abs().min()), float(frozen.sum())) == (1.0, 0.0)
    spins = rows.double().view(-1, 6, 6)
    bonds = (spins * spins.roll(1, 1) + spins * spins.roll(1, 2)).mean((1, 2))
    parts = [-float(bonds[k : k + 2000].mean()) for k in (0, 2000, 4000)]
    assert parts == sorted(parts)
    assert parts[0] == -2
    again, _ = folder.rows(plan.many, 1)
    assert not torch.equal(again, rows)
    assert torch.equal(folder.rows(plan.many, 0)[0], rows)


@pytest.mark.parametrize("T", [3.5, 4.5])
def test_the_fixed_point_of_a_machine_that_is_the_ising_model(
    T: float, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit for each bond makes P(v) that of T exactly, which has to come out whatever the data were."""
    exact = bond_machine(Canonical(ising(square(6)), T))

    class Trained:
        diverged = False

    def plant(machine: Any, rows: Any, plan: Any, **_: Any) -> Trained:
        machine.load_state_dict({k: v.to(machine.visible_bias) for k, v in exact.state_dict().items()})
        return Trained()

    monkeypatch.setattr(training, "fit", plant)
    plan = replace(SMALL, doublings=6, hidden=(72,), probe=72)
    reading = Folder(begun(tmp_path, samples), plan).reading(plan.probed(plan.many), 0)
    assert reading.is_settled
    assert reading.iterations == 64
    assert reading.energy.error < 0.1
    assert abs(reading.energy.value - T) < 4 * reading.energy.error
    assert {(look["start"], look["k"]) for look in reading.trail} == {
        (start, k) for start in (1.0, T_C, 6.0) for k in (0, 1, 2, 4, 8, 16, 32, 64)
    }
    assert Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading


def test_a_flow_that_does_not_rest_is_iterated_longer_and_told(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strong weights keep a configuration: cold and hot starts stay apart, and that is what the reading says."""

    class Trained:
        diverged = False

    def plant(machine: Any, rows: Any, plan: Any, **_: Any) -> Trained:
        with torch.no_grad():
            machine.weights.parameter.copy_(4 * torch.eye(36))
        return Trained()

    monkeypatch.setattr(training, "fit", plant)
    plan = replace(SMALL, hidden=(36,), probe=36, doublings=3, patience=2)
    reading = Folder(begun(tmp_path, samples), plan).reading(plan.probed(plan.many), 0)
    assert reading.iterations == 32
    assert not reading.is_settled
    assert reading.energy_state in (Convergence.ENDS_APART.name, Convergence.ITERATION_LIMIT.name)


def test_a_training_that_diverges_is_said(samples: Path, tmp_path: Path) -> None:
    plan = replace(SMALL, rates=(1e14, 1e14))
    with pytest.raises(InputError, match=r"T = 0 … 6, 2 units, 2 epochs, CD-1: diverged"):
        Folder(begun(tmp_path, samples), plan).reading(plan.settings[0], 0)


def test_the_largest_specific_heat_against_all_configurations() -> None:
    """Var(E)/(N T²) of 65 536 configurations of a 4 × 4 torus, on a fine grid."""
    e = torus_energies(4, 4)
    grid = np.arange(2.2, 2.7, 1e-3)
    heats = []
    for T in grid:
        w = np.exp(-16 * (e - e.min()) / T)
        mean = (w @ e) / w.sum()
        heats.append(16 * (w @ (e - mean) ** 2) / w.sum() / T**2)
    assert largest_specific_heat(ising(square(4))) == pytest.approx(grid[np.argmax(heats)], abs=1e-3)
    with pytest.raises(InputError, match="a model with an exact solution"):
        largest_specific_heat(ising(square(10), h=0.1))


# -- the claims -----------------------------------------------------------------------------------------

PLAN = replace(Plan(), hidden=(16, 64), seeds=8, other_epochs=(6, 60))


def readings(
    ends: dict[tuple[str, str], float], unsettled: tuple[str, str] | None = None
) -> dict[tuple[Setting, int], Reading]:
    """Planted: (data, "units/epochs/k") → fixed point; 2.5 where nothing is said, with little noise over seeds."""
    noise = np.random.default_rng(0).normal(size=8) * 0.002
    data = {"T = 0 … 6": 2.56, "T = T_c": T_C, "T = 1.8": 1.8, "T = 3": 3.0}
    found = {}
    for setting, seed in PLAN.trainings:
        key = setting.data.name, f"{setting.hidden}/{setting.epochs}/{setting.cd}"
        state = "ITERATION_LIMIT" if key == unsettled and seed == 3 else "CONVERGED"
        T = Estimate(ends.get(key, 2.5) + noise[seed] * (1 + 0.1 * setting.hidden), 0.004)
        trail = [{"start": 1.0, "k": 0, "temperature": 1.0, "error": 0.1, "in_scale": True}]
        found[setting, seed] = Reading(T, T, state, state, 512, data[setting.data.name], trail)
    return found


def judged_so(
    ends: dict[tuple[str, str], float], unsettled: tuple[str, str] | None = None
) -> list[Finding | Equality]:
    return list(Findings(PLAN, readings(ends, unsettled), peak=2.345).all())


MANY, ONE = "T = 0 … 6", "T = T_c"
USUAL = ("16/20/1", "64/20/1", "64/6/1", "64/60/1", "64/20/5")
LEARNED = {(ONE, key): T_C for key in USUAL} | {("T = 1.8", "64/20/1"): 1.8, ("T = 3", "64/20/1"): 3.0}


def test_machines_that_learn_their_data_and_no_more() -> None:
    """Those of T_c are there as an artefact; those of all temperatures are elsewhere, fall, and know of k."""
    many = dict(zip(USUAL, (2.4, 2.1, 2.2, 2.0, 2.3), strict=True))
    found = judged_so(LEARNED | {(MANY, key): T for key, T in many.items()})
    assert [f.judgement for f in found] == [NO, NO, NO, YES, YES, YES, NO, ARTEFACT, ARTEFACT, YES]
    assert [f.value.value for f in found if isinstance(f, Finding)] == pytest.approx(
        [0.3, 0.1, 0.1], abs=0.02
    )
    flows = found[0]
    assert isinstance(flows, Equality)
    assert set(flows.values) == {
        "16 units",
        "64 units",
        "64 units, 6 epochs",
        "64 units, 60 epochs",
        "64 units, CD-5",
    }
    assert flows.values["64 units, CD-5"].value == pytest.approx(2.3, abs=0.02)
    assert flows.margin == pytest.approx(0.02 * T_C)
    k, own = found[6], found[-1]
    assert isinstance(k, Equality)
    assert isinstance(own, Equality)
    assert k.values["T = 0 … 6, CD-5"].value == pytest.approx(0.2, abs=1e-9)
    assert k.values["T = T_c, CD-5"].value == pytest.approx(0, abs=1e-9)
    assert "T = 0 … 6, CD-5" in k.reason
    assert set(own.values) == {"T = T_c", "T = 1.8", "T = 3"}
    assert all(f.trainings == 8 for f in found)


def test_machines_that_are_drawn_to_the_critical_temperature_whatever_they_learn() -> None:
    found = judged_so({(data, key): T_C for data in (MANY, ONE, "T = 1.8", "T = 3") for key in USUAL})
    assert [f.judgement for f in found] == [YES, NO, NO, NO, NO, NO, YES, YES, YES, NO]


def test_machines_that_are_drawn_to_the_largest_specific_heat() -> None:
    found = judged_so({(MANY, key): 2.345 for key in USUAL})
    assert [f.judgement for f in found[:3]] == [NO, YES, NO]


def test_machines_that_rise() -> None:
    found = judged_so({(MANY, "64/60/1"): 2.6, (MANY, "16/20/1"): 2.3})
    assert [f.judgement for f in found[3:6]] == [NO, NO, NO]


@pytest.mark.parametrize("where", [(MANY, "64/20/1"), (ONE, "64/20/1"), ("T = 3", "64/20/1")])
def test_a_fixed_point_that_one_seed_has_not_reached_is_never_used(where: tuple[str, str]) -> None:
    """Every finding that rests on it is undecided, or stands on the others and names it; no figure draws it."""
    planted = {(MANY, key): T_C for key in USUAL} | {(ONE, key): T_C for key in USUAL}
    planted |= {("T = 1.8", "64/20/1"): T_C, ("T = 3", "64/20/1"): T_C}
    whole, cut = judged_so(planted), judged_so(planted, where)
    rests = {
        MANY: [0, 1, 2, 3, 4, 5, 6],
        ONE: [6, 7, 8, 9],
        "T = 3": [7, 8, 9],
    }[where[0]]
    for number, (before, after) in enumerate(zip(whole, cut, strict=True)):
        if number not in rests:
            assert after.to_dict() == before.to_dict()
            continue
        assert "not converged" in after.reason
        assert after.judgement is (NO if before.judgement is NO and isinstance(after, Equality) else OPEN)
        if isinstance(after, Equality):
            assert after.unsettled
        else:
            assert math.isnan(after.value.value)
    drawn = pictures(PLAN, readings(planted, where))["fixed points"]["panels"][0]["curves"]
    assert sum(len(points) for points in drawn.values()) == 5


def test_figures_are_of_the_means_over_seeds() -> None:
    planted = {(MANY, key): 2.0 + 0.1 * k for k, key in enumerate(USUAL)}
    found = readings(planted)
    drawn = pictures(PLAN, found)
    assert set(figures_of(drawn)) == {"flow.html", "fixed-points.html"}
    panels = drawn["fixed points"]["panels"]
    assert [panel["by"] for panel in panels] == ["hidden units", "epochs", "k of CD"]
    curves = [panel["curves"]["T = 0 … 6, data at 2.560"] for panel in panels]
    assert [[p["x"] for p in points] for points in curves] == [[16, 64], [6, 20, 60], [1, 5]]
    for points, ends in zip(curves, [(2.0, 2.1), (2.2, 2.1, 2.3), (2.1, 2.4)], strict=True):
        assert [p["T"] for p in points] == pytest.approx(list(ends), abs=0.02)
    values = [found[PLAN.probed(PLAN.many), seed].energy.value for seed in range(8)]
    assert curves[0][1]["error"] == pytest.approx(np.std(values, ddof=1) / math.sqrt(8), rel=1e-12)
    assert [panel["title"] for panel in drawn["flow"]["panels"]] == [
        "T = 0 … 6, 16 units",
        "T = 0 … 6, 64 units",
        "T = T_c, 16 units",
        "T = T_c, 64 units",
        "T = 1.8, 64 units",
        "T = 3, 64 units",
    ]


def test_the_command_prints_what_was_found_and_draws_it(
    lensmaker: Any, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = CriticalFlow(replace(SMALL, seeds=1, alone=(1.8,)))
    monkeypatch.setattr(CriticalFlow, "quick", classmethod(lambda cls: small))
    monkeypatch.setenv("COLUMNS", "200")
    folder, figures = begun(tmp_path / "run", samples), tmp_path / "figures"
    words = ("run", "rbm-flow", "--quick", "--folder", str(folder), "--figures", str(figures))
    done: Run = lensmaker(*words)
    assert done.code == 0
    assert "flow to T_c" in done.out
    assert done.out.count("undecided") == 3 + 1 + 1 + 1 + 3, "one seed has no error"
    assert {path.name for path in figures.iterdir()} == {"flow.html", "fixed-points.html"}
    assert json.loads((folder / "findings.json").read_text())["facts"][0]["hidden"] == 2
