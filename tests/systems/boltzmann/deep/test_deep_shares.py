"""Several processes that learn one deep machine together find what one finds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lensmaker.systems.boltzmann.training import checkpoint
from systems.boltzmann.deep import learned_together
from systems.boltzmann.deep.learned_together import CASES, learned
from systems.boltzmann.processes import run

by_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of two processes: of trainings that were stopped, in `stopped`, and taken up again, in `whole`."""
    found = tmp_path_factory.mktemp("together")
    (found / "said").write_text(run(Path(learned_together.__file__), 2, found))
    return found


def same(one: Path, other: Path) -> None:
    """Whether all files hold the same, random numbers to the bit, all else but for the order of sums."""
    files = sorted(path.name for path in one.iterdir())
    assert files
    assert files == sorted(path.name for path in other.iterdir())
    for file in files:
        (mine, facts), (theirs, others) = (checkpoint.read(folder / file) for folder in (one, other))
        assert mine.keys() == theirs.keys()
        assert all(facts[key] == others[key] for key in ("epoch", "done", "updates"))
        for name, tensor in mine.items():
            if name == "generator":
                assert torch.equal(tensor, theirs[name])
            else:
                assert torch.allclose(tensor, theirs[name], rtol=1e-9, atol=1e-11), f"{file}: {name}"


@by_case
def test_two_processes_find_what_one_finds(name: str, folder: Path) -> None:
    """Also where they were stopped on their way; with shares of odd sizes, and of none.

    Files are of the process that leads, and readings are those of both.
    """
    said = learned(folder / "one", name)
    same(folder / "one" / name, folder / "whole" / name)
    two = [line for line in (folder / "said").read_text().splitlines() if line.startswith(f"{name}: ")]
    assert [line.partition(" updates")[0] for line in two] == [
        line.partition(" updates")[0] for line in said.splitlines()
    ]


@by_case
def test_one_process_goes_on_where_two_were_stopped(name: str, folder: Path) -> None:
    last = max((folder / "stopped" / name).iterdir(), key=lambda path: path.stat().st_mtime_ns)
    _, facts = checkpoint.read(last)
    assert facts["epoch"] == 1  # it was stopped in the second
    learned(folder / "stopped", name)
    same(folder / "stopped" / name, folder / "whole" / name)
