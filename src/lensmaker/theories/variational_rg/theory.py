"""The exact map between a machine and a variational renormalization step, by all configurations."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from lensmaker.core import Prediction, Reference, Regime, Table
from lensmaker.core.bibliography import LIN_2017, MEHTA_2014
from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.theories.base import Theory
from lensmaker.theories.variational_rg.identity import of_machine, renormalised
from lensmaker.theories.variational_rg.trace import Trace

MOST = 24
"""log₂ of the most configurations: of the visible layer, and of both layers together for the identity."""


@dataclass(frozen=True)
class VariationalRG(Theory):
    r"""How exact the step T(v, h) = −E(v, h) + βH(v) of a machine E is for spins with βH.

    Kadanoff's step is e^{−H_RG(h)} = Tr_v e^{T(v, h) − βH(v)}. That H_RG(h) = −ln Tr_v e^{−E} is then an identity, for
    any parameters; it is told as the largest difference of both sides, each reached on its own way. The trace condition
    Tr_h e^{T(v, h)} = 1, up to a constant, is what may fail:

        trace_violation = Var_P R,   trace_residual = min_c max |R − c|,   R(v) = ln Tr_h e^{T(v, h)},
        ΔF = F^h − F^v = −ln ⟨e^R⟩,   KL(P ‖ P_RBM) = ln ⟨e^R⟩ − ⟨R⟩.

    Examples
    --------
    >>> from lensmaker.systems.boltzmann.constructed import bond_machine
    >>> from lensmaker.systems.spins import Canonical, chain, ising
    >>> ring = Canonical(ising(chain(6)), 1.5)
    >>> found = VariationalRG().predict(Coarsening(bond_machine(ring), ring))
    >>> {p.quantity.name: abs(p.value) < 1e-12 for p in found}["kl_divergence"]
    True
    """

    name = "variational_rg"
    summary = (
        "The map between a machine and a renormalization step, each of its conditions by itself, exactly."
    )
    quantities = ("identity_gap", "free_energy_shift", "trace_violation", "trace_residual", "kl_divergence")
    assumptions = (
        "there are at most 24 spins ±1, and units of two states",
        "for the identity, both layers together have at most 24 units",
    )
    references: ClassVar[tuple[Reference, ...]] = (
        MEHTA_2014,
        LIN_2017,
        Reference(
            "schwab2016",
            "D. J. Schwab, P. Mehta",
            "Comment on “Why does deep and cheap learning work so well?”",
            2016,
            "",
            "arXiv:1609.03541",
        ),
    )

    def predict(self, system: Coarsening) -> Table[Prediction]:
        """Its predictions; not a number, and why, where there are too many configurations."""
        spins, hidden = system.system.sites, system.machine.hidden.size
        reason, of_both = "", ""
        if not isinstance(system.system.hamiltonian, Hamiltonian):
            reason = of_both = "its spins are not ±1"
        elif not all(bool(p.isfinite().all()) for p in system.machine.parameters()):
            reason = of_both = "a parameter of the machine is not finite"
        elif spins > MOST:
            reason = of_both = f"its {spins} spins have 2^{spins} configurations, more than 2^{MOST}"
        elif spins + hidden > MOST:
            of_both = f"both layers have 2^{spins + hidden} configurations, more than 2^{MOST}"
        wide = replace(system, machine=copy.deepcopy(system.machine).double().requires_grad_(False))
        values = dict.fromkeys(self.quantities, math.nan)
        if not of_both:
            values["identity_gap"] = float(np.abs(renormalised(wide) - of_machine(wide)).max())
        if not reason:
            trace = Trace(wide)
            values |= {
                "free_energy_shift": trace.free_energy_shift,
                "trace_violation": trace.variance,
                "trace_residual": trace.residual,
                "kl_divergence": trace.divergence,
            }
        return Table(
            self.prediction(
                name, system.where, value, regime=Regime(of_both if name == "identity_gap" else reason)
            )
            for name, value in values.items()
        )
