"""Which convolutions of a network may be read as differential operators, on the input they really have."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lensmaker.core import Measurement, Table, Where
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.instruments.convolutions.input_spectrum import InputSpectrum
from lensmaker.systems.networks import Network
from lensmaker.theories.field_equation.theory import TOLERANCE, FieldEquation


@dataclass(frozen=True)
class Trust:
    """One convolution: what the theory allows beside what its input needs.

    Attributes
    ----------
    where
        The convolution.
    wavelength
        Above which its operator of second order is within 10 % of its symbol, pixels: the theory's.
    share
        Of the energy of its input in waves of that length or longer: the instrument's.
    expected
        Error of the operator of second order from the spectrum of the input: the theory's.
    measured
        The same on the input itself, with its standard error: the instrument's.
    """

    where: Where
    wavelength: float
    share: float
    expected: float
    measured: float
    error: float

    @property
    def is_trusted(self) -> bool:
        """Whether the theory expects the operator to be within 10 %."""
        return self.expected <= TOLERANCE

    @property
    def is_true(self) -> bool:
        """Whether it is."""
        return self.measured <= TOLERANCE


def trust(network: Network, samples: int = 2) -> Table[Trust]:
    """Predict, for every convolution with a kernel of more than 1 × 1, whether it may be trusted; and look.

    Parameters
    ----------
    network
        The network with its batch.
    samples
        Of the batch.

    Raises
    ------
    InputError
        If the network has no convolution.

    Examples
    --------
    >>> import torch
    >>> blur = torch.nn.Conv1d(1, 1, 3)
    >>> _ = torch.nn.init.constant_(blur.weight, 1 / 3)
    >>> x = torch.arange(64)
    >>> long, short = (torch.cos(2 * torch.pi * x / wave).expand(2, 1, 64) for wave in (32, 4))
    >>> [(row.is_trusted, row.is_true, row.share > 0.5) for wave in (long, short) for row in trust(Network(blur, wave))]
    [(True, True, True), (False, False, False)]
    """
    predictions = FieldEquation(samples=samples).predict(network)
    errors = {m.where: m for m in FieldLawError(orders=(2,), samples=samples).measure(network)}
    spectrum = InputSpectrum(steps=4).measure(network)
    rows = []
    for p in predictions.select(quantity="validity_wavelength"):
        second = replace(p.where, coordinates=(("order", 2.0),))
        expected = next(
            (q for q in predictions if q.where == second and q.quantity.name == "law_error"), None
        )
        if expected is None or second not in errors:
            continue
        share = share_beyond(spectrum, p.where, p.value)
        rows.append(
            Trust(p.where, p.value, share, expected.value, errors[second].value, errors[second].error)
        )
    return Table(rows)


def share_beyond(spectrum: Iterable[Measurement], where: Where, wavelength: float) -> float:
    """The share of energy in waves longer than a predicted wavelength, between those that were measured.

    Linear in the logarithm of the wavelength; beyond the longest measured it is the share there; nan, where nothing
    was measured.
    """
    bare = {
        dict(m.where.coordinates)["wavelength"]: m.value
        for m in spectrum
        if replace(m.where, coordinates=()) == where
    }
    if not bare:
        return math.nan
    lengths = sorted(bare)
    at = min(max(wavelength, lengths[0]), lengths[-1])
    above = next((b for b in lengths if b >= at), lengths[-1])
    below = max((b for b in lengths if b <= at), default=lengths[0])
    if above == below:
        return bare[above]
    part = math.log(at / below) / math.log(above / below)
    return bare[below] + part * (bare[above] - bare[below])
