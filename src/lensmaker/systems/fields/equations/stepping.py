"""Steps of Dormand and Prince's pair behind a known linear flow, for which there is no library, to a tolerance."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import Convergence

NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
DIFFERENCE = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
"""Weights of the fifth order less those of the fourth."""


@dataclass
class Tally:
    """Counts of one solution.

    Attributes
    ----------
    limit
        Steps between two times.
    evaluations
        Of the right-hand side, so far.
    """

    limit: int
    evaluations: int = 0


class Stopped(Exception):
    """A stepper gave up, with the reason."""

    def __init__(self, convergence: Convergence) -> None:
        super().__init__(convergence.value)
        self.convergence = convergence


class Frame(ABC):
    """In what form a field is stepped: ∂_t y = L y + r(y), whose part L is known exactly; none is, at first.

    Attributes
    ----------
    powers_of_two
        Whether steps are halved and doubled alone, as each new one costs new propagators.
    """

    powers_of_two = False

    @abstractmethod
    def rate(self, y: Tensor) -> Tensor:
        """The part r that is not known exactly."""

    def moved(self, y: Tensor, gap: float, step: float) -> Tensor:
        """e^{L·gap·step} y."""
        return y

    def field(self, y: Tensor) -> Tensor:
        """What y stands for, whose error is looked at."""
        return y


def march(
    frame: Frame, start: Tensor, begin: float, stops: list[float], tolerance: float, tally: Tally
) -> list[Tensor]:
    """What is stepped, at each stop.

    Raises
    ------
    Stopped
        If the step vanishes, or the limit is reached.
    """
    time, y, found = begin, start, []
    first = _counted(frame, y, tally)
    h = min(stops[0] - begin, _first_step(y, first, tolerance))
    for stop in stops:
        steps = 0
        while time < stop - 1e-13 * max(1.0, abs(stop)):
            if steps >= tally.limit:
                raise Stopped(Convergence.ITERATION_LIMIT)
            step = min(h, stop - time)
            if frame.powers_of_two:
                step = (stop - time) / math.ceil((stop - time) / h - 1e-9)
            if step < 1e-14 * max(1.0, abs(time)):
                raise Stopped(Convergence.STEP_VANISHED)
            after, last, ratio = _step(frame, y, first, step, tolerance, tally)
            steps += 1
            if ratio <= 1:
                time, y, first = time + step, after, last
            if not frame.powers_of_two:
                wanted = step * min(5.0, max(0.2, 0.9 * max(ratio, 1e-10) ** -0.2))
                h = max(h, wanted) if ratio <= 1 and step < h else wanted
            elif ratio <= 1:
                h = max(h, step) if ratio > 0.01 else 2 * step
            else:
                h = step / (2 if ratio < 100 else 8)
        found.append(y)
    return found


def _step(
    frame: Frame, y: Tensor, first: Tensor, step: float, tolerance: float, tally: Tally
) -> tuple[Tensor, Tensor, float]:
    """After a step: y, its rate, and the estimated error over the tolerance where it is largest."""
    ks, at = [first], y
    for i in range(1, 7):
        at = frame.moved(y, NODES[i], step)
        for j, b in enumerate(STAGES[i]):
            if b:
                at = torch.add(at, frame.moved(ks[j], NODES[i] - NODES[j], step), alpha=b * step)
        ks.append(_counted(frame, at, tally))
    off = torch.zeros_like(y)
    for k, c, w in zip(ks, NODES, DIFFERENCE, strict=True):
        if w:
            off = off.add_(frame.moved(k, 1.0 - c, step), alpha=w * step)
    allowed = frame.field(at).abs().add_(1.0)
    ratio = float((frame.field(off).abs() / allowed).max()) / tolerance
    return at, ks[-1], ratio if math.isfinite(ratio) else 1e6


def _counted(frame: Frame, y: Tensor, tally: Tally) -> Tensor:
    tally.evaluations += 1
    return frame.rate(y)


def _first_step(y: Tensor, change: Tensor, tolerance: float) -> float:
    """Over which y changes by the fifth root of the tolerance."""
    size, speed = float(y.abs().square().mean().sqrt()), float(change.abs().square().mean().sqrt())
    return tolerance**0.2 * max(size, 1e-6) / max(speed, 1e-12)
