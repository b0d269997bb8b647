r"""Moments and symbols of kernels on a grid of one, two, three or more dimensions.

A kernel w acts as a cross-correlation, y(x) = Σ_z w(z) φ(x + z), z the place of a tap relative to the centre:

    y = Σ_n (1/n!) m_n · ∂ⁿφ,   m_n = Σ_z w(z) z⊗…⊗z,   and on a wave e^{ik·x}:   K(k) = Σ_z w(z) e^{ik·z}

The centre is half-way between the first and the last tap, whatever the dilation: the middle tap of an odd size, a point
between two taps of an even one. PyTorch puts its output elsewhere where the padding is not half of the kernel: then
the first tap lies `padding` before it, `tap_positions(size, dilation, first=-padding)`. Only the first moments and
those of higher order see the difference; a zeroth moment, and for m₀ ≠ 0 the covariance m₂/m₀ − m₁m₁ᵀ/m₀², do not.

All positions are in units of the grid; with a spacing h multiply them by h. The arithmetic is that of float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import product

import torch
from torch import Tensor

from lensmaker.core.errors import InputError


def tap_positions(size: int, dilation: float = 1, first: float | None = None) -> Tensor:
    """Where the taps of one axis lie, relative to the centre; float64 (size,).

    Parameters
    ----------
    size
        Number of taps.
    dilation
        From one tap to the next.
    first
        Where the first tap lies: −padding is how PyTorch puts it; None: the centre is half-way.

    Raises
    ------
    InputError
        If there is no tap.

    Examples
    --------
    >>> tap_positions(3, dilation=2).tolist(), tap_positions(2).tolist(), tap_positions(2, first=0).tolist()
    ([-2.0, 0.0, 2.0], [-0.5, 0.5], [0.0, 1.0])
    """
    if size < 1:
        raise InputError("a kernel with at least one tap on each axis", f"{size} taps", "pass size=3")
    start = -dilation * (size - 1) / 2 if first is None else float(first)
    return start + dilation * torch.arange(size, dtype=torch.float64)


def power_moments(kernel: Tensor, positions: Sequence[Tensor], highest: int) -> Tensor:
    r"""m_{ab…} = Σ_z w(z) z_1^a z_2^b … for all powers 0 … highest of each axis.

    Parameters
    ----------
    kernel
        w, (…, k_1, …, k_d).
    positions
        Those of the taps on each of the d axes, as `tap_positions` has them.
    highest
        The highest power of each axis.

    Returns
    -------
    Tensor
        (…, highest + 1, …, highest + 1), float64.

    Raises
    ------
    InputError
        If positions and kernel do not fit, or the order is negative.

    Examples
    --------
    >>> laplace = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    >>> power_moments(laplace, [tap_positions(3)] * 2, 2).tolist()
    [[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]
    """
    _check(kernel, positions)
    if highest < 0:
        raise InputError("a highest power of 0 or more", f"{highest}", "pass 2 for metric and drift")
    powers = torch.arange(highest + 1)
    return _along_axes(kernel.double(), [z.to(kernel.device)[None] ** powers[:, None] for z in positions])


def moment(kernel: Tensor, positions: Sequence[Tensor], order: int) -> Tensor:
    r"""The tensor m_n = Σ_z w(z) z⊗…⊗z of order n: shape (…, d, …, d) with n axes of size d.

    Examples
    --------
    >>> moment(torch.tensor([0.0, 0, 1]), [tap_positions(3)], 1).tolist()  # a shift: y(x) = φ(x + 1)
    [1.0]
    >>> moment(torch.ones(3, 3), [tap_positions(3)] * 2, 2).tolist()
    [[6.0, 0.0], [0.0, 6.0]]
    """
    _check(kernel, positions)
    return moment_of_taps(kernel.flatten(kernel.ndim - len(positions)), tap_vectors(positions), order)


def moment_of_taps(values: Tensor, places: Tensor, order: int) -> Tensor:
    r"""The same of taps (…, T) at any places (T, d), on no grid.

    Examples
    --------
    >>> moment_of_taps(torch.tensor([1.0, 3.0]), torch.tensor([[0.0, 0.5], [1.0, 0.0]]), 1).tolist()
    [3.0, 0.5]
    """
    z = places.to(values.device, torch.float64)
    factors = torch.ones(len(z), 1, dtype=torch.float64, device=values.device)
    for _ in range(order):
        factors = (factors[:, :, None] * z[:, None, :]).flatten(1)
    return (values.double() @ factors).reshape(*values.shape[:-1], *(z.shape[1],) * order)


def kernel_from_moments(moments: Tensor, positions: Sequence[Tensor]) -> Tensor:
    r"""The one kernel of k_1 × … × k_d taps that has given moments m_{ab…}, 0 ≤ a < k_1, 0 ≤ b < k_2, …

    w = V⁻¹ m on each axis, V_{az} = z^a the Vandermonde matrix, inverted in rational arithmetic: for 3 × 3 taps the
    nine moments and the kernel are the same nine numbers in two bases.

    Parameters
    ----------
    moments
        (…, k_1, …, k_d), as `power_moments` has them.
    positions
        Those of the taps on each axis: different from one another.

    Raises
    ------
    InputError
        If there are not as many moments as taps, or two taps lie at one place.

    Examples
    --------
    >>> m = torch.zeros(3, 3)
    >>> m[2, 0] = m[0, 2] = 2.0
    >>> kernel_from_moments(m, [tap_positions(3)] * 2).tolist()  # nothing but Δ
    [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]
    """
    _check(moments, positions)
    inverses = [_inverse_vandermonde(tuple(z.tolist())).to(moments.device) for z in positions]
    return _along_axes(moments.double(), inverses)


def recentred(moments: Tensor, shift: Sequence[float]) -> Tensor:
    r"""Power moments about a centre moved by s, `shift`: Σ w(z) (z − s)^a = Σ_j C(a, j) (−s)^{a−j} m_j on each axis.

    Examples
    --------
    >>> recentred(torch.tensor([1.0, 1.0, 1.0]), [1.0]).tolist()  # the shift by one, seen from there
    [1.0, 0.0, 0.0]
    """
    matrices = [
        torch.tensor(
            [
                [math.comb(a, j) * (-s) ** (a - j) if j <= a else 0.0 for j in range(size)]
                for a in range(size)
            ],
            dtype=torch.float64,
            device=moments.device,
        )
        for s, size in zip(shift, moments.shape[moments.ndim - len(shift) :], strict=True)
    ]
    return _along_axes(moments.double(), matrices)


def symbol(kernel: Tensor, positions: Sequence[Tensor], k: Tensor) -> Tensor:
    r"""K(k) = Σ_z w(z) e^{ik·z}: what a wave e^{ik·x} is multiplied by.

    Parameters
    ----------
    kernel
        w, (…, k_1, …, k_d).
    positions
        Those of the taps on each axis.
    k
        Wave vectors (n, d), in radians for each unit of the positions.

    Returns
    -------
    Tensor
        (…, n), complex128.

    Examples
    --------
    >>> k = torch.tensor([[0.0], [math.pi / 2], [math.pi]], dtype=torch.float64)
    >>> symbol(torch.tensor([0.25, 0.5, 0.25]), [tap_positions(3)], k).real.round(decimals=12).tolist()
    [1.0, 0.5, 0.0]
    """
    _check(kernel, positions)
    return symbol_of_taps(kernel.flatten(kernel.ndim - len(positions)), tap_vectors(positions), k)


def symbol_of_taps(values: Tensor, places: Tensor, k: Tensor) -> Tensor:
    r"""The same of taps (…, T) at any places (T, d), on no grid."""
    real, imaginary = waves(places, k)
    flat = values.double()
    return torch.complex(flat @ real.T.to(flat.device), flat @ imaginary.T.to(flat.device))


def taylor_symbol(kernel: Tensor, positions: Sequence[Tensor], k: Tensor, order: int) -> Tensor:
    r"""K_n(k) = Σ_{j≤n} (i^j/j!) m_j·k^j, the symbol of the differential operator of that order; complex128 (…, n).

    Examples
    --------
    >>> k = torch.tensor([[0.1]], dtype=torch.float64)
    >>> taylor_symbol(torch.tensor([0.25, 0.5, 0.25]), [tap_positions(3)], k, 2).real.tolist()  # 1 − k²/4
    [0.9975]
    """
    _check(kernel, positions)
    real, imaginary = waves(tap_vectors(positions), k, order)
    flat = kernel.double().flatten(kernel.ndim - len(positions))
    return torch.complex(flat @ real.T.to(flat.device), flat @ imaginary.T.to(flat.device))


def waves(places: Tensor, k: Tensor, order: int | None = None) -> tuple[Tensor, Tensor]:
    r"""Real and imaginary part of e^{ik·z}, or of its Taylor polynomial of that order, each (n, T).

    Raises
    ------
    InputError
        If the wave vectors have another dimension than the places.
    """
    if k.ndim != 2 or k.shape[1] != places.shape[1]:
        raise InputError(
            f"wave vectors (n, {places.shape[1]})", f"a shape {tuple(k.shape)}", "pass one a row"
        )
    phases = k.double() @ places.to(k.device, torch.float64).T
    if order is None:
        return phases.cos(), phases.sin()
    real, imaginary = torch.zeros_like(phases), torch.zeros_like(phases)
    for j in range(order + 1):
        term = phases**j * ((-1.0) ** (j // 2) / math.factorial(j))
        if j % 2:
            imaginary += term
        else:
            real += term
    return real, imaginary


def tap_vectors(positions: Sequence[Tensor]) -> Tensor:
    """The places of all taps, (k_1⋯k_d, d), in the order of a flattened kernel.

    Examples
    --------
    >>> tap_vectors([tap_positions(1), tap_positions(3)]).tolist()
    [[0.0, -1.0], [0.0, 0.0], [0.0, 1.0]]
    """
    return torch.stack([z.flatten() for z in torch.meshgrid(*positions, indexing="ij")], -1)


def _along_axes(values: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Σ M_{az} v_{…z…} on each of the last axes."""
    first = values.ndim - len(matrices)
    for axis, matrix in enumerate(matrices, first):
        values = (values.movedim(axis, -1) @ matrix.T).movedim(-1, axis)
    return values


def _check(values: Tensor, positions: Sequence[Tensor]) -> None:
    sizes = tuple(len(z) for z in positions)
    if not sizes or tuple(values.shape[max(0, values.ndim - len(sizes)) :]) != sizes:
        raise InputError(
            f"a kernel whose last axes are {sizes}, as the positions of its taps",
            f"a shape {tuple(values.shape)}",
            "pass tap_positions(size) for each spatial axis",
        )


@cache
def _inverse_vandermonde(places: tuple[float, ...]) -> Tensor:
    """V⁻¹ of V_{az} = z^a: row z has the coefficients of Lagrange's polynomial of that tap, exactly rounded."""
    z = [Fraction(place) for place in places]
    if len(set(z)) < len(z):
        raise InputError(
            "taps at different places", f"positions {places}", "pass a dilation that is not zero"
        )
    rows = []
    for own in z:
        others = [other for other in z if other != own]
        polynomial = [Fraction(1)]
        for other in others:
            shifted = [Fraction(0), *polynomial]
            polynomial = [a - other * b for a, b in zip(shifted, [*polynomial, Fraction(0)], strict=True)]
        scale = math.prod((own - other for other in others), start=Fraction(1))
        rows.append([float(c / scale) for c in polynomial])
    return torch.tensor(rows, dtype=torch.float64)


def powers_of_order(dimension: int, order: int) -> list[tuple[int, ...]]:
    """The powers (a, b, …) with a + b + … = order, in lexicographic order.

    Examples
    --------
    >>> powers_of_order(2, 2)
    [(0, 2), (1, 1), (2, 0)]
    """
    return [p for p in product(range(order + 1), repeat=dimension) if sum(p) == order]
