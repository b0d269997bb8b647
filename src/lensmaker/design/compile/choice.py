"""Which gate a program is made of: the largest λ, or the fewest teeth, with which it is accurate enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.compile.bounds import output_error
from lensmaker.design.compile.multipliers import Multiplier, Sawtooth, Smooth
from lensmaker.design.compile.program import Program
from lensmaker.instruments.gate_errors import GateErrors
from lensmaker.systems.polynomials.gate import Gate
from lensmaker.theories.polynomial_networks.gates import at_scale, best_gate

_STEP = 2**0.5
"""From one λ to the next."""


@dataclass(frozen=True)
class Chosen:
    """How products are made.

    Attributes
    ----------
    multiplier
        Of neurons.
    method
        The same in words.
    per_product
        Neurons of one product.
    floor
        The smallest certified bound of the output that there is.
    """

    multiplier: Multiplier
    method: str
    per_product: int
    floor: float


def choose(program: Program, activation: nn.Module, accuracy: float | None, dtype: torch.dtype) -> Chosen:
    """The multiplier that reaches an accuracy of the output, or the best one.

    Raises
    ------
    InputError
        If the activation has no σ″ ≠ 0, and is no ReLU.
    """
    if not isinstance(activation, nn.Module):
        raise InputError("an activation function that is a module", f"{activation!r}"[:60], "pass nn.GELU()")
    if isinstance(activation, nn.ReLU):
        return _sawtooth(program, accuracy, dtype)
    if any(True for _ in activation.parameters()):
        raise InputError("an activation without parameters", type(activation).__name__, "pass nn.GELU()")
    return _smooth(program, activation, accuracy, dtype)


def tuned(gate: Gate) -> Gate:
    """The gate with the λ nearby whose measured error is least: rounding errors are as they are, not as predicted."""
    errors = GateErrors(points=101)
    gates = [at_scale(gate, gate.scale * 2 ** (k / 8)) for k in range(-8, 9)]
    return min(gates, key=lambda g: errors.measure(g)[0].value)


def _smooth(program: Program, activation: nn.Module, accuracy: float | None, dtype: torch.dtype) -> Chosen:
    bound = partial(_bound, program, torch.finfo(dtype).eps / 2)
    best, measured_best = _searched(activation, dtype)
    near = [at_scale(best, best.scale * 2 ** (k / 4)) for k in range(-2, 7, 2)]
    safest = min(near, key=lambda g: bound(Smooth(g)))
    floor = bound(Smooth(safest))
    if not math.isfinite(floor):
        raise InputError(
            "a polynomial that gates can follow through all its layers",
            f"{program.depth} layers of {type(activation).__name__} gates in {dtype}, whose errors grow beyond bounds",
            "take torch.float64, or nn.ReLU()",
        )
    is_safe = math.isfinite(bound(Smooth(measured_best)))  # with a λ that reaches a kink it is not
    gate = measured_best if accuracy is None and is_safe else safest
    if accuracy is not None and floor < accuracy and program.products:  # without any, λ makes no difference
        while (wider := at_scale(gate, gate.scale * _STEP)) and bound(Smooth(wider)) <= accuracy:
            gate = wider
    method = f"gates of 4 neurons, b = {gate.bias:.6g}, λ = {gate.scale:.3g}"
    return Chosen(Smooth(gate), method, 4, min(floor, bound(Smooth(gate))))


@lru_cache(maxsize=64)
def _searched(activation: nn.Module, dtype: torch.dtype) -> tuple[Gate, Gate]:
    """The best gate as predicted, and as measured."""
    best = best_gate(activation, dtype=dtype)
    return best, tuned(best)


def _sawtooth(program: Program, accuracy: float | None, dtype: torch.dtype) -> Chosen:
    bound = partial(_bound, program, torch.finfo(dtype).eps / 2)
    most = 26 if dtype is torch.float64 else 12
    made = [Sawtooth(teeth, dtype) for teeth in range(1, most + 1)]
    bounds = [bound(one) for one in made]
    floor = min(bounds)
    enough = [one for one, b in zip(made, bounds, strict=True) if accuracy is not None and b <= accuracy]
    one = enough[0] if enough else made[bounds.index(floor)]
    return Chosen(one, f"sawtooth squares of {one.teeth} teeth", 2 * (one.teeth + 3), floor)


def _bound(program: Program, unit: float, multiplier: Multiplier) -> float:
    return output_error(program, multiplier.bound, unit)
