"""Locality and symmetry beside sums over the groups, element by element."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lensmaker.instruments.polynomials import QuadraticForm

SIDES = (3, 4)
PLACES = list(itertools.product(range(3), range(4)))
PAIRS = np.array(list(itertools.combinations(range(12), 2)))


def form(c: NDArray[np.float64], *, periodic: bool = False, sigma: float = 0.0) -> QuadraticForm:
    return QuadraticForm(SIDES, periodic, PAIRS, c, sigma**2 * np.eye(len(PAIRS)))


def random_form(seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=len(PAIRS))


def share(c: NDArray[np.float64], maps: list[list[int]]) -> float:
    """|mean of c over a group of maps of the sites|²/|c|²."""
    matrix = np.zeros((12, 12))
    matrix[PAIRS[:, 0], PAIRS[:, 1]] = c
    matrix += matrix.T
    mean = np.mean([matrix[np.ix_(m, m)] for m in maps], axis=0)
    return float((mean**2).sum() / (matrix**2).sum())


def test_distance_is_the_mean_over_products() -> None:
    c = random_form()
    d = [math.dist(PLACES[i], PLACES[j]) for i, j in PAIRS]
    assert form(c).distance().value == pytest.approx(float(c**2 @ d / (c @ c)), rel=1e-12)
    around = [
        math.hypot(min(abs(a[0] - b[0]), 3 - abs(a[0] - b[0])), min(abs(a[1] - b[1]), 4 - abs(a[1] - b[1])))
        for a, b in ((PLACES[i], PLACES[j]) for i, j in PAIRS)
    ]
    expected = float(c**2 @ around / (c @ c))
    assert form(c, periodic=True).distance().value == pytest.approx(expected, rel=1e-12)


def test_translations_of_a_torus_are_averaged_over() -> None:
    c = random_form(1)
    maps = [
        [((a + i) % 3) * 4 + (b + j) % 4 for a, b in PLACES] for i, j in itertools.product(range(3), range(4))
    ]
    assert form(c, periodic=True).translation_share().value == pytest.approx(share(c, maps), rel=1e-12)


def test_reflections_are_averaged_over() -> None:
    c = random_form(2)
    maps = [
        [(2 - a if down else a) * 4 + (3 - b if across else b) for a, b in PLACES]
        for down, across in itertools.product((False, True), repeat=2)
    ]
    assert form(c).reflection_share().value == pytest.approx(share(c, maps), rel=1e-12)


def test_displacements_of_an_open_lattice_are_averaged_over() -> None:
    c = random_form(3)
    of: dict[tuple[int, int], list[float]] = {}
    for (i, j), value in zip(PAIRS, c, strict=True):
        (a, b), (p, q) = PLACES[i], PLACES[j]
        of.setdefault((p - a, q - b), []).append(value)  # i < j, so each displacement has one sign
    expected = sum(len(v) * np.mean(v) ** 2 for v in of.values()) / float(c @ c)
    assert form(c).translation_share().value == pytest.approx(float(expected), rel=1e-12)


def test_products_that_are_left_out_count_as_none() -> None:
    c = random_form(4)
    c[::3] = 0
    few = QuadraticForm(SIDES, False, PAIRS[c != 0], c[c != 0], np.zeros((44, 44)))
    for name in ("distance", "translation_share", "reflection_share"):
        assert getattr(few, name)().value == pytest.approx(getattr(form(c), name)().value, rel=1e-12)


def test_neighbours_alone_are_local_and_symmetric() -> None:
    near = np.array([math.dist(PLACES[i], PLACES[j]) == 1 for i, j in PAIRS], dtype=float)
    here, elsewhere = form(near), form(near).shuffled(400, 0)
    assert here.distance().value == 1
    assert here.translation_share().value == pytest.approx(1)
    assert here.reflection_share().value == pytest.approx(1)
    everywhere = np.mean([math.dist(PLACES[i], PLACES[j]) for i, j in PAIRS])
    distance, spread = elsewhere["coupling_distance"]
    assert abs(distance - everywhere) < 4 * spread / math.sqrt(400)
    assert elsewhere["translation_share"].value < 0.6
    assert elsewhere["reflection_share"].value < 0.6


def test_a_staggered_sign_breaks_translation_and_one_reflection_alone() -> None:
    """Bonds along a row of four sites, + − +: no mean along the row, but the middle mirrors it."""
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    row = QuadraticForm((4,), False, pairs, np.array([1.0, -1.0, 1.0]), np.zeros((3, 3)))
    assert row.translation_share().value == pytest.approx(1 / 9)
    assert row.reflection_share().value == pytest.approx(1)


@pytest.mark.parametrize("name", ["distance", "translation_share", "reflection_share"])
def test_noise_of_coefficients_neither_moves_nor_escapes_the_errors(name: str) -> None:
    """2000 draws about a form: the mean is that of the form, the spread is the error that is told."""
    c, sigma, rng = random_form(5), 0.1, np.random.default_rng(6)
    truth = getattr(form(c), name)().value
    read = [getattr(form(c + sigma * rng.normal(size=len(c)), sigma=sigma), name)() for _ in range(2000)]
    values = np.array([r.value for r in read])
    assert abs(values.mean() - truth) < 4 * values.std() / math.sqrt(2000) + 0.1 * sigma**2
    assert values.std() == pytest.approx(np.mean([r.error for r in read]), rel=0.12)
