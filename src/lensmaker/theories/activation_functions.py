"""An element-wise activation function with its slope and the places where it is not smooth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.quadrature import discontinuities

ElementWise = Callable[[Tensor], Tensor]

NAMED: dict[str, ElementWise] = {
    "linear": lambda x: x * 1.0,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "relu6": F.relu6,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "tanh": torch.tanh,
    "hardtanh": F.hardtanh,
    "softsign": F.softsign,
    "erf": torch.erf,
    "atan": torch.atan,
    "sin": torch.sin,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "sigmoid": torch.sigmoid,
    "hardsigmoid": F.hardsigmoid,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "tanhshrink": F.tanhshrink,
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
}


@dataclass(frozen=True)
class Activation:
    """φ, its slope by automatic differentiation, and its kinks.

    Attributes
    ----------
    name, function
        φ: float64 tensor to float64 tensor, element by element.
    kinks
        Where φ or φ' jumps, in ascending order, for |x| < 128.
    jumps
        Where φ itself jumps: (place, φ before, φ after). There E[φ'²] is infinite.
    """

    name: str
    function: ElementWise
    kinks: tuple[float, ...]
    jumps: tuple[tuple[float, float, float], ...]

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)

    def slope(self, x: Tensor) -> Tensor:
        """φ'(x); at a kink, which no Gaussian sees, whatever automatic differentiation says."""
        return _slope(self.function, x)


def activation(spec: str | ElementWise | Activation) -> Activation:
    """The activation function called `spec`, or made of the callable `spec`.

    Parameters
    ----------
    spec
        A key of `NAMED`, or an element-wise, differentiable, deterministic torch function of float64.

    Raises
    ------
    InputError
        If the name is unknown, or the callable is not such a function.

    Examples
    --------
    >>> activation("hardtanh").kinks
    (-1.0, 1.0)
    >>> activation(lambda x: x.sign() + x).jumps
    ((0.0, -1.0, 1.0),)
    """
    if isinstance(spec, Activation):
        return spec
    if isinstance(spec, str):
        if spec not in NAMED:
            known = ", ".join(NAMED)
            raise InputError("the name of an activation function", repr(spec), f"choose one of {known}")
        name, function = spec, NAMED[spec]
    else:
        name, function = getattr(spec, "__name__", type(spec).__name__), spec
        _check(function)
    places = discontinuities(function)
    return Activation(
        name,
        function,
        kinks=tuple(sorted({*places, *discontinuities(lambda x: _slope(function, x))})),
        jumps=tuple((x, *_sides(function, x)) for x in places),
    )


def _slope(function: ElementWise, x: Tensor) -> Tensor:
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        return torch.autograd.grad(function(at).sum(), at)[0]


def _sides(function: ElementWise, x: float) -> tuple[float, float]:
    step = 1e-11 * max(1.0, abs(x))
    before, after = function(torch.tensor([x - step, x + step], dtype=torch.float64)).tolist()
    return round(before, 9), round(after, 9)


def _check(function: ElementWise) -> None:
    """Refuse what is not an element-wise, differentiable, deterministic function of float64."""
    wanted = "an element-wise function of a float64 tensor"
    x = torch.linspace(-3.1, 2.9, 16, dtype=torch.float64)
    try:
        y = function(x)
        again, square, some = function(x), function(x.reshape(4, 4)), function(x[::3])
    except Exception as error:
        got = f"one that raises {error!r}"
        raise InputError(wanted, got, "test it on torch.linspace(-3, 3, 16).double()") from error
    if not isinstance(y, Tensor) or y.shape != x.shape or y.dtype != torch.float64:
        got = f"{tuple(y.shape)} of {y.dtype}" if isinstance(y, Tensor) else type(y).__name__
        raise InputError(wanted, f"{got} from 16 numbers", "return float64 of the shape of the input")
    if not torch.isfinite(y).all():
        raise InputError("finite values on [-3, 3]", "inf or nan", "pass a function defined on all numbers")
    if not torch.equal(y, again):
        raise InputError(wanted, "another result at the second call", "pass it without its randomness")
    # Vector instructions round otherwise at another stride.
    if not all(torch.allclose(a, b, 1e-12, 1e-15) for a, b in ((square.reshape(-1), y), (some, y[::3]))):
        raise InputError(wanted, "a result that mixes elements", "pass a φ(x) of one number x")
    try:
        slope = _slope(function, x)
    except RuntimeError as error:
        fix = "build it of differentiable torch operations"
        raise InputError("a differentiable function", "one without a gradient", fix) from error
    if not torch.isfinite(slope).all():
        fix = "mind that the gradient of torch.where is nan where that of either side is"
        raise InputError("finite slopes on [-3, 3]", "inf or nan", fix)
