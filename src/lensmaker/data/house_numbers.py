"""Four street-view house numbers, from the package ccexam."""

from __future__ import annotations

import torch

from lensmaker.data.dataset import DataSet
from lensmaker.data.installed import package_file
from lensmaker.data.pixels import pixels

DIGITS = (0, 1, 2, 5)


def house_numbers() -> DataSet:
    """Photographs of the digits 0, 1, 2 and 5 on houses, x [4, 3, 32, 32] in [0, 1], from SVHN.

    No more than these four are to be had offline: enough to see that a network trained on SVHN reads
    them, too few for statistics.

    Raises
    ------
    MissingDataError
        If ccexam is not installed.

    Examples
    --------
    >>> house_numbers()
    DataSet('house_numbers', x=(4, 3, 32, 32), 10 classes)
    """
    paths = [package_file("ccexam", f"samples/svhn_digit_{digit}.png", "ccexam==1.0.0") for digit in DIGITS]
    return DataSet(
        name="house_numbers",
        x=torch.stack([pixels(path) for path in paths]),
        y=torch.tensor(DIGITS),
        classes=tuple("0123456789"),
        source="ccexam 1.0.0: ccexam/samples/svhn_digit_*.png",
        license="SVHN: for non-commercial use; the package MIT",
        citation="Y. Netzer et al., “Reading Digits in Natural Images with Unsupervised Feature Learning”, "
        "NIPS workshop (2011)",
    )
