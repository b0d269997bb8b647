"""Handwritten digits of 8×8 pixels, from scikit-learn."""

from __future__ import annotations

import gzip

import numpy as np
import torch

from lensmaker.data.dataset import DataSet
from lensmaker.data.installed import package_file


def digits() -> DataSet:
    """1,797 handwritten digits, x [1797, 1, 8, 8] in [0, 1], from scikit-learn.

    A pixel is the number of dark points in a 4×4 square of the scan, divided by 16.

    Raises
    ------
    MissingDataError
        If scikit-learn is not installed.

    Examples
    --------
    >>> digits().y[:5].tolist()
    [0, 1, 2, 3, 4]
    """
    path = package_file("sklearn", "datasets/data/digits.csv.gz", "scikit-learn")
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return DataSet(
        name="digits",
        x=torch.from_numpy(table[:, :-1].reshape(-1, 1, 8, 8) / 16),
        y=torch.from_numpy(table[:, -1].astype(np.int64)),
        classes=tuple("0123456789"),
        source="scikit-learn: sklearn/datasets/data/digits.csv.gz",
        license="CC BY 4.0",
        citation="E. Alpaydin, C. Kaynak, “Optical Recognition of Handwritten Digits”, UCI (1998)",
    )
