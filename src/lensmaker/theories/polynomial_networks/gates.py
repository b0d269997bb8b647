"""The product gate: how near to a product four neurons can come, in which arithmetic, and with which bias."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lensmaker.core import InputError, Prediction, Regime, Table, Where
from lensmaker.core.bibliography import LIN_2017
from lensmaker.systems.polynomials.gate import Gate
from lensmaker.theories.base import Theory
from lensmaker.theories.polynomial_networks.taylor import derivatives

Floats = NDArray[np.float64]

ULPS = 4.0
"""Units of roundoff by which an activation function of torch may be off; tests hold it to that."""

_RELATIVE = (nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU)
"""Whose error is relative to their value; others, such as x Φ(x), may also lose digits of x."""

Candidate = tuple[float, float, float]
"""b, λ and σ″(b)."""

_ORDER = 8
"""Derivatives taken: the truncation up to the sixth, the eighth for the remainder."""

_WIDEST = 1.0
"""λ(|u| + |v|) stays below it: where the series is one to trust."""


@dataclass(frozen=True)
class ProductGate(Theory):
    r"""The largest error of a product gate, truncation and rounding.

    m is the product exactly to leading order where σ″(b) ≠ 0. With E(t) = ½[σ(b+t) + σ(b−t)] it is
    [E(λs) − E(λd)]/(2λ²σ″), s = u+v, d = u−v, so its truncation is [R(s) − R(d)]/2,

        R(s) = Σ_{k≥2} σ^{(2k)}(b) λ^{2k−2} s^{2k} / ((2k)! σ″(b)),

    to leading order uv λ² σ⁗/(6σ″) (u² + v²); its rounding is about ε (|σ| + |bσ′|)/(λ²|σ″|), ε the distance of 1 to
    the next number. The best λ balances both: √ε where σ⁗ ≠ 0 and σ ≠ 0; ε^⅔ where either of them vanishes.

    The error of the prediction is half of its value: rounding errors are as large as they happen to be.

    Examples
    --------
    >>> gate = best_gate(nn.Tanh())
    >>> found = ProductGate().predict(gate)[0]
    >>> found.value < 1e-10, abs(gate.bias) < 1.2
    (True, True)
    """

    name = "product_gate"
    summary = "The largest error of a product gate of four neurons, truncation and rounding."
    quantities = ("gate_error",)
    assumptions = (
        "σ is differentiable eight times at all that the four neurons see, and σ″(b) ≠ 0",
        f"σ is evaluated to {ULPS / 2:g} units in the last place",
        f"λ(|u| + |v|) is below {_WIDEST:g}, so that the series converges fast",
    )
    references = (LIN_2017,)

    def predict(self, system: Gate) -> Table[Prediction]:
        terms = gate_terms(system)
        outside = terms.outside or (
            "" if terms.series_holds else "σ departs from its Taylor series within the gate"
        )
        value = terms.truncation + terms.rounding
        return Table(
            [
                self.prediction(
                    "gate_error", Where(operation=system.name.lower()), value, value / 2, Regime(outside)
                )
            ]
        )


@dataclass(frozen=True)
class GateTerms:
    """What the error of a gate consists of, for |u| and |v| up to the radius.

    Attributes
    ----------
    truncation
        sup |R(s) − R(d)|/2 with what is left out of the series.
    rounding
        What rounding errors of usual size come to.
    worst_rounding, per_summand
        What they come to at worst, with all signs alike, for inputs that are numbers; and what each further number
        adds where the two inputs are sums of more than two.
    series_holds
        Whether σ agrees with its Taylor series on the interval that the neurons see.
    outside
        Why the theory does not hold, "" where it does.
    """

    truncation: float
    rounding: float
    worst_rounding: float
    per_summand: float
    series_holds: bool
    outside: str = ""

    @property
    def bound(self) -> float:
        """A certified bound, if the series holds: the two neurons of a square keep it too."""
        return self.truncation + self.worst_rounding

    def bound_of(self, summands: int) -> float:
        """The same where the two inputs are sums of so many numbers altogether."""
        return self.bound + (summands - 2) * self.per_summand


def gate_terms(gate: Gate) -> GateTerms:
    """The terms of the error of one gate."""
    reach = 2 * gate.scale * gate.radius
    at = gate.bias + reach * torch.linspace(-1, 1, 33, dtype=torch.float64)
    table = derivatives(gate.activation, at, _ORDER)
    here = table[:, 16:17]
    outside = "" if reach < 2 * _WIDEST else f"λ(|u| + |v|) is {reach:.2g}"
    if not here[2, 0]:
        return GateTerms(math.inf, math.inf, math.inf, math.inf, False, "σ″(b) = 0")
    highest = np.full(1, 1.5 * np.abs(table[-1]).max())
    scale = np.array([gate.scale])
    truncation = _truncation(here, scale, gate.radius, highest)[0, 0]
    usual, worst = _rounding(gate, np.array([gate.bias]), here, scale)
    _, one_more = _rounding(gate, np.array([gate.bias]), here, scale, summands=3)
    t = (at - gate.bias).numpy()
    series = sum(here[k, 0] * t**k / math.factorial(k) for k in range(_ORDER))
    u = torch.finfo(torch.float64).eps / 2
    slack = highest[0] * np.abs(t) ** _ORDER / math.factorial(_ORDER) + 16 * u * (
        np.abs(table[0]) + np.abs(at.numpy())
    )
    holds = bool((np.abs(table[0] - series) <= slack).all())
    return GateTerms(
        truncation=float(truncation),
        rounding=float(usual[0, 0]),
        worst_rounding=float(worst[0, 0]),
        per_summand=float(one_more[0, 0] - worst[0, 0]),
        series_holds=holds,
        outside=outside,
    )


def best_gate(
    activation: nn.Module,
    *,
    dtype: torch.dtype = torch.float64,
    radius: float = 1.0,
    bias: float | None = None,
) -> Gate:
    """The gate with the smallest predicted error: b and λ by search, or λ alone for a b that is given.

    Raises
    ------
    InputError
        If σ″ vanishes wherever σ is smooth, as it does for ReLU.

    Examples
    --------
    >>> gate = best_gate(nn.Tanh(), bias=0.6584789)
    >>> 1e-9 < ProductGate().predict(gate)[0].value < 1e-7
    True
    """
    if bias is not None:
        listed = _candidates(activation, np.array([bias]), dtype, radius)
    else:
        listed = _candidates(activation, np.linspace(-5, 5, 401), dtype, radius)
        best = [gate.bias for gate in _trusted(activation, listed, dtype, radius, 3)]
        for k in range(5 if best else 0):
            near = [b + 0.05 / 10**k * np.linspace(-1, 1, 41) for b in best]
            again = _candidates(activation, np.unique([*np.concatenate(near), *best]), dtype, radius)
            best = [b for b, _, _ in again[:3]]
            listed = again + listed
    found = _trusted(activation, listed, dtype, radius, 1)
    if found:
        return found[0]
    raise InputError(
        "an activation function with σ″(b) ≠ 0 at some b where it is smooth",
        f"{type(activation).__name__}, which has none",
        "pass nn.GELU(), or nn.ReLU() for sawtooth squares",
    )


def _trusted(
    activation: nn.Module, found: list[Candidate], dtype: torch.dtype, radius: float, most: int
) -> list[Gate]:
    """The first few gates whose series holds."""
    gates = (Gate(activation, b, scale, curvature, radius, dtype) for b, scale, curvature in found)
    return list(itertools.islice((gate for gate in gates if gate_terms(gate).series_holds), most))


def _candidates(activation: nn.Module, biases: Floats, dtype: torch.dtype, radius: float) -> list[Candidate]:
    """(b, λ, σ″(b)) with the best λ of each b, the best b first; numbers of the arithmetic."""
    biases = _rounded(biases, dtype)
    table = derivatives(activation, torch.from_numpy(biases), _ORDER)
    scales = _rounded(_WIDEST / 2 / radius * 2.0 ** (-np.arange(0.0, 26, 0.125)), dtype)
    scales = scales[scales > 0]
    gate = Gate(activation, 0.0, 1.0, 1.0, radius, dtype)
    with np.errstate(all="ignore"):
        bound = (
            _truncation(table, scales, radius, 2 * np.abs(table[-1]))
            + _rounding(gate, biases, table, scales)[0]
        )
    bound = np.where(np.isfinite(bound), bound, np.inf)
    best = bound.argmin(1)
    least = bound[np.arange(len(biases)), best]
    order = [i for i in np.argsort(least, kind="stable").tolist() if np.isfinite(least[i])]
    return [(float(biases[i]), float(scales[best[i]]), float(table[2, i])) for i in order]


def at_scale(gate: Gate, scale: float) -> Gate:
    """The same gate with another λ."""
    return replace(gate, scale=float(_rounded(np.array([scale]), gate.dtype)[0]))


def _truncation(table: Floats, scales: Floats, radius: float, highest: Floats) -> Floats:
    """The largest |R(s) − R(d)|/2 over |s| + |d| ≤ 2r, (biases, scales): R on a grid, with its curvature."""
    s = np.linspace(0, 2 * radius, 65)
    curvature = table[2][:, None]
    values = np.zeros((table.shape[1], len(scales), len(s)))
    bend = np.zeros((table.shape[1], len(scales)))
    for k in range(2, _ORDER // 2):
        weight = table[2 * k][:, None] * scales ** (2 * k - 2) / (math.factorial(2 * k) * curvature)
        values += weight[..., None] * s ** (2 * k)
        bend += np.abs(weight) * 2 * k * (2 * k - 1) * (2 * radius) ** (2 * k - 2)
    between = bend * (s[1] - s[0]) ** 2 / 8
    rest = highest[:, None] / 2 * scales ** (_ORDER - 2) * (2 * radius) ** _ORDER
    rest = rest / (math.factorial(_ORDER) * np.abs(curvature))
    return np.asarray((values.max(-1) - values.min(-1)) / 2 + between + rest)


def _rounding(
    gate: Gate, biases: Floats, table: Floats, scales: Floats, summands: int = 2
) -> tuple[Floats, Floats]:
    """Of usual and of the worst size, (biases, scales).

    The worst: σ to `ULPS` units, a rounding of b + λs for each summand, the sum of four numbers of size σ, and the
    product. Roundings of λs are the same in σ(b + λs) and σ(b − λs), and not amplified where b = 0.
    """
    unit = torch.finfo(gate.dtype).eps / 2
    value, slope = np.abs(table[0])[:, None], np.abs(table[1])[:, None]
    reach = 2 * scales * gate.radius
    largest = value + reach * slope + reach**2 * np.abs(table[2])[:, None]
    argument = np.abs(biases)[:, None] + reach
    noise = largest + (0 if isinstance(gate.activation, _RELATIVE) else argument / 2)
    shift = np.where(biases[:, None] == 0, 0.0, slope * argument)
    per = scales**2 * np.abs(table[2])[:, None]
    usual = unit / 2 * (noise + largest + shift) / per
    worst = unit * (ULPS * noise + 2 * largest + summands * shift) / per
    worst = worst + 8 * summands * unit * gate.radius**2
    return np.asarray(usual), np.asarray(worst)


def _rounded(values: Floats, dtype: torch.dtype) -> Floats:
    """To numbers of the arithmetic."""
    return np.asarray(torch.from_numpy(np.ascontiguousarray(values)).to(dtype).double().numpy())
