"""Random fields: what the statistics of receptive fields are while all weights are independent draws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Prediction, Reference, Table, Where
from lensmaker.core.bibliography import MEHTA_2014
from lensmaker.systems.boltzmann.field_stack import FieldStack, check_odd
from lensmaker.theories.base import Theory
from lensmaker.theories.boltzmann import isotropic_field as isotropic
from lensmaker.theories.boltzmann.isotropic_field import Law


@dataclass(frozen=True)
class RandomFields(Theory):
    r"""Statistics about its largest |w| of a field whose N numbers are independent and normal.

    So are, up to a factor, those of every layer: W^(1) u is such a field for any vector u, and u = W^(2) … W^(l) e of a
    unit e does not depend on W^(1). With M = ⟨max w²⟩/N, n sites in the window, and all ratios independent of Σw²,

        (Σw²)²/Σw⁴:  N/3 and corrections in 1/N,       Σw² in the window:  M + (1 − M)(n − 1)/(N − 1),
        sign coherence:  about 1/√n, exactly an integral over the order statistics,
        neighbours:  0,                                profile:  M at the peak, (1 − M)/(N − 1) elsewhere.

    Values are those of a mean over many units; of the weights only the sizes are read. Units of a deeper layer share
    the layers below, and their mean is spread by more than they are among themselves: the error is the most that this
    adds, s √(1 − Π_k (1 − 1/n_k)) with s the deviation of one unit and n_k the units of the layers below, since
    even functions of two normal fields of correlation c are correlated by c² at most.

    Parameters
    ----------
    window
        Its side, an odd number.

    Raises
    ------
    InputError
        If the window is even, or wider than the lattice.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
    >>> from lensmaker.systems.spins import square
    >>> found = RandomFields().predict(FieldStack(RestrictedBoltzmannMachine(1600, 400), square(40)))
    >>> [(p.quantity.name, round(p.value, 3)) for p in found[:3]]
    [('field_participation', 534.875), ('window_fraction', 0.058), ('sign_coherence', 0.114)]
    """

    window: int = 9

    name = "random_fields"
    summary = "Statistics of the receptive fields of a stack of machines whose weights are all random."
    quantities = (
        "field_participation",
        "window_fraction",
        "sign_coherence",
        "neighbour_correlation",
        "field_profile",
        "field_half_width",
    )
    assumptions = (
        "the weights of the lowest machine are independent normal draws of one variance and mean zero",
        "the weights of the others do not depend on them",
        "a layer has many units",
    )
    references = (
        MEHTA_2014,
        Reference("david2003", "H. A. David, H. N. Nagaraja", "Order Statistics", 2003, "Wiley"),
        Reference(
            "gebelein1941",
            "H. Gebelein",
            "Das statistische Problem der Korrelation als Variations- und Eigenwertproblem",
            1941,
            "Z. Angew. Math. Mech. 21, 364",
        ),
    )

    def __post_init__(self) -> None:
        check_odd(self.window)

    def predict(self, system: FieldStack) -> Table[Prediction]:
        system.check_window(self.window)
        found: list[Prediction] = []
        for layer in range(1, len(system.units) + 1):
            shared = math.sqrt(overlap(system.units[: layer - 1]))
            for name, where, law in self._laws(system.where(layer), system.lattice.shape):
                error = math.hypot(law.error, shared * law.deviation)
                found.append(self.prediction(name, where, law.mean, error))
        return Table(found)

    def _laws(self, where: Where, shape: tuple[int, ...]) -> Iterator[tuple[str, Where, Law]]:
        N, inside = math.prod(shape), self.window**2
        yield "field_participation", where, isotropic.participation(N)
        yield "window_fraction", where, isotropic.window_fraction(N, inside)
        yield "sign_coherence", where, isotropic.sign_coherence(N, inside)
        yield "neighbour_correlation", where, isotropic.neighbour_correlation(N)
        peak, elsewhere = isotropic.largest_share(N), isotropic.share_elsewhere(N)
        sizes, first = _shells(shape)
        for r, size in enumerate(sizes):
            at = replace(where, coordinates=(*where.coordinates, ("distance", r)))
            law = Law(elsewhere.mean, elsewhere.deviation / math.sqrt(size))
            yield "field_profile", at, law if r else peak
        yield "field_half_width", where, half_width(peak, elsewhere, int(sizes[1]), first)


def overlap(below: Sequence[int]) -> float:
    """⟨c²⟩ of the cosine of two units' vectors in layers of so many units: 0 of the lowest layer.

    Examples
    --------
    >>> overlap([]), round(overlap([100]), 9)
    (0.0, 0.01)
    """
    return 1 - math.prod((1 - 1 / n for n in below), start=1.0)


def half_width(peak: Law, elsewhere: Law, size: int, distance: float) -> Law:
    """Where the mean profile, straight from the peak to the first shell, is half of the peak: d M/(2(M − p))."""
    M, p = peak.mean, elsewhere.mean
    by_peak, by_shell = -p, M
    deviation = math.hypot(by_peak * peak.deviation, by_shell * elsewhere.deviation / math.sqrt(size))
    return Law(distance * M / (2 * (M - p)), distance / (2 * (M - p) ** 2) * deviation)


def _shells(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], float]:
    """Sites whose distance from one rounds to 0, 1, 2 …, and the mean distance of those at 1."""
    squares = [np.minimum(np.arange(side), side - np.arange(side)) ** 2 for side in shape]
    distance = np.sqrt(np.add.outer(*squares)).reshape(-1)
    number = np.rint(distance).astype(np.int64)
    return np.bincount(number), float(distance[number == 1].mean())
