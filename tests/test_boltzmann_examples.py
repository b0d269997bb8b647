"""The examples of Boltzmann machines against what is exact, small; and their page against what they print."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.training import Schedule, Training
from lensmaker.systems.spins import Canonical, ising, square
from test_examples import ROOT, example

PAGE = (ROOT / "docs" / "tutorial-boltzmann.md").read_text(encoding="utf-8")
T_C = 2 / math.log(1 + math.sqrt(2))
FOUR_SIGMA = 4.0
"""A false alarm in 16,000 for each comparison of a fixed seed."""


def table(header: str) -> list[list[str]]:
    """The cells of a table of the page, below a header that begins so."""
    rows = PAGE.partition(header)[2].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("−", "-") for cell in row.strip("|").split("|")] for row in rows]


def brute_force(L: int, T: float) -> tuple[np.ndarray, np.ndarray]:
    """All spins of a small torus and their probabilities, from the bonds counted on a picture."""
    bits = (np.arange(2 ** (L * L))[:, None] >> np.arange(L * L)) & 1
    s = (1 - 2 * bits).reshape(-1, L, L)
    bonds = (s * np.roll(s, 1, 1)).sum((1, 2)) + (s * np.roll(s, 1, 2)).sum((1, 2))
    p = np.exp(bonds / T)
    return s.reshape(len(s), -1), p / p.sum()


@pytest.fixture(scope="module")
def capacity() -> ModuleType:
    return example("boltzmann_capacity")


@pytest.fixture(scope="module")
def magnet() -> ModuleType:
    return example("boltzmann_ising")


def test_the_magnet_of_the_example_is_that_of_all_bonds_counted(capacity: ModuleType) -> None:
    rows, p = capacity.truth()
    spins, expected = brute_force(4, T_C)
    np.testing.assert_array_equal(rows.numpy(), spins)
    np.testing.assert_allclose(p.numpy(), expected, rtol=1e-10)


def test_a_unit_for_each_bond_is_the_magnet(capacity: ModuleType) -> None:
    machine = RestrictedBoltzmannMachine(Spin(16), Spin(32), biased=False, dtype=torch.float64)
    w = math.acosh(math.exp(2 / T_C)) / 2
    with torch.no_grad():
        for unit, (i, j) in enumerate(square(4).bonds):
            machine.weights.parameter[[int(i), int(j)], unit] = w
    assert capacity.divergence(machine, *capacity.truth()) == pytest.approx(0, abs=1e-10)


def test_no_weights_miss_what_the_entropy_lacks(capacity: ModuleType) -> None:
    _, p = brute_force(4, T_C)
    entropy = -float((p * np.log(p)).sum())
    machine = RestrictedBoltzmannMachine(Spin(16), Spin(2), biased=False)
    found = capacity.divergence(machine, *capacity.truth())
    assert found == pytest.approx(16 * math.log(2) - entropy, rel=1e-10)
    assert f"{entropy:.4f} nats" in PAGE


def test_more_hidden_units_miss_less(capacity: ModuleType, tmp_path: Path) -> None:
    found = capacity.main(tmp_path / "made" / "capacity.png", 4000, 400, (1, 4))
    assert 0 < found[4] < found[1] < 1
    assert (tmp_path / "made" / "capacity.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_page_has_what_the_capacities_are(capacity: ModuleType, tmp_path: Path) -> None:
    """To a tenth: another processor rounds otherwise, and its chains part ways."""
    found = capacity.main(tmp_path / "capacity.png", 20_000, 6000)
    shown = {int(hidden): float(kl) for hidden, _, kl, _ in table("| hidden units |")}
    assert shown == pytest.approx(found, rel=0.1)


@pytest.mark.parametrize("temperature", [1.8, 2.269, 3.0])
def test_the_machine_of_bonds_has_the_energy_of_the_magnet(
    magnet: ModuleType, temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three temperatures, two quantities: z of a fixed seed, each with its own autocorrelation."""
    monkeypatch.setattr(magnet, "STEPS", 200)
    known = magnet.exact(temperature)
    system = Canonical(ising(square(8)), temperature)
    found = magnet.measured(magnet.samples_of(magnet.bonds(temperature), system))
    for name in magnet.QUANTITIES:
        value, error = found[name]
        assert abs(value - known[name]) < FOUR_SIGMA * error
        assert error < 0.03 * abs(known[name])


def test_machines_that_have_learned_are_compared(
    magnet: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hot and few, of the two kernels alone: data within their error, the machine to three percent."""
    name, tied = list(magnet.machines().items())[1]
    faster = Training(**{**vars(tied[1]), "learning_rate": Schedule(0.02, 0.001)})
    monkeypatch.setattr(magnet, "machines", lambda: {name: (tied[0], faster)})
    monkeypatch.setattr(magnet, "STEPS", 50)
    rows = magnet.main(tmp_path / "ising.png", [3.0], 10_000, 0.3)
    assert [r.machine for r in rows] == ["data", "data", name, name]
    assert all(abs(r.z) < FOUR_SIGMA for r in rows[:2])
    assert abs(rows[2].off) < 0.03
    assert (tmp_path / "ising.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_adds_up(magnet: ModuleType) -> None:
    """Exact values are Kaufman's, z and percentages those of the numbers beside them."""
    rows = table("| T | machine |")
    assert len(rows) >= 9
    errors: dict[tuple[str, str], float] = {}
    for T, machine, quantity, exact, found, z, off in rows:
        known = magnet.exact(float(T))[quantity]
        value, error = map(float, re.findall(r"-?[\d.]+", found))
        assert float(exact) == pytest.approx(known, abs=6e-5)
        assert float(off.rstrip(" %")) == pytest.approx(100 * (value / known - 1), abs=0.02)
        seen = errors.setdefault((T, quantity), error) if machine == "data" else errors[T, quantity]
        whole = error if machine == "data" else math.hypot(error, seen)
        rounded = (
            5e-5 * (1 + math.sqrt(2) * abs(float(z))) / whole + 0.05
        )  # of value, errors and z in the table
        assert float(z) == pytest.approx((value - known) / whole, abs=rounded)


def test_pictures_are_learned_judged_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = example("boltzmann_pictures")
    monkeypatch.setattr(pictures, "ROWS", 2000)
    found = pictures.main(tmp_path, "mnist", hidden=64, epochs=25, runs=16, steps=100)
    rows, held_out = pictures.binary_rows(pictures.DATA["mnist"]())
    mean = rows.double().mean(0).clamp(1e-3, 1 - 1e-3)
    alone = float((held_out * mean.log() + (1 - held_out) * (1 - mean).log()).sum(1).mean())
    for part in ("learned from", "held out"):
        assert alone + 20 < found[part] < -100  # better than pixels one by one
    assert found["low"] < found["log Z"] < found["high"]
    for name in ("boltzmann-mnist.png", "boltzmann-mnist-monitor.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_exact_map_and_what_training_finds(capsys: pytest.CaptureFixture[str]) -> None:
    """Four hidden spins of a ring of eight learn to be every second one of it, with K' = ½ ln cosh 2K."""
    module = example("variational_rg")
    rows = module.conditions()
    assert max(row["identity_gap"] for row in rows.values()) < 1e-12
    assert (
        abs(rows["random, ΔF = 0"]["free_energy_shift"]) < 1e-12 < 1 < rows["random, ΔF = 0"]["kl_divergence"]
    )
    assert abs(rows["a spin for each bond"]["kl_divergence"]) < 1e-12
    found = module.decimation(quick=True)
    assert abs(found["constructed"][0]) < 1e-14
    assert max(found["KL of 4"]) < 1e-8
    assert found["K' of 4"] == pytest.approx([math.log(math.cosh(1.4)) / 2] * 2, abs=1e-4)
    assert "constructed: K' = 0.382943" in capsys.readouterr().out


@pytest.mark.slow
def test_trained_machines_and_kadanoffs_step_are_on_both_sides() -> None:
    rows = example("variational_rg").both_sides(quick=True)
    trained = [gap for name, gap in rows.items() if name.startswith("trained")]
    assert trained == sorted(trained)
    assert max(trained) < 0 < min(gap for name, gap in rows.items() if name.startswith("Kadanoff"))
