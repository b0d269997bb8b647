"""The sandwich: ln Z between annealing up and annealing down, at a level of confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from lensmaker.core import InputError

GROUPS = 16
"""Sets of runs that each give a ln Ẑ, of which Student's t is taken."""

SURE_GROUPS = 8
"""Sets of runs all of which would have to be too large for the bound that assumes nothing to be wrong."""


@dataclass(frozen=True)
class Sandwich:
    """Ends between which ln Z is, each wrong with a probability of (1 − level)/2 at most.

    Attributes
    ----------
    low, high
        By Student's t over groups of runs: E[ln Ẑ_up] ≤ ln Z ≤ E[ln Ẑ_down], and the groups' ln Ẑ are taken for normal.
    sure_low, sure_high
        Whatever the distribution of the weights, by Markov's inequality.
    level
        Of confidence, of both ends together.

    The upper ends hold if the runs down started from independent samples of the machine: samples that lack a mode make
    them too small by the share of it. The lower ends need no samples.
    """

    low: float
    high: float
    sure_low: float
    sure_high: float
    level: float

    def __str__(self) -> str:
        return (
            f"{self.low:.3f} < ln Z < {self.high:.3f} at {100 * self.level:g} %; without assumptions on the weights "
            f"{self.sure_low:.3f} < ln Z < {self.sure_high:.3f}; the upper ends hold if the runs down started from "
            "samples of the machine"
        )


def sandwich(up: NDArray[np.float64], down: NDArray[np.float64], level: float = 0.95) -> Sandwich:
    r"""The ends, from ln w of runs up and of runs down.

    ⟨e^w⟩ = Z upwards and ⟨e^{−w}⟩ = 1/Z downwards, so by Jensen's inequality E[ln Ẑ] is below ln Z upwards and above
    it downwards; and by Markov's P(ln Ẑ_up > ln Z + a) ≤ e^{−a}: all of G independent Ẑ are so large with
    e^{−Ga} at most, which makes min_g ln Ẑ_g − ln(1/δ)/G a lower end at confidence 1 − δ.

    Parameters
    ----------
    up, down
        Of independent runs, (n,), in the order in which they were made.
    level
        Of confidence.

    Raises
    ------
    InputError
        If the level is not between 0 and 1, or there are fewer than two runs in a direction.

    References
    ----------
    R. B. Grosse, Z. Ghahramani, R. P. Adams, arXiv:1511.02543 (2015).
    C. P. Gomes, J. Hoffmann, A. Sabharwal, B. Selman, Proc. 20th Int. Joint Conf. Artificial Intelligence, 2293 (2007).

    Examples
    --------
    >>> found = sandwich(np.zeros(64), np.zeros(64))  # weights all alike: nothing is left to doubt
    >>> found.low, round(found.sure_low, 3)  # −ln(40)/8
    (0.0, -0.461)
    """
    if not 0 < level < 1:
        raise InputError("a level of confidence between 0 and 1", f"{level}", "pass level=0.95")
    if min(len(up), len(down)) < 2:
        raise InputError("two runs or more in each direction", f"{len(up)} and {len(down)}", "pass runs=256")
    δ = (1 - level) / 2
    return Sandwich(
        low=_end(up, δ),
        high=-_end(-down, δ),
        sure_low=_sure_end(up, δ),
        sure_high=-_sure_end(-down, δ),
        level=level,
    )


def _end(w: NDArray[np.float64], δ: float) -> float:
    """The lower end of E[ln Ẑ] of a group."""
    found = _of_groups(w, GROUPS)
    width = float(student.ppf(1 - δ, len(found) - 1)) * float(found.std(ddof=1)) / math.sqrt(len(found))
    return float(found.mean()) - width


def _sure_end(w: NDArray[np.float64], δ: float) -> float:
    found = _of_groups(w, SURE_GROUPS)
    return float(found.min()) + math.log(δ) / len(found)


def _of_groups(w: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Ln Ẑ of each group of neighbouring runs."""
    parts = np.array_split(w, min(groups, len(w)))
    return np.array([log_mean(part) for part in parts])


def log_mean(w: NDArray[np.float64]) -> float:
    """Ln of the mean of e^w.

    Examples
    --------
    >>> log_mean(np.array([2.0, 2.0]))
    2.0
    """
    return float(np.logaddexp.reduce(w)) - math.log(len(w))
