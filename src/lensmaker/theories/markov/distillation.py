"""How much of a cause is left, level by level, and in a statistic of the last effect."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lensmaker.core import Prediction, Reference, Table, Where
from lensmaker.core.bibliography import LIN_2017
from lensmaker.systems.markov.chain import Floats
from lensmaker.systems.markov.statistic import Statistic
from lensmaker.theories.base import Theory
from lensmaker.theories.markov.tower import tower


class Distillation(Theory):
    r"""I(y₀; T(y_n)), beside I(y₀; y_i) of every level and I(y₀; T_i) of the tower of minimal sufficient statistics.

        I(y₀; y₀) ≥ I(y₀; y₁) ≥ … ≥ I(y₀; y_n) = I(y₀; T_{n−1}) = … = I(y₀; T₀) ≥ I(y₀; T)

    T_i keeps all that y_n knows of y_i, and so of y₀, in as few values as can be. What a statistic of fewer values
    than T₀ loses is the difference to I(y₀; y_n).

    Examples
    --------
    >>> from lensmaker.systems.markov import MarkovChain, truncated
    >>> chain = MarkovChain.of([0.5, 0.5], [[[0.8, 0.2], [0.2, 0.8]]])
    >>> found = Distillation().predict(truncated(chain, 2)).select(where="statistic:2 values")
    >>> round(found[0].value, 4)  # ln 2 + 0.8 ln 0.8 + 0.2 ln 0.2
    0.1927
    """

    name = "distillation"
    summary = (
        "What each level of a Markov chain, and each statistic of its last letter, keeps of the first letter."
    )
    quantities = ("kept_information", "statistic_size")
    assumptions = ("the chain is Markov and its probabilities are known", "alphabets are small")
    references: ClassVar[tuple[Reference, ...]] = (
        LIN_2017,
        Reference(
            "cover2006",
            "T. M. Cover, J. A. Thomas",
            "Elements of information theory",
            2006,
            "Wiley, sections 2.8 and 2.9",
        ),
    )

    def predict(self, system: Statistic) -> Table[Prediction]:
        chain, found = system.chain, []
        for i in range(1, chain.length + 1):
            at = Where("level", coordinates=(("level", float(i)),))
            found.append(self.prediction("kept_information", at, information(chain.joint(i))))
        last, levels = chain.joint(chain.length), tower(chain)
        for i, labels in enumerate(levels.statistics):
            at = Where("tower", coordinates=(("level", float(i)),))
            can_come = labels >= 0
            kept = information(_joined(last[:, can_come], labels[can_come]))
            found.append(self.prediction("kept_information", at, kept))
            found.append(self.prediction("statistic_size", at, levels.sizes[i]))
        own = Where("statistic", operation=system.name)
        found.append(self.prediction("kept_information", own, information(_joined(last, system.labels))))
        found.append(self.prediction("statistic_size", own, system.size))
        return Table(found)


def information(joint: Floats) -> float:
    """Σ p ln [p/(p_x p_y)] in nats, of P(x, y)."""
    independent = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    here = joint > 0
    return float((joint[here] * np.log(joint[here] / independent[here])).sum())


def _joined(joint: Floats, labels: np.ndarray) -> Floats:
    """P(y₀, T) from P(y₀, y_n)."""
    out = np.zeros((len(joint), int(labels.max()) + 1))
    np.add.at(out.T, labels, joint.T)
    return out
