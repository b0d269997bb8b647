"""Several processes that learn together find what one finds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lensmaker.systems.boltzmann.files import load
from lensmaker.systems.boltzmann.training import Shares
from systems.boltzmann.processes import run

PHASES = (
    "ContrastiveDivergence(steps=2)",
    "PersistentContrastiveDivergence(chains=9)",
    "TemperedChains(chains=7, levels=3)",
    "ExactMoments()",
)

SCRIPT = """
import sys
import torch
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import *
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Training, fit, torchrun

folder, stop = sys.argv[1], int(sys.argv[2])
rows = (torch.rand(103, 12, generator=torch.Generator().manual_seed(0)) < 0.4).double()
update, calls = RestrictedLearner.update, iter(range(10**6))

def counted(self, v, rate):
    if next(calls) == stop:
        raise KeyboardInterrupt
    update(self, v, rate)

RestrictedLearner.update = counted
with torchrun() as shares:
    for k, phase in enumerate((PHASES)):
        machine = RestrictedBoltzmannMachine(12, 7, dtype=torch.float64)
        machine.initialise(seed=1, scale=0.3)
        training = Training(epochs=4, batch=20, learning_rate=0.1, phase=phase, rule=Rule(momentum=0.5))
        try:
            history = fit(machine, rows, training, held_out=rows[:30], path=f"{folder}/{k}.safetensors")
            said = len(history.readings)
        except KeyboardInterrupt:
            said, calls = "stopped", iter(range(10**6))
        if shares.rank == 0:
            print(said, shares.world)
""".replace("PHASES", ", ".join(PHASES))


def learn(folder: Path, processes: int, stop: int = -1) -> str:
    """What a script says that leaves a machine for each estimator, in one process or by torchrun."""
    folder.mkdir(exist_ok=True)
    script = folder / "learn.py"
    script.write_text(SCRIPT)
    return run(script, processes, folder, stop)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The machines of one process."""
    folder = tmp_path_factory.mktemp("one")
    assert learn(folder, 1) == "\n".join(["4 1"] * 4)
    return folder


def same(folder: Path, other: Path) -> None:
    """Whether all machines are the same but for the order of sums."""
    for k in range(len(PHASES)):
        pairs = zip(*(load(f / f"{k}.safetensors").parameters() for f in (folder, other)), strict=True)
        for a, b in pairs:
            assert float(a.detach().abs().min()) > 0
            assert torch.allclose(a, b, rtol=1e-9, atol=1e-11)


def test_two_processes_find_what_one_finds(one: Path, tmp_path: Path) -> None:
    """Batches and chains of odd sizes."""
    assert learn(tmp_path, 2) == "\n".join(["4 2"] * 4)
    same(one, tmp_path)


@pytest.mark.slow
def test_any_number_of_processes_goes_on_where_others_were_stopped(one: Path, tmp_path: Path) -> None:
    assert learn(tmp_path, 2, stop=8) == "\n".join(["stopped 2"] * 4)
    assert learn(tmp_path, 1, stop=8) == "\n".join(["stopped 1"] * 4)
    assert learn(tmp_path, 2) == "\n".join(["4 2"] * 4)
    same(one, tmp_path)


def test_shares_are_all_of_it_and_no_row_twice() -> None:
    for world in (1, 2, 3, 7):
        for count in (0, 1, 5, 20, 103):
            parts = [range(count)[Shares(rank, world).part(count)] for rank in range(world)]
            assert [row for part in parts for row in part] == list(range(count))
