"""The geometry of a convolutional network: each layer as a differential operator, and what it listens to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lensmaker.core.where import Where

LOCAL, SILENT = "local", "silent"
"""Kinds of layers that move nothing."""

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]


@dataclass(frozen=True)
class PointSpreadRecord:
    """What the centre of a layer listens to, by its moments; lengths in pixels of the network's input.

    Attributes
    ----------
    drift
        Of the centroid from the middle of the receptive field, by axis (0: rows of an image).
    covariance
        Of the sensitivity, (d, d).
    error
        Of the width.
    outside
        Why the moments are not to be trusted, "" where they are.

    Examples
    --------
    >>> PointSpreadRecord((0.0, 0.0), ((9.0, 0.0), (0.0, 7.0)), 0.1).width
    2.8284271247461903
    """

    drift: Vector
    covariance: Matrix
    error: float
    outside: str = ""

    @property
    def width(self) -> float:
        """√(tr C/d), pixels."""
        mean = sum(row[i] for i, row in enumerate(self.covariance)) / len(self.covariance)
        return math.sqrt(mean) if mean >= 0 else math.nan


@dataclass(frozen=True)
class LayerGeometry:
    """One convolution as a differential operator Nφ + N A^i ∂_i φ + ½ N g^{ij} ∂_i∂_j φ, and where that holds.

    Attributes
    ----------
    where
        The convolution.
    kind, meaning
        Its class in a word, and in a sentence.
    spacing
        From one position of its input to the next, pixels, by axis.
    gain, potential
        N, and N − 1/f′ of the activation f that follows.
    drift, metric
        A^i in pixels, g^{ij} in pixels²; empty where no kernel of integral one exists.
    curvature
        |[A_x, A_y]|, pixels²; nan where it cannot be told.
    wavelength
        The validity wavelength, pixels: above it the operator of second order is within 10 % of the symbol.
    share
        Of the energy of the actual input in waves of that length or longer, as measured.
    expected, measured, measured_error
        Error of the operator of second order on that input, as predicted, as measured, and the error of the latter;
        nan where not looked at.
    predicted_spread, measured_spread
        What the layer's centre listens to, with all layers before it.
    notes
        What could not be told, and why.
    """

    where: Where
    kind: str
    meaning: str
    spacing: Vector
    gain: float
    potential: float
    drift: Vector
    metric: Matrix
    curvature: float
    wavelength: float
    share: float = math.nan
    expected: float = math.nan
    measured: float = math.nan
    measured_error: float = math.nan
    predicted_spread: PointSpreadRecord | None = None
    measured_spread: PointSpreadRecord | None = None
    notes: tuple[str, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether it is more than a 1 × 1 kernel or none at all."""
        return self.kind not in (LOCAL, SILENT)

    @property
    def has_metric(self) -> bool:
        """Whether drift and metric are known."""
        return bool(self.metric) and all(math.isfinite(v) for row in self.metric for v in row)


def principal_axes(matrix: Matrix) -> tuple[tuple[float, Vector], ...]:
    """Eigenvalues of a symmetric matrix, ascending, each with its unit vector.

    The first component of a vector that is not zero to six digits is positive.

    Examples
    --------
    >>> principal_axes(((1.0, 0.0), (0.0, 4.0)))
    ((1.0, (1.0, 0.0)), (4.0, (0.0, 1.0)))
    """
    import numpy as np

    values, vectors = np.linalg.eigh(np.array(matrix, dtype=np.float64))
    found = []
    for value, vector in zip(values.tolist(), vectors.T.tolist(), strict=True):
        leading = next((v for v in vector if abs(v) > 1e-6), 1.0)
        found.append((value, tuple(math.copysign(1.0, leading) * v + 0.0 for v in vector)))
    return tuple(found)
