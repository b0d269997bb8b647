"""The errors of networks that are written down and run: flat ones and trees, in each arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.numerics.seeding import stream
from lensmaker.numerics.smooth_functions import SmoothFunction, smooth_function
from lensmaker.phenomena.flattening.plan import Plan
from lensmaker.systems.polynomials.product_network import (
    ProductNetwork,
    flat_monomial,
    neighbours,
    product_of_layers,
)
from lensmaker.theories.polynomial_networks.flat_floor import Floor, flat_floor

FLAT, CHOSEN, TREE = "flat", "flat, chosen bias", "tree"

HOPELESS = 0.3
"""Predicted errors from which on no network is run."""

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class Measured:
    """One network, run with the inputs of each seed.

    Attributes
    ----------
    activation, network, arithmetic
        σ; flat, flat with the best bias, or the tree; and the format.
    factors, units
        n, and hidden units.
    predicted
        By the theory.
    errors
        The largest of each seed.
    """

    activation: str
    network: str
    arithmetic: str
    factors: int
    units: int
    predicted: float
    errors: tuple[float, ...]


def measured(plan: Plan, activation: str, n: int, arithmetic: str) -> Iterator[Measured]:
    """The three networks of n factors."""
    σ, dtype = smooth_function(activation), DTYPES[arithmetic]
    plain, chosen, gate = flat_floor(n, σ, dtype, plan.bias), flat_floor(n, σ, dtype), flat_floor(2, σ, dtype)
    for network, floor in ((FLAT, plain), (CHOSEN, chosen)):
        if floor.error < HOPELESS:
            errors = [
                largest_error(_flat(n, σ, floor, k, dtype), inputs(plan, n, seed))
                for seed, k in _scales(plan)
            ]
            yield Measured(activation, network, arithmetic, n, 2**n, floor.error, tuple(errors))
    layers = neighbours(n, _halves(n))
    errors, units = [], 0
    for seed, k in _scales(plan):
        tree = product_of_layers(layers, σ, _gates(σ, dtype, k), dtype)
        errors.append(largest_error(tree, inputs(plan, n, seed)))
        units = sum(tree.widths)
    yield Measured(activation, TREE, arithmetic, n, units, (n - 1) * gate.error, tuple(errors))


def inputs(plan: Plan, n: int, seed: int) -> Tensor:
    """Some corners of the cube, a thousand at most, and places inside it."""
    generator = stream("inputs of products", seed)
    corners = torch.tensor(list(itertools.product((1.0, -1.0), repeat=n)), dtype=torch.float64)
    some = corners[torch.randperm(len(corners), generator=generator)[:1000]]
    inside = torch.rand(plan.inside, n, generator=generator, dtype=torch.float64) * 2 - 1
    return torch.cat([some, inside])


@torch.no_grad()
def largest_error(network: ProductNetwork, x: Tensor) -> float:
    """Of the product of each row."""
    return float((network(x)[:, 0].double() - x.prod(1)).abs().max())


def in_many_digits(activation: str, n: int, bias: float, scale: float) -> float:
    """The error of the flat network at x = 1 in 300 digits, where C(n, j) units have s·x = n − 2j."""
    import mpmath

    σ = smooth_function(activation)
    with mpmath.workdps(300):
        λ, b = mpmath.mpf(scale), mpmath.mpf(bias)
        total = mpmath.fsum(
            (-1) ** j * math.comb(n, j) * σ.in_digits(b + λ * (n - 2 * j)) for j in range(n + 1)
        )
        lead = 2**n * mpmath.diff(σ.in_digits, b, n) * λ**n
        return float(abs(total / lead - 1))


def _scales(plan: Plan) -> list[tuple[int, float]]:
    """Each seed, and the share of the best scale that its network has."""
    generator = stream("scales of products", 0)
    return list(enumerate((0.9 + 0.2 * torch.rand(plan.seeds, generator=generator)).tolist()))


def _flat(n: int, σ: SmoothFunction, floor: Floor, k: float, dtype: torch.dtype) -> ProductNetwork:
    return ProductNetwork([[flat_monomial([1] * n, σ, *_at(floor, k))]], σ, dtype)


def _gates(σ: SmoothFunction, dtype: torch.dtype, k: float) -> Callable[[int], tuple[float, float]]:
    """The best bias of a gate, and a share of its best scale."""
    return lambda b: _at(flat_floor(b, σ, dtype), k)


def _at(floor: Floor, k: float) -> tuple[float, float]:
    return floor.bias, k * floor.scale


def _halves(n: int) -> list[int]:
    """Numbers that are left, layer by layer, where two are multiplied at a time."""
    found = []
    while n > 1:
        n = -(-n // 2)
        found.append(n)
    return found
