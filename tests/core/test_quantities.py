"""The one table of quantities: a name means one thing, and so does a symbol."""

from __future__ import annotations

from collections import Counter

import pytest

from lensmaker.core import QUANTITIES, InputError, Quantity, Scale, quantity

ALL = pytest.mark.parametrize("of", QUANTITIES, ids=str)


@pytest.mark.parametrize("field", ["name", "symbol", "definition"])
def test_no_two_quantities_share(field: str) -> None:
    repeated = [value for value, n in Counter(getattr(q, field) for q in QUANTITIES).items() if n > 1]
    assert repeated == []


@ALL
def test_a_quantity_is_found_by_its_name(of: Quantity) -> None:
    assert quantity(of.name) is of
    assert str(of) == of.name


@ALL
def test_a_name_is_an_identifier_and_the_definition_a_sentence(of: Quantity) -> None:
    assert of.name.isidentifier()
    assert of.name == of.name.lower()
    assert of.symbol
    assert of.unit
    assert of.definition.endswith(".")
    assert "\n" not in of.definition


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        InputError, match=r"^Expected a standard quantity, but got 'chii': choose one of .*\bchi, "
    ):
        quantity("chii")


@pytest.mark.parametrize("name", ["second_moment", "variance", "chi", "tangent", "gradient", "jacobian_norm"])
def test_what_multiplies_along_the_depth_is_compared_by_ratio(name: str) -> None:
    assert quantity(name).scale is Scale.LOG


@pytest.mark.parametrize("name", ["mean", "correlation", "token_correlation", "zero_fraction", "saturation"])
def test_what_may_be_zero_or_negative_is_compared_by_difference(name: str) -> None:
    assert quantity(name).scale is Scale.LINEAR
