"""How many hidden units a product or a monomial takes: the theorems' numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lensmaker.core import InputError

MOST_DIGITS = 4000
"""Of a count: beyond it is not printed, and nobody builds it."""


def flat_count(powers: Sequence[int]) -> int:
    """∏(r_i + 1): units of one hidden layer for ∏ x_i^r_i, so 2^n for n factors.

    Least possible without biases for the monomial to be the layer's Taylor polynomial, with σ whose Taylor coefficients
    up to the degree are all other than 0: each of the ∏(r_i + 1) divisors is a condition, and these are independent.

    Raises
    ------
    InputError
        If a power is negative.

    Examples
    --------
    >>> flat_count([1] * 8), flat_count([3]), flat_count([2, 1, 4])
    (256, 4, 30)
    """
    if any(r < 0 for r in powers):
        raise InputError("powers from 0 on", f"{min(powers)}", "pass a monomial")
    return math.prod(r + 1 for r in powers)


def deep_count(powers: Sequence[int]) -> int:
    """Σ(7⌈log₂ r_i⌉ + 4): units that are enough for ∏ x_i^r_i where any depth is allowed; r_i = 0 takes none.

    Examples
    --------
    >>> deep_count([1] * 8), deep_count([8]), deep_count([3, 0])
    (32, 25, 18)
    """
    flat_count(powers)
    return sum(7 * (r - 1).bit_length() + 4 for r in powers if r)


def tree_count(n: int) -> int:
    """4(n − 1): a gate of four units for each product of two, with connections that skip layers where n is no 2^k.

    Examples
    --------
    >>> tree_count(8), tree_count(1)
    (28, 0)
    """
    return 4 * max(0, n - 1)


def tree_depth(n: int) -> int:
    """⌈log₂ n⌉ hidden layers.

    Examples
    --------
    >>> tree_depth(20), tree_depth(2), tree_depth(1)
    (5, 1, 0)
    """
    return max(0, n - 1).bit_length()


def sparse_flat_bound(monomials: Sequence[Sequence[int]]) -> int:
    """max_j ∏(r_ij + 1)/c, rounded up: one hidden layer for c monomials has as many units or more, without biases.

    For the polynomial to be the layer's Taylor polynomial, where σ has no Taylor coefficient 0 up to the degree.

    Examples
    --------
    >>> sparse_flat_bound([[1] * 10, [1] * 5 + [0] * 5, [2] + [0] * 9])
    342
    """
    return -(-max((flat_count(r) for r in monomials), default=0) // max(1, len(monomials)))


def sparse_deep_count(monomials: Sequence[Sequence[int]]) -> int:
    """Units that are enough for the sum of all, each computed by itself.

    Examples
    --------
    >>> sparse_deep_count([[1, 1], [2, 0]])
    19
    """
    return sum(deep_count(r) for r in monomials)
