"""The commands about Boltzmann machines: what they print and write, and one sentence for each bad input."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from lensmaker.cli.boltzmann_tables import parted
from lensmaker.systems.boltzmann import Potts, RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.files import load, save
from lensmaker.systems.boltzmann.training import RestrictedLearner

Command = Callable[..., tuple[int, str, str]]
GREY = np.random.default_rng(0).random((300, 3, 3)).astype(np.float32)
ROWS = (GREY.reshape(300, 9) > 0.5).astype(np.float32)
OUT = ["--out", "m.safetensors"]
FIT = ["boltzmann", "fit", "rows.npy", "--hidden", "4", "--epochs", "3", "--batch", "20", *OUT]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with rows of 0 and 1, and the same in grey."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    np.save("rows.npy", ROWS)
    np.save("grey.npy", GREY)


def alike(one: RestrictedBoltzmannMachine, other: RestrictedBoltzmannMachine) -> bool:
    return one.spec == other.spec and all(
        torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True)
    )


def written() -> list[str]:
    return sorted(p.name for p in Path().iterdir() if p.name not in ("rows.npy", "grey.npy"))


# -- fit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["html", "json", "csv"])
def test_fit_prints_and_writes(suffix: str, lensmaker: Command) -> None:
    words = [*FIT, "--held-out", "0.2", "--monitor", f"r.{suffix}", "--figure", "f.svg"]
    code, out, err = lensmaker(*words)
    assert (code, err) == (0, "")
    assert "240 rows of 9 numbers, 60 held out; visible units: Binary(9) (decided from the data)." in out
    assert re.search(r"reading +first +last", out)
    assert re.search(r"held out pseudo likelihood +-\d+\.\d+ +-\d+\.\d+", out)
    assert "All epochs are done, after 36 updates; m.safetensors holds the machine." in out
    assert written() == ["f.svg", "m.safetensors", f"r.{suffix}"]
    assert str(load("m.safetensors")) == "Binary(9) – Binary(4), dense weights"
    text = Path(f"r.{suffix}").read_text()
    if suffix == "html":
        assert "Plotly.newPlot" in text
        return
    rows = json.loads(text)["rows"] if suffix == "json" else list(csv.DictReader(text.splitlines()))
    assert [int(row["updates"]) for row in rows] == [12, 24, 36]


def test_the_machine_is_that_of_the_library(lensmaker: Command) -> None:
    """The options, one by one, as the library has them."""
    from lensmaker.systems.boltzmann.phases import TemperedChains
    from lensmaker.systems.boltzmann.training import Rule, Schedule, Training, fit

    options = (
        "--phase tempered --steps 2 --chains 7 --levels 3 --learning-rate 0.2 --final-rate 0.02 --seed 5"
    )
    rule = "--momentum 0.6 --l1 0.001 --l2 0.002 --centering"
    assert lensmaker(*FIT, *options.split(), *rule.split())[0] == 0
    machine = RestrictedBoltzmannMachine(9, 4)
    machine.initialise(seed=5, data=torch.from_numpy(ROWS))
    phase = TemperedChains(steps=2, chains=7, levels=3)
    rules = Rule(momentum=0.6, l1=0.001, l2=0.002, centering=True)
    fit(machine, ROWS, Training(3, 20, Schedule(0.2, 0.02), rules, seed=5, phase=phase))
    assert alike(load("m.safetensors"), machine)


def write_all(folder: Path) -> dict[str, list[str]]:
    """The same rows in every kind of file: name → the words that choose them."""
    import gzip

    zarr = pytest.importorskip("zarr")
    np.savez("one.npz", x=ROWS)
    np.savez("two.npz", x=ROWS, y=np.arange(300))
    np.save("images.npy", ROWS.reshape(300, 1, 3, 3).astype(np.uint8))
    np.savetxt("plain.csv", ROWS, delimiter=",", fmt="%d")
    lines = Path("plain.csv").read_text()
    Path("headed.csv").write_text(",".join(f"s{k}" for k in range(9)) + "\n" + lines)
    with gzip.open("packed.csv.gz", "wt") as file:
        file.write(lines)
    torch.save(torch.from_numpy(ROWS), "one.pt")
    torch.save({"a": torch.zeros(2), "b": torch.from_numpy(ROWS)}, "two.pt")
    save_file({"x": ROWS}, "one.safetensors")
    array = zarr.open_array("one.zarr", mode="w", shape=ROWS.shape, chunks=(50, 9), dtype="uint8")
    array[:] = ROWS
    group = zarr.open_group("two.zarr", mode="w")
    group.create_array("x", data=ROWS)
    group.create_array("y", data=np.arange(300))
    return {
        "one.npz": [],
        "two.npz": ["--key", "x"],
        "images.npy": [],
        "plain.csv": [],
        "headed.csv": [],
        "packed.csv.gz": [],
        "one.pt": [],
        "two.pt": ["--key", "b"],
        "one.safetensors": [],
        "one.zarr": [],
        "two.zarr": ["--key", "x"],
        "grey.npy": ["--threshold", "0.5"],
    }


def test_files_of_all_kinds_give_one_machine(lensmaker: Command, tmp_path: Path) -> None:
    kinds = write_all(tmp_path)
    lensmaker(*FIT)
    want = load("m.safetensors")
    for name, words in kinds.items():
        code, _, err = lensmaker(*FIT[:2], name, *FIT[3:-1], f"of_{name}.safetensors", *words)
        assert (code, err) == (0, ""), name
        assert alike(load(f"of_{name}.safetensors"), want), name
    for name in ("two.npz", "two.pt", "two.zarr"):
        code, _, err = lensmaker(*FIT[:2], name, *FIT[3:])
        assert (code, "the name of one array of the file" in err) == (2, True)


def test_rows_held_out_are_a_random_share() -> None:
    table = np.arange(1000)[:, None].repeat(2, 1)
    learned, unseen = parted(table, 0.3, seed=1)
    assert (learned.shape, unseen.shape) == ((700, 2), (300, 2))
    both = np.concatenate([learned[0:700], unseen[0:300]])[:, 0]
    assert sorted(both) == list(range(1000))
    assert abs(unseen[0:300][:, 0].mean() - 499.5) < 4 * 288.7 * np.sqrt(0.7 / 300)  # 6e-5 by chance
    assert (learned[100:110] == learned[0:700][100:110]).all()
    assert (parted(table, 0.3, seed=1)[1].rows == unseen.rows).all()
    assert (parted(table, 0.3, seed=2)[1].rows != unseen.rows).any()


def test_nothing_is_learned_from_rows_held_out(lensmaker: Command) -> None:
    """Nor are biases started from them: the machine is that of a file without them."""
    whole = parted(ROWS, 0.4, seed=0)[0]
    np.save("learned.npy", whole[0:180])
    assert lensmaker(*FIT, "--held-out", "0.4")[0] == 0
    alone = [*FIT[:2], "learned.npy", *FIT[3:-1], "alone.safetensors"]
    assert lensmaker(*alone)[0] == 0
    assert alike(load("m.safetensors"), load("alone.safetensors"))


def test_a_file_of_rows_that_are_held_out(lensmaker: Command) -> None:
    np.save("other.npy", GREY[:50])
    grey = [*FIT[:2], "grey.npy", *FIT[3:], "--threshold", "0.5"]
    code, out, _ = lensmaker(*grey, "--held-out", "other.npy")
    assert code == 0
    assert "300 rows of 9 numbers, 50 held out" in out
    gap = re.search(r"free energy gap +(\S+) +(\S+)", out)
    assert gap


@pytest.mark.parametrize(
    ("words", "machine"),
    [
        (["--visible-units", "spin", "--threshold", "0.5"], "Spin(9) – Spin(4), dense weights"),
        (["--visible-units", "gaussian", "--variance", "0.3"], "Gaussian(9, variance=0.3) – Binary(4)"),
        (["--threshold", "0.5", "--hidden-units", "rectified"], "Binary(9) – Rectified(4)"),
        (["--threshold", "0.5", "--phase", "exact"], "ExactMoments. None."),
        (["--threshold", "0.5", "--phase", "cd", "--steps", "3"], "ContrastiveDivergence."),
        (["--threshold", "0.5", "--convolutional", "2x2"], "Binary(9) – Binary(36), convolutional weights"),
    ],
)
def test_machines_of_many_kinds(words: list[str], machine: str, lensmaker: Command) -> None:
    code, out, _ = lensmaker(*FIT[:2], "grey.npy", *FIT[3:], *words, "--figure", "f.png")
    assert code == 0
    assert machine in out
    assert Path("f.png").read_bytes()[1:4] == b"PNG"


def test_spins_and_states_keep_their_meaning(lensmaker: Command) -> None:
    """Above the threshold is 1, not −1; Potts states are numbers from 0, in files of rows and of samples."""
    draw = np.random.default_rng(1)
    np.save("skew.npy", (draw.random((400, 4)) < 0.9).astype(np.float32) * 3)
    skewed = ["boltzmann", "fit", "skew.npy", *FIT[3:]]
    lensmaker(*skewed, "--visible-units", "spin", "--threshold", "1")
    assert bool((load("m.safetensors").visible_bias > 0.5).all())
    np.save("states.npy", draw.choice(3, p=[0.1, 0.1, 0.8], size=(500, 4)))
    potts = ["--visible-units", "potts", "--states", "3", "--figure", "f.html"]
    words = ["boltzmann", "fit", "states.npy", "--hidden", "4", "--out", "p.safetensors", *potts]
    assert lensmaker(*words)[0] == 0
    machine = load("p.safetensors")
    assert isinstance(machine.visible, Potts)
    assert machine.visible_bias.view(4, 3).argmax(1).tolist() == [2] * 4
    assert lensmaker("boltzmann", "sample", "p.safetensors", "--n", "400", "--out", "s.npy")[0] == 0
    drawn = np.load("s.npy")
    assert (drawn.shape, set(np.unique(drawn)) <= {0, 1, 2}) == ((400, 4), True)
    assert abs((drawn == 2).mean() - 0.8) < 0.1
    code, out, _ = lensmaker("boltzmann", "loglikelihood", "p.safetensors", "s.npy")
    assert (code, "exact" in out) == (0, True)


def test_samples_of_spins_are_learned_from(lensmaker: Command) -> None:
    pytest.importorskip("numba")
    lattice = ["--lattice", "square", "--size", "4", "--temperature", "3", "--n", "200"]
    lattice += ["--out", "a.zarr", "--rule", "heat_bath", "--thin", "1"]
    assert lensmaker("spins", "sample", *lattice)[0] == 0
    code, out, err = lensmaker("boltzmann", "fit", "a.zarr", *FIT[3:], "--no-biases", "--figure", "f.html")
    assert (code, err) == (0, "")
    assert "200 rows of 16 numbers; visible units: Spin(16) (decided from the data)." in out
    machine = load("m.safetensors")
    assert (machine.spec["biased"], float(machine.visible_bias.abs().max())) == (False, 0.0)
    Path("a.zarr.state").touch()
    code, _, err = lensmaker("boltzmann", "fit", "a.zarr", *FIT[3:])
    assert (code, "complete samples, but got a.zarr of an interrupted run" in err) == (2, True)


def test_what_learned_nothing_is_noted(lensmaker: Command) -> None:
    code, out, _ = lensmaker(*FIT, "--learning-rate", "2")
    assert code == 0
    assert re.search(
        r"Note: a pseudo-likelihood of -\S+ is no better than that of units without weights", out
    )
    np.save("twins.npy", ROWS[:, [0, 0, 1, 1, 2, 2]])
    better = ["boltzmann", "fit", "twins.npy", "--hidden", "9", "--epochs", "60", "--batch", "20"]
    code, out, _ = lensmaker(*better, "--learning-rate", "0.3", "--out", "t.safetensors")
    assert (code, "Note:" in out) == (0, False)


def test_it_stops_when_nothing_gets_better(lensmaker: Command) -> None:
    code, out, _ = lensmaker(*FIT, "--epochs", "400", "--learning-rate", "0.1", "--patience", "3")
    assert code == 0
    assert re.search(r"No better pseudo-likelihood since epoch \d+, after \d+ updates;", out)


@pytest.mark.slow
def test_two_processes_learn_the_machine_of_one(tmp_path: Path) -> None:
    """The first one alone prints and draws; batches of 20 of 240 rows are shared out."""
    np.save(tmp_path / "rows.npy", ROWS)
    words = ["-m", "lensmaker", *FIT[:-1]]
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *words]
    others = ["--held-out", "0.2", "--learning-rate", "0.1", "--figure"]
    said = []
    for command, name in ((words, "one"), (many, "two")):
        line = [sys.executable, *command, f"{name}.safetensors", *others, f"{name}.svg"]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        said.append(done.stdout.replace(f"{name}.safetensors", "machine"))
    assert said[1].count("240 rows of 9 numbers, 60 held out") == 1
    assert said[1].count("after 36 updates; machine holds the machine") == 1
    assert len(said[0].splitlines()) == len(said[1].splitlines())
    one, two = (load(tmp_path / f"{name}.safetensors") for name in ("one", "two"))
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert float(a.detach().abs().max()) > 0.002
        assert torch.allclose(a, b, rtol=0, atol=1e-5)
    assert (tmp_path / "two.svg").is_file()


def test_operands_are_those_of_the_library(lensmaker: Command) -> None:
    from lensmaker.systems.boltzmann.training import Training, fit

    assert lensmaker(*FIT, "--operands", "bfloat16", "--learning-rate", "0.1")[0] == 0
    found = load("m.safetensors")
    for operands in (torch.bfloat16, None):
        machine = RestrictedBoltzmannMachine(9, 4)
        machine.initialise(seed=0, data=torch.from_numpy(ROWS))
        fit(machine, ROWS, Training(3, 20, 0.1, operands=operands))
        assert alike(found, machine) == (operands is not None)


# -- interrupted, killed, diverged ------------------------------------------------------------------


def test_an_interrupted_training_says_how_to_go_on(
    lensmaker: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lensmaker(*FIT, "--monitor", "whole.csv")
    whole = load("m.safetensors")
    Path("m.safetensors").unlink()
    real, calls = RestrictedLearner.update, iter(range(10**6))

    def cut(self: RestrictedLearner, v: torch.Tensor, rate: float) -> None:
        if next(calls) == 40:
            os.kill(os.getpid(), signal.SIGTERM)  # as Ctrl-C
        real(self, v, rate)

    monkeypatch.setattr(RestrictedLearner, "update", cut)
    before = signal.getsignal(signal.SIGTERM)
    code, _, err = lensmaker(*FIT, "--monitor", "part.csv")
    assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.setattr(RestrictedLearner, "update", real)
    assert code == 130
    kept = "m.safetensors is kept as of update 30, in epoch 3: give the same command again to go on"
    assert err == f"lensmaker: interrupted; {kept}.\n"
    assert len(Path("part.csv").read_text().splitlines()) == 3
    code, out, _ = lensmaker(*FIT, "--monitor", "part.csv")
    assert (code, "after 45 updates, taken up after 30; m.safetensors holds the machine" in out) == (0, True)
    assert alike(load("m.safetensors"), whole)
    assert Path("part.csv").read_text() == Path("whole.csv").read_text()
    assert written() == ["m.safetensors", "part.csv", "whole.csv"]


def test_an_interrupt_before_the_first_update(lensmaker: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RestrictedLearner, "__init__", cut)
    code, _, err = lensmaker(*FIT)
    assert (code, err) == (
        130,
        "lensmaker: interrupted before anything was learned; nothing was written.\n",
    )
    assert written() == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_was_killed_goes_on(kind: signal.Signals, tmp_path: Path) -> None:
    """The second run ends with the machine that a run without a kill writes."""
    np.save(tmp_path / "rows.npy", ROWS)
    words = [*FIT[:5], "--epochs", "120", "--batch", "4", "--steps", "5", "--out"]
    command = [sys.executable, "-m", "lensmaker", *words]
    options = {"cwd": tmp_path, "env": {**os.environ}, "stdout": subprocess.DEVNULL}
    with subprocess.Popen([*command, "a.safetensors"], **options, stderr=subprocess.PIPE, text=True) as run:
        while not (tmp_path / "a.safetensors").exists():
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(kind)
        _, said = run.communicate()
    assert (run.returncode, "give the same command again" in said) == (
        (130, True) if kind is signal.SIGTERM else (-9, False)
    )
    load(tmp_path / "a.safetensors")
    subprocess.run([*command, "a.safetensors"], check=True, **options)
    subprocess.run([*command, "b.safetensors"], check=True, **options)
    assert alike(*(load(tmp_path / name) for name in ("a.safetensors", "b.safetensors")))


def test_a_kill_while_the_file_is_written_leaves_the_one_before(
    lensmaker: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lensmaker(*FIT)
    whole = load("m.safetensors")
    Path("m.safetensors").unlink()
    writes, real = iter(range(100)), Path.replace

    def killed(self: Path, target: Path) -> Path:
        if next(writes) == 1:
            raise SystemExit(137)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        assert lensmaker(*FIT)[0] == 137
    assert written() == ["m.safetensors"]
    assert not alike(load("m.safetensors"), whole), "of the first epoch"
    assert lensmaker(*FIT)[0] == 0
    assert alike(load("m.safetensors"), whole)


def test_a_training_that_runs_away_is_told_and_the_last_good_machine_kept(lensmaker: Command) -> None:
    np.save("wild.npy", (1e3 * (GREY.reshape(300, 9) - 0.5)).astype(np.float32))
    kinds = ["--visible-units", "gaussian", "--hidden-units", "gaussian"]
    wild = ["boltzmann", "fit", "wild.npy", *FIT[3:], *kinds]
    code, _, err = lensmaker(*wild, "--learning-rate", "10", "--monitor", "r.html", "--figure", "f.png")
    assert code == 2
    sentence = (
        r"lensmaker: Expected a training that stays finite, but got one that diverged before update \d+, "
    )
    fix = r"at --learning-rate 10: lower it; m\.safetensors holds the last good machine, of update 0\.\n"
    assert re.fullmatch(sentence + fix, err), err
    machine = load("m.safetensors")
    assert all(bool(torch.isfinite(p).all()) for p in machine.parameters())
    assert written() == ["f.png", "m.safetensors", "r.html", "wild.npy"]


# -- bad input --------------------------------------------------------------------------------------


def nan(low: float) -> np.ndarray:
    table = ROWS + low
    table[7, 3] = np.nan
    return table


WIDE = ["boltzmann", "loglikelihood", "wide.safetensors", "rows.npy"]
SAMPLE = ["boltzmann", "sample", "wide.safetensors", "--out", "s.npy"]
LONG = ["boltzmann", "fit", "bad.npy", *FIT[3:]]
BAD: dict[str, tuple[object, list[str], str]] = {
    "grey data": (
        GREY,
        LONG,
        r"data of 0 and 1, or of -1 and 1, .* but got 0\.\d+ in row 0: pass --threshold",
    ),
    "grey data called binary": (
        GREY,
        [*LONG, "--visible-units", "binary"],
        r"data of 0, 1, but got 0\.\d+ in row 0: binarise it",
    ),
    "half of a spin": (2 * ROWS - 1.5, [*LONG, "--visible-units", "spin"], r"data of -1, 1, but got"),
    "not finite": (nan(0), LONG, "finite data, but got a number that is not finite in row 7"),
    "not finite under a threshold": (
        nan(0),
        [*LONG, "--threshold", "0.5"],
        "finite data, but got a number that is not finite in row 7",
    ),
    "not finite, with a share held out": (
        nan(0),
        [*LONG, "--visible-units", "binary", "--held-out", "0.5"],
        "finite data, but got a number that is not finite in row 7",
    ),
    "not finite far down a file of rows held out": (
        np.concatenate([np.zeros((4000, 9)), np.full((300, 9), np.nan)]),
        [*FIT, "--held-out", "bad.npy"],
        "finite data, but got a number that is not finite in row 4000",
    ),
    "complex": (
        ROWS.astype(complex),
        [*LONG, "--threshold", "0.5"],
        "real numbers, but got data of type complex128 in bad.npy",
    ),
    "rounded kernels": (
        None,
        [*FIT, "--operands", "bfloat16", "--convolutional", "2x2"],
        "dense weights for rounded operands, but got convolutional ones: leave --operands out",
    ),
    "states": (
        ROWS * 3,
        [*LONG, "--visible-units", "potts", "--states", "3"],
        r"states 0 to 2, but got 3 in row \d",
    ),
    "no states": (ROWS, [*LONG, "--visible-units", "potts"], "--states for Potts units"),
    "states of others": (ROWS, [*LONG, "--states", "3"], "--states for Potts units"),
    "one row": (ROWS[0], LONG, r"a table of samples, \(n, units\), but got shape \(9,\)"),
    "no rows": (ROWS[:0], LONG, "a table of one row or more"),
    "words": (np.array([["a", "b"]]), LONG, "numbers, but got data of type"),
    "no file": (None, [*FIT[:2], "no.npy", *FIT[3:]], "no.npy, which is not there"),
    "another kind of file": (None, [*FIT[:2], "wide.h5", *FIT[3:]], "wide.h5, which is not there"),
    "held out of another width": (ROWS[:, :5], [*FIT, "--held-out", "bad.npy"], "data of 9 numbers a row"),
    "all held out": (None, [*FIT, "--held-out", "1.0"], "a share of rows that leaves one or more"),
    "not a share": (None, [*FIT, "--held-out", "nan"], "a share of rows that leaves one or more"),
    "shape": (None, [*FIT, "--figure", "f.png", "--shape", "4x4"], "as many sites as there are units"),
    "no square": (ROWS[:, :5], [*LONG, "--figure", "f.png"], "a square number of units, or --shape"),
    "shape of words": (None, [*FIT, "--figure", "f.png", "--shape", "big"], "a shape such as 28x28"),
    "kernel": (None, [*FIT, "--convolutional", "4x4"], "a kernel that fits on the torus"),
    "enumeration": (
        np.tile(ROWS, (1, 4)),
        ["boltzmann", "fit", "bad.npy", "--hidden", "40", *OUT, "--phase", "exact"],
        r"a layer of no more than 2\^24 configurations, but got 2\^36 in the smaller one: pass another --phase",
    ),
    "enumeration of ln Z": (
        np.tile(ROWS, (1, 4)),
        ["boltzmann", "loglikelihood", "wide.safetensors", "bad.npy", "--method", "exact"],
        r"a layer of no more than 2\^24 configurations, but got 2\^30",
    ),
    "levels of one": (None, [*FIT, "--levels", "3"], "no levels for pcd, but got --levels"),
    "chains of none": (None, [*FIT, "--phase", "cd", "--chains", "3"], "no chains for cd"),
    "rate": (None, [*FIT, "--learning-rate", "0"], "a learning rate above 0"),
    "rate that is none": (None, [*FIT, "--learning-rate", "nan"], "a learning rate above 0"),
    "epochs": (None, [*FIT, "--epochs", "0"], "epochs of 1 or more"),
    "hidden": (None, [*FIT[:3], "--hidden", "0", *OUT], "a layer of one unit or more"),
    "threshold": (None, [*FIT, "--threshold", "nan"], "a finite threshold"),
    "name of the machine": (None, [*FIT[:-1], "m.bin"], r"a file \.safetensors"),
    "name of the readings": (None, [*FIT, "--monitor", "r.pdf"], r"readings \.html, \.json or \.csv"),
    "name of the figure": (None, [*FIT, "--figure", "f.pdf"], r"a figure \.html, \.svg or \.png"),
    "name of the samples": (None, [*SAMPLE[:-1], "s.txt"], r"samples \.npz or \.npy"),
    "no folder": (None, [*FIT[:-1], "no/m.safetensors"], "whose folder is missing"),
    "no machine": (None, ["boltzmann", "sample", "no.safetensors", "--out", "s.npy"], "which is not there"),
    "pickle": (
        None,
        ["boltzmann", "sample", "rbm.joblib", "--out", "s.npy"],
        "rbm.joblib, a pickle, which runs code",
    ),
    "rows for another machine": (None, WIDE, "data of 36 numbers a row, but got shape"),
    "start of another machine": (None, [*SAMPLE, "--from", "rows.npy"], "data of 36 numbers a row"),
    "a shape that is none": (None, [*FIT, "--shape", "abc"], "a shape such as 28x28, but got 'abc'"),
    "a shape of samples that is none": (None, [*SAMPLE, "--shape", "abc"], "a shape such as 28x28"),
    "picture of samples": (None, [*SAMPLE, "--figure", "f.png", "--shape", "5x5"], "as many sites as there"),
    "one run": (
        np.tile(ROWS, (1, 4)),
        ["boltzmann", "loglikelihood", "wide.safetensors", "bad.npy", "--runs", "1"],
        "two runs and one step at least",
    ),
    "as many units as no memory holds": (
        np.zeros((3, 20_000), np.float32),
        [*LONG[:3], "--hidden", "2000000000", *OUT],
        "work that fits into memory",
    ),
    "output for input": (None, [*FIT, "--monitor", "m.safetensors"], "a file for each output"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_nothing_written(case: str, lensmaker: Command) -> None:
    table, words, sentence = BAD[case]
    save(RestrictedBoltzmannMachine(36, 30), "wide.safetensors")
    if isinstance(table, np.ndarray):
        np.save("bad.npy", table)
    before = written()
    code, out, err = lensmaker(*words)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"lensmaker: Expected [^\n]+\.\n", err), err
    assert re.search(sentence, err), err
    assert written() == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(lensmaker: Command) -> None:
    code, out, err = lensmaker(*FIT, "--device", "cuda")
    sentence = "Expected a GPU that torch can use, but got --device cuda and none: leave --device out."
    assert (code, out, err) == (2, "", f"lensmaker: {sentence}\n")
    assert written() == []


@pytest.mark.parametrize("damage", ["cut", "turned", "empty", "text", "another"])
def test_a_damaged_or_foreign_file_of_the_machine_is_refused_and_left(
    damage: str, lensmaker: Command
) -> None:
    lensmaker(*FIT)
    path, words = Path("m.safetensors"), list(FIT)
    whole = path.read_bytes()
    if damage == "another":
        words += ["--seed", "7"]
        sentence = "the file of this training, but got m.safetensors of another machine, data or option"
    else:
        changed = {"cut": whole[:-40], "turned": b"\xff" + whole[1:], "empty": b"", "text": b"hello"}
        path.write_bytes(changed[damage])
        sentence = r"a file of a Boltzmann machine, but got m\.safetensors, which is damaged"
    before = path.read_bytes()
    uses = [words, ["boltzmann", "sample", "m.safetensors", "--out", "s.npy"]]
    for command in uses if damage != "another" else uses[:1]:
        code, _, err = lensmaker(*command)
        assert code == 2
        assert re.fullmatch(r"lensmaker: Expected [^\n]+\.\n", err), err
        assert re.search(sentence, err), err
        assert path.read_bytes() == before
    assert written() == ["m.safetensors"]


@pytest.mark.parametrize("name", ["bad.npz", "bad.csv", "bad.pt", "bad.safetensors", "bad.npy", "bad.zarr"])
def test_a_damaged_file_of_rows_is_one_sentence(name: str, lensmaker: Command) -> None:
    if name == "bad.zarr":
        Path(name).mkdir()
        (Path(name) / "thesis.txt").write_text("mine")
    else:
        Path(name).write_bytes(b"x,1\n3,4,5,\x00\xff\n")
    code, out, err = lensmaker(*FIT[:2], name, *FIT[3:])
    assert (code, out) == (2, "")
    assert re.fullmatch(
        r"lensmaker: Expected rows of numbers in [^\n]+, which (cannot be read|is damaged)[^\n]+\.\n", err
    ), err


def test_a_pickle_of_rows_is_never_opened(lensmaker: Command, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    torch.save(Trap(), "bad.pt")
    np.save("objects.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    for name in ("bad.pt", "objects.npy"):
        code, _, err = lensmaker(*FIT[:2], name, *FIT[3:])
        assert (code, err.count("\n")) == (2, 1), err
    assert not (tmp_path / "sprung").exists()
