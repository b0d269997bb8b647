"""The networks that compute a polynomial: their hidden layers, units, errors, and what each number rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import torch

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import SmoothFunction
from lensmaker.systems.polynomials import Polynomial
from lensmaker.theories.polynomial_networks import counts
from lensmaker.theories.polynomial_networks.flat_floor import LARGEST, flat_floor
from lensmaker.theories.polynomial_networks.half_floor import half_biases, half_floor, units_with_biases
from lensmaker.theories.polynomial_networks.layers import Split, split

MOST_LAYERS = 12


class Kind(Enum):
    """How a polynomial is spread over hidden layers; the value says what the number of units rests on."""

    FLAT = "∏(r+1): Lin, Tegmark and Rolnick; least without biases where no Taylor coefficient is 0"
    BIASES = "2^(n−1) where σ⁽ⁿ⁻¹⁾ has a zero, else 2^n − 1 with an output bias: constructions"
    LAYERS = "Σ_i (n/∏_{j≤i} b_j) 2^(b_i): Rolnick and Tegmark; best whole numbers"
    TREE = "4(n−1): product gates of four units; skips layers where n is no power of 2"
    DEEP = "Σ(7⌈log₂ r⌉ + 4): Rolnick and Tegmark; enough at some depth"


@dataclass(frozen=True)
class Construction:
    """One way to compute a polynomial.

    Attributes
    ----------
    kind
        What it is.
    layers
        Hidden layers.
    units
        All hidden units: those of all monomials, each computed by itself.
    error
        Largest error that is left over inputs in [−1, 1]; nan where it is not known.
    widths
        Units of each hidden layer.
    groups
        Of one monomial: the numbers that each layer hands on.
    outside
        Why the theorem behind the number does not hold here; "" where it does.
    """

    kind: Kind
    layers: int
    units: int
    error: float
    widths: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    outside: str = ""


def monomials_of(polynomial: Polynomial) -> list[tuple[float, tuple[int, ...]]]:
    """Coefficient and powers, in descending order and none of them 0, of each term but the constant.

    Raises
    ------
    InputError
        If there is none.
    """
    rows = zip(polynomial.coefficients.tolist(), polynomial.factors, strict=True)
    found = [(c, tuple(sorted((e for _, e in row), reverse=True))) for c, row in rows if row]
    if not found:
        raise InputError("a polynomial with a variable in it", f"{polynomial}", "write x1*x2, for instance")
    return found


def constructions(
    polynomial: Polynomial,
    activation: SmoothFunction,
    dtype: torch.dtype = torch.float64,
    deepest: int | None = None,
) -> Iterator[Construction]:
    """All that are known, the flat ones first.

    Parameters
    ----------
    deepest
        Hidden layers up to which are planned; ⌈log₂ degree⌉ by default, at most 12.

    Raises
    ------
    InputError
        If the polynomial is a number, a product has too many factors, or no hidden layer is asked for.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> found = constructions(Polynomial.parse("x1*x2*...*x20"), smooth_function("softplus"))
    >>> [(c.kind.name, c.layers, c.units) for c in found]
    [('FLAT', 1, 1048576), ('BIASES', 1, 524288), ('LAYERS', 2, 112), ('LAYERS', 3, 76), ('LAYERS', 4, 76),
     ('LAYERS', 5, 78), ('TREE', 5, 76), ('DEEP', 5, 80)]
    """
    parts = monomials_of(polynomial)
    if deepest is not None and not 1 <= deepest <= MOST_LAYERS:
        fix = "leave it out for as many as a tree has"
        raise InputError(f"from 1 to {MOST_LAYERS} hidden layers", f"{deepest}", fix)
    depth = max(counts.tree_depth(sum(powers)) for _, powers in parts)
    most = deepest or min(MOST_LAYERS, max(1, depth))
    yield _flat(parts, activation, dtype)
    if len(parts) == 1 and set(parts[0][1]) == {1} and len(parts[0][1]) > 1:
        yield _biases(parts[0], activation, dtype)
    for k in range(2, most + 1):
        yield _layers(parts, k, activation, dtype)
    if all(set(powers) == {1} for _, powers in parts):
        yield _tree(parts, depth, activation, dtype)
    units = counts.sparse_deep_count([powers for _, powers in parts])
    yield Construction(Kind.DEEP, depth, units, math.nan)


Part = tuple[float, tuple[int, ...]]


def missing_order(activation: SmoothFunction, bias: float, degree: int) -> int | None:
    """The first order up to the degree of which the Taylor coefficient at the bias is 0; None where there is none.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> missing_order(smooth_function("tanh"), 0.0, 4), missing_order(smooth_function("tanh"), 0.5, 4)
    (0, None)
    """
    c = activation.taylor(bias, degree)
    largest = max(map(abs, c))
    return next((k for k, value in enumerate(c) if abs(value) < 1e-12 * largest), None)


def _flat(parts: Sequence[Part], activation: SmoothFunction, dtype: torch.dtype) -> Construction:
    units = sum(counts.flat_count(powers) for _, powers in parts)
    degree = max(sum(powers) for _, powers in parts)
    outside = ""
    if len(parts) > 1:
        least = counts.sparse_flat_bound([powers for _, powers in parts])
        outside = f"{len(parts)} monomials each by itself; the theorem says {least} or more"
    elif degree <= LARGEST:
        bias = flat_floor(degree, activation, dtype).bias
        order = missing_order(activation, bias, degree)
        if order is not None:
            outside = f"the Taylor coefficient of order {order} of {activation} at {bias:g} is 0"
    error = sum(abs(c) * flat_floor(sum(powers), activation, dtype).error for c, powers in parts)
    return Construction(Kind.FLAT, 1, units, error, (units,), (1,) if len(parts) == 1 else (), outside)


def _biases(part: Part, activation: SmoothFunction, dtype: torch.dtype) -> Construction:
    c, powers = part
    n = len(powers)
    floor = half_floor(n, activation, dtype)
    outside = "" if n <= LARGEST else f"zeros of σ⁽ⁿ⁻¹⁾ are looked for up to n = {LARGEST}"
    if n <= LARGEST and not half_biases(n, activation):
        outside = f"σ⁽{n - 1}⁾ of {activation} has no zero at which σ⁽{n}⁾ has none: 2^n − 1 units"
    units = units_with_biases(n, activation)
    error = math.nan if floor is None else abs(c) * floor.error
    return Construction(Kind.BIASES, 1, units, error, (units,), (1,), outside)


def _layers(
    parts: Sequence[Part], layers: int, activation: SmoothFunction, dtype: torch.dtype
) -> Construction:
    splits = [split(powers, layers) for _, powers in parts]
    widths = tuple(sum(s.widths[k] for s in splits) for k in range(layers))
    error = sum(abs(c) * _error(s, activation, dtype) for (c, _), s in zip(parts, splits, strict=True))
    groups = splits[0].groups if len(splits) == 1 else ()
    powers = any(set(p) != {1} for _, p in parts)
    outside = "with powers above 1 a bound from above" if powers else ""
    return Construction(Kind.LAYERS, layers, sum(widths), error, widths, groups, outside)


def _error(s: Split, activation: SmoothFunction, dtype: torch.dtype) -> float:
    """The sum over all gates: no value is above 1, so none makes the error of another larger."""
    total = sum(g.times * flat_floor(sum(g.powers), activation, dtype).error for g in s.gates)
    return min(1.0, total)


def _tree(parts: Sequence[Part], depth: int, activation: SmoothFunction, dtype: torch.dtype) -> Construction:
    units = sum(counts.tree_count(len(powers)) for _, powers in parts)
    gate = flat_floor(2, activation, dtype).error
    error = sum(abs(c) * min(1.0, (len(powers) - 1) * gate) for c, powers in parts)
    return Construction(Kind.TREE, depth, units, error)
