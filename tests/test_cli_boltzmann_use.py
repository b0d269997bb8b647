"""The commands that use Boltzmann machines: samples and likelihoods against sums over all states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.systems.boltzmann import (
    Convolutional,
    Gaussian,
    Rectified,
    RestrictedBoltzmannMachine,
    Spin,
)
from lensmaker.systems.boltzmann.files import save

Command = Callable[..., tuple[int, str, str]]
GREY = np.random.default_rng(0).random((300, 3, 3)).astype(np.float32)
ROWS = (GREY.reshape(300, 9) > 0.5).astype(np.float32)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with rows of 0 and 1, and the same in grey."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    np.save("rows.npy", ROWS)
    np.save("grey.npy", GREY)


def small(kind: str = "binary") -> RestrictedBoltzmannMachine:
    """A machine whose 2^6 visible states can be summed by hand."""
    made = (
        RestrictedBoltzmannMachine(6, 5) if kind == "binary" else RestrictedBoltzmannMachine(Spin(6), Spin(5))
    )
    generator = torch.Generator().manual_seed(3)
    for parameter in made.parameters():
        parameter.data = 0.6 * torch.randn(parameter.shape, generator=generator)
    save(made, "small.safetensors")
    return made


def log_probabilities(
    machine: RestrictedBoltzmannMachine, states: tuple[int, int]
) -> dict[tuple[int, ...], float]:
    """ln P(v) of all v, by a sum over both layers written out."""
    W, a, b = (
        p.detach().double().numpy()
        for p in (machine.weights.parameter, machine.visible_bias, machine.hidden_bias)
    )
    hidden = np.array(list(product(states, repeat=len(b))), float)
    totals = {}
    for v in product(states, repeat=len(a)):
        x = np.array(v, float)
        totals[v] = np.log(np.exp(a @ x + hidden @ b + x @ W @ hidden.T).sum())
    log_z = np.log(np.exp(list(totals.values())).sum())
    return {v: t - log_z for v, t in totals.items()}


@pytest.mark.parametrize("kind", ["binary", "spin"])
def test_samples_are_those_of_the_machine(kind: str, lensmaker: Command) -> None:
    """Means and products of 4000 independent chains, within 5 errors of the sums: 2e-5 by chance."""
    states = (0, 1) if kind == "binary" else (-1, 1)
    exact = log_probabilities(small(kind), states)
    code, out, err = lensmaker(
        "boltzmann", "sample", "small.safetensors", "--n", "4000", "--sweeps", "60", "--out", "s.npz"
    )
    assert (code, err) == (0, "")
    assert "4000 chains of 60 sweeps from random states" in out
    (name,) = np.load("s.npz").files
    drawn = np.load("s.npz")[name].astype(float)
    v, p = np.array(list(exact), float), np.exp(list(exact.values()))
    for f in (lambda s: s, lambda s: s[:, :-1] * s[:, 1:]):
        mean, second = p @ f(v), p @ f(v) ** 2
        error = np.sqrt((second - mean**2) / len(drawn))
        assert (np.abs(f(drawn).mean(0) - mean) < 5 * error).all()


def test_chains_start_where_they_are_told(lensmaker: Command) -> None:
    """Of weights 0 and large biases nothing is forgotten but the start; one sweep, and rows of a file before it."""
    small()
    np.save("start.npy", np.tile([1.0, 0, 1, 0, 1, 1], (5, 1)))
    words = ["boltzmann", "sample", "small.safetensors", "--n", "3", "--sweeps", "20", "--shape", "2x3"]
    code, out, _ = lensmaker(
        *words, "--from", "start.npy", "--out", "s.npy", "--figure", "s.svg", "--seed", "4"
    )
    assert (code, "from rows of start.npy" in out) == (0, True)
    text = Path("s.svg").read_text()
    assert [t for t in re.findall(r">([^<]+)</text>", text) if t.isdecimal()] == [
        *("0", "1", "2", "5", "10", "20"),
        *("1", "2", "3"),
        *("0", "1"),
    ]
    one = np.load("s.npy")
    lensmaker(*words, "--from", "start.npy", "--out", "again.npy", "--seed", "4")
    lensmaker(*words, "--from", "start.npy", "--out", "other.npy", "--seed", "5")
    assert (np.load("again.npy") == one).all(), "the figure draws no random numbers of the chains"
    assert (np.load("other.npy") != one).any()


@pytest.mark.parametrize("kind", ["binary", "spin"])
def test_the_likelihood_is_that_of_the_sum_over_all_states(kind: str, lensmaker: Command) -> None:
    states = (0, 1) if kind == "binary" else (-1, 1)
    exact = log_probabilities(small(kind), states)
    rows = np.random.default_rng(2).choice(states, size=(50, 6))
    np.save("v.npy", rows)
    each = np.array([exact[tuple(row)] for row in rows.tolist()])
    words = ["boltzmann", "loglikelihood", "small.safetensors", "v.npy", "--json", "l.json"]
    code, out, err = lensmaker(*words)
    assert (code, err) == (0, "")
    assert "exact" in out
    found = json.loads(Path("l.json").read_text())
    assert found["value"] == pytest.approx(each.mean(), rel=1e-6)
    assert found["low"] == found["high"] == found["value"]
    assert found["spread"] == pytest.approx(each.std(ddof=1) / np.sqrt(50), rel=1e-6)
    code, out, _ = lensmaker(*words, "--method", "annealing", "--runs", "100", "--steps", "50", "--seed", "1")
    found = json.loads(Path("l.json").read_text())
    assert "annealed by 100 runs of 50 steps" in out
    width = found["high"] - found["low"]
    assert found["low"] < found["value"] < found["high"] < found["low"] + 1
    assert abs(found["value"] - each.mean()) < 1.3 * width  # 5 errors


def test_a_machine_of_rbms_is_read(lensmaker: Command) -> None:
    h5py = pytest.importorskip("h5py")
    machine = small()
    with h5py.File("m.h5", "w") as file:
        group = file.create_group("update_3").create_group("params")
        for name, p in (("weight_matrix", machine.weights.parameter), ("vbias", machine.visible_bias)):
            group[name] = p.detach().numpy()
        group["hbias"] = machine.hidden_bias.detach().numpy()
    np.save("v.npy", ROWS[:, :6])
    ours, theirs = (
        lensmaker("boltzmann", "loglikelihood", name, "v.npy")[1] for name in ("small.safetensors", "m.h5")
    )
    assert ours == theirs


def test_units_of_a_machine_say_how_rows_are_read(lensmaker: Command) -> None:
    """Of a Gaussian machine grey rows are rows; a convolutional one draws its kernels."""
    save(RestrictedBoltzmannMachine(Gaussian(9), 2), "g.safetensors")
    assert lensmaker("boltzmann", "loglikelihood", "g.safetensors", "grey.npy")[0] == 0
    machine = RestrictedBoltzmannMachine(Spin(9), Spin(18), Convolutional((3, 3), (2, 2), 2))
    save(machine, "c.safetensors")
    assert lensmaker("boltzmann", "sample", "c.safetensors", "--out", "s.npy", "--figure", "s.png")[0] == 0


def test_one_row_has_no_error_from_the_choice_of_rows(lensmaker: Command) -> None:
    small()
    np.save("v.npy", ROWS[:1, :6])
    code, out, err = lensmaker("boltzmann", "loglikelihood", "small.safetensors", "v.npy", "--json", "l.json")
    assert (code, err) == (0, "")
    assert re.search(r"ln P = -\d+\.\d+ nats a row \(one row: no error from the choice of rows\)\.", out)
    assert json.loads(Path("l.json").read_text())["spread"] is None
    np.save("v.npy", np.repeat(ROWS[:1, :6], 3, 0))
    lensmaker("boltzmann", "loglikelihood", "small.safetensors", "v.npy", "--json", "l.json")
    assert json.loads(Path("l.json").read_text())["spread"] == 0.0


def test_rectified_visible_units_read_numbers_from_0_on(lensmaker: Command) -> None:
    save(RestrictedBoltzmannMachine(Rectified(9), 3), "r.safetensors")
    code, out, err = lensmaker("boltzmann", "loglikelihood", "r.safetensors", "grey.npy")
    assert (code, err, "300 rows of grey.npy" in out) == (0, "", True)
    code, _, err = lensmaker("boltzmann", "sample", "r.safetensors", "--from", "grey.npy", "--out", "s.npy")
    assert (code, err) == (0, "")
    np.save("low.npy", GREY.reshape(300, 9) - 0.5)
    code, _, err = lensmaker("boltzmann", "loglikelihood", "r.safetensors", "low.npy")
    assert code == 2
    assert re.fullmatch(r"lensmaker: Expected [^\n]+\.\n", err), err


def test_samples_that_run_away_are_not_written(lensmaker: Command) -> None:
    """Two Gaussian layers whose coupling is larger than their stiffness have no distribution."""
    machine = RestrictedBoltzmannMachine(Gaussian(4), Gaussian(4))
    machine.weights.parameter.data = 3 * torch.eye(4)
    save(machine, "wild.safetensors")
    words = ["boltzmann", "sample", "wild.safetensors", "--n", "7", "--out", "s.npy", "--figure", "f.png"]
    code, out, err = lensmaker(*words)
    assert (code, out) == (2, "")
    assert "whose samples stay finite, but got 7 of 7 chains that ran away within 1000 sweeps" in err
    assert not Path("s.npy").exists()
    assert not Path("f.png").exists()
