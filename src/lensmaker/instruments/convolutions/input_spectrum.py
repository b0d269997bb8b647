"""Input spectrum: how much of what a convolution reads lies in long waves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError, Measurement, Reference, Where
from lensmaker.instruments.together import PassInstrument, Reading, Sight
from lensmaker.numerics.resampling import jackknife, ratio
from lensmaker.systems.networks import Network
from lensmaker.systems.networks.receptive_field import receptive_fields

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class InputSpectrum(PassInstrument):
    r"""Share of the energy Σx² of a convolution's input that lies in waves of at least a given length.

    The waves are those of a discrete cosine transform, cos(πn(x + ½)/N) on each axis: the field mirrored at its
    borders, which then make no waves of their own. Their length is 2π/|k|, k_i = πn_i/N_i, in pixels of the network's
    input; the mean is an infinite wave. Wavelengths are told from the shortest of the grid, two steps, up to the
    longest, each √2 times the one before.

    Parameters
    ----------
    steps
        Wavelengths for each factor of two.

    Examples
    --------
    >>> conv = torch.nn.Conv1d(1, 1, 3)
    >>> wave = torch.cos(torch.pi * 4 * (torch.arange(32) + 0.5) / 32)  # of 16 pixels
    >>> table = InputSpectrum(steps=1).measure(Network(conv, wave.expand(2, 1, 32)))
    >>> [(dict(m.where.coordinates)["wavelength"], round(m.value, 6)) for m in table]
    [(2.0, 1.0), (4.0, 1.0), (8.0, 1.0), (16.0, 1.0), (32.0, 0.0), (64.0, 0.0)]
    """

    steps: int = 2

    name = "input_spectrum"
    summary = "How much of what each convolution reads lies in waves of a given length or longer."
    quantities = ("spectral_share",)
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "ahmed1974",
            "N. Ahmed, T. Natarajan, K. R. Rao",
            "Discrete cosine transform",
            1974,
            "IEEE Trans. Comput. C-23, 90",
        ),
    )

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(
                "at least one wavelength for each factor of two", f"{self.steps}", "pass steps=2"
            )

    def reading(self, network: Network) -> Reading:
        return _SpectrumReading(self, network)


class _SpectrumReading(Reading):
    def __init__(self, instrument: InputSpectrum, network: Network) -> None:
        self.instrument = instrument
        self.network = network
        self.energies: dict[Where, tuple[Floats, int]] = {}

    def see(self, sight: Sight) -> None:
        if sight.element is None or not sight.element.operation.startswith("conv"):
            return
        x = sight.inputs[0].detach()
        d = int(sight.element.operation[-2])
        batched = x if x.ndim == d + 2 else x[None]
        energies = np.stack([_energy(sample, d) for sample in batched])
        self.energies[sight.where] = energies, sight.element.inputs[0]

    def read(self) -> Iterable[Measurement]:
        fields = receptive_fields(self.network.whole) if self.energies else {}
        for where, (energies, source) in self.energies.items():
            d = energies.ndim - 1
            field = fields.get(source)
            known = field is not None and len(field.sights) == d
            spacing = [float(s.stride) for s in field.sights] if field is not None and known else [1.0] * d
            length = _wavelengths(energies.shape[1:], spacing)
            total = energies.reshape(len(energies), -1).sum(1)
            for wavelength in _told(energies.shape[1:], spacing, self.instrument.steps):
                longer = energies.reshape(len(energies), -1)[
                    :, length.ravel() >= wavelength * (1 - 1e-9)
                ].sum(1)
                at = replace(where, coordinates=(("wavelength", wavelength),))
                yield self.instrument.measurement(
                    "spectral_share", at, *jackknife(np.stack([longer, total], -1), ratio), len(energies)
                )


def _energy(sample: torch.Tensor, d: int) -> Floats:
    """Energy of each wave, summed over channels, of one sample (C, n_1, …, n_d)."""
    from scipy.fft import dctn

    total = np.zeros(tuple(sample.shape[-d:]))
    values = sample.to("cpu", torch.float64 if sample.dtype == torch.float64 else torch.float32)
    for part in values.split(64):
        waves = dctn(part.numpy(), axes=tuple(range(1, d + 1)), norm="ortho")
        total += np.square(waves, dtype=np.float64).sum(0)
    return total


def _wavelengths(sides: tuple[int, ...], spacing: list[float]) -> Floats:
    k = [np.pi * np.arange(n) / (n * h) for n, h in zip(sides, spacing, strict=True)]
    size = np.sqrt(sum(np.square(part) for part in np.meshgrid(*k, indexing="ij")))
    with np.errstate(divide="ignore"):
        return np.asarray(2 * np.pi / size)


def _told(sides: tuple[int, ...], spacing: list[float], steps: int) -> list[float]:
    shortest = 2 * max(spacing)
    longest = 2 * max(n * h for n, h in zip(sides, spacing, strict=True))
    count = math.floor(steps * math.log2(max(longest / shortest, 1.0)) + 1e-9)
    return [shortest * 2 ** (j / steps) for j in range(count + 1)]
