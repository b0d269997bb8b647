"""Trainings that are interrupted, killed, diverge, or get bad data, and what a monitor reads."""

from __future__ import annotations

import copy
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import (
    Exact,
    Gaussian,
    Potts,
    RestrictedBoltzmannMachine,
)
from lensmaker.systems.boltzmann.files import load
from lensmaker.systems.boltzmann.phases import (
    ContrastiveDivergence,
    ModelPhase,
    PersistentContrastiveDivergence,
    TemperedChains,
)
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Schedule, Training, fit, rows_of
from lensmaker.systems.boltzmann.training.monitor import (
    pseudo_likelihood,
    pseudo_likelihoods,
    whole_pseudo_likelihoods,
)
from systems.boltzmann.kinds import machine, some_data

DATA = (torch.rand(300, 8, generator=torch.Generator().manual_seed(0)) < 0.4).float()
PHASE_OPTIONS = [
    PersistentContrastiveDivergence(),
    TemperedChains(chains=10, levels=3),
    ContrastiveDivergence(),
]


def fresh() -> RestrictedBoltzmannMachine:
    m = RestrictedBoltzmannMachine(8, 5)
    m.initialise(seed=0, data=DATA)
    return m


def alike(one: RestrictedBoltzmannMachine, other: RestrictedBoltzmannMachine) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("phase", PHASE_OPTIONS, ids=lambda p: p.name)
def test_an_interrupted_training_goes_on_bit_for_bit(
    phase: ModelPhase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With weights so strong that chains remember where they were."""

    def strong() -> RestrictedBoltzmannMachine:
        m = fresh()
        m.initialise(seed=0, scale=1.5, data=DATA)
        return m

    training = Training(epochs=6, batch=7, phase=phase, rule=Rule(momentum=0.5, centering=True), seed=3)
    whole, path = strong(), tmp_path / "m.safetensors"
    rows = str(fit(whole, DATA, training).rows())
    part, real, calls = strong(), RestrictedLearner.update, iter(range(10**6))

    def cut(self: RestrictedLearner, v: Tensor, rate: float) -> None:
        if next(calls) == 170:
            raise KeyboardInterrupt
        real(self, v, rate)

    monkeypatch.setattr(RestrictedLearner, "update", cut)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        fit(part, DATA, training, path=path)
    monkeypatch.setattr(RestrictedLearner, "update", real)
    again = strong()
    assert str(fit(again, DATA, training, path=path).rows()) == rows
    assert alike(again, whole)
    finished = strong()
    assert fit(finished, DATA, training, path=path).updates == 6 * 43, "nothing is left to do"
    assert alike(finished, whole)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.safetensors"]


def test_a_kill_while_a_file_is_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, path = Training(epochs=4, batch=50), tmp_path / "m.safetensors"
    writes = iter(range(100))

    def killed(self: Path, target: Path) -> Path:
        if next(writes) == 2:
            raise SystemExit(137)
        self.rename(target)
        return target

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(SystemExit, match="137"):
        fit(fresh(), DATA, training, path=path)
    monkeypatch.undo()
    again, whole = fresh(), fresh()
    fit(again, DATA, training, path=path)
    fit(whole, DATA, training)
    assert alike(again, whole)


@pytest.mark.parametrize("damage", ["cut", "turned", "empty", "text"])
def test_a_damaged_file_is_refused_and_left(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    fit(fresh(), DATA, Training(epochs=1), path=path)
    whole = path.read_bytes()
    path.write_bytes(
        {"cut": whole[:-40], "turned": b"\xff" + whole[1:], "empty": b"", "text": b"hello"}[damage]
    )
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"a file of a Boltzmann machine, but got .* damaged"):
        fit(fresh(), DATA, Training(epochs=1), path=path)
    assert path.read_bytes() == before


def test_the_file_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    fit(fresh(), DATA, Training(epochs=1), path=path)
    for m, data, training in (
        (fresh(), DATA, Training(epochs=2)),
        (fresh(), 1 - DATA, Training(epochs=1)),
        (RestrictedBoltzmannMachine(8, 6), DATA, Training(epochs=1)),
    ):
        with pytest.raises(InputError, match="of another machine, data or option"):
            fit(m, data, training, path=path)
    with pytest.raises(InputError, match="in a folder that exists"):
        fit(fresh(), DATA, Training(epochs=1), path=tmp_path / "no" / "m.safetensors")


def test_a_training_that_runs_away_is_caught() -> None:
    data = 1e3 * torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    m = RestrictedBoltzmannMachine(Gaussian(6), Gaussian(4))
    m.initialise(seed=0, scale=0.1)
    history = fit(m, data, Training(epochs=20, batch=20, learning_rate=10.0))
    assert history.diverged
    assert "lower the learning rate" in history.reason
    assert all(bool(torch.isfinite(p).all()) for p in m.parameters())


@pytest.mark.parametrize("rate", [30.0, 1e4])
def test_a_machine_that_runs_away_in_finite_numbers_is_caught(rate: float, tmp_path: Path) -> None:
    """Units that are all certain, and wrong: the machine before that epoch is put back, and kept."""
    m = fresh()
    before = copy.deepcopy(m)
    schedule = Schedule(rate)
    history = fit(
        m, DATA, Training(epochs=9, batch=20, learning_rate=schedule), path=tmp_path / "m.safetensors"
    )
    assert re.match(r"diverged in epoch \d, where data are less likely than by tossing coins", history.reason)
    assert alike(load(tmp_path / "m.safetensors"), m)
    if not history.readings:
        assert alike(m, before)


@pytest.mark.parametrize("kind", ["gaussian", "potts"])
def test_machines_of_other_units_that_run_away_are_caught(kind: str) -> None:
    m = copy.deepcopy(machine(kind))
    m.initialise(seed=0, scale=0.01)
    data = some_data(machine(kind), 200)
    history = fit(m, data, Training(epochs=30, batch=20, learning_rate=1.0 if kind == "gaussian" else 1e6))
    assert history.diverged
    assert float(m.weights.parameter.detach().abs().max()) < 100


def test_real_units_have_nothing_to_be_patient_by() -> None:
    m = RestrictedBoltzmannMachine(Gaussian(6), 3)
    with pytest.raises(InputError, match="patience with a score to judge by"):
        fit(m, torch.randn(50, 6, generator=torch.Generator().manual_seed(0)), Training(patience=3))


def test_sites_of_many_states_are_judged_by_all_their_states() -> None:
    """Of one site: Σ over both layers, by the exact machine."""
    m = copy.deepcopy(machine("potts")).double()
    units, data = m.visible, some_data(machine("potts"), 40).double()
    assert isinstance(units, Potts)
    found = pseudo_likelihood(m, data, torch.Generator().manual_seed(4))
    site = torch.randint(units.count, (40,), generator=torch.Generator().manual_seed(4))
    exact, want = Exact(m), 0.0
    for row, i in zip(data, site.tolist(), strict=True):
        part = slice(i * units.q, (i + 1) * units.q)
        others = row.repeat(units.q, 1)
        others[:, part] = torch.eye(units.q, dtype=torch.float64)
        p = exact.log_likelihood(others).softmax(0)
        want += units.count * float(p[int(row[part].argmax())].log()) / 40
    assert abs(found - want) < 1e-10


def test_a_training_that_ended_by_patience_has_ended(tmp_path: Path) -> None:
    plan = Training(epochs=60, batch=20, learning_rate=0.05, patience=2)
    first, again = fresh(), fresh()
    held_out = (torch.rand(50, 8, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    one = fit(first, DATA, plan, held_out=held_out, path=tmp_path / "m.safetensors")
    assert one.readings[-1].epoch < 60
    two = fit(again, DATA, plan, held_out=held_out, path=tmp_path / "m.safetensors")
    assert (one.reason, one.updates) == (two.reason, two.updates)
    assert alike(first, again)


def test_other_rows_held_out_are_another_training(tmp_path: Path) -> None:
    plan = Training(epochs=2, batch=50)
    fit(fresh(), DATA, plan, held_out=DATA[:50], path=tmp_path / "m.safetensors")
    with pytest.raises(InputError, match="of another machine, data or option"):
        fit(fresh(), DATA, plan, held_out=DATA[50:100], path=tmp_path / "m.safetensors")


def test_an_interrupt_at_a_reading_leaves_it_once(tmp_path: Path) -> None:
    def interrupt(_: str, done: int, of: int) -> None:
        if done == 15 and of == 45:
            raise KeyboardInterrupt

    plan = Training(epochs=3, batch=20)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        fit(fresh(), DATA, plan, path=tmp_path / "m.safetensors", progress=interrupt)
    history = fit(fresh(), DATA, plan, path=tmp_path / "m.safetensors")
    assert [r.epoch for r in history.readings] == [1, 2, 3]


def test_rows_held_out_are_all_checked() -> None:
    rows = torch.zeros(5000, 8)
    rows[3333] = 0.5
    with pytest.raises(InputError, match=r"0\.5 in row 3333"):
        fit(fresh(), DATA, Training(epochs=1), held_out=rows)


@pytest.mark.parametrize("kind", ["binary", "spin"])
def test_a_unit_turned_over_is_the_difference_of_free_energies(kind: str) -> None:
    m, generator = copy.deepcopy(machine(kind)).double(), torch.Generator()
    data = some_data(m, 30).double()
    found = pseudo_likelihoods(m, data, generator.manual_seed(4))
    unit = torch.randint(data.shape[1], (30, 1), generator=generator.manual_seed(4))
    other = data.scatter(1, unit, sum(m.visible.states) - data.gather(1, unit))
    with torch.no_grad():
        gain = m.free_energy(other) - m.free_energy(data)
    assert torch.allclose(found, data.shape[1] * torch.nn.functional.logsigmoid(gain), rtol=1e-10)


def test_it_stops_when_nothing_gets_better() -> None:
    m = fresh()
    history = fit(
        m, DATA, Training(epochs=400, batch=50, learning_rate=0.05, patience=5), held_out=DATA[:100]
    )
    assert "no better pseudo-likelihood since epoch" in history.reason
    assert history.readings[-1].epoch < 400


# -- data -----------------------------------------------------------------------------------------


def test_tables_of_all_kinds_are_learned_from_alike(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    array = DATA.numpy().astype(np.uint8)
    np.save(tmp_path / "a.npy", array)
    stored = zarr.open_array(
        str(tmp_path / "a.zarr"), mode="w", shape=array.shape, chunks=(50, 8), dtype="uint8"
    )
    stored[:] = array
    tables = [DATA, array, np.load(tmp_path / "a.npy", mmap_mode="r"), stored, array.tolist()]
    found = []
    for table in tables:
        m = fresh()
        fit(m, table, Training(epochs=2, batch=32))
        found.append(m)
    assert all(alike(found[0], other) for other in found[1:])


def test_an_epoch_takes_every_row_once_in_an_order_of_its_own() -> None:
    table = torch.arange(103.0)[:, None].expand(-1, 2)
    rows = rows_of(table)
    small = type(rows)(table, 20)
    for source in (rows, small):
        one, two = (
            torch.cat([b[:, 0].clone() for b in source.batches(8, seed=1, epoch=e, skip=0, like=table)])
            for e in (0, 1)
        )
        assert sorted(one.tolist()) == sorted(two.tolist()) == list(range(103))
        assert one.tolist() != two.tolist()
        count = source.per_epoch(8)
        batches = [b[:, 0].clone() for b in source.batches(8, seed=1, epoch=0, skip=0, like=table)]
        rest = [b[:, 0].clone() for b in source.batches(8, seed=1, epoch=0, skip=5, like=table)]
        assert len(batches) == count
        assert all(torch.equal(a, b) for a, b in zip(batches[5:], rest, strict=True))


BAD = {
    "another unit": (lambda: fit(fresh(), DATA * 0.5, Training()), "data of 0, 1, but got 0.5"),
    "not finite": (lambda: fit(fresh(), DATA.clone().fill_(math.nan), Training()), "not finite in row 0"),
    "width": (lambda: fit(fresh(), DATA[:, :5], Training()), "data of 8 numbers a row"),
    "no rows": (lambda: fit(fresh(), DATA[:0], Training()), "a table of one row or more"),
    "one row": (lambda: fit(fresh(), DATA[0], Training()), "a table of one row or more"),
    "words": (lambda: rows_of(np.array([["a", "b"]])), "numbers, but got data of type"),
    "rate": (lambda: Training(learning_rate=0.0), "a learning rate above 0"),
    "rate that is none": (lambda: Training(learning_rate=math.nan), "a learning rate above 0"),
    "epochs": (lambda: Training(epochs=0), "epochs of 1 or more"),
    "momentum": (lambda: Rule(momentum=1.0), "a momentum from 0 to below 1"),
    "penalty": (lambda: Rule(l2=-1.0), "a penalty from 0 to 1e"),
    "steps": (lambda: ContrastiveDivergence(steps=0), "one sweep or more"),
    "levels": (lambda: TemperedChains(levels=1), "two levels or more"),
    "warm-up": (lambda: Schedule(0.1, warm_up=1.0), "a share of the training"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case: str) -> None:
    work, message = BAD[case]
    with pytest.raises(InputError, match=message):
        work()


@pytest.mark.parametrize("kind", ["binary", "spin"])
def test_pseudo_likelihoods_are_those_of_the_joint_distribution(kind: str) -> None:
    """All units by brute force; and one drawn unit is that in the mean, to five errors."""
    m = machine(kind)
    v = m.visible.configurations().float()
    p = Exact(m).log_likelihood(v).exp().numpy()
    n = v.shape[1]
    numbers = np.arange(2**n)
    want = sum(np.log(p / (p + p[numbers ^ (1 << (n - 1 - i))])) for i in range(n))
    assert whole_pseudo_likelihoods(m, v).numpy() == pytest.approx(want, rel=1e-5)
    generator = torch.Generator().manual_seed(0)
    many = pseudo_likelihoods(m, v.repeat(400, 1), generator).view(400, -1)
    error = many.std(0) / 20
    assert (np.abs(many.mean(0).numpy() - want) < 5 * error.numpy()).all()
