"""Photographs that scikit-image ships."""

from __future__ import annotations

import torch

from lensmaker.core import InputError
from lensmaker.data.dataset import DataSet
from lensmaker.data.installed import package_file
from lensmaker.data.pixels import pixels

PHOTOS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
)


def photos(size: int = 224) -> DataSet:
    """Seventeen photographs, x [17, 3, size, size] in [0, 1]; grey ones have three equal channels.

    The shorter side is scaled to size·256/224 (bilinear), and the central square of `size` pixels is
    taken. There are no classes; `samples` has the names. scikit-image itself is not imported.

    Parameters
    ----------
    size
        Height and width in pixels.

    Raises
    ------
    MissingDataError
        If scikit-image is not installed.
    MissingDependencyError
        If Pillow, which decodes the files, is not installed.
    InputError
        If `size` is not positive.

    Examples
    --------
    >>> photos().samples[4]
    'chelsea'
    """
    if size < 1:
        raise InputError("a positive size in pixels", f"size={size}", "pass 224 for ImageNet networks")
    paths = [package_file("skimage", f"data/{file}", "scikit-image==0.26.0") for file in PHOTOS]
    return DataSet(
        name="photos",
        x=torch.stack([pixels(path, size) for path in paths]),
        y=None,
        classes=(),
        source="scikit-image 0.26.0: skimage/data",
        license="public domain or CC0; motorcycle_left, moon and page: see skimage/data/_fetchers.py",
        citation="S. van der Walt et al., “scikit-image: image processing in Python”, PeerJ 2 (2014) e453",
        samples=tuple(path.stem for path in paths),
    )
