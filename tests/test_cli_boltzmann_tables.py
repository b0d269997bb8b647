"""What the commands about Boltzmann machines read from tables, and the table of readings that they print."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.cli import boltzmann_tables as tables
from lensmaker.cli.boltzmann import _summary
from lensmaker.cli.boltzmann_data import opened
from lensmaker.cli.boltzmann_kinds import first_rows
from lensmaker.cli.boltzmann_tables import parted
from lensmaker.core import InputError
from lensmaker.systems.boltzmann import Binary
from lensmaker.systems.boltzmann.training import rows_of

ROWS = (np.random.default_rng(0).random((300, 9)) > 0.5).astype(np.float32)


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("a,b,c,d", 2),
        ("a,,c,d", 2),
        ("0,1,2,3", 2),
        ("nan,nan,nan,nan", 3),
        ("NA,,nan,", 3),
        ("0,1,1,0", 3),
    ],
)
def test_the_first_row_of_a_csv_is_a_header_or_data(first: str, rows: int, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{first}\n1,0,0,1\n0,1,1,1\n")
    table = opened(tmp_path / "t.csv")
    assert table.shape == (rows, 4)
    assert table[rows - 2 : rows].tolist() == [[1, 0, 0, 1], [0, 1, 1, 1]]
    assert np.isnan(table[0:1]).all() == first.lower().startswith("n")


def test_row_numbers_of_pandas_are_no_data(tmp_path: Path) -> None:
    frame = pytest.importorskip("pandas").DataFrame(ROWS)
    frame.to_csv(tmp_path / "t.csv")
    assert (opened(tmp_path / "t.csv")[0:300] == ROWS).all()
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert (opened(tmp_path / "t.csv")[0:300] == ROWS).all()


def test_a_share_of_rows_is_read_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rows far apart no more is read at once than a stretch holds."""

    class Watched:
        shape, dtype = (1000, 4), np.dtype(np.float32)

        def __getitem__(self, part: slice) -> np.ndarray:
            read.append(part.stop - part.start)
            return np.arange(4000, dtype=np.float32).reshape(1000, 4)[part]

    read: list[int] = []
    monkeypatch.setattr(tables, "STRETCH", 400)
    _, unseen = parted(Watched(), 0.05, 0)
    assert (unseen[0:50] == np.arange(4000).reshape(1000, 4)[unseen.rows]).all()
    assert (unseen[10:13] == np.arange(4000).reshape(1000, 4)[unseen.rows[10:13]]).all()
    assert max(read) <= 100
    assert sum(read) <= 1100


def test_errors_of_a_share_name_the_row_of_the_file() -> None:
    for bad in (3, 57, 99):
        table = np.zeros((100, 4), np.float32)
        table[bad] = 0.5
        for rows in map(rows_of, parted(table, 0.5, 0)):
            if bad in rows.source.rows:
                with pytest.raises(InputError, match=rf"0\.5 in row {bad}:"):
                    rows.check(Binary(4), rows.read(0, 50, torch.float32), 0)
                with pytest.raises(InputError, match=rf"0\.5 in row {bad}:"):
                    first_rows(rows, Binary(4))


def test_readings_stand_beside_their_own_errors() -> None:
    """Taken in epochs 1 and 3; the error of epoch 1 is infinite, and that of epoch 2 is of no value."""
    nan, inf = math.nan, math.inf
    columns = {
        "epoch": [1, 2, 3, 4],
        "pseudo_likelihood": [-4.0, -3.0, -2.0, -1.0],
        "log_likelihood": [-9.0, nan, -7.0, nan],
        "log_likelihood_error": [inf, 0.25, 0.5, nan],
        "log_likelihood_low": [-inf, -8.5, -8.0, nan],
        "mixing_time": [nan, 30.0, nan, nan],
        "mixing_error": [nan, 2.0, 9.0, inf],
        "free_energy_gap": [nan, nan, nan, nan],
    }
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    assert [tuple(line.values()) for line in _summary(rows)] == [
        ("pseudo likelihood", "-4", "-1"),
        ("log likelihood", "-9, not converged", "-7 ± 0.5"),
        ("log likelihood low", "-∞", "-8"),
        ("mixing time", "30 ± 2", "30 ± 2"),
    ]
