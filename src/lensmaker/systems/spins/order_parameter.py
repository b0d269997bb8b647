"""What tells order from disorder: the magnetisation, or how far one state is ahead of the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Model
from lensmaker.systems.spins.multistate import Multistate


def order_parameter(model: Model, spins: NDArray[np.int8]) -> NDArray[np.float64]:
    """M = Σ s_i/N of configurations (…, N); of Potts spins (q ρ − 1)/(q − 1), ρ the share of the commonest state.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> from lensmaker.systems.spins.named_models import potts
    >>> float(order_parameter(potts(chain(4), 3), np.array([0, 1, 1, 2], np.int8)))
    0.25
    """
    if not isinstance(model, Multistate):
        return np.asarray(spins.sum(-1, dtype=np.int64) / model.sites)
    if model.values is not None:
        return np.asarray(model.values[spins].mean(-1))
    share = np.max([(spins == state).mean(-1) for state in model.states], axis=0)
    return np.asarray((model.q * share - 1) / (model.q - 1))
