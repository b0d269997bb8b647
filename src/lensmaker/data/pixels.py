"""Pixels of a picture file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from lensmaker.core import MissingDependencyError


def pixels(path: Path, size: int | None = None) -> torch.Tensor:
    """The picture at `path` in red, green and blue, float32 [3, H, W] in [0, 1].

    Parameters
    ----------
    path
        A file that Pillow reads; a grey picture gets three equal channels.
    size
        None for the picture as it is. Otherwise the shorter side is scaled to size·256/224 (bilinear)
        and the central square of `size` pixels taken, the way ImageNet networks are tested.

    Raises
    ------
    MissingDependencyError
        If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as reason:
        raise MissingDependencyError(
            "Pillow, which decodes pictures", "no such package", "install it with `pip install pillow`"
        ) from reason
    with Image.open(path) as file:
        image = file.convert("RGB")
    if size is not None:
        scale = size * 256 / 224 / min(image.size)
        width, height = (round(side * scale) for side in image.size)
        left, top = (width - size) // 2, (height - size) // 2
        image = image.resize((width, height), Image.Resampling.BILINEAR).crop(
            (left, top, left + size, top + size)
        )
    return torch.from_numpy(np.array(image)).movedim(-1, 0).float() / 255
