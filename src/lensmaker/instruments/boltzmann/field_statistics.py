"""How a field on a torus is spread about its peak: each statistic of many fields at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def centred(fields: Array) -> Array:
    """Fields, (n, rows, columns), with the site of largest |w| moved to (0, 0) and over their value there.

    What is read off them depends neither on the place nor on the scale or sign of a field. Fields that are zero all
    over have no peak, and are left out.

    Examples
    --------
    >>> centred(np.array([[[0, 1, 0], [0, -2, 0], [0, 0, 0]]], float)).tolist()
    [[[1.0, -0.0, -0.0], [-0.0, -0.0, -0.0], [-0.5, -0.0, -0.0]]]
    """
    w = fields[np.abs(fields).max((1, 2)) > 0]
    n, rows, columns = w.shape
    peak = np.abs(w).reshape(n, rows * columns).argmax(1)
    r, c = np.unravel_index(peak, (rows, columns))
    down = (r[:, None] + np.arange(rows)) % rows
    across = (c[:, None] + np.arange(columns)) % columns
    moved = w[np.arange(n)[:, None, None], down[:, :, None], across[:, None, :]]
    return np.asarray(moved / moved[:, :1, :1])


def participation(w: Array) -> Array:
    """(Σw²)²/Σw⁴ of each field: the number of sites if all are alike, (n, rows, columns) → (n,)."""
    return np.asarray((w**2).sum((1, 2)) ** 2 / (w**4).sum((1, 2)))


def window_fraction(w: Array, window: int) -> Array:
    """Share of Σw² in the window of so many rows and columns about the peak of a centred field."""
    return np.asarray(((w**2) * within(w.shape[1:], window)).sum((1, 2)) / (w**2).sum((1, 2)))


def sign_coherence(w: Array, window: int) -> Array:
    """|Σw|/Σ|w| in that window: 1 if all signs are alike."""
    inside = w * within(w.shape[1:], window)
    return np.asarray(np.abs(inside.sum((1, 2))) / np.abs(inside).sum((1, 2)))


def neighbour_correlation(w: Array) -> Array:
    """Σ_⟨ij⟩ w_i w_j/(2 Σw²) over the bonds of the torus: 1 for a uniform field, 0 for noise, −1 for a chessboard.

    References
    ----------
    P. A. P. Moran, Biometrika 37, 17 (1950): the same about the mean of the field.
    """
    bonds = sum((w * np.roll(w, 1, axis)).sum((1, 2)) for axis in (1, 2))
    return np.asarray(bonds / (2 * (w**2).sum((1, 2))))


def within(shape: tuple[int, ...], window: int) -> NDArray[np.bool_]:
    """Sites of the window about (0, 0)."""
    down, across = (offsets(side) <= window // 2 for side in shape)
    return np.asarray(down[:, None] & across[None, :])


def offsets(side: int) -> NDArray[np.int64]:
    """Distance of each place of a ring from place 0.

    Examples
    --------
    >>> offsets(5).tolist()
    [0, 1, 2, 2, 1]
    """
    place = np.arange(side)
    return np.minimum(place, side - place)


def shells(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], Array]:
    """Shell of each site, its distance from (0, 0) to the next whole number, and the mean distance in each shell.

    Examples
    --------
    >>> number, distance = shells((3, 3))
    >>> number.tolist(), distance.round(4).tolist()
    ([[0, 1, 1], [1, 1, 1], [1, 1, 1]], [0.0, 1.2071])
    """
    down, across = (offsets(side) for side in shape)
    distance = np.hypot(down[:, None], across[None, :])
    number = np.rint(distance).astype(np.int64)
    inside = np.bincount(number.reshape(-1))
    total = np.bincount(number.reshape(-1), weights=distance.reshape(-1))
    return number, total / inside


def radial_profile(w: Array) -> Array:
    """Share of Σw² at a site of each shell about the peak of a centred field: (n, rows, columns) → (n, shells)."""
    number, _ = shells(w.shape[1:])
    share = (w**2 / (w**2).sum((1, 2), keepdims=True)).reshape(len(w), -1)
    inside = np.bincount(number.reshape(-1))
    one = np.zeros((number.size, len(inside)))
    one[np.arange(number.size), number.reshape(-1)] = 1
    return np.asarray(share @ one / inside)


def half_width(profile: Array, distance: Array) -> Array:
    """Where a profile, straight between the mean distances of its shells, first is half of what it is at the peak.

    Parameters
    ----------
    profile
        (…, shells).
    distance
        (shells,).

    Returns
    -------
    ndarray
        (…,); nan where it never falls so far.

    Examples
    --------
    >>> half_width(np.array([1.0, 0.75, 0.25]), np.array([0.0, 1.0, 2.0])).tolist()
    1.5
    """
    below = profile <= profile[..., :1] / 2
    after = np.maximum(below.argmax(-1), 1)[..., None]
    high, low = (np.take_along_axis(profile, after - k, -1)[..., 0] for k in (1, 0))
    step = (distance[after] - distance[after - 1])[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        width = distance[after - 1][..., 0] + step * (high - profile[..., 0] / 2) / (high - low)
    return np.asarray(np.where(below.any(-1), width, np.nan))
