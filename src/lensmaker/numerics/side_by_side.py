"""Many small problems of linear algebra at once: one thread for each problem, not many for one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """`work` of every item, in order; NumPy's and SciPy's linear algebra inside takes one thread each.

    Threads that share one small matrix mostly wait, and spin while they do, which slows whatever comes next.
    What `work` raises is raised here.

    Examples
    --------
    >>> side_by_side(abs, [-2, 1])
    [2, 1]
    """
    with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items))


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    # It knows the libraries that are loaded, and SciPy has one of its own.
    import scipy.linalg.cython_lapack  # noqa: F401

    return ThreadpoolController()
