"""Eigenvalues of W Wᵀ: in single precision where that is enough, and in double precision where it is not."""

from __future__ import annotations

import ctypes
import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRECISION = 1e-5
"""Relative error of the largest eigenvalue and of the entropy of all, at most, where single precision served."""

_WORTH_IT = 128
"""Rows from which on single precision saves anything."""

_SURE = 2048
"""Rows up to which its largest eigenvalue was found within 4e-6; of 4096 it is wrong by 2e-5."""

_ROUNDING = 2.5e-6
"""Error of an eigenvalue in single precision, over the largest: four times the root mean square of 2048 rows."""


_BLOCK = 16384
"""Columns that are in double precision at a time; more of them single precision does not add up."""


def gram_eigenvalues(matrix: NDArray[Any], *, single: bool = False) -> tuple[NDArray[np.float64], float]:
    r"""Eigenvalues of W Wᵀ, descending, and a bound of their relative error: 0, or `PRECISION`.

    In single precision, where that is allowed, it takes two thirds of the time. With errors δ ≤ 2.5e-6 λ₁ of
    each of p eigenvalues, of random signs, the entropy of their shares is wrong by √p δ |ln δ|/Σλ; and by
    m δ |ln δ|/Σλ, whose signs are equal, through m of them that drown in the rounding: together √(p + m²). Where
    that exceeds 1e-5 (few directions carry the whole matrix) everything is done in double precision;
    λ₁ ≥ Σλ²/Σλ tells of most such matrices beforehand.

    Parameters
    ----------
    matrix
        W, (p, n) with p ≤ n, finite.
    single
        Whether single precision may be tried first.

    Examples
    --------
    >>> gram_eigenvalues(np.diag([3.0, 4.0]))
    (array([16.,  9.]), 0.0)
    """
    p = len(matrix)
    worth_it = single and _WORTH_IT <= p <= _SURE and matrix.shape[1] <= _BLOCK
    if worth_it and 1e-15 < max(matrix.max(), -matrix.min()) < 1e15:
        entries = np.asarray(matrix, dtype=np.float32)
        gram = entries @ entries.T
        trace = float(np.trace(gram))
        if _error(p, float(np.vdot(gram, gram)) / trace**2) <= PRECISION:
            λ = np.maximum(symmetric_eigenvalues(gram)[::-1].astype(np.float64), 0.0)
            drowned = int(np.count_nonzero(λ < 1e-4 * λ[0]))
            if _error(p + drowned**2, float(λ[0] / λ.sum())) <= PRECISION:
                return λ, PRECISION
    total = np.zeros((p, p))
    for start in range(0, matrix.shape[1], _BLOCK):
        wide = matrix[:, start : start + _BLOCK].astype(np.float64)
        total += wide @ wide.T
    return np.asarray(np.linalg.eigvalsh(total)[::-1], dtype=np.float64), 0.0


def _error(count: float, share: float) -> float:
    """Of the entropy, from so many rounded eigenvalues, the largest of which has that share of their sum."""
    return math.sqrt(count) * _ROUNDING * -math.log(_ROUNDING) * share


def symmetric_eigenvalues(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Eigenvalues of a symmetric matrix in single precision, ascending; other threads run meanwhile.

    NumPy computes in double precision whatever it is given, and SciPy holds the interpreter's lock: this is
    LAPACK's `ssyevd`, called through the addresses that `scipy.linalg.cython_lapack` hands out.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the iteration does not converge.

    Examples
    --------
    >>> symmetric_eigenvalues(np.array([[0, 2], [2, 0]], dtype=np.float32)).tolist()
    [-2.0, 2.0]
    """
    n = len(matrix)
    work = np.array(matrix, dtype=np.float32, order="C")  # its transpose, to LAPACK, is itself
    values, space = np.empty(n, np.float32), np.empty(max(1, 2 * n + 1, 34 * n), np.float32)
    integers, info = np.empty(1, np.intc), ctypes.c_int()
    size, one = ctypes.c_int(n), ctypes.c_int(1)
    count = ctypes.c_int(len(space))
    by_reference = ctypes.byref
    _ssyevd()(
        b"N",
        b"U",  # a tenth faster than the other half
        by_reference(size),
        work.ctypes.data,
        by_reference(size),
        values.ctypes.data,
        space.ctypes.data,
        by_reference(count),
        integers.ctypes.data,
        by_reference(one),
        by_reference(info),
    )
    if info.value:
        raise np.linalg.LinAlgError(f"LAPACK's ssyevd stopped with {info.value}")
    return values


@lru_cache(maxsize=1)
def _ssyevd() -> Any:
    """The routine, as a C function that releases the interpreter's lock while it runs."""
    from scipy.linalg import cython_lapack

    capsule = cython_lapack.__pyx_capi__["ssyevd"]
    name_of, address_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    address_of.restype, address_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address = address_of(capsule, name_of(capsule))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    prototype = ctypes.CFUNCTYPE(
        None, text, text, pointer, pointer, pointer, pointer, pointer, pointer, pointer, pointer, pointer
    )
    return prototype(address)
