"""Layers of units: exchangeable parts of a machine."""

from __future__ import annotations

from typing import Any

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.units.base import Units
from lensmaker.systems.boltzmann.units.binary import Binary
from lensmaker.systems.boltzmann.units.gaussian import Gaussian
from lensmaker.systems.boltzmann.units.potts import Potts
from lensmaker.systems.boltzmann.units.rectified import Rectified
from lensmaker.systems.boltzmann.units.spin import Spin

UNITS: tuple[type[Units], ...] = (Binary, Spin, Potts, Gaussian, Rectified)
"""Every kind there is; files and tests read this tuple."""

__all__ = ["UNITS", "Binary", "Gaussian", "Potts", "Rectified", "Spin", "Units", "units_of"]


def units_of(spec: dict[str, Any]) -> Units:
    """The layer that a `spec` tells of.

    Raises
    ------
    InputError
        If there is no such kind, or a number is missing.

    Examples
    --------
    >>> units_of({"name": "potts", "count": 3, "q": 4})
    Potts(3, q=4)
    """
    facts = dict(spec)
    name = facts.pop("name", None)
    for kind in UNITS:
        if kind.name == name:
            try:
                return kind(**facts)
            except TypeError as error:
                raise InputError(f"what {name} units are made of", f"{facts}", "check the names") from error
    raise InputError(f"one of the units {', '.join(k.name for k in UNITS)}", repr(name), "check the spelling")
