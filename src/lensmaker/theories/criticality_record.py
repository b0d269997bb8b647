"""Everything about one activation at one bias scale, as plain numbers: for a table, a figure, JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch

from lensmaker.core import Prediction, Table, jsonable
from lensmaker.theories.activation_functions import Activation, ElementWise, activation
from lensmaker.theories.critical_line import OnLine, attracting_line, critical_line
from lensmaker.theories.criticality import ActivationLayer, Criticality, depth_scale, phase
from lensmaker.theories.fixed_points import Settling, settle_correlation, settle_second_moment
from lensmaker.theories.signal_maps import pair_second_moment, second_moment
from lensmaker.theories.universality import universality_class


@dataclass(frozen=True)
class Curve:
    """y against x; what does not exist is nan, and None in JSON."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class CriticalityRecord:
    """What `lensmaker criticality` prints and plots.

    Attributes
    ----------
    activation, sigma_w, sigma_b
        The layer; σ_w is the critical one where none was asked for, and 1 where there is none either.
    critical_sigma_w
        nan where there is none; `notes` says why.
    phase, phase_meaning, universality, explanation
        Names and sentences.
    predictions
        Of `Criticality`, for this layer.
    line
        σ_w(σ_b), of the fixed points that attract.
    q_map, c_map
        V(q) and C(c); the latter at q*, empty where q* is 0 or infinite.
    xi_q, xi_c
        Depth scales against σ_w, at this σ_b.
    notes
        Sentences the reader must know.
    references
        Of the theory, as printed.
    """

    activation: str
    sigma_w: float
    sigma_b: float
    critical_sigma_w: float
    phase: str
    phase_meaning: str
    universality: str
    explanation: str
    predictions: Table[Prediction]
    line: Curve
    q_map: Curve
    c_map: Curve
    xi_q: Curve
    xi_c: Curve
    notes: tuple[str, ...]
    references: tuple[str, ...]

    def rows(self) -> tuple[dict[str, Any], ...]:
        """One row for each predicted quantity: symbol, quantity, value, error, unit, definition, regime."""
        return tuple(
            {
                "symbol": p.quantity.symbol,
                "quantity": p.quantity.name,
                "value": p.value,
                "error": p.error,
                "unit": p.quantity.unit,
                "definition": p.quantity.definition,
                "regime": p.regime.outside or "inside",
            }
            for p in self.predictions
        )

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON has it: lists, null for nan and infinity."""
        plain = asdict(self) | {"predictions": list(self.rows())}
        return dict(jsonable(plain))


def criticality_report(
    function: str | ElementWise | Activation, sigma_b: float, sigma_w: float | None = None
) -> CriticalityRecord:
    """Fixed points, phase, class, critical line, maps and depth scales of an activation at σ_b.

    Raises
    ------
    InputError
        As `Criticality`.

    Examples
    --------
    >>> record = criticality_report("tanh", sigma_b=0.2)
    >>> f"{record.critical_sigma_w:.4f} {record.phase} {record.universality}"
    '1.3041 critical vanishing'
    """
    phi = activation(function)
    kind = universality_class(phi)
    critical = critical_line(phi, (sigma_b,))[0]
    notes = []
    if critical.status is not OnLine.CRITICAL:
        place = "" if math.isnan(critical.sigma_w) else f"at σ_w = {critical.sigma_w:.5g}, "
        notes.append(place + critical.status.value)
    at = sigma_w if sigma_w is not None else critical.sigma_w
    if math.isnan(at):
        at = 1.0
        notes.append("for want of a critical σ_w, σ_w = 1 is shown")
    theory = Criticality()
    predictions = theory.predict(ActivationLayer(phi, at, sigma_b))
    state = phase(phi, at, sigma_b)
    q = predictions[0].value
    scales = _scales(phi, sigma_b, at if math.isnan(critical.sigma_w) else critical.sigma_w)
    outside = (
        p.regime.outside for p in predictions if not p.regime and p.quantity.name != "critical_sigma_w"
    )
    return CriticalityRecord(
        activation=phi.name,
        sigma_w=at,
        sigma_b=sigma_b,
        critical_sigma_w=critical.sigma_w,
        phase=state.name.lower(),
        phase_meaning=state.value,
        universality=kind.kind.name.lower().replace("_", " "),
        explanation=kind.sentence(),
        predictions=predictions,
        line=Curve(*attracting_line(phi, max(2 * sigma_b, 0.5))),
        q_map=_q_map(phi, at, sigma_b, q),
        c_map=_c_map(phi, at, sigma_b, q),
        xi_q=scales[0],
        xi_c=scales[1],
        notes=tuple(dict.fromkeys([*notes, *outside])),
        references=tuple(str(r) for r in theory.references),
    )


def _q_map(phi: Activation, sigma_w: float, sigma_b: float, q: float) -> Curve:
    most = 2.5 * q if math.isfinite(q) and q > 0 else 2.0
    x = torch.linspace(most / 60, most, 60, dtype=torch.float64)
    y = sigma_w**2 * second_moment(phi, x).value + sigma_b**2
    return Curve(tuple(x.tolist()), tuple(y.tolist()))


def _c_map(phi: Activation, sigma_w: float, sigma_b: float, q: float) -> Curve:
    if not (math.isfinite(q) and q > 0):
        return Curve((), ())
    x = [1 - (1 - i / 24) ** 2 for i in range(25)]
    y = [(sigma_w**2 * float(pair_second_moment(phi, q, c).value) + sigma_b**2) / q for c in x]
    return Curve(tuple(x), tuple(y))


def _scales(phi: Activation, sigma_b: float, centre: float) -> tuple[Curve, Curve]:
    """ξ_q and ξ_c for σ_w around `centre`, closer near it, where ξ_c diverges."""
    steps = [0.003 * 2.0**i for i in range(9)]
    sigma_ws = (*(centre * (1 - s) for s in reversed(steps)), *(centre * (1 + s) for s in steps))
    xi_q, xi_c = [], []
    for sigma_w in sigma_ws:
        q = settle_second_moment(phi, sigma_w, sigma_b)
        settled = q.settling is Settling.FIXED_POINT
        xi_q.append(depth_scale(q.slope)[0] if settled or q.settling is Settling.VANISHES else math.nan)
        xi_c.append(
            depth_scale(settle_correlation(phi, sigma_w, sigma_b, q.value).slope)[0] if settled else math.nan
        )
    return Curve(sigma_ws, tuple(xi_q)), Curve(sigma_ws, tuple(xi_c))
