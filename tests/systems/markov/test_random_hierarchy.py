"""Grammars against their own enumeration: every word once, and one class a word."""

from __future__ import annotations

import itertools

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.markov import RandomHierarchy


def every_word(grammar: RandomHierarchy) -> dict[tuple[int, ...], int]:
    """All words with their classes, written out recursively."""

    def expand(symbol: int, level: int) -> list[tuple[int, ...]]:
        if level == grammar.levels:
            return [(symbol,)]
        out = []
        for rule in grammar.rules[level][symbol].tolist():
            parts = [expand(child, level + 1) for child in rule]
            out += [tuple(itertools.chain(*word)) for word in itertools.product(*parts)]
        return out

    return {word: label for label in range(grammar.classes) for word in expand(label, 0)}


@pytest.mark.parametrize(
    "grammar",
    [
        RandomHierarchy(3, 4, 2, 2, 2),
        RandomHierarchy(2, 3, 3, 2, 2, seed=4),
        RandomHierarchy(2, 2, 1, 3, 2),
        RandomHierarchy(5, 4, 2, 2, 1),
    ],
    ids=str,
)
def test_drawn_words_are_all_words_and_parsed_to_their_class(grammar: RandomHierarchy) -> None:
    known = every_word(grammar)
    assert len(known) == grammar.words, "no word has two classes, or comes twice"
    leaves, labels = grammar.draw(grammar.words, torch.Generator().manual_seed(0))
    drawn = {tuple(word): label for word, label in zip(leaves.tolist(), labels.tolist(), strict=True)}
    assert drawn == known
    assert torch.equal(grammar.parse(leaves), labels)


def test_what_is_no_word_has_no_class() -> None:
    grammar = RandomHierarchy(2, 4, 2, 2, 2)
    known = every_word(grammar)
    other = [w for w in itertools.product(range(4), repeat=4) if w not in known]
    assert (grammar.parse(torch.tensor(other)) == -1).all()


def test_many_words_are_different_and_evenly_drawn() -> None:
    grammar = RandomHierarchy(8, 8, 4, 2, 4)
    assert grammar.words == 8 * 4**15
    leaves, labels = grammar.draw(20_000, torch.Generator().manual_seed(1))
    assert leaves.shape == (20_000, 16)
    assert len({tuple(w) for w in leaves.tolist()}) == 20_000
    counts = torch.bincount(labels, minlength=8).double()
    assert float(((counts - 2500) ** 2 / 2500).sum()) < 29.9  # χ² of 7, false alarm 1 in 10,000
    again, _ = RandomHierarchy(8, 8, 4, 2, 4).draw(20_000, torch.Generator().manual_seed(1))
    assert torch.equal(again, leaves)
    other = RandomHierarchy(8, 8, 4, 2, 4, seed=1)
    assert not torch.equal(other.rules[0], grammar.rules[0])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="at most 4 tuples of meanings"):
        RandomHierarchy(2, 2, 3, 2, 1)
    with pytest.raises(InputError, match="2 classes, symbols and branches"):
        RandomHierarchy(1, 4, 2, 2, 1)
    with pytest.raises(InputError, match="at most 2⁶² words"):
        RandomHierarchy(levels=6)
    with pytest.raises(InputError, match="1 to 32 words"):
        RandomHierarchy(4, 4, 2).draw(33, torch.Generator())
