"""Climbing a bound: Adam on random batches, watched on rows of its own, ended where these no longer gain."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError

LOOK = 50
"""Updates between looks."""


@dataclass(frozen=True)
class Ascent:
    """How a bound is climbed.

    Attributes
    ----------
    batch
        Rows of an update.
    updates
        Most updates; the rate falls to zero along a cosine until then.
    rate
        Of Adam, at the start.
    patience
        Looks, every 50 updates, without a better bound on the rows that are watched, after which it stops.

    Raises
    ------
    InputError
        If one is out of its range.
    """

    batch: int = 256
    updates: int = 2000
    rate: float = 5e-3
    patience: int = 8

    def __post_init__(self) -> None:
        if self.batch < 8 or self.updates < 1 or not self.rate > 0 or self.patience < 1:
            got = f"{self.batch}, {self.updates}, {self.rate:g} and {self.patience}"
            raise InputError(
                "a batch of 8 or more, updates, a rate and a patience above 0", got, "pass Ascent()"
            )

    def climb(
        self,
        parameters: Sequence[Tensor],
        rows: int,
        bound: Callable[[Tensor], Tensor],
        watched: Callable[[], float],
        generator: torch.Generator,
    ) -> Convergence:
        """Move parameters to where the watched bound was best.

        Parameters
        ----------
        bound
            Of the rows with these numbers, to be raised.
        watched
            The bound on rows that no update sees.

        Returns
        -------
        Convergence
            ITERATION_LIMIT where it was still rising by more than 1 % over the last quarter.
        """
        optimiser = torch.optim.Adam(list(parameters), lr=self.rate)
        best, kept, since, history = -math.inf, [p.detach().clone() for p in parameters], 0, []
        for update in range(1, self.updates + 1):
            for group in optimiser.param_groups:
                group["lr"] = self.rate * (1 + math.cos(math.pi * (update - 1) / self.updates)) / 2
            chosen = torch.randint(rows, (min(self.batch, rows),), generator=generator)
            loss = -bound(chosen)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if update % LOOK and update < self.updates:
                continue
            with torch.no_grad():
                now = watched()
            history.append(now)
            if now > best:
                best, kept, since = now, [p.detach().clone() for p in parameters], 0
            else:
                since += 1
            if since >= self.patience or not math.isfinite(now):
                break
        with torch.no_grad():
            for p, value in zip(parameters, kept, strict=True):
                p.copy_(value)
        return _state(history, self.updates <= LOOK * len(history))


def _state(history: list[float], at_the_end: bool) -> Convergence:
    quarter = max(1, len(history) // 4)
    if not at_the_end or not math.isfinite(history[-1]):
        return Convergence.CONVERGED
    before = max(history[:-quarter], default=-math.inf)
    rising = max(history[-quarter:]) - before > 1e-2 * max(abs(before), 1e-2)
    return Convergence.ITERATION_LIMIT if rising else Convergence.CONVERGED
