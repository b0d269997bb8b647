"""Thermometers whose points are exact: what a theory says of a finite system, for an instrument to read."""

from __future__ import annotations

import numpy as np

from lensmaker.core import InputError
from lensmaker.instruments.boltzmann.thermometer import Thermometer
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.theories.spins.solvable import exact_values


def energy_thermometer(
    model: Hamiltonian, lowest: float = 0.8, highest: float = 20.0, points: int = 80
) -> Thermometer:
    """T by the exact energy a spin of this very system: Kaufman's of a torus, all configurations of a small one.

    Parameters
    ----------
    model
        Whose energy it is.
    lowest, highest
        Ends of the scale; below some T = 0.8 of the Ising model on a square torus the energy hardly changes.
    points
        Of the curve, their temperatures in one ratio.

    Raises
    ------
    InputError
        If no exact solution applies to the model.

    Examples
    --------
    >>> from lensmaker.systems.spins import ising, square
    >>> thermometer = energy_thermometer(ising(square(4)), points=60)
    >>> known = exact_values(Canonical(ising(square(4)), 2.3)).select(quantity="energy")[0].value
    >>> abs(thermometer.read(known).temperature - 2.3) < 1e-3
    True
    """
    found = [exact_values(Canonical(model, float(T))) for T in np.geomspace(lowest, highest, points)]
    if not all(len(table) for table in found):
        fix = "calibrate by samples: Thermometer.from_samples"
        raise InputError("a model with an exact solution", f"{model}", fix)
    return Thermometer.of([p for table in found for p in table])


def largest_specific_heat(model: Hamiltonian, lowest: float = 1.0, highest: float = 6.0) -> float:
    """The temperature at which the specific heat of this very system is largest, by an exact solution.

    Parameters
    ----------
    lowest, highest
        Between which it has one maximum.

    Raises
    ------
    InputError
        If no exact solution applies to the model.

    Examples
    --------
    >>> from lensmaker.systems.spins import ising, square
    >>> round(largest_specific_heat(ising(square(10))), 3)  # above T_c = 2.269, as on every finite torus
    2.3...
    """
    from scipy.optimize import minimize_scalar

    def less(T: float) -> float:
        found = exact_values(Canonical(model, T))
        if not len(found):
            raise InputError("a model with an exact solution", f"{model}", "take a torus without a field")
        return -float(found.select(quantity="specific_heat")[0].value)

    found = minimize_scalar(less, bounds=(lowest, highest), method="bounded", options={"xatol": 1e-6})
    return float(found.x)
