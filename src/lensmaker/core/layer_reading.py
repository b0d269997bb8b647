"""What the field equation reads of one convolution, in plain numbers: what tables and pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.core.where import Where


@dataclass(frozen=True)
class LayerReading:
    """One convolution as a differential operator; lengths in pixels of the network's input.

    Attributes
    ----------
    where, inputs, outputs, groups
        The place, and its channels.
    spacing, stride
        From one position of its input to the next, in pixels, and its stride, for each axis.
    kind, skip, boundary, activation
        Its class, how time passes, what it takes for the field beyond its border, and the function that follows.
    gain, potential
        N and N − 1/f′.
    drift, metric, covariance
        A, g and c = g − AAᵀ, row by row; empty where the weights sum to zero.
    curvature
        |[A_x, A_y]|; nan where m₀ has no inverse.
    validity_wavelength
        Above which the operator of second order is within 10 % of the symbol.
    notes
        What else must be said.
    """

    where: Where
    inputs: int
    outputs: int
    groups: int
    spacing: tuple[float, ...]
    stride: tuple[float, ...]
    kind: str
    skip: str
    boundary: str
    activation: str
    gain: float
    potential: float
    drift: tuple[float, ...]
    metric: tuple[tuple[float, ...], ...]
    covariance: tuple[tuple[float, ...], ...]
    curvature: float
    validity_wavelength: float
    notes: tuple[str, ...] = ()
