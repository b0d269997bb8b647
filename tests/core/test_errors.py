"""Every error says in one sentence what was expected, what came, and how to mend it."""

from __future__ import annotations

import pytest

from lensmaker.core import errors
from lensmaker.core.errors import LensmakerError

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LensmakerError)
]
BUILT_IN = {
    "InputError": ValueError,
    "ModelError": RuntimeError,
    "WeightsError": ValueError,
    "MissingDataError": FileNotFoundError,
    "MissingDependencyError": ImportError,
    "CorrectionError": RuntimeError,
}


@pytest.mark.parametrize("kind", KINDS)
def test_sentence(kind: type[LensmakerError]) -> None:
    error = kind("a batch", "nothing", "pass one")
    assert str(error) == "Expected a batch, but got nothing: pass one."
    assert (error.expected, error.got, error.fix) == ("a batch", "nothing", "pass one")
    assert "\n" not in str(error)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not LensmakerError])
def test_an_error_is_also_the_built_in_that_a_stranger_would_catch(kind: type[LensmakerError]) -> None:
    with pytest.raises(BUILT_IN[kind.__name__], match=r"^Expected a batch, but got nothing: pass one\.$"):
        raise kind("a batch", "nothing", "pass one")


def test_all_kinds_are_part_of_the_vocabulary() -> None:
    from lensmaker import core

    assert {kind.__name__ for kind in KINDS} == {"LensmakerError", *BUILT_IN}
    assert {kind.__name__ for kind in KINDS} <= set(core.__all__)
