"""Which axis of a value holds the units that random weights mix."""

from __future__ import annotations

from lensmaker.systems.networks import Family, Train
from lensmaker.systems.networks.operations import CHANNELS_FIRST
from lensmaker.systems.networks.weights import Layout, weights_of

_KEEPING = {Family.ACTIVATION, Family.MERGE, Family.DROPOUT}


def unit_axis(train: Train, index: int) -> int:
    """The axis of the units (channels, features) in the recorded shape of a value.

    Convolutions and what is made for images have them on axis 1, products W x on the last but one, everything
    else on the last; element-wise operations leave them where they were.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.networks import record
    >>> train = record(torch.nn.Sequential(torch.nn.Conv1d(2, 3, 1), torch.nn.ReLU()), torch.ones(5, 2, 7))
    >>> unit_axis(train, train.boundary[0])
    1
    """
    value = train.values[index]
    axes = len(value.shape)
    plain = 1 if axes >= 4 else axes - 1
    if value.producer is None or axes < 2:
        return plain
    element = train.elements[value.producer]
    if element.family is Family.LINEAR:
        weights = weights_of(element, train)
        layout = Layout.LAST if weights is None else weights.layout
        return {Layout.CHANNELS: 1, Layout.ROWS: axes - 2}.get(layout, axes - 1)
    if element.operation.startswith(CHANNELS_FIRST):
        return 1
    if element.family in _KEEPING:
        alike = [i for i in train.signal_inputs(element) if len(train.values[i].shape) == axes]
        return unit_axis(train, alike[0]) if alike else plain
    return axes - 1 if element.family is not Family.STRUCTURE else plain
