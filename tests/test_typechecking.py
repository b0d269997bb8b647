"""The checks of types at run time do check."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from beartype.roar import BeartypeCallHintViolation

from lensmaker.core import Table, Where
from lensmaker.design.outliers import outliers
from lensmaker.numerics.finite import all_finite
from lensmaker.systems.networks import Network
from lensmaker.systems.networks.batch import Batch

WRONG: dict[str, Any] = {
    "function": lambda: all_finite(3),  # type: ignore[arg-type]
    "method": lambda: Network(torch.nn.ReLU(), torch.ones(2, 2)).probes("2"),  # type: ignore[arg-type]
    "class method": lambda: Batch.of(torch.ones(2), axis="0"),  # type: ignore[arg-type]
    "special method": lambda: Table([Where("a")])["a"],  # type: ignore[call-overload]
}


@pytest.mark.parametrize("name", WRONG)
def test_an_argument_of_another_type_is_refused(name: str) -> None:
    with pytest.raises(BeartypeCallHintViolation, match=r"not instance of|violates"):
        WRONG[name]()


def test_what_is_defined_inside_of_a_function_is_not_decorated_at_each_call() -> None:
    assert hasattr(all_finite, "__wrapped__")
    assert not hasattr(outliers, "__wrapped__")  # it names a type that exists for readers alone
