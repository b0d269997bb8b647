"""The command line: what each command prints and writes, and one sentence for each bad input."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from safetensors.torch import save_file
from torch import nn

from command import Run
from lensmaker import cli
from lensmaker.core import QUANTITIES, CorrectionError, InputError, LensmakerError
from lensmaker.design.diagnose import ABERRATIONS
from lensmaker.instruments import INSTRUMENTS
from lensmaker.theories import THEORIES

ROOT = Path(__file__).parent.parent
NETS = """
import torch
from torch import nn

def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))

def deep():
    torch.manual_seed(0)
    layers = [m for _ in range(10) for m in (nn.Linear(16, 16), nn.ReLU())]
    return nn.Sequential(nn.Linear(4, 16), *layers, nn.Linear(16, 3))

class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("gearbox\\nsecond line")

class Exiting(nn.Module):
    def forward(self, x):
        raise SystemExit(7)

class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
    def forward(self, x):
        return self.layer(x).detach()

class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(7, 8), nn.Linear(8, 7)
    def forward(self, ids, labels=None):
        print("noise from the model")
        logits = self.head(self.embed(ids))
        return {"loss": nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten()), "logits": logits}

class Interrupted(nn.Module):
    def forward(self, x):
        raise KeyboardInterrupt

class Sleeping(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)
    def forward(self, x):
        import pathlib, time
        pathlib.Path("asleep").touch()
        time.sleep(60)
        return self.layer(x)
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with models and batches."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "cli_nets.py").write_text(NETS)
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(12, 4)).astype(np.float32), draw.integers(3, size=12)
    np.savez(tmp_path / "batch.npz", x=x, y=y)
    np.savez(tmp_path / "lone.npz", x=x)
    np.savez(tmp_path / "named.npz", ids=draw.integers(7, size=(4, 5)), labels=draw.integers(7, size=(4, 5)))
    yield tmp_path
    sys.modules.pop("cli_nets", None)


def inspect(*words: str, model: str = "mlp", data: str = "batch.npz") -> list[str]:
    return ["inspect", f"cli_nets:{model}", "--data", data, *words]


CE = ("--loss", "cross_entropy")


# -- what works -------------------------------------------------------------------------------------


def test_inspect_prints_and_writes(bench: Path, lensmaker: Callable[..., Run]) -> None:
    torch.manual_seed(3)
    weights = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)).state_dict()
    save_file(weights, bench / "w.safetensors")
    done = lensmaker(*inspect(*CE, "--weights", "w.safetensors", "--html", "r.html", "--json", "r.json"))
    assert (done.code, done.err) == (0, "")
    assert "lensmaker · Sequential" in done.out
    report = json.loads((bench / "r.json").read_text())
    sigma_w = report["elements"][0]["sigma_w"]
    assert sigma_w == pytest.approx(2 * float(weights["0.weight"].square().mean().sqrt()))
    page = (bench / "r.html").read_text()
    assert page.lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    cited = lensmaker("cite", "r.json")
    assert cited.code == 0
    assert {r["key"] for r in report["references"]} <= set(cited.out.split())
    assert "zhai2023" not in cited.out, "no attention was inspected"
    assert lensmaker("cite", "r.json", "--bibtex").out.count("author = {") == len(report["references"])


@pytest.mark.parametrize(
    ("words", "code"), [((), 0), (("--fail-on", "never"), 0), (("--fail-on", "findings"), 1)]
)
def test_findings_decide_the_exit_code_where_asked(
    words: tuple[str, ...], code: int, bench: Path, lensmaker: Callable[..., Run]
) -> None:
    done = lensmaker(*inspect(*CE, *words, "--correct", "--json", "r.json", model="deep"))
    assert (done.code, done.err) == (code, "")
    report = json.loads((bench / "r.json").read_text())
    assert [f["aberration"] for f in report["findings"]] == ["depth_gain"]
    assert report["corrected"]
    assert lensmaker(*inspect(*CE, *words)).code == 0, "a healthy network is no failure"


def test_a_named_batch_and_the_models_own_loss(bench: Path, lensmaker: Callable[..., Run]) -> None:
    done = lensmaker(*inspect("--json", "r.json", model="Named", data="named.npz"))
    assert (done.code, done.err) == (0, "")
    measured = json.loads((bench / "r.json").read_text())["measurements"]
    assert any(m["quantity"] == "weight_gradient" for m in measured)


def test_prescription(bench: Path, lensmaker: Callable[..., Run]) -> None:
    done = lensmaker("prescription", "cli_nets:mlp", "--data", "lone.npz")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"0:linear +linear +12×16 +4 +0\.\d+ ", done.out)
    assert "131 parameters" in done.out


def test_criticality(bench: Path, lensmaker: Callable[..., Run]) -> None:
    """σ_w of tanh at σ_b = 0.2 solves χ₁ = 1 to the digits printed: 1.3041 (see tests of the theory)."""
    done = lensmaker("criticality", "tanh", "--sigma-b", "0.2", "--html", "c.html", "--json", "c.json")
    assert (done.code, done.err) == (0, "")
    assert "tanh at σ_w = 1.3041, σ_b = 0.2: critical" in done.out
    assert re.search(r"ξ_c +xi_c +∞", done.out)
    assert "this layer" in done.out
    record = json.loads((bench / "c.json").read_text())
    assert record["critical_sigma_w"] == pytest.approx(1.3041, abs=5e-5)
    assert "Plotly.newPlot" in (bench / "c.html").read_text()
    chaotic = lensmaker("criticality", "tanh", "--sigma-b", "0.2", "--sigma-w", "1.5")
    assert "tanh at σ_w = 1.5, σ_b = 0.2: chaotic" in chaotic.out
    assert re.search(r"χ₁ +chi_1 +1\.1009", chaotic.out)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("theories", [t.name for t in THEORIES]),
        ("instruments", [i.name for i in INSTRUMENTS]),
        ("aberrations", [a.name for a in ABERRATIONS]),
        ("quantities", [q.name for q in QUANTITIES]),
        ("cite", sorted({r.key for m in (*THEORIES, *INSTRUMENTS, *ABERRATIONS) for r in m.references})),
    ],
)
def test_lists_are_complete(
    command: str, names: list[str], bench: Path, lensmaker: Callable[..., Run]
) -> None:
    done = lensmaker(command)
    first = [line.split()[0] for line in done.out.splitlines() if line.strip()]
    assert (done.code, done.err) == (0, "")
    assert set(names) <= set(first)


# -- help and documentation -------------------------------------------------------------------------


def commands(group: typer.core.TyperGroup, prefix: str = "") -> dict[str, typer.core.TyperCommand]:
    """Every command by the words that call it; those of a group under both of its words."""
    found = {}
    for name, command in group.commands.items():
        inner = isinstance(command, typer.core.TyperGroup)
        found |= commands(command, f"{prefix}{name} ") if inner else {f"{prefix}{name}": command}
    return found


COMMANDS = commands(typer.main.get_command(cli.app))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str, lensmaker: Callable[..., Run]) -> None:
    command = COMMANDS[name]
    assert re.fullmatch(r"[A-Z].+\.", command.help or ""), "one sentence"
    options = [p for p in command.params if p.name != "help"]
    assert [p.name for p in options if not getattr(p, "help", None)] == []
    done = lensmaker(*name.split(), "--help")
    assert done.code == 0
    assert all(p.opts[0] in done.out for p in options if p.opts[0].startswith("--"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, "a heading with the name of the command"
    options = [p.opts[0] for p in COMMANDS[name].params if p.opts[0].startswith("--") and p.name != "help"]
    assert [o for o in options if f"`{o}" not in section[1]] == []
    assert f"$ lensmaker {name}" in section[1], "an example that is run"


# -- bad input --------------------------------------------------------------------------------------


def npz(**arrays: np.ndarray) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        np.savez(folder / "bad.npz", **arrays)

    return write


def nothing(folder: Path) -> None:
    """The ground state."""


X, Y = np.ones((6, 4), np.float32), np.zeros(6, np.int64)
NAN = np.where(np.arange(24).reshape(6, 4) == 9, np.nan, X).astype(np.float32)

BAD: dict[str, tuple[Callable[[Path], object], list[str], str]] = {
    "no file": (nothing, inspect(data="nowhere.npz"), "nowhere.npz, which is not there"),
    "wrong shape": (
        npz(x=np.ones((6, 5), np.float32), y=Y),
        inspect(*CE, data="bad.npz"),
        r"Sequential to run on the batch .* RuntimeError in module '0': mat1 and mat2 shapes",
    ),
    "wrong dtype": (
        npz(x=X.astype(int), y=Y),
        inspect(*CE, data="bad.npz"),
        "RuntimeError in module '0': .*dtype",
    ),
    "wrong target": (npz(x=X, y=np.full(6, 9)), inspect(*CE, data="bad.npz"), "Target 9 is out of bounds"),
    "raising": (nothing, inspect(*CE, model="Broken"), "RuntimeError in the network itself: gearbox: check"),
    "not finite": (
        npz(x=NAN, y=Y),
        inspect(*CE, data="bad.npz"),
        r"1 NaN or infinite values, the first at index \(2, 1\)",
    ),
    "no samples": (npz(x=X[:0], y=Y[:0]), inspect(*CE, data="bad.npz"), r"at least one sample.*\(0, 4\)"),
    "no axis": (npz(x=np.float32(1), y=Y), inspect(*CE, data="bad.npz"), "batch axis 0"),
    "detached": (nothing, inspect(*CE, model="Detached"), "a loss that depends on the network's parameters"),
    "loss without y": (
        nothing,
        inspect(*CE, data="lone.npz"),
        "x and y for the loss cross_entropy, but got one without y",
    ),
    "no model": (nothing, inspect(*CE, model="nothing"), "'cli_nets' without 'nothing'"),
    "no module": (
        nothing,
        ["inspect", "nowhere:net", "--data", "batch.npz"],
        "'nowhere', which does not import",
    ),
    "no weights": (nothing, inspect("--weights", "no.pt"), "no.pt, which is not there"),
    "corrupt weights": (
        lambda p: (p / "w.safetensors").write_bytes(b"x" * 99),
        inspect("--weights", "w.safetensors"),
        "w.safetensors, which is corrupt",
    ),
    "misfit": (
        lambda p: torch.save(nn.Linear(4, 3).state_dict(), p / "w.pt"),
        inspect("--weights", "w.pt"),
        "weights that fit Sequential, but got 0.bias, 0.weight, 2.bias and 1 more missing",
    ),
    "pickled model": (
        lambda p: torch.save(nn.Linear(4, 3), p / "w.pt"),
        inspect("--weights", "w.pt"),
        "w.pt, a pickle that runs code",
    ),
    "prescription": (nothing, ["prescription", "cli_nets:Broken", "--data", "lone.npz"], "gearbox"),
    "no activation": (nothing, ["criticality", "tangent"], "an activation function, but got 'tangent'"),
    "no bias scale": (
        nothing,
        ["criticality", "tanh", "--sigma-b", "nan"],
        "a bias scale σ_b ≥ 0, up to .*, but got nan",
    ),
    "no weight scale": (
        nothing,
        ["criticality", "tanh", "--sigma-w", "-1"],
        "a finite σ_w ≥ 0, up to .*, but got sigma_w=-1",
    ),
    "overflowing scale": (nothing, ["criticality", "tanh", "--sigma-w", "1e200"], "got sigma_w=1e\\+200"),
    "overflowing bias": (nothing, ["criticality", "tanh", "--sigma-b", "1e200"], "σ_b"),
    "target not finite": (
        npz(x=X, y=np.full((6, 3), np.nan, np.float32)),
        inspect("--loss", "mse_loss", data="bad.npz"),
        "18 NaN or infinite values",
    ),
    "exiting model": (nothing, inspect(*CE, model="Exiting"), "SystemExit in the network itself: 7"),
    "damaged report": (
        lambda p: (p / "r.json").write_text(
            json.dumps({"schema": "lensmaker.bench", "version": 1, "quantities": {}})
        ),
        ["cite", "r.json"],
        "a JSON report of lensmaker, but got a damaged one",
    ),
    "no report": (nothing, ["cite", "none.json"], "none.json, which cannot be read"),
    "not JSON": (lambda p: (p / "r.json").write_text("{,"), ["cite", "r.json"], "a JSON report of lensmaker"),
    "other JSON": (
        lambda p: (p / "r.json").write_text("[1, 2]"),
        ["cite", "r.json"],
        "a JSON report of lensmaker",
    ),
    "binary": (
        lambda p: (p / "r.json").write_bytes(b"\xff\xfe\x00"),
        ["cite", "r.json"],
        "r.json, which cannot be read",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_nothing_written(
    case: str, bench: Path, lensmaker: Callable[..., Run]
) -> None:
    prepare, words, sentence = BAD[case]
    prepare(bench)
    before = sorted(bench.iterdir())
    outputs = ["--html", "out.html", "--json", "out.json"] if words[0] in ("inspect", "criticality") else []
    done = lensmaker(*words, *outputs)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"lensmaker: Expected [^\n]+\.\n", done.err), done.err
    assert re.search(sentence, done.err), done.err
    assert sorted(p for p in bench.iterdir() if p.name != "__pycache__") == [
        p for p in before if p.name != "__pycache__"
    ]


@pytest.mark.parametrize("command", ["inspect", "criticality"])
@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        (["--html", "missing/r.html"], "missing/r.html, whose folder is missing: make .*/missing first"),
        (["--json", "."], "which is a folder: name a file in it"),
        (["--html", "r.txt", "--json", "./r.txt"], "a file for each output, but got .*r.txt for two"),
        (["--html", "cli_nets.py/r.html"], "whose folder is missing"),
        (["--html", "/proc/r.html"], "/proc/r.html: "),
    ],
)
def test_outputs_are_checked_before_the_work(
    command: str, outputs: list[str], sentence: str, bench: Path, lensmaker: Callable[..., Run]
) -> None:
    """There is no batch, and the activation is unknown: nothing was looked at yet."""
    words = inspect(data="nowhere.npz") if command == "inspect" else ["criticality", "nothing"]
    done = lensmaker(*words, *outputs)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"lensmaker: Expected [^\n]+\.\n", done.err)
    assert re.search(sentence, done.err), done.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["focus"],
        ["inspect"],
        ["inspect", "cli_nets:mlp"],
        inspect("--loss", "hinge"),
        inspect("--colour"),
        inspect("--seed", "x"),
        inspect("--batch-axis", "2"),
        inspect("--fail-on", "monday"),
        ["criticality"],
    ],
    ids=lambda words: " ".join(words) or "nothing",
)
def test_misspelt_commands_get_their_usage(
    words: list[str], bench: Path, lensmaker: Callable[..., Run]
) -> None:
    done = lensmaker(*words)
    assert done.code == 2
    assert "Usage" in done.out + done.err
    assert "Traceback" not in done.err


def test_an_interrupt_inside_the_model(bench: Path, lensmaker: Callable[..., Run]) -> None:
    done = lensmaker(*inspect(model="Interrupted"), "--html", "r.html")
    assert done.code == 130
    assert "Traceback" not in done.err
    assert not (bench / "r.html").exists()


def _interruptible() -> None:
    """As in a terminal: a suite that runs in the background of a shell has SIGINT ignored, and its children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_from_outside(bench: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("lensmaker")),
        *inspect(model="Sleeping"),
        "--html",
        "r.html",
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
        preexec_fn=_interruptible,
    ) as process:
        try:
            while not (bench / "asleep").exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert (out, "Traceback" in err) == ("", False)
    assert not (bench / "r.html").exists()


@pytest.mark.parametrize("error", [InputError, CorrectionError])
def test_each_error_of_ours_is_exit_code_2(
    error: type[LensmakerError], lensmaker: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(*_: object) -> None:
        raise error("a lens", "a mirror", "turn it round")

    monkeypatch.setattr(cli.catalogue.show, "quantities_table", raising)
    done = lensmaker("quantities")
    assert (done.code, done.err) == (2, "lensmaker: Expected a lens, but got a mirror: turn it round.\n")


def test_what_is_refused_is_refused_in_one_line(bench: Path) -> None:
    """In a process of its own, where torch's warnings would be printed."""
    command = str(Path(sys.executable).with_name("lensmaker"))
    with (bench / "evil.pkl").open("wb") as file:
        pickle.dump({"a": print}, file, protocol=4)
    for words in (inspect("--weights", "evil.pkl"), inspect("--loss", "mse_loss")):
        done = subprocess.run([command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_an_output_does_not_replace_an_input(bench: Path, lensmaker: Callable[..., Run]) -> None:
    before = (bench / "batch.npz").read_bytes()
    done = lensmaker(*inspect(*CE), "--json", "batch.npz")
    assert done.code == 2
    assert "batch.npz for both" in done.err
    assert (bench / "batch.npz").read_bytes() == before
