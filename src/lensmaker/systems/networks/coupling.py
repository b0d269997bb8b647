"""Where the samples of a batch influence each other: statistics over the batch."""

from __future__ import annotations

from lensmaker.systems.networks.train import Element, Train
from lensmaker.systems.networks.weights import named_arguments

_REDUCTIONS = {
    "mean": "input dim",
    "sum": "input dim",
    "var": "input dim",
    "std": "input dim",
    "amax": "input dim",
    "amin": "input dim",
    "max": "input dim",
    "min": "input dim",
    "prod": "input dim",
    "cumsum": "input dim",
    "logsumexp": "input dim",
    "softmax": "input dim",
    "norm": "input p dim",
}
_BATCH_NORM = "input running_mean running_var weight bias training momentum eps"


def couplings(train: Train, axis: int = 0) -> list[Element]:
    """The elements that take statistics over the batch, the axis of whose samples is given.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.networks import record
    >>> norm = torch.nn.BatchNorm1d(3)
    >>> [e.operation for e in couplings(record(norm, torch.ones(2, 3)))]
    ['batch_norm']
    >>> couplings(record(norm.eval(), torch.ones(2, 3)))
    []
    """
    return [e for e in train.before_loss() if _couples(e, train, axis)]


def _couples(element: Element, train: Train, axis: int) -> bool:
    if element.operation == "batch_norm":
        a = named_arguments(element, _BATCH_NORM)
        return bool(a.get("training", False)) or a.get("running_mean") is None
    if element.operation not in _REDUCTIONS or train.samples < 2 or not element.inputs:
        return False
    value = train.values[element.inputs[0]]
    if not value.is_signal or len(value.shape) <= axis or value.shape[axis] != train.samples:
        return False
    dim = named_arguments(element, _REDUCTIONS[element.operation]).get("dim")
    if dim is None:
        return True
    dims = dim if isinstance(dim, list | tuple) else (dim,)
    return any(isinstance(d, int) and d % len(value.shape) == axis for d in dims)
