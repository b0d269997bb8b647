"""The rules of the house that no linter knows: what an import costs and where it leads, how files are cut."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "docs", "examples", "benchmarks")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
HEAVY = {"dask", "jinja2", "matplotlib", "numba", "pandas", "plotly", "rich", "scipy", "sklearn", "typer"}

LOOK_AROUND = """
import json, random, sys, threading
import numpy, torch

def state():
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "python": random.getstate(),
        "numpy": numpy.random.get_state()[1].tolist(),
        "torch": torch.get_rng_state().tolist(),
        "dtype": str(torch.get_default_dtype()),
        "gradients": torch.is_grad_enabled(),
        "torch threads": torch.get_num_threads(),
        "numpy errors": numpy.geterr(),
    }

modules, before = set(sys.modules), state()
import lensmaker
print(json.dumps({
    "imported": sorted({name.partition(".")[0] for name in set(sys.modules) - modules}),
    "changed": [name for name, value in state().items() if value != before[name]],
}))
"""


@pytest.fixture(scope="module")
def import_effects() -> dict[str, list[str]]:
    """What `import lensmaker` imports and changes in a fresh interpreter that has torch already."""
    done = subprocess.run([sys.executable, "-c", LOOK_AROUND], capture_output=True, text=True, check=True)
    effects: dict[str, list[str]] = json.loads(done.stdout)
    return effects


def test_import_costs_what_torch_costs(import_effects: dict[str, list[str]]) -> None:
    assert not HEAVY & set(import_effects["imported"])


def test_import_starts_no_thread_and_changes_no_global(import_effects: dict[str, list[str]]) -> None:
    assert import_effects["changed"] == []


FORBIDDEN = [
    ("core", "numerics"),
    ("numerics", "systems"),
    ("systems.networks", "theories"),
    ("systems.networks", "systems.spins"),
    ("systems.polynomials", "systems.spins"),
    ("systems.spins", "systems.boltzmann"),
    ("systems.boltzmann", "systems.networks"),
    ("systems.fields", "systems.markov"),
    ("theories", "instruments"),
    ("instruments", "theories"),
    ("theories", "design"),
    ("instruments", "report"),
    ("report", "numerics"),
    ("report", "theories"),
    ("report", "data"),
    ("report", "design"),
    ("design", "phenomena"),
    ("phenomena", "report"),
    ("design", "inspection"),
    ("phenomena", "cli"),
    ("data", "systems"),
    ("inspection", "cli"),
    ("annex", "core"),  # a part that no contract names
]


@pytest.mark.parametrize(("module", "imported"), FORBIDDEN)
def test_no_lazy_import_escapes_the_contracts(module: str, imported: str, tmp_path: Path) -> None:
    """In a copy of the package one function imports what its module may not, and import-linter sees it."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "lensmaker"
    for name in (module, imported):
        if not (package / name.replace(".", "/")).is_dir():
            (package / f"{name}.py").touch()
    path = package / module.replace(".", "/")
    with (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).open("a") as importer:
        importer.write(f"\n\ndef planted():\n    import lensmaker.{imported}\n")
    linter = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert linter.returncode == 1, linter.stdout + linter.stderr
    assert re.search(rf"lensmaker\.{module} -> lensmaker\.{imported} \(|lensmaker\.annex\b", linter.stdout)


def test_no_import_is_spelt_in_a_string() -> None:
    """import-linter would not see it."""
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")}
    hidden = re.compile(r"(import_module|__import__)\(\s*f?[\"']lensmaker")
    assert [path for path, source in sources.items() if hidden.search(source)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 600
    assert path.stem.strip("_") not in {"util", "utils", "misc", "helper", "helpers", "common"}


def test_the_version_is_told_alike_everywhere() -> None:
    version = importlib.metadata.version("lensmaker")
    assert re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1] == version
    assert re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1] == version


def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
