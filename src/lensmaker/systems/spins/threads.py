"""Threads of kernels: as many as asked for, and afterwards as many as there were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import torch

from lensmaker.core import InputError


@contextmanager
def threads_of_numba(count: int) -> Iterator[None]:
    """Kernels inside run on so many threads, and on no more than the machine has.

    Where numba runs on OpenMP, its kernels set the number of threads that torch has, too; it is put back.

    Raises
    ------
    InputError
        If the count is not positive.
    """
    if count < 1:
        raise InputError("at least one thread", f"{count}", "pass threads=1")
    of_torch = torch.get_num_threads()  # first: to ask numba starts its threads
    before = numba.get_num_threads()
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    try:
        yield
    finally:
        numba.set_num_threads(before)
        torch.set_num_threads(of_torch)
