"""What levels of a chain, and a statistic of the last one, tell of the first letter, by counting."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import Measurement, Reference, Table, Where
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.information import Counting, Pairs
from lensmaker.systems.markov.statistic import Seen


@dataclass(frozen=True)
class KeptInformation(Instrument):
    """I(y₀; y_i) of each level, and I(y₀; T) of a statistic of the last, counted in rows that were drawn.

    Parameters
    ----------
    counting
        How the bias is taken off.

    Examples
    --------
    >>> from lensmaker.systems.markov import MarkovChain, truncated
    >>> chain = MarkovChain.of([0.5, 0.5], [[[0.8, 0.2], [0.2, 0.8]]])
    >>> rows = chain.sample(20_000, torch.Generator().manual_seed(0))
    >>> found = KeptInformation().measure(Seen(truncated(chain, 2), rows))[0]
    >>> abs(found.value - 0.1927) < 3 * found.error < 0.02
    True
    """

    counting: Counting = field(default_factory=Counting)

    name = "kept_information"
    summary = (
        "What levels of a Markov chain, and a statistic of the last letter, tell of the first, by counting."
    )
    quantities = ("kept_information",)
    references: ClassVar[tuple[Reference, ...]] = Counting.references

    def measure(self, system: Seen) -> Table[Measurement]:
        letters, statistic = system.letters, system.statistic
        found = []
        for i in range(1, statistic.chain.length + 1):
            at = Where("level", coordinates=(("level", float(i)),))
            found.append(self._counted(at, letters[:, 0], letters[:, i]))
        labels = torch.from_numpy(statistic.labels)[letters[:, -1]]
        found.append(self._counted(Where("statistic", operation=statistic.name), letters[:, 0], labels))
        return Table(found)

    def _counted(self, where: Where, x: Tensor, y: Tensor) -> Measurement:
        found = self.counting.estimate(Pairs(_bits(x), _bits(y)), seed=0)
        return self.measurement(
            "kept_information", where, found.value, found.error, found.rows, found.convergence
        )


def _bits(letters: Tensor) -> Tensor:
    """Digits of letters as ±1, one chain of independent rows: int8 (1, n, 1, digits)."""
    digits = max(1, int(letters.max()).bit_length())
    bits = (letters[:, None] >> torch.arange(digits)) & 1
    return (2 * bits - 1).to(torch.int8)[None, :, None]
