"""The matrices of recurrent elements, which no single affine map shows."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from lensmaker.core import Where
from lensmaker.systems.networks.operations import Family
from lensmaker.systems.networks.train import Train


def recurrent_matrices(train: Train) -> Iterator[tuple[Where, torch.Tensor]]:
    """Each matrix of each LSTM, GRU and plain recurrent element once, at the place its parameter names.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> train = record(torch.nn.GRU(4, 8), torch.ones(5, 2, 4))
    >>> [(str(where), tuple(w.shape)) for where, w in recurrent_matrices(train)]
    [('weight_ih_l0:gru', (24, 4)), ('weight_hh_l0:gru', (24, 8))]
    """
    seen: set[str] = set()
    for element in train.before_loss():
        if element.family is not Family.RECURRENT:
            continue
        for value in train.weight_inputs(element):
            name = next(iter(value.parameters)) if len(value.parameters) == 1 else ""
            if name and name not in seen and len(value.shape) == 2 and value.tensor is not None:
                seen.add(name)
                yield Where(name, operation=element.operation), value.tensor
