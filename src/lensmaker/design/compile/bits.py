"""Polynomials in bits: one hidden unit for each product, three layers."""

from __future__ import annotations

import math

import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.compile.domains import Box
from lensmaker.design.compile.ledger import Ledger, Reached
from lensmaker.design.compile.network import CompiledNetwork
from lensmaker.design.compile.sources import Source, polynomial_of
from lensmaker.design.compile.stages import Label, Read, Stage, Unit
from lensmaker.systems.polynomials import LatticePolynomial

MOST_DIGITS = 300
"""Of a unit: 10^−D is a floating-point number."""


def compile_bits(
    source: Source,
    *,
    accuracy: float | None = None,
    dtype: torch.dtype = torch.float64,
    activation: nn.Module | None = None,
) -> CompiledNetwork:
    r"""A network for a polynomial in bits x_i = 0 or 1: input, one hidden unit for each product, output.

    ∏_{i=1}^k x_i = σ(−β (k − ½ − Σ x_i)) to 10^−D with the sigmoid σ and β = 2 D ln 10: the sum is k if all are 1, and
    at most k − 1 if one is 0, so σ(±β/2) = 1 − 10^−D or less than 10^−D. As x² = x, powers are dropped.

    Parameters
    ----------
    accuracy
        Of the output; D is the number of digits for it. By default those of the arithmetic.

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
    if activation is not None and not isinstance(activation, nn.Sigmoid):
        raise InputError("nn.Sigmoid() for bits", f"{type(activation).__name__}", "leave activation=… out")
    given = polynomial_of(source)
    polynomial = given.to_polynomial() if isinstance(given, LatticePolynomial) else given
    found: dict[tuple[int, ...], float] = {}
    for factors, value in zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True):
        key = tuple(i for i, _ in factors)
        found[key] = found.get(key, 0.0) + value
    products = {key: value for key, value in found.items() if len(key) > 1 and value}
    size = sum(abs(v) for v in products.values())
    unit = torch.finfo(dtype).eps / 2
    total = sum(abs(v) for v in found.values())
    rounding = (len(found) + 4) * unit * total
    wanted = max((accuracy or 0.0) - rounding, unit * (size or 1.0) / 4)
    digits = min(max(1, math.ceil(math.log10(max(size, 1e-300) / wanted))), MOST_DIGITS) if size else 1
    beta = 2 * digits * math.log(10)
    units: list[Unit] = []
    output: dict[Label, float] = {(key[0], ""): v for key, v in found.items() if len(key) == 1 and v}
    reads = [Read(label, {label: 1.0}) for label in output]
    for k, (key, value) in enumerate(products.items()):
        weights: dict[tuple[Label, tuple[int, ...]], float] = {((i, ""), ()): beta for i in key}
        units.append((weights, -beta * (len(key) - 0.5)))
        label = (len(polynomial.variables) + k, "")
        reads.append(Read(label, hidden={k: 1.0}))
        output[label] = value
    # rounding of Σ β x − β (k − ½), and of σ, where it is flat
    longest = max((len(key) for key in products), default=0)
    each = 10.0**-digits * (1 + 4 * unit * beta * (longest + 1) ** 2) + 4 * unit
    floor = size * 4 * unit + rounding
    bound = size * each + rounding
    reached = Reached.BEST
    if accuracy is not None:
        reached = Reached.REACHED if bound <= accuracy else Reached.BELOW_FLOOR
    stages = [Stage(tuple(units), tuple(reads))] if units else []
    n = len(polynomial.variables)
    ledger = Ledger(
        variables=polynomial.variables,
        activation="Sigmoid",
        dtype=str(dtype).removeprefix("torch."),
        method=f"one unit a product, {digits} digits, β = {beta:.4g}",
        terms=polynomial.terms,
        degree=polynomial.degree,
        products=len(products),
        squares=0,
        shared=0,
        neurons=len(units),
        naive_neurons=sum(sum(e for _, e in factors) > 1 for factors in polynomial.factors),
        depth=len(stages),
        parameters=sum((s.entries(n, 1) + len(s.units) + len(s.reads)) for s in stages) + len(output) + 1,
        lanes=len(reads) - len(units),
        gate_predicted=10.0**-digits,
        gate_bound=each,
        predicted=size * 10.0**-digits + unit * total,
        bound=bound,
        floor=floor,
        accuracy=accuracy,
        reached=reached,
    )
    return CompiledNetwork(
        stages,
        Read((-1, ""), output, constant=found.get((), 0.0)),
        [1.0] * n,
        Box(0, 1).limits(n),
        nn.Sigmoid(),
        ledger,
        dtype=dtype,
    )
