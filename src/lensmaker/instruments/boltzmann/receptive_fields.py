"""Receptive fields: how local, how wide and of how many signs the fields of hidden units are, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import Convergence, Measurement, Reference, Table, Where
from lensmaker.core.bibliography import MEHTA_2014
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.boltzmann import field_statistics as statistics
from lensmaker.numerics.resampling import Estimate, jackknife
from lensmaker.systems.boltzmann.field_stack import FieldStack, check_odd


@dataclass(frozen=True)
class ReceptiveFields(Instrument):
    r"""Statistics of the fields r^(l) = r^(l−1) W^(l) of each layer, about the site of largest |w| of each field.

    | quantity | definition | uniform field |
    |---|---|---|
    | field_participation | (Σw²)²/Σw⁴ | N |
    | window_fraction | Σw² in the window at the peak, over Σw² | n/N |
    | sign_coherence | the absolute value of Σw over Σ of that of w, in the window | 1 |
    | neighbour_correlation | Σ_⟨ij⟩ w_i w_j over 2Σw² | 1 |
    | field_profile | w²/Σw² of a site whose distance from the peak rounds to r | 1/N |
    | field_half_width | where the mean profile first is half of its peak | none |

    Values are means over the units of a layer with their standard errors; the half-width is that of the mean profile,
    with the jackknife's error over units. Units whose field is zero are left out: `samples` says how many are left.
    Neither translations nor the order or signs of hidden units matter.

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
    >>> import torch
    >>> from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
    >>> from lensmaker.systems.spins import square
    >>> machine = RestrictedBoltzmannMachine(1600, 2)
    >>> machine.weights.parameter.data[7] = 1.0  # both units see one site
    >>> found = ReceptiveFields().measure(FieldStack(machine, square(40)))
    >>> [(m.quantity.name, m.value) for m in found[:3]]
    [('field_participation', 1.0), ('window_fraction', 1.0), ('sign_coherence', 1.0)]
    """

    window: int = 9

    name = "receptive_fields"
    summary = "How local, wide and coherent the fields of the hidden units of a stack of machines are."
    quantities = (
        "field_participation",
        "window_fraction",
        "sign_coherence",
        "neighbour_correlation",
        "field_profile",
        "field_half_width",
    )
    references: ClassVar[tuple[Reference, ...]] = (
        MEHTA_2014,
        Reference(
            "moran1950",
            "P. A. P. Moran",
            "Notes on continuous stochastic phenomena",
            1950,
            "Biometrika 37, 17",
        ),
    )

    def __post_init__(self) -> None:
        check_odd(self.window)

    def measure(self, system: FieldStack) -> Table[Measurement]:
        system.check_window(self.window)
        layers = enumerate(system.fields, start=1)
        return Table(m for layer, r in layers for m in self._layer(system.where(layer), r.numpy()))

    def _layer(self, where: Where, fields: NDArray[np.float64]) -> Iterator[Measurement]:
        w = statistics.centred(fields) if np.isfinite(fields).all() else fields[:0]
        n = len(w)
        if not n:
            for name in self.quantities:
                yield self.measurement(name, where, np.nan, np.nan, n, Convergence.NOT_FINITE)
            return
        for name, values in (
            ("field_participation", statistics.participation(w)),
            ("window_fraction", statistics.window_fraction(w, self.window)),
            ("sign_coherence", statistics.sign_coherence(w, self.window)),
            ("neighbour_correlation", statistics.neighbour_correlation(w)),
        ):
            yield self._told(name, where, jackknife(values), n)
        profile = statistics.radial_profile(w)
        for r, shares in enumerate(profile.T):
            at = replace(where, coordinates=(*where.coordinates, ("distance", r)))
            yield self._told("field_profile", at, jackknife(shares), n)
        _, distance = statistics.shells(w.shape[1:])
        width = jackknife(profile, lambda mean: statistics.half_width(mean, distance))
        yield self._told("field_half_width", where, width, n)

    def _told(self, name: str, where: Where, found: Estimate, units: int) -> Measurement:
        return self.measurement(name, where, found.value, found.error, units)
