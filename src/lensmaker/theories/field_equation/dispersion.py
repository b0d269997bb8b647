"""The dispersion of a layer: ω = −i ln K along a direction, the logarithm followed from k = 0 on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.theories.field_equation.layer_field import LayerField

Symbol = Callable[[Tensor], Tensor]

ZERO = 1e-9
"""Of the largest |K|: a symbol below that is zero, and has no logarithm."""


@dataclass(frozen=True)
class Dispersion:
    r"""ω(k) = −i ln K(k), so that a layer multiplies e^{ik·x} by e^{iω}: fields are e^{i(kx + ωt)}, t in layers.

    Re ω is the phase that a layer adds, Im ω = −ln|K| its damping; a bump moves by −∂Re ω/∂k. The logarithm is the
    principal one at the first wave number that is not zero, and continuous from there on: it leaves (−π, π] where the
    principal one would jump. The argument is followed through ever finer steps; beyond a zero of K it is the principal
    one again, for it jumps by π there in any case.

    Attributes
    ----------
    k
        Wave numbers along the direction, radians a pixel, ascending, (n,).
    omega
        ω, complex (n,); Im ω = ∞ where K = 0.
    zeros
        Wave numbers at which K = 0, which stops the wave.
    crossings
        Between which wave numbers K crosses the negative real axis, where the principal logarithm jumps by 2π.
    """

    k: Tensor
    omega: Tensor
    zeros: tuple[float, ...]
    crossings: tuple[tuple[float, float], ...]

    @property
    def is_principal(self) -> bool:
        """Whether the principal logarithm would have done."""
        return not self.zeros and not self.crossings

    @property
    def group_velocity(self) -> Tensor:
        """−∂Re ω/∂k, pixels a layer, at the middle of neighbouring wave numbers, (n − 1,)."""
        return -self.omega.real.diff() / self.k.diff()

    def __str__(self) -> str:
        told = []
        if self.zeros:
            told.append(
                f"K = 0 at k = {self.zeros[0]:.3g}: such waves are stopped, and ω has no finite value there"
            )
        if self.crossings:
            low, high = self.crossings[0]
            told.append(
                f"K crosses the negative axis at k in ({low:.3g}, {high:.3g}): ω is continued beyond ±π"
            )
        return "; ".join(told) or "K stays off zero and the negative axis"


def dispersion(field: LayerField, direction: Tensor | None = None, points: int = 129) -> Dispersion:
    r"""ω along a direction, from k = 0 to the shortest wave of the grid, of the scalar kernel N Ĝ of a layer.

    Parameters
    ----------
    field
        The layer.
    direction
        A vector (d,); the first axis by default.
    points
        Wave numbers, k = 0 among them.

    Raises
    ------
    InputError
        If the weights sum to zero, the direction has no length, or there are too few points.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.theories.field_equation.effective_kernel import effective_kernels
    >>> conv = torch.nn.Conv1d(1, 1, 5, bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.0, 0, 0, 0, 1]]]))  # a shift by two
    >>> found = dispersion(LayerField(effective_kernels(record(conv, torch.ones(1, 1, 9)))[0]))
    >>> round(float(found.omega.real[-1]), 6), len(found.crossings)  # 2k at k = π, where −π < ω ≤ π would be 0
    (6.283185, 1)
    """
    unit = _unit(field, direction)
    if points < 2:
        raise InputError("at least two wave numbers", f"{points}", "pass points=129")
    end = math.pi / max(field.kernel.spacing)
    fine = (points - 1) * max(1, math.ceil(64 / (points - 1))) * REFINEMENT
    k = torch.linspace(0, end, fine + 1, dtype=torch.float64)

    def along(numbers: Tensor) -> Tensor:
        return field.scalar_symbol(numbers[:, None] * unit)

    symbol = along(k)
    omega, zeros, crossings = _followed(along, symbol, k)
    kept = torch.arange(0, fine + 1, fine // (points - 1))
    return Dispersion(k[kept], omega[kept], zeros, crossings)


REFINEMENT = 16
"""Wave numbers that are followed for each one that is told, at least."""


def _unit(field: LayerField, direction: Tensor | None) -> Tensor:
    d = field.kernel.dimension
    if direction is None:
        direction = torch.eye(d, dtype=torch.float64)[0]
    if direction.shape != (d,) or not float(direction.norm()):
        raise InputError(
            f"a direction of {d} numbers that are not all zero", f"{direction.tolist()}", "pass (1, 0)"
        )
    return direction.double() / direction.double().norm()


Crossings = tuple[tuple[float, float], ...]


def _followed(along: Symbol, symbol: Tensor, k: Tensor) -> tuple[Tensor, tuple[float, ...], Crossings]:
    """ω with a continuous real part on each stretch between zeros, the zeros, and where the principal one jumps."""
    largest = float(symbol.abs().max())
    gone = symbol.abs() <= ZERO * largest
    zeros = [float(x) for x in k[gone]]
    principal = symbol.angle()
    jumps = principal.diff()
    turns = -(jumps / (2 * math.pi)).round()
    steps = jumps + 2 * math.pi * turns
    reset = gone[1:] | gone[:-1]
    for i in torch.nonzero((steps.abs() > math.pi / 2) & ~reset).flatten().tolist():
        # The argument moves fast: either there is a zero in between, or the step was too large to follow it.
        at, size = _smallest(along, float(k[i]), float(k[i + 1]))
        if size <= ZERO * largest:
            zeros.append(at)
            reset[i] = True
        else:
            finer = torch.linspace(float(k[i]), float(k[i + 1]), 4097, dtype=torch.float64)
            parts = along(finer).angle().diff()
            moved = float((parts - 2 * math.pi * (parts / (2 * math.pi)).round()).sum())
            turns[i] = round((moved - float(jumps[i])) / (2 * math.pi))
    total, count, crossings = torch.zeros_like(principal), 0.0, []
    for i, (turn, anew) in enumerate(zip(turns.tolist(), reset.tolist(), strict=True)):
        count = 0.0 if anew else count + turn
        total[i + 1] = count
        if turn and not anew:
            crossings.append((float(k[i]), float(k[i + 1])))
    imaginary = torch.where(gone, torch.full_like(principal, math.inf), -symbol.abs().clamp_min(1e-300).log())
    omega = torch.complex(principal + 2 * math.pi * total, imaginary)
    return omega, tuple(sorted(zeros)), tuple(crossings)


def _smallest(along: Symbol, low: float, high: float) -> tuple[float, float]:
    """Where |K| is smallest on an interval, and how small: a grid that closes in."""
    at, size = low, math.inf
    for _ in range(12):
        grid = torch.linspace(low, high, 65, dtype=torch.float64)
        sizes = along(grid).abs()
        best = int(sizes.argmin())
        at, size = float(grid[best]), float(sizes[best])
        low, high = float(grid[max(0, best - 1)]), float(grid[min(64, best + 1)])
    return at, size
