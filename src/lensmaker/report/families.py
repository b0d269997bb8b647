"""The family of an operation: which optical element it is drawn as."""

from __future__ import annotations

import re
from enum import Enum

from lensmaker.core import ElementRecord


class Family(Enum):
    """Kinds of elements that a reader tells apart at a glance; the value is the name in the legend."""

    LINEAR = "linear map"
    CONVOLUTION = "convolution"
    ATTENTION = "attention"
    RECURRENT = "recurrent"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    DROPOUT = "dropout"
    POOLING = "pooling"
    ADDITION = "addition"
    PRODUCT = "product"
    JOINING = "concatenation"
    LOSS = "loss"
    OTHER = "other"


_PATTERNS = (
    (Family.ATTENTION, r"attention|attn"),
    (Family.LOSS, r"loss|cross_entropy|nll|_div\b"),
    (Family.CONVOLUTION, r"conv"),
    (Family.NORMALISATION, r"norm"),
    (Family.RECURRENT, r"lstm|gru|rnn"),
    (Family.DROPOUT, r"drop"),
    (Family.POOLING, r"pool|^mean$|^sum$|interpolate|upsample"),
    (
        Family.ACTIVATION,
        r"elu|silu|swish|mish|tanh|sigmoid|softmax|softplus|softsign|shrink|^erf$|^exp$|^sin$|^cos$",
    ),
    (Family.JOINING, r"^(cat|concat|concatenate|stack|hstack|vstack)$"),
    (Family.ADDITION, r"^(i?add|i?sub|r?sub)_?$|residual"),
    (Family.PRODUCT, r"^(i?mul|i?div|multiply|hadamard)_?$|glu|gate"),
    (Family.LINEAR, r"linear|matmul|^mm$|bmm|einsum|embedding|dense"),
)


def family(element: ElementRecord) -> Family:
    """The family of an element, from the name of its operation; one with weights is at least a linear map.

    Examples
    --------
    >>> from lensmaker.core import Where
    >>> [family(ElementRecord(Where(name), name, (), ())).value for name in ("conv2d", "relu", "add", "view")]
    ['convolution', 'activation', 'addition', 'other']
    """
    name = element.operation.lower()
    for kind, pattern in _PATTERNS:
        if re.search(pattern, name):
            return kind
    return Family.LINEAR if element.fan_in else Family.OTHER
