"""Philox4x32-10 in loops that compilers make vectors of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_M = np.uint64(0xD2511F53)
_N = np.uint64(0xCD9E8D57)
_K = np.uint32(0x9E3779B9)
_L = np.uint32(0xBB67AE85)
_HALF = np.uint64(32)


@njit(cache=True, inline="always")
def _block(i: Any, row: Any, key: Any) -> Any:
    a, b, c, d = np.uint32(i), row, np.uint32(0), np.uint32(0)
    k, j = np.uint32(key), np.uint32(key >> _HALF)
    for _ in range(10):
        p, s = _M * np.uint64(a), _N * np.uint64(c)
        a, b = np.uint32(s >> _HALF) ^ b ^ k, np.uint32(s)
        c, d = np.uint32(p >> _HALF) ^ d ^ j, np.uint32(p)
        k, j = np.uint32(k + _K), np.uint32(j + _L)
    return a, b, c, d


@njit(cache=True, inline="always")
def _narrowed(word: Any) -> Any:
    return np.float32(np.int32(word >> np.uint32(8))) * np.float32(2.0**-24)


@njit(cache=True, inline="always")
def _joined(high: Any, low: Any) -> Any:
    return (
        np.float64(np.int64((np.uint64(high) << np.uint64(21)) ^ (np.uint64(low) >> np.uint64(11))))
        * 2.0**-53
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _narrow(out: Any, key: Any, first: Any) -> None:
    """24 bits a number, of four words those numbered i, i + q, i + 2q and i + 3q of a row."""
    q = (out.shape[1] + 3) // 4
    for r in range(out.shape[0]):
        number = np.uint32(first + np.uint32(r))
        w, x, y, z = out[r, :q], out[r, q : 2 * q], out[r, 2 * q : 3 * q], out[r, 3 * q :]
        for i in range(len(z)):
            a, b, c, d = _block(i, number, key)
            w[i], x[i], y[i], z[i] = _narrowed(a), _narrowed(b), _narrowed(c), _narrowed(d)
        for i in range(len(z), q):
            a, b, c, d = _block(i, number, key)
            w[i] = _narrowed(a)
            if i < len(x):
                x[i] = _narrowed(b)
            if i < len(y):
                y[i] = _narrowed(c)


@njit(cache=True, nogil=True, error_model="numpy")
def _wide(out: Any, key: Any, first: Any) -> None:
    """53 bits a number, of two pairs of words those numbered i and i + q of a row."""
    q = (out.shape[1] + 1) // 2
    for r in range(out.shape[0]):
        number = np.uint32(first + np.uint32(r))
        w, x = out[r, :q], out[r, q:]
        for i in range(len(x)):
            a, b, c, d = _block(i, number, key)
            w[i], x[i] = _joined(a, b), _joined(c, d)
        if len(x) < q:
            a, b, c, d = _block(len(x), number, key)
            w[len(x)] = _joined(a, b)


def fill(out: Any, key: np.uint64, first: np.uint32) -> None:
    """Fill rows of either precision."""
    (_wide if out.dtype == np.float64 else _narrow)(out, key, first)
