"""What the command that trains a Boltzmann machine makes of its data and of options that do not fit them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from command import Run

FIT = ["boltzmann", "fit", "rows.npy", "--hidden", "2", "--epochs", "1", "--out", "m.safetensors"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with rows of 0 and 1."""
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", (np.arange(80).reshape(20, 4) % 3 == 0).astype(np.float32))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--variance", "2"), "--variance for Gaussian units"),
        (("--key", "a"), "--key for files of several arrays"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    words: tuple[str, ...], message: str, lensmaker: Callable[..., Run]
) -> None:
    code, _, err = lensmaker(*FIT, *words)
    assert code == 2
    assert message in err
    assert not Path("m.safetensors").exists()


def test_a_first_row_of_truth_values_is_data_and_one_of_numbers_in_order_is_told(
    lensmaker: Callable[..., Run],
) -> None:
    def fit(rows: list[str]) -> Run:
        Path("rows.csv").write_text("\n".join(rows) + "\n")
        return lensmaker(
            "boltzmann", "fit", "rows.csv", "--hidden", "2", "--epochs", "1", "--out", "c.safetensors"
        )

    assert fit(["True,False,True,False"] * 9).out.startswith("9 rows of 4 numbers")
    Path("c.safetensors").unlink()
    done = fit(["0,1,2,3", *["0,1,1,0"] * 9])
    assert "was taken for names" in done.err
    assert done.out.startswith("9 rows of 4 numbers")
