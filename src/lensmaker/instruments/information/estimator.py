"""The contract of an estimator of mutual information: pairs in order → value ± error, and whether to trust it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import Convergence, Reference
from lensmaker.instruments.information.pairs import Pairs


@dataclass(frozen=True)
class Found:
    """What an estimator found.

    Attributes
    ----------
    value, error
        In nats.
    convergence
        Its state.
    rows
        Pairs that the value rests on.
    ceiling
        What the estimate could not have exceeded, whatever the truth.
    bias
        What was subtracted for bias, nan where nothing was.
    """

    value: float
    error: float
    convergence: Convergence
    rows: int
    ceiling: float = math.inf
    bias: float = math.nan


class Estimator(ABC):
    """Base of the estimators of I(X; Y).

    Attributes
    ----------
    name
        Of the estimator.
    is_bound
        Whether its mean is below the truth, up to the stated error.
    references
        The sources it rests on.
    """

    name: ClassVar[str]
    is_bound: ClassVar[bool]
    references: ClassVar[tuple[Reference, ...]]

    @abstractmethod
    def estimate(self, pairs: Pairs, *, seed: int) -> Found:
        """The mutual information of x and y in nats.

        Raises
        ------
        InputError
            If there are too few pairs, or spins, for the estimator.
        """
