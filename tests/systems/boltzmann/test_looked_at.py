"""Which rows a monitor reads."""

from __future__ import annotations

import numpy as np
import pytest

from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.training import rows_of
from lensmaker.systems.boltzmann.training.run import looked_at


@pytest.mark.parametrize("n", [7, 1000, 1001, 5000])
def test_the_monitor_reads_from_all_over_the_table(n: int) -> None:
    """Of data in order of class it would otherwise see the first classes alone."""
    table = np.zeros((n, 3), np.float32)
    table[n // 2 :] = 1
    seen, _ = looked_at(RestrictedBoltzmannMachine(3, 2), rows_of(table), None)
    assert min(n, 1000) <= len(seen) <= 1050
    assert abs(float(seen.mean()) - table.mean()) < 0.05
    if n <= 1000:
        assert (seen.numpy() == table).all()
