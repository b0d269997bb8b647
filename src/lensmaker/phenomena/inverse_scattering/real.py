"""Burgers' equation and Darcy's flow, from data whose equation is known from elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lensmaker.data import burgers, darcy
from lensmaker.instruments.scattering import InferredConductivity, InferredEquation, Term
from lensmaker.instruments.scattering.inferred_equation import EquationFit
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.inverse_scattering.plan import Plan
from lensmaker.systems.fields.equations import Grid
from lensmaker.systems.fields.recording import Recording
from lensmaker.systems.fields.steady_flow import Ground, SteadyFlows, Values, steady_flow

RESOLVED = 1e-3
"""Share of its largest wave that the shortest but one has in first looks that are used."""

PAPERS = 12 / 3
"""Of the conductivities, in the papers on the data set of this name."""


def of_burgers(plan: Plan, seed: int) -> dict[str, Any]:
    """Coefficients over those of the equation, of one set of trajectories; and of the same backwards in time.

    Backwards, the second look is the first one, and products of waves have little room: there short waves grow, and
    rounding would with them.
    """
    data = burgers()
    waves = torch.fft.rfft(data.fields[:, 0]).abs()
    fields = data.fields[waves[:, 7] < RESOLVED * waves.amax(1)]
    mine = fields[seed * plan.burgers : (seed + 1) * plan.burgers, : plan.burgers_looks]
    recording = Recording(Grid((16,), (data.spacing,)), data.interval, mine)
    found = InferredEquation().fit(recording)
    both = (Term.SELF_ADVECTION, Term.METRIC)
    back = InferredEquation(both, refine=2).fit(recording.first(looks=2).backwards())
    return {
        "forwards": _over(found, data.viscosity),
        "backwards": _over(back, data.viscosity),
        "misfit": found.misfit,
        "errors": {t.name.lower(): e.error for t, e in found.terms.items()},
        "trajectories": len(mine),
    }


def _over(found: EquationFit, viscosity: float) -> dict[str, float]:
    """Advection over −1, metric over 2ν, and what should not be there."""
    values = {t: e.value for t, e in found.terms.items()}
    return {
        "advection": -values[Term.SELF_ADVECTION],
        "viscosity": values[Term.METRIC] / (2 * viscosity),
        "drift": values.get(Term.DRIFT, 0.0),
        "potential": values.get(Term.POTENTIAL, 0.0),
    }


def of_darcy(plan: Plan, seed: int) -> dict[str, float]:
    """The ratio of one set of flows; shares of Σu² that are missed; and the same with another flow's medium."""
    data = darcy()
    mine = slice(seed * plan.flows, (seed + 1) * plan.flows)
    flows = SteadyFlows(data.media[mine].numpy(), data.fields[mine].numpy())
    found = InferredConductivity().fit(flows)
    order = np.roll(
        np.arange(len(flows)), 1 + int(torch.randint(len(flows) - 1, (1,), generator=stream("flows", seed)))
    )
    shuffled = InferredConductivity().fit(SteadyFlows(flows.media[order], flows.fields))
    return {
        "ratio": found.ratio.value,
        "error": found.ratio.error,
        "source": found.source.value,
        "missed": found.misfit**2,
        "missed with the papers' ratio": _missed(flows, PAPERS),
        "missed by one ground": _missed(flows, 1.0),
        "missed by another medium": shuffled.misfit**2,
        "ratio by another medium": shuffled.ratio.value,
    }


def _missed(flows: SteadyFlows, ratio: float) -> float:
    """Σ(u − ŝû)²/Σu² with the best source."""
    u = np.stack([_solved(m, ratio) for m in flows.media])
    scale = float((u * flows.fields).sum() / (u**2).sum())
    return float(((flows.fields - scale * u) ** 2).sum() / (flows.fields**2).sum())


def _solved(medium: Ground, ratio: float) -> Values:
    return steady_flow(medium, ratio)
