"""Many pieces of work on tensors at once: one thread for each piece, not many for one operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def shared_out(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """`work` of every part without gradients, in order, on as many threads as torch has.

    An operation that is itself divided among threads waits for the last of them; on small tensors, or a busy
    machine, that is most of its time. What `work` raises is raised here.

    Examples
    --------
    >>> shared_out(lambda x: torch.get_num_threads() * x, [1, 2, 3])
    [1, 2, 3]
    """
    threads = torch.get_num_threads()

    def begin() -> None:  # the number belongs to a thread, but the next new thread would inherit it
        torch.set_num_threads(1)

    def alone(part: Part) -> Result:
        with torch.no_grad():
            return work(part)

    try:
        with ThreadPoolExecutor(min(threads, max(1, len(parts))), initializer=begin) as pool:
            return list(pool.map(alone, parts))
    finally:
        torch.set_num_threads(threads)
