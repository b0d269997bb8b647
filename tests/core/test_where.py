"""A place is written so that two different places are never spelt alike."""

from __future__ import annotations

import itertools

import pytest

from lensmaker.core import Where


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (Where(), "network"),
        (Where("blocks.3"), "blocks.3"),
        (Where("blocks.3", call=2), "blocks.3@2"),
        (Where("blocks.3", operation="relu"), "blocks.3:relu"),
        (Where("blocks.3", 1, "relu", 2), "blocks.3@1:relu#2"),
        (Where(operation="add"), "add"),
        (Where(operation="add", ordinal=1), "add#1"),
        (Where(coordinates=(("temperature", 2.2691853), ("level", 3.0))), "[temperature=2.26919, level=3]"),
        (Where("rg", operation="block", coordinates=(("level", 1.0),)), "rg:block[level=1]"),
    ],
)
def test_text(where: Where, text: str) -> None:
    assert str(where) == text


def test_different_places_are_written_differently() -> None:
    paths, calls, operations, ordinals = ("", "a", "a.b"), (0, 1), ("", "relu"), (0, 1)
    coordinates: tuple[tuple[tuple[str, float], ...], ...] = ((), (("t", 1.0),), (("t", 2.0),))
    places = list(
        itertools.starmap(Where, itertools.product(paths, calls, operations, ordinals, coordinates))
    )
    assert len({str(place) for place in places}) == len(set(places)) == len(places)


def test_places_are_ordered_by_path_then_call() -> None:
    places = [
        Where("b"),
        Where("a", 1),
        Where("a", 0, "relu"),
        Where("a", 0, "linear", 1),
        Where("a", 0, "linear"),
    ]
    assert [str(place) for place in sorted(places)] == ["a:linear", "a:linear#1", "a:relu", "a@1", "b"]
