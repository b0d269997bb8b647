"""Which sample belongs to which chain, level by level."""

from __future__ import annotations

import numpy as np
import pytest

from instruments.renormalization.samples import by_hand, on
from lensmaker.core import InputError
from lensmaker.instruments.renormalization.levels import by_chain, scale_between
from lensmaker.systems.spins import chain, square


def test_chains_are_those_of_the_samples() -> None:
    free = on(square(4), 23)
    three = by_hand(free.spins.numpy(), free.system, chains=3)
    assert np.array_equal(by_chain(three.spins.numpy(), 3), three.by_chain().numpy())


def test_the_scale_is_that_of_the_sides() -> None:
    assert scale_between(square(6, 12), square(2, 4)) == 3
    for coarse in (square(6, 6), square(6, 12), chain(6)):
        with pytest.raises(InputError, match="shortens all sides of a lattice alike"):
            scale_between(square(6, 12), coarse)
