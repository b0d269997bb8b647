"""Polynomials in bits or spins: one hidden unit for each product, three layers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.compile.domains import Bits, Box, Spins
from lensmaker.design.compile.ledger import Ledger, Reached
from lensmaker.design.compile.network import CompiledNetwork, Parts
from lensmaker.design.compile.ranges import check_totals
from lensmaker.design.compile.sources import Source, polynomial_of
from lensmaker.design.compile.stages import Label, Read, Stage, Unit
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial

MOST_DIGITS = 300
"""Of a unit: 10^−D is a floating-point number."""

WIDEST = 16
"""Spins in one product: each has 2^k products of bits."""

METHOD = "one unit a product"
"""How the method of the ledger begins."""

Products = dict[tuple[int, ...], float]
"""Bits in a product → its coefficient."""


def compile_bits(
    source: Source,
    *,
    accuracy: float | None = None,
    dtype: torch.dtype = torch.float64,
    activation: nn.Module | None = None,
    domain: Bits | Spins | None = None,
) -> CompiledNetwork:
    r"""A network for a polynomial in bits x_i = 0 or 1: input, one hidden unit for each product, output.

    ∏_{i=1}^k x_i = σ(−β (k − ½ − Σ x_i)) to 10^−D with the sigmoid σ and β = 2 D ln 10: the sum is k if all are 1, and
    at most k − 1 if one is 0, so σ(±β/2) = 1 − 10^−D or less than 10^−D. As x² = x, powers are dropped.

    Parameters
    ----------
    accuracy
        Of the output; D is the number of digits for it. By default those of the arithmetic.
    domain
        With `Spins()` the inputs are s_i = ±1, and x_i = (1 + s_i)/2 is in the weights.

    Raises
    ------
    InputError
        If the source is no polynomial, or the activation not the sigmoid.

    Examples
    --------
    >>> network = compile_bits("3*x*y**2 - 2*x*y*z + z")
    >>> x = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    >>> network(x).round(decimals=9).tolist(), network.ledger.neurons
    ([3.0, 2.0, 1.0], 2)
    """
    return CompiledNetwork.of(
        bits_parts([listed(polynomial_of(source))], accuracy, dtype, activation, domain or Bits())
    )


def listed(polynomial: Polynomial | LatticePolynomial) -> Polynomial:
    """It as a list of terms."""
    return polynomial.to_polynomial() if isinstance(polynomial, LatticePolynomial) else polynomial


def bits_parts(
    polynomials: Sequence[Polynomial],
    accuracy: float | None,
    dtype: torch.dtype,
    activation: nn.Module | None,
    domain: Bits | Spins,
) -> Parts:
    """The parts of one network for polynomials in the same bits: a product that several have is one unit.

    Raises
    ------
    InputError
        If the activation is not the sigmoid, or a product of spins is too wide.
    """
    if activation is not None and not isinstance(activation, nn.Sigmoid):
        raise InputError("nn.Sigmoid() for bits", f"{type(activation).__name__}", "leave activation=… out")
    on_spins, variables = isinstance(domain, Spins), polynomials[0].variables
    n = len(variables)
    found = [_of_spins(p) if on_spins else _of_bits(p) for p in polynomials]
    keys = list(dict.fromkeys(key for one in found for key, v in one.items() if len(key) > 1 and v))
    sizes = [sum(abs(v) for key, v in one.items() if len(key) > 1) for one in found]
    totals = [sum(map(abs, one.values())) for one in found]
    check_totals(totals, dtype)
    size = max(sizes)
    unit = torch.finfo(dtype).eps / 2
    terms = max(map(len, found)) + 6
    rounding = [terms * unit * total for total in totals]
    wanted = max((accuracy or 0.0) - max(rounding), unit * (size or 1.0) / 4)
    digits = min(max(1, math.ceil(math.log10(max(size, 1e-300) / wanted))), MOST_DIGITS) if size else 1
    beta = 2 * digits * math.log(10)
    step = beta / 2 if on_spins else beta
    units: list[Unit] = []
    for key in keys:
        weights: dict[tuple[Label, tuple[int, ...]], float] = {((i, ""), ()): step for i in key}
        units.append((weights, -step * (len(key) - 1) if on_spins else -beta * (len(key) - 0.5)))
    singles = sorted({key[0] for one in found for key, v in one.items() if len(key) == 1 and v})
    reads = [Read((i, ""), {(i, ""): 1.0}) for i in singles]
    reads += [Read((n + k, ""), hidden={k: 1.0}) for k in range(len(keys))]
    stages = [Stage(tuple(units), tuple(reads))] if units else []
    outputs = [_output(one, keys, n, on_spins) for one in found]
    # rounding of Σ β x − β (k − ½), and of σ, where it is flat
    longest = max(map(len, keys), default=0)
    each = 10.0**-digits * (1 + 4 * unit * beta * (longest + 1) ** 2) + 4 * unit
    bounds = tuple(s * each + r for s, r in zip(sizes, rounding, strict=True))
    reached = Reached.BEST
    if accuracy is not None:
        reached = Reached.REACHED if max(bounds) <= accuracy else Reached.BELOW_FLOOR
    ledger = Ledger(
        variables=variables,
        activation="Sigmoid",
        dtype=str(dtype).removeprefix("torch."),
        method=f"{METHOD}, {digits} digits, β = {beta:.4g}",
        terms=len({factors for p in polynomials for factors in p.factors}),
        degree=max(p.degree for p in polynomials),
        products=len(keys),
        squares=0,
        shared=sum(sum(key in one for one in found) > 1 for key in keys),
        neurons=len(units),
        naive_neurons=sum(sum(e for _, e in factors) > 1 for p in polynomials for factors in p.factors),
        depth=len(stages),
        parameters=sum((s.entries(n, 1) + len(s.units) + len(s.reads)) for s in stages)
        + sum(len(output.carried) + 1 for output in outputs),
        lanes=len(singles) if units else 0,
        gate_predicted=10.0**-digits,
        gate_bound=each,
        predicted=size * 10.0**-digits + unit * max(totals),
        bound=max(bounds),
        floor=max(s * 4 * unit + r for s, r in zip(sizes, rounding, strict=True)),
        accuracy=accuracy,
        reached=reached,
    )
    limits = Box(-1 if on_spins else 0, 1).limits(n)
    return Parts(stages, outputs, [1.0] * n, limits, nn.Sigmoid(), ledger, bounds, dtype)


def _output(found: Products, keys: Sequence[tuple[int, ...]], n: int, on_spins: bool) -> Read:
    """What is added up: x = (1 + s)/2 where single bits come as spins."""
    carried: dict[Label, float] = {(n + k, ""): found[key] for k, key in enumerate(keys) if found.get(key)}
    singles = {key[0]: value for key, value in found.items() if len(key) == 1 and value}
    carried |= {(i, ""): value / 2 if on_spins else value for i, value in singles.items()}
    constant = [found.get((), 0.0), *(value / 2 for value in singles.values() if on_spins)]
    return Read((-1, ""), carried, constant=math.fsum(constant))


def _of_bits(polynomial: Polynomial) -> Products:
    """Its products, x² = x."""
    found: dict[tuple[int, ...], list[float]] = {}
    for factors, value in zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True):
        found.setdefault(tuple(i for i, _ in factors), []).append(value)
    return {key: math.fsum(values) for key, values in found.items()}


def _of_spins(polynomial: Polynomial) -> Products:
    """The same in the bits x = (1 + s)/2, from s² = 1 and ∏ s = ∏ (2x − 1)."""
    found: dict[tuple[int, ...], list[float]] = {}
    for factors, value in zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True):
        odd = tuple(i for i, e in factors if e % 2)
        if len(odd) > WIDEST:
            raise InputError(
                f"products of at most {WIDEST} spins", f"one of {len(odd)}", "compile it on Box(-1, 1)"
            )
        for k in range(len(odd) + 1):
            for key in itertools.combinations(odd, k):
                found.setdefault(key, []).append(value * 2.0**k * (-1) ** (len(odd) - k))
    return {key: math.fsum(values) for key, values in found.items()}
