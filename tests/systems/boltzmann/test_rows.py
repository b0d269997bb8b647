"""Tables of numbers of every type are the same rows, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training import Training, fit, rows_of

TABLE = (np.random.default_rng(0).random((60, 5)) < 0.4).astype(np.float64)

KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "big-endian floats": lambda x: x.astype(">f4"),
    "big-endian whole numbers": lambda x: x.astype(">i4"),
    "extended precision": lambda x: x.astype(np.longdouble),
    "half precision": lambda x: x.astype(np.float16),
    "unsigned": lambda x: x.astype(np.uint16),
    "truth": lambda x: x.astype(bool),
    "rows that are sparse": sparse.csr_matrix,
    "columns that are sparse": sparse.csc_array,
    "places that are not 0": sparse.coo_array,
    "lists": lambda x: x.tolist(),
    "data frame": lambda x: pytest.importorskip("pandas").DataFrame(x),
    "parameter": lambda x: torch.nn.Parameter(torch.from_numpy(x)),
}


@pytest.mark.parametrize("name", KINDS)
def test_numbers_of_every_type_are_the_same_rows(name: str) -> None:
    data = KINDS[name](TABLE)
    rows = rows_of(data)
    assert (len(rows), rows.size) == (60, 5)
    assert (rows.read(7, 31, torch.float64).numpy() == TABLE[7:31]).all()
    one, other = (RestrictedBoltzmannMachine(5, 3) for _ in range(2))
    fit(one, data, Training(epochs=1))
    fit(other, TABLE, Training(epochs=1))
    assert torch.equal(one.weights.parameter, other.weights.parameter)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TABLE.astype(complex), "real numbers, but got data of type complex128"),
        (torch.from_numpy(TABLE.astype(np.complex64)), "real numbers, but got data of type torch.complex64"),
        (torch.from_numpy(TABLE).to_sparse(), "a dense tensor, but got a tensor of layout torch.sparse_coo"),
    ],
)
def test_what_is_no_table_of_real_numbers_is_refused(data: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rows_of(data)
