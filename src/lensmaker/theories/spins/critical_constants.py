"""Critical temperatures, exponents and amplitudes, each with its source."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lensmaker.core import InputError, Reference

_EXACT = Reference(
    "baxter1982", "R. J. Baxter", "Exactly solved models in statistical mechanics", 1982, "Academic Press"
)
_CUBIC = Reference(
    "ferrenberg2018",
    "A. M. Ferrenberg, J. Xu, D. P. Landau",
    "Pushing the limits of Monte Carlo simulations for the three-dimensional Ising model",
    2018,
    "Phys. Rev. E 97, 043301",
)
_BOOTSTRAP = Reference(
    "kos2016",
    "F. Kos, D. Poland, D. Simmons-Duffin, A. Vichi",
    "Precision islands in the Ising and O(N) models",
    2016,
    "JHEP 08, 036",
    "arXiv:1603.04436",
)
_TORUS = Reference(
    "salas2000",
    "J. Salas, A. D. Sokal",
    "Universal amplitude ratios in the critical two-dimensional Ising model on a torus",
    2000,
    "J. Stat. Phys. 98, 551",
    "arXiv:cond-mat/9904038",
)


_POTTS = Reference("wu1982", "F. Y. Wu", "The Potts model", 1982, "Rev. Mod. Phys. 54, 235")


@dataclass(frozen=True)
class Constant:
    """A number that a critical point is known by.

    Attributes
    ----------
    model, name
        Of which system, and which number: "temperature" in units of J, "energy" in units of J a spin there, "nu",
        "beta", "gamma", "eta", "binder" and "xi_over_L" (on a square torus, at the critical temperature).
    value, error
        As its source has it; an error of 0 is exact.
    """

    model: str
    name: str
    value: float
    error: float
    reference: Reference


CONSTANTS: tuple[Constant, ...] = (
    Constant("ising square", "temperature", 2 / math.log1p(math.sqrt(2)), 0.0, _EXACT),
    Constant("ising triangular", "temperature", 4 / math.log(3), 0.0, _EXACT),
    Constant("ising honeycomb", "temperature", 2 / math.log(2 + math.sqrt(3)), 0.0, _EXACT),
    Constant("ising square", "nu", 1.0, 0.0, _EXACT),
    Constant("ising square", "beta", 0.125, 0.0, _EXACT),
    Constant("ising square", "gamma", 1.75, 0.0, _EXACT),
    Constant("ising square", "eta", 0.25, 0.0, _EXACT),
    Constant("ising square", "binder", 0.61069014, 0.00000001, _TORUS),
    Constant("ising square", "xi_over_L", 0.90504883, 0.00000002, _TORUS),
    Constant("ising cubic", "temperature", 1 / 0.221654626, 5e-9 / 0.221654626**2, _CUBIC),
    Constant("ising cubic", "nu", 0.629971, 0.000004, _BOOTSTRAP),
    Constant("ising cubic", "eta", 0.036298, 0.000002, _BOOTSTRAP),
    Constant("ising square", "energy", -math.sqrt(2), 0.0, _EXACT),
    *(
        constant
        for q in (2, 3, 4)
        for constant in (
            Constant(f"potts {q} square", "temperature", 1 / math.log1p(math.sqrt(q)), 0.0, _POTTS),
            Constant(f"potts {q} square", "energy", -(1 + 1 / math.sqrt(q)), 0.0, _POTTS),
        )
    ),
    Constant("potts 3 square", "nu", 5 / 6, 0.0, _POTTS),
    Constant("potts 3 square", "eta", 4 / 15, 0.0, _POTTS),
    Constant("potts 4 square", "nu", 2 / 3, 0.0, _POTTS),
    Constant("potts 4 square", "eta", 1 / 4, 0.0, _POTTS),
)
"""Every critical constant there is."""


def critical(model: str, name: str) -> Constant:
    """The constant of a model by its name.

    Examples
    --------
    >>> round(critical("ising square", "temperature").value, 6)
    2.269185
    """
    found = [c for c in CONSTANTS if (c.model, c.name) == (model, name)]
    if not found:
        known = ", ".join(sorted({f"{c.model}: {c.name}" for c in CONSTANTS}))
        raise InputError(f"one of {known}", f"{model}: {name}", "check the spelling")
    return found[0]
