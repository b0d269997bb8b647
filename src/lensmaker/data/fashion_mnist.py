"""Fashion-MNIST, 70,000 pictures of clothes, from Debian's package."""

from __future__ import annotations

import gzip
import zlib
from enum import Enum
from pathlib import Path

import numpy as np
import torch

from lensmaker.core import MissingDataError
from lensmaker.data.dataset import DataSet
from lensmaker.data.installed import system_file

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


class Split(Enum):
    """Which part of a data set; the value is how its files are called."""

    TRAIN = "train"
    TEST = "t10k"


def fashion_mnist(split: Split = Split.TRAIN, folder: Path = FOLDER) -> DataSet:
    """Clothes in grey, x [60000, 1, 28, 28] (training) or [10000, 1, 28, 28] (test) in [0, 1].

    Parameters
    ----------
    split
        Training or test set.
    folder
        Where the four `*-ubyte.gz` files lie.

    Raises
    ------
    MissingDataError
        If the files are not there, or are cut short.
    """
    images, labels = (
        read_idx(system_file(folder / f"{split.value}-{part}-ubyte.gz", "dataset-fashion-mnist"))
        for part in ("images-idx3", "labels-idx1")
    )
    return DataSet(
        name=f"fashion-mnist {split.name.lower()}",
        x=images[:, None].float().div_(255),
        y=labels.long(),
        classes=CLASSES,
        source=f"Debian dataset-fashion-mnist: {folder}",
        license="MIT",
        citation="H. Xiao, K. Rasul, R. Vollgraf, “Fashion-MNIST” (2017), arXiv:1708.07747",
    )


def read_idx(path: Path) -> torch.Tensor:
    """The uint8 array in a gzipped IDX file.

    The format is two zero bytes, the type (8: unsigned byte), the number of axes, each axis' length
    as a big-endian 32-bit integer, then the bytes in C order.

    Raises
    ------
    MissingDataError
        If the file is not such an array.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        axes = content[3]
        start = 4 + 4 * axes
        shape = np.frombuffer(content, dtype=">i4", count=axes, offset=4).tolist()
        if content[:3] != b"\0\0\x08" or len(content) - start != np.prod(shape):
            raise ValueError("header and length do not match")
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as reason:
        raise MissingDataError(
            f"an IDX file of bytes at {path}", f"{reason}", "reinstall the package that it belongs to"
        ) from reason
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start).view(shape)
