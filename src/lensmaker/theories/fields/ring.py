"""A ring of real numbers with neighbours coupled: ln Z by the transfer operator on a grid, and exact draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.polynomials import LatticePolynomial

Floats = NDArray[np.float64]

NEGLIGIBLE = 45.0
"""Of −ln of a weight over the largest one: 3·10⁻²⁰."""

_WIDEST = 1024.0
_MOST = 1025


@dataclass(frozen=True, eq=False)
class Ring:
    r"""P(φ) = e^(−H)/Z for H = Σ_r [V(φ_r) + W(φ_r, φ_{r+1})] on a ring of n sites, exact to rounding.

    Z = Tr 𝒯ⁿ with 𝒯(a, b) = e^(−½V(a) − W(a, b) − ½V(b)), integrals by the trapezoidal rule, which converges faster
    than any power of the spacing for such functions. The number of points is doubled until ln Z rests.

    Attributes
    ----------
    points
        The grid, (G,).
    log_kernel
        ln 𝒯 with the spacing in it, (G, G).
    sites
        n.
    log_partition, error
        ln Z, and by how much the last doubling changed it.

    Examples
    --------
    >>> import math
    >>> free = LatticePolynomial((3,), {(((0,), 2),): 0.5})
    >>> abs(Ring.of(free).log_partition - 1.5 * math.log(2 * math.pi)) < 1e-13
    True
    """

    points: Floats
    log_kernel: Floats
    sites: int
    log_partition: float
    error: float

    @classmethod
    def of(cls, energy: LatticePolynomial) -> Ring:
        """The ring of a polynomial on one periodic axis of three sites or more, of neighbours at most.

        Raises
        ------
        InputError
            If it is another lattice or has products of sites farther apart, or e^(−H) cannot be integrated.
        """
        if len(energy.sides) != 1 or energy.sides[0] < 3:
            raise InputError(
                "a ring of three sites or more", f"sides {energy.sides}", "pass ln Z from elsewhere"
            )
        for shape in energy.terms:
            steps = sorted(step for (step,), _ in shape)
            if steps and steps[-1] - steps[0] > 1:
                raise InputError(
                    "products of neighbours",
                    f"sites {steps[-1] - steps[0]} apart",
                    "pass ln Z from elsewhere",
                )
        reach = _reach(energy)
        count, before = 65, float("nan")
        while True:
            points = np.linspace(-reach, reach, count)
            kernel = _log_kernel(energy, points) + np.log(points[1] - points[0])
            value = _log_trace(kernel, energy.sides[0])
            if abs(value - before) <= 1e-13 * max(1.0, abs(value)) or 2 * count > 2 * _MOST:
                return cls(points, kernel, energy.sides[0], value, abs(value - before))
            count, before = 2 * count - 1, value

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Independent configurations at points of the grid, (n, sites): their weights there are exact."""
        kernel = np.exp(self.log_kernel - self.log_kernel.max())
        values, vectors = np.linalg.eigh(kernel)
        T = torch.from_numpy(kernel)
        U, λ = torch.from_numpy(vectors), torch.from_numpy(values / np.abs(values).max())

        def power(k: int) -> Tensor:
            return ((U * λ**k) @ U.T).clamp(min=0)

        first = torch.multinomial(power(self.sites).diagonal(), n, replacement=True, generator=generator)
        at, found = first, [first]
        for left in range(self.sites - 1, 0, -1):
            weights = T[at] * power(left)[first]
            at = torch.multinomial(weights, 1, generator=generator)[:, 0]
            found.append(at)
        return torch.from_numpy(self.points)[torch.stack(found, 1)]


def _log_kernel(energy: LatticePolynomial, points: Floats) -> Floats:
    """−½V(a) − W(a, b) − ½V(b), made symmetric."""
    a, b = points[:, None], points[None, :]
    total = np.zeros((len(points), len(points)))
    for shape, value in energy.terms.items():
        powers = sorted((step, power) for (step,), power in shape)
        if len(powers) == 2:
            p, q = powers[0][1], powers[1][1]
            total += value / 2 * (a**p * b**q + a**q * b**p)
            if p != q:
                raise InputError("products of neighbours with equal powers", f"{p} and {q}", "pass ln Z")
        else:
            power = powers[0][1] if powers else 0
            total += value / 2 * (a**power + b**power)
    return -total


def _reach(energy: LatticePolynomial) -> float:
    """Beyond it nothing counts."""
    reach = 1.0
    while reach <= _WIDEST:
        inside = _log_kernel(energy, np.linspace(-reach, reach, 65))
        beyond = _log_kernel(energy, np.linspace(-2 * reach, 2 * reach, 65))
        edges = max(float(inside[0].max()), float(inside[-1].max()))
        if edges < float(inside.max()) - NEGLIGIBLE and float(beyond.max()) <= float(inside.max()) + 1:
            return reach
        reach *= 1.25
    raise InputError(
        "an H that grows in all directions, so that ∫ e^(−H) is finite",
        f"weights that are not small at {_WIDEST:g}",
        "look at the sign of the highest power",
    )


def _log_trace(log_kernel: Floats, n: int) -> float:
    """The logarithm of the trace of the n-th power."""
    largest = float(log_kernel.max())
    values = np.linalg.eigvalsh(np.exp(log_kernel - largest))
    top = float(np.abs(values).max())
    return n * (largest + float(np.log(top))) + float(np.log(((values / top) ** n).sum()))
