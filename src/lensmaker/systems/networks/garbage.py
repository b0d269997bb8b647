"""Python's garbage collector, kept from walking through every object of the process while a network is read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 2**31 - 1


@contextmanager
def full_collections_put_off() -> Iterator[None]:
    """No full collection inside; young objects are collected as ever.

    A full collection follows many new objects, such as measurements, and takes a fifth of a second where torch is
    loaded, whatever there is to collect.

    Examples
    --------
    >>> before = gc.get_threshold()
    >>> with full_collections_put_off():
    ...     gc.get_threshold()[:2] == before[:2]
    True
    >>> gc.get_threshold() == before
    True
    """
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
