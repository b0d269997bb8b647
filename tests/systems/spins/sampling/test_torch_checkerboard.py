"""The checkerboard on words against exact transition matrices and against a plain one."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import cubic, square
from lensmaker.systems.spins.sampling import TorchCheckerboard

SYSTEMS = {
    "ising": Canonical(ising(square(2, 4)), 4.0),
    "antiferromagnet": Canonical(ising(square(4, 2), J=-0.5), 2.5),
}


def accept(gain: float) -> float:
    return 15 / 16 if abs(gain) < 1e-12 else min(1.0, math.exp(-gain))


def steps(system: Canonical, accept: object = accept) -> list[np.ndarray]:
    lattice = system.hamiltonian.lattice
    assert lattice is not None
    colour = np.indices(lattice.shape).sum(0).reshape(-1) % 2
    each = exact.site_steps(system, accept)  # type: ignore[arg-type]
    return [each[i] for i in [*np.flatnonzero(colour == 0), *np.flatnonzero(colour)]]


@pytest.mark.parametrize("name", SYSTEMS)
def test_steps_are_in_detailed_balance(name: str) -> None:
    weight = exact.distribution(SYSTEMS[name])
    assert all(exact.in_detailed_balance(step, weight) for step in steps(SYSTEMS[name]))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("start", [0, 0b00101101, 0b11110000])
def test_a_sweep_steps_as_often_as_its_matrix_says(name: str, start: int) -> None:
    """Six tests at a false alarm of 1e-6 each; 100 000 is no multiple of 64."""
    system = SYSTEMS[name]
    counts = exact.seen(TorchCheckerboard(), system, start, chains=100_000, repeats=5, seed=1)
    assert exact.false_alarm(system, counts, exact.after(steps(system), start)) > 1e-6


def test_an_acceptance_off_by_half_a_percent_is_seen() -> None:
    system = SYSTEMS["ising"]
    counts = exact.seen(TorchCheckerboard(), system, 0, chains=100_000, repeats=20, seed=1)
    planted = steps(system, lambda gain: accept(gain) * (1.005 if gain > 1e-12 else 1.0))
    assert exact.false_alarm(system, counts, exact.after(steps(system), 0)) > 1e-6
    assert exact.false_alarm(system, counts, exact.after(planted, 0)) < 1e-6


@pytest.mark.parametrize("J", [1.0, -1.0])
def test_words_of_a_row_turn_as_a_plain_checkerboard_of_the_same_numbers(J: float) -> None:
    system = Canonical(ising(square(130, 256), J=J), 3.0)
    spins = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (2, system.sites))
    walk = TorchCheckerboard().start(system, spins, 5)
    generator = torch.Generator().manual_seed(5)
    s = spins.reshape(2, 130, 256).astype(int)
    for colour in (0, 1):
        first = _numbers(
            torch.empty(16, 2, 130, 2, dtype=torch.int64).random_(-(2**63), None, generator=generator)
        )
        later = _numbers(
            torch.empty(16, 2, 3, 2, dtype=torch.int64).random_(-(2**63), None, generator=generator)
        )
        u = np.zeros((2, 130, 256))
        both = first + np.repeat(later, 64, 1)[:, :130] / 2**16
        for row in range(130):
            u[:, row, (row + colour) % 2 :: 2] = both[:, row] / 2**16
        gain = 2 * J * s * sum(np.roll(s, step, axis) for step in (1, -1) for axis in (1, 2))
        turns = u < np.vectorize(accept)(gain / 3.0)
        ours = np.indices((130, 256)).sum(0) % 2 == colour
        s = np.where(turns & ours, -s, s)
    walk.advance(1)
    assert (walk.spins().reshape(s.shape) == s).all()


def _numbers(planes: torch.Tensor) -> np.ndarray:
    """Whole numbers of 16 bits from planes, of which the first is the lowest, complemented."""
    bits = ~planes.numpy().view(np.uint64)[..., None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
    weights = 2.0 ** np.arange(16)
    return np.tensordot(weights, bits.astype(float), 1).reshape(*planes.shape[1:3], -1)


@pytest.mark.parametrize("sides", [(8, 8), (4, 128)])
def test_a_walk_that_is_taken_up_again_goes_on_as_if_it_had_never_stopped(sides: tuple[int, int]) -> None:
    system = Canonical(ising(square(*sides)), 2.3)
    start = np.ones((3, system.sites), np.int8)
    through, before = (TorchCheckerboard().start(system, start, 7) for _ in range(2))
    through.advance(20)
    before.advance(13, threads=2)
    after = TorchCheckerboard().start(system, start, 8)
    after.state = before.state
    assert after.state["generator"].dtype == np.uint8
    after.advance(7)
    assert (after.spins() == through.spins()).all()


@pytest.mark.parametrize("chains", [1, 64, 70])
@pytest.mark.parametrize("sides", [(8, 6), (4, 256)])
def test_spins_come_back_as_they_were_put_in(sides: tuple[int, int], chains: int) -> None:
    system = Canonical(ising(square(*sides)), 2.3)
    spins = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (chains, system.sites))
    assert (TorchCheckerboard().start(system, spins, 0).spins() == spins).all()


@pytest.mark.slow
def test_one_compiled_kernel_does_the_same() -> None:
    """In a process of its own: the checks of types in the tests draw random numbers, which cannot be compiled."""
    code = """
import numpy as np
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import TorchCheckerboard
system, found = Canonical(ising(square(8, 128)), 2.3), []
for compiled in (False, True):
    walk = TorchCheckerboard(compiled=compiled).start(system, np.ones((2, 1024), np.int8), 0)
    walk.advance(5)
    found.append(walk.spins())
assert (found[0] == found[1]).all() and (found[0] < 0).any()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_chains_of_one_word_are_independent() -> None:
    """Overlaps at T = 5, where ⟨q²⟩ = Σ_r ⟨s_0 s_r⟩²/N: all of 2016 pairs within six of its roots."""
    system = Canonical(ising(square(32)), 5.0)
    walk = TorchCheckerboard().start(system, np.ones((64, 1024), np.int8), 1)
    walk.advance(200)
    s = walk.spins().astype(float)
    overlaps = (s @ s.T / 1024)[np.triu_indices(64, 1)]
    assert abs(overlaps).max() < 6 * math.sqrt(1.4 / 1024)
    assert 0.9 / 1024 < (overlaps**2).mean() < 1.6 / 1024


def test_what_has_no_words_is_refused() -> None:
    for h, reason in (
        (ising(square(3, 4)), "an odd side of 3"),
        (ising(square(4), h=0.1), "a field, for which it has no limits"),
        (ising(cubic(4)), "words are made for square tori alone"),
        (ising(square(4, periodic=False)), "words are made for square tori alone"),
    ):
        with pytest.raises(InputError, match=reason):
            TorchCheckerboard().start(Canonical(h, 2.0), np.ones((1, h.sites), np.int8), 0)
