"""Gradients against exact ones, learning against a known distribution, and trainings that are taken up again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import (
    Binary,
    Convolutional,
    Exact,
    Gaussian,
    Potts,
    RestrictedBoltzmannMachine,
    Spin,
)
from lensmaker.systems.boltzmann.phases import (
    PHASES,
    ContrastiveDivergence,
    ExactMoments,
    ModelPhase,
    PersistentContrastiveDivergence,
    TemperedChains,
)
from lensmaker.systems.boltzmann.training import Learner, Rule, Schedule, Training, fit, rows_of
from lensmaker.systems.boltzmann.training.monitor import pseudo_likelihoods, whole_pseudo_likelihoods

MACHINES = {
    "binary": lambda: RestrictedBoltzmannMachine(6, 4),
    "spin": lambda: RestrictedBoltzmannMachine(Spin(5), Spin(4)),
    "potts": lambda: RestrictedBoltzmannMachine(Potts(3, q=3), Binary(4)),
    "gaussian": lambda: RestrictedBoltzmannMachine(Gaussian(5), Binary(4)),
    "convolutional": lambda: RestrictedBoltzmannMachine(
        Spin(6), Spin(12), Convolutional((6,), (3,), filters=2)
    ),
    "unbiased": lambda: RestrictedBoltzmannMachine(Spin(5), Spin(4), biased=False),
}


def machine(kind: str, scale: float = 0.4) -> RestrictedBoltzmannMachine:
    made, generator = MACHINES[kind](), torch.Generator().manual_seed(3)
    for name, parameter in made.named_parameters():
        if made.biased or "bias" not in name:
            parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    if kind == "convolutional":
        for layer, bias in (("visible", made.visible_bias), ("hidden", made.hidden_bias)):
            kinds = made.weights.alike(layer, bias.data)
            kinds.copy_(kinds[:, :1].expand_as(kinds).clone())
    return made


def some_data(m: RestrictedBoltzmannMachine, n: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return m.visible.sample(torch.randn(m.visible.size, generator=generator).expand(n, -1), generator)


def log_likelihood(m: RestrictedBoltzmannMachine, data: Tensor) -> float:
    return float(Exact(m).log_likelihood(data).mean())


@pytest.mark.parametrize("kind", MACHINES)
@pytest.mark.parametrize("centering", [False, True])
def test_the_exact_update_goes_up_the_slope_of_the_likelihood(kind: str, centering: bool) -> None:
    """By differences of the likelihood along the change: centred, it is another direction, that rises as well."""
    m = machine(kind).double()
    data = some_data(m).double()
    rule, generator = Rule(centering=centering), torch.Generator().manual_seed(0)
    learner = Learner(m, ExactMoments(), rule, generator, len(data))
    before = {n: p.detach().clone() for n, p in m.named_parameters()}
    learner.update(data, 1.0)
    change = {n: p.detach() - before[n] for n, p in m.named_parameters()}

    def at(step: float) -> float:
        for n, p in m.named_parameters():
            p.data = before[n] + step * change[n]
        return log_likelihood(m, data)

    slope = (at(1e-4) - at(-1e-4)) / 2e-4
    size = sum(float(c.square().sum()) for c in change.values())
    if kind == "convolutional":  # a bias of many sites is one number
        size = float(change["weights.parameter"].square().sum()) + sum(
            float(m.weights.alike(layer, change[f"{layer}_bias"])[:, 0].square().sum())
            for layer in ("visible", "hidden")
        )
    if centering:
        assert slope > 0
    else:
        assert slope == pytest.approx(size, rel=1e-5)


def test_centred_learning_does_not_know_what_the_states_are_called() -> None:
    """0 and 1 exchanged, with the parameters that this asks for: the machines stay each other's mirror."""
    generator = torch.Generator().manual_seed(0)
    data = (torch.rand(200, 6, generator=generator) < torch.tensor([0.1, 0.9, 0.5, 0.2, 0.8, 0.6])).double()
    one, two = (RestrictedBoltzmannMachine(6, 4, dtype=torch.float64) for _ in range(2))
    W = 0.3 * torch.randn(6, 4, generator=generator).double()
    one.weights.parameter.data = W.clone()
    two.weights.parameter.data = -W  # v → 1 − v
    two.hidden_bias.data = W.sum(0)
    for m, rows in ((one, data), (two, 1 - data)):
        learner = Learner(m, ExactMoments(), Rule(centering=True, slide=1.0), torch.Generator(), 200)
        for _ in range(20):
            learner.update(rows, 0.2)
    assert torch.allclose(Exact(one).log_likelihood(data), Exact(two).log_likelihood(1 - data), rtol=1e-9)


@pytest.mark.parametrize(
    "phase",
    [
        PersistentContrastiveDivergence(steps=20, chains=4000),
        TemperedChains(chains=2000, levels=4, steps=20),
        ContrastiveDivergence(steps=40),
    ],
    ids=lambda p: p.name,
)
@pytest.mark.parametrize("kind", ["binary", "spin", "potts", "convolutional"])
def test_long_chains_estimate_the_exact_gradient(phase: ModelPhase, kind: str) -> None:
    """Each entry within 5 standard errors of some thousand samples."""
    m = machine(kind)
    for parameter in m.parameters():
        parameter.requires_grad_(False)
    data, changes = some_data(m, 4000), []
    for estimator in (phase, ExactMoments()):
        learner = Learner(m, estimator, Rule(), torch.Generator().manual_seed(1), len(data))
        fields = m.hidden_field(data)
        drawn = m.hidden.sample(fields, torch.Generator().manual_seed(2))
        changes.append([part.clone() for part in learner._slope(data, m.hidden.mean(fields), drawn)])
    sites = 6 if kind == "convolutional" else 1
    for found, want in zip(*changes, strict=True):
        assert float((found - want).abs().max()) < 5 * math.sqrt(sites / 2000)


def test_every_estimator_says_what_it_is_off_by() -> None:
    assert len({p.name for p in PHASES}) == len(PHASES) == 4
    for phase in PHASES:
        assert phase.bias
        assert phase.references


def test_a_machine_learns_the_distribution_of_bars() -> None:
    """Bars of 3 × 3, fourteen patterns: the likelihood comes near that of the data, −ln 14 = −2.64."""
    patterns = {tuple(np.repeat([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    patterns |= {tuple(np.tile([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    data = torch.tensor(sorted(patterns), dtype=torch.float32)
    assert len(data) == 14
    m = RestrictedBoltzmannMachine(9, 8)
    m.initialise(seed=1, scale=0.1, data=data)
    start = log_likelihood(m, data)
    training = Training(
        epochs=1500,
        batch=14,
        learning_rate=Schedule(0.3, 0.02),
        phase=PersistentContrastiveDivergence(chains=100, steps=2),
        rule=Rule(momentum=0.5, centering=True),
    )
    history = fit(m, data, training)
    assert log_likelihood(m, data) > -3.3 > start
    assert history.reason == "all epochs are done"
    assert history.updates == 1500


def test_penalties_and_momentum() -> None:
    m = RestrictedBoltzmannMachine(4, 3, dtype=torch.float64)
    m.weights.parameter.data = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).double()
    W = m.weights.parameter.detach().clone()
    data = some_data(m, 10).double()
    plain, decayed = (RestrictedBoltzmannMachine(4, 3, dtype=torch.float64) for _ in range(2))
    for other, rule in ((plain, Rule()), (decayed, Rule(l1=0.3, l2=0.2))):
        other.load_state_dict(m.state_dict())
        Learner(other, ExactMoments(), rule, torch.Generator(), 10).update(data, 0.1)
    difference = decayed.weights.parameter - plain.weights.parameter
    assert torch.allclose(difference.detach(), -0.1 * (0.3 * W.sign() + 0.2 * W), rtol=1e-9)
    learner = Learner(m, ExactMoments(), Rule(momentum=0.9), torch.Generator(), 10)
    learner.update(data, 0.1)
    first = learner.change.weights.clone()
    learner.rule = Rule(momentum=0.9)
    at = m.weights.parameter.detach().clone()
    learner.update(data, 1e-30)
    assert torch.allclose(m.weights.parameter.detach() - at, 0.9 * first, rtol=1e-9)


@pytest.mark.parametrize("kind", MACHINES)
@pytest.mark.parametrize("centering", [False, True])
def test_nothing_is_read_of_buffers_that_were_never_written(
    kind: str, centering: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(self: Tensor, shape: tuple[int, ...]) -> Tensor:
        return self.new_full(shape, math.nan)

    monkeypatch.setattr(Tensor, "new_empty", poisoned)
    m = machine(kind)
    learner = Learner(m, PersistentContrastiveDivergence(), Rule(centering=centering), torch.Generator(), 8)
    for _ in range(2):
        learner.update(some_data(m, 8), 0.01)
    assert all(bool(torch.isfinite(p).all()) for p in m.parameters())


# -- interrupted, killed, diverged ----------------------------------------------------------------

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
    training = Training(epochs=6, batch=7, phase=phase, rule=Rule(momentum=0.5, centering=True), seed=3)
    whole, path = fresh(), tmp_path / "m.safetensors"
    rows = str(fit(whole, DATA, training).rows())
    part, real, calls = fresh(), Learner.update, iter(range(10**6))

    def cut(self: Learner, v: Tensor, rate: float) -> None:
        if next(calls) == 170:
            raise KeyboardInterrupt
        real(self, v, rate)

    monkeypatch.setattr(Learner, "update", cut)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        fit(part, DATA, training, path=path)
    monkeypatch.setattr(Learner, "update", real)
    again = fresh()
    assert str(fit(again, DATA, training, path=path).rows()) == rows
    assert alike(again, whole)
    finished = fresh()
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
    "penalty": (lambda: Rule(l2=-1.0), "a penalty of 0 or more"),
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
