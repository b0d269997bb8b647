"""What is dropped beside refits of everything that is left."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lensmaker.instruments.polynomials.selection import select


def t_squared(table: np.ndarray, y: np.ndarray, kept: list[int]) -> np.ndarray:
    X = np.column_stack([np.ones(len(y)), table[:, kept]])
    inverse = np.linalg.inv(X.T @ X)
    c = inverse @ X.T @ y
    variance = ((y - X @ c) ** 2).sum() / (len(y) - len(c))
    return (c**2 / (variance * np.diagonal(inverse)))[1:]


@pytest.mark.parametrize("seed", range(5))
def test_all_that_is_left_is_needed(seed: int) -> None:
    """Ten columns, each like its neighbour; three are in y."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(200, 10))
    table[:, 1:] += 0.7 * table[:, :-1]
    y = table[:, 2] - table[:, 5] + 0.8 * table[:, 6] + rng.normal(size=200)
    found = select(table, y, 10, rng.permutation(200) % 4)
    assert {2, 5, 6} <= set(found.columns)
    assert len(found.columns) <= 4
    assert (t_squared(table, y, list(found.columns)) >= 2 * math.log(10)).all()


def test_a_wrong_first_choice_is_dropped() -> None:
    """The sum of two columns is the best single one, and superfluous once both are there."""
    rng = np.random.default_rng(1)
    table = rng.normal(size=(300, 40))
    table[:, 2] = table[:, 0] + table[:, 1] + 0.3 * rng.normal(size=300)
    y = table[:, 0] + table[:, 1] + 0.05 * rng.normal(size=300)
    assert select(table, y, 20, rng.permutation(300) % 4).columns == (0, 1)


def test_false_alarms_are_as_few_as_stated() -> None:
    """Of 400 draws of noise on 20 columns 8 % have a column; beside two that are in y there is one in ten fits."""
    alarms, wrong = 0, 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        table, noise = rng.normal(size=(80, 20)), rng.normal(size=80)
        fold = rng.permutation(80) % 4
        alarms += len(select(table, noise, 20, fold).columns) > 0
        found = set(select(table, table[:, 0] + table[:, 1] + noise, 20, fold).columns)
        assert {0, 1} <= found
        wrong += len(found) - 2
    assert alarms < 0.12 * 400
    assert wrong < 0.15 * 400


def test_more_columns_than_allowed_are_said() -> None:
    rng = np.random.default_rng(2)
    table = rng.normal(size=(300, 12))
    found = select(table, table.sum(1), 4, rng.permutation(300) % 4)
    assert found.at_limit
    assert not select(table, table.sum(1), 12, rng.permutation(300) % 4).at_limit
