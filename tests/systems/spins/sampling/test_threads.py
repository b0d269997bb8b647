"""Threads of numba's kernels leave those of torch as they were."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lensmaker.core import InputError
from lensmaker.systems.spins.threads import threads_of_numba

PROGRAM = """
import numpy as np, torch
torch.set_num_threads({threads})
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import {rule}
walk = {rule}().start(Canonical(ising(square(4)), 3.0), np.ones((4, 16), np.int8), 0)
walk.advance(3, threads=2)
print(torch.get_num_threads())
"""


@pytest.mark.parametrize(("threads", "rule"), [(1, "Checkerboard"), (3, "Wolff")])
def test_torch_keeps_its_threads(threads: int, rule: str) -> None:
    program = PROGRAM.format(threads=threads, rule=rule)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(threads)


def test_no_threads_are_refused() -> None:
    with pytest.raises(InputError, match="at least one thread, but got 0"), threads_of_numba(0):
        pass
