"""For every test: one torch thread, the same global random states, and hypotheses that recur."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings

import typechecking
from command import Run

settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")


def pytest_configure() -> None:
    torch.set_num_threads(1)
    typechecking.install("lensmaker")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What `slow.txt` names takes long for its case alone; the mark stands there, not at the test."""
    slow = set((Path(__file__).parent / "slow.txt").read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in slow:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _one_thread_of_torch() -> Iterator[None]:
    """Nothing leaves torch with other threads: OpenMP lets one library set the number for another."""
    yield
    assert torch.get_num_threads() == 1


@pytest.fixture(autouse=True)
def _global_random_states() -> Iterator[None]:
    """Start each test from the same global random states, and hand on those that came in."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])  # noqa: NPY002
    torch.set_rng_state(before[2])


@pytest.fixture
def lensmaker(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run the command line in this process."""
    from lensmaker.cli import main

    def run(*words: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["lensmaker", *words])
        with pytest.raises(SystemExit, match=r"^\d+$") as left:
            main()
        return Run(int(left.value.code), *capsys.readouterr())

    return run
