"""Grammars, networks and sizes of training sets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from lensmaker.core import InputError
from lensmaker.systems.markov import RandomHierarchy


class Kind(Enum):
    """What learns; all kinds have as many parameters."""

    TREE = "tree"
    SCRAMBLED = "tree, leaves permuted"
    DENSE = "deep dense"
    FLAT = "one hidden layer"


@dataclass(frozen=True)
class Plan:
    """The numbers of the run.

    Attributes
    ----------
    classes, alphabet, synonyms
        n_c, v and m of the grammars; a symbol has two branches.
    levels
        Depths L of grammars, one after another.
    width
        Units of each layer of the tree; the other kinds have the width with which they have as many parameters.
    largest
        Examples of the largest training set, unless the grammar has fewer words.
    step
        By which a training set is larger than the one before.
    held_out
        Words that none of a run's training sets has.
    error
        Of those held out, as a share of that of guessing, at which a class is said to be learned.
    batch, rate, updates, fitted
        Of Adam; a training ends once the loss of all its runs is below `fitted`, or after so many updates.
    seeds
        Runs: each has rules, words and a start of its own.

    Raises
    ------
    InputError
        If the levels do not rise one by one, or the training sets do not grow.
    """

    classes: int = 6
    alphabet: int = 6
    synonyms: int = 6
    levels: tuple[int, ...] = (2, 3)
    width: int = 128
    largest: int = 16384
    step: float = 2.0
    held_out: int = 2000
    error: float = 0.1
    batch: int = 256
    rate: float = 2e-3
    updates: int = 12000
    fitted: float = 3e-2
    seeds: int = 5

    def __post_init__(self) -> None:
        if not self.levels or any(b != a + 1 for a, b in pairwise(self.levels)) or self.seeds < 1:
            got = f"{self.levels} and {self.seeds} seeds"
            raise InputError("levels one after another, and a seed", got, "pass levels=(2, 3)")
        if not self.step > 1:
            raise InputError("training sets that grow", f"a step of {self.step:g}", "pass step=2")
        for levels in self.levels:
            if len(self.sizes(levels)) < 2:
                got = f"{self.largest} for {levels} levels"
                raise InputError("two sizes of training sets at least", got, "make largest larger")

    def grammar(self, levels: int, seed: int) -> RandomHierarchy:
        """The grammar of a run."""
        return RandomHierarchy(self.classes, self.alphabet, self.synonyms, 2, levels, seed)

    def unseen(self, levels: int) -> int:
        """Words held out: no more than a quarter of all there are."""
        return min(self.held_out, self.grammar(levels, 0).words // 4)

    def sizes(self, levels: int) -> list[int]:
        """Of the training sets: from a quarter of n_c mᴸ on, the last as large as there can be."""
        last = min(self.largest, self.grammar(levels, 0).words - self.unseen(levels))
        first = max(self.classes, self.classes * self.synonyms**levels // 4)
        found: list[int] = []
        while (size := round(first * self.step ** len(found))) < last:
            found.append(size)
        return [*found, last]
