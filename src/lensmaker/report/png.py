"""Pictures in PNG, from the standard library alone."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def png(pixels: NDArray[np.uint8]) -> bytes:
    r"""Red, green and blue of each pixel, (height, width, 3), as the bytes of a PNG file.

    W3C, Portable Network Graphics (PNG) Specification, third edition (2025).

    Examples
    --------
    >>> png(np.zeros((1, 1, 3), np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    height, width, _ = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, colours, no interlacing
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = pixels.reshape(height, -1)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    """Length, name, data and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def data_url(pixels: NDArray[np.uint8]) -> str:
    """The picture as an address that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def diverging(values: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """Values from −scale, blue, through 0, white, to scale, orange; what is beyond has the colour of the end.

    Examples
    --------
    >>> diverging(np.array([-1.0, 0.0, 2.0]), 1.0).tolist()
    [[26, 88, 176], [255, 255, 255], [194, 78, 8]]
    """
    ends = np.array([[26, 88, 176], [255, 255, 255], [194, 78, 8]], float)
    share = np.clip(np.asarray(values, float) / (scale or 1.0), -1, 1)
    channels = [np.interp(share, (-1, 0, 1), ends[:, k]) for k in range(3)]
    return np.rint(np.stack(channels, -1)).astype(np.uint8)


def grey(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Values from low, white, to high, black.

    Examples
    --------
    >>> grey(np.array([-1.0, 1.0]), -1.0, 1.0).tolist()
    [[255, 255, 255], [16, 20, 26]]
    """
    share = np.clip((np.asarray(values, float) - low) / ((high - low) or 1.0), 0, 1)[..., None]
    return np.rint(255 + share * (np.array([16.0, 20.0, 26.0]) - 255)).astype(np.uint8)
