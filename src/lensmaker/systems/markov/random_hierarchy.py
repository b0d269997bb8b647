"""The random hierarchy model: classes that are written out level by level by random rules of grammar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream


@dataclass(frozen=True)
class RandomHierarchy:
    """A class is one of m tuples of s symbols, each of these one of m tuples of s, and so on for L levels.

    The tuples are drawn at random, no tuple twice in a level: so the leaves tell the class without doubt.

    Parameters
    ----------
    classes
        n_c.
    alphabet
        Symbols v of each level.
    synonyms
        Tuples m that stand for the same symbol.
    branches
        Symbols s of a tuple.
    levels
        L.
    seed
        Of the rules.

    Raises
    ------
    InputError
        If there are more meanings than tuples, or a number is too small.

    References
    ----------
    F. Cagnetta, L. Petrini, U. M. Tomasini, A. Favero, M. Wyart, Phys. Rev. X 14, 031001 (2024), arXiv:2307.02129.

    Examples
    --------
    >>> grammar = RandomHierarchy(classes=4, alphabet=4, synonyms=2, levels=2)
    >>> leaves, labels = grammar.draw(20, torch.Generator().manual_seed(0))
    >>> tuple(leaves.shape), bool((grammar.parse(leaves) == labels).all()), grammar.words
    ((20, 4), True, 32)
    """

    classes: int = 8
    alphabet: int = 8
    synonyms: int = 4
    branches: int = 2
    levels: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.classes, self.alphabet, self.branches) < 2 or min(self.synonyms, self.levels) < 1:
            got = f"{self.classes}, {self.alphabet}, {self.branches}, {self.synonyms} and {self.levels}"
            expected = "2 classes, symbols and branches, a synonym and a level at least"
            raise InputError(expected, got, "pass larger numbers")
        tuples = self.alphabet**self.branches
        if self.synonyms * max(self.classes, self.alphabet) > tuples:
            got = f"{self.synonyms * max(self.classes, self.alphabet)}"
            raise InputError(f"at most {tuples} tuples of meanings", got, "take fewer synonyms")
        if self.words > 2**62:
            raise InputError("at most 2⁶² words", f"{self.words:.3g}", "take fewer levels or synonyms")

    @property
    def leaves(self) -> int:
        """Symbols that are seen: d = s^L."""
        return self.branches**self.levels

    @property
    def nodes(self) -> int:
        """Choices of a synonym in a word: (s^L − 1)/(s − 1)."""
        return (self.leaves - 1) // (self.branches - 1)

    @property
    def words(self) -> int:
        """All there are: n_c m^nodes."""
        return int(self.classes * self.synonyms**self.nodes)

    @cached_property
    def rules(self) -> tuple[Tensor, ...]:
        """For each level the tuples of each symbol above it, int64 (meanings, synonyms, branches)."""
        generator = stream("rules of a hierarchy", self.seed)
        found, powers = [], self.alphabet ** torch.arange(self.branches)
        for level in range(self.levels):
            meanings = self.alphabet if level else self.classes
            order = torch.randperm(self.alphabet**self.branches, generator=generator)
            chosen = order[: meanings * self.synonyms].view(meanings, self.synonyms, 1)
            found.append(chosen // powers % self.alphabet)
        return tuple(found)

    def written(self, labels: Tensor, choices: Tensor) -> Tensor:
        """Leaves of classes, (n,), with the synonyms chosen at each node, (n, nodes), the root first: (n, leaves)."""
        symbols, used = labels[:, None], 0
        for rule in self.rules:
            here = symbols.shape[1]
            symbols = rule[symbols, choices[:, used : used + here]].flatten(1)
            used += here
        return symbols

    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Different words, as leaves int64 (n, leaves) and their classes (n,).

        Raises
        ------
        InputError
            If there are fewer words.
        """
        if not 1 <= n <= self.words:
            raise InputError(f"1 to {self.words} words", f"{n}", "draw fewer")
        codes = _different(n, self.words, generator)
        digits = self.synonyms ** torch.arange(self.nodes)
        labels = codes % self.classes
        choices = codes[:, None] // self.classes // digits % self.synonyms
        return self.written(labels, choices), labels

    def parse(self, leaves: Tensor) -> Tensor:
        """The class of each word, (n,), from the leaves up; −1 for what is no word."""
        symbols = leaves
        for rule in reversed(self.rules):
            powers = self.alphabet ** torch.arange(self.branches)
            meaning = torch.full((self.alphabet**self.branches,), -1)
            meaning[(rule * powers).sum(-1)] = torch.arange(len(rule))[:, None].expand(-1, self.synonyms)
            tuples = symbols.unflatten(1, (-1, self.branches))
            known = (tuples >= 0).all(-1)
            symbols = torch.where(known, meaning[(tuples.clamp(min=0) * powers).sum(-1)], -1)
        return symbols.squeeze(1)

    def __str__(self) -> str:
        return (
            f"hierarchy of {self.levels} levels, {self.classes} classes, {self.alphabet} symbols and "
            f"{self.synonyms} synonyms"
        )


def _different(n: int, of: int, generator: torch.Generator) -> Tensor:
    """Numbers below `of`, no two alike, in random order."""
    if of <= 2**22:
        return torch.randperm(of, generator=generator)[:n]
    codes = torch.randint(of, (n + math.isqrt(n) + 64,), generator=generator)
    while True:
        first = _first_of_each(codes)
        if len(first) >= n:
            return codes[first[:n]]
        codes = torch.cat([codes, torch.randint(of, (n,), generator=generator)])


def _first_of_each(codes: Tensor) -> Tensor:
    """Where each number comes for the first time, in that order."""
    _, number = codes.unique(return_inverse=True)
    places = torch.full((int(number.max()) + 1,), len(codes))
    places.scatter_reduce_(0, number, torch.arange(len(codes)), "amin")
    return places.sort().values
