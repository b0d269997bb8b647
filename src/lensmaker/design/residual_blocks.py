"""The residual blocks of a network: where a branch is added to the stream that goes around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_

from lensmaker.design.correction import Change, Scaled
from lensmaker.design.handle import handle_of, users_of
from lensmaker.systems.networks import Element, Family, Train
from lensmaker.systems.networks.operations import HOMOGENEOUS


@dataclass(frozen=True)
class ResidualBlock:
    """A sum y = x + f(x).

    Attributes
    ----------
    sum
        The element that adds.
    stream, branch
        The values x and f(x) that it adds.
    inside
        The elements of f alone, in order.
    """

    sum: Element
    stream: int
    branch: int
    inside: tuple[Element, ...]

    @property
    def normalised(self) -> bool:
        """Whether f divides the size of x out, so that it adds the same to a large stream and to a small one."""
        return any(e.family is Family.NORMALISATION for e in self.inside)

    @property
    def last(self) -> Element | None:
        """The last linear element of f, whose scale is that of f; None where something that bends follows it."""
        for element in reversed(self.inside):
            if element.family is Family.LINEAR:
                return element
            if element.family in (Family.NORMALISATION, Family.ATTENTION, Family.RECURRENT):
                return None
            if element.family is Family.ACTIVATION and element.operation not in HOMOGENEOUS:
                return None
        return None


def residual_blocks(train: Train) -> list[ResidualBlock]:
    """The residual blocks of a train, in the order of their sums.

    A sum of two signals is one when what leads to one of them alone has weights; of two that have, the one
    with more linear elements is the branch, the other a shortcut. A stream that is multiplied by a signal, as in
    a gated unit, or bent by an activation, is none.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.networks import record
    >>> class Net(torch.nn.Linear):
    ...     def forward(self, x):
    ...         return x + super().forward(x).relu()
    >>> [([e.operation for e in b.inside], b.normalised) for b in residual_blocks(record(Net(3, 3), torch.ones(2, 3)))]
    [(['linear', 'relu'], False)]
    """
    ancestors: dict[int, int] = {}  # value → the elements that lead to it, a bit for each
    found = []
    for e in train.before_loss():
        signals = train.signal_inputs(e)
        leading = reduce(or_, (ancestors.get(i, 0) for i in signals), 1 << e.index)
        ancestors.update(dict.fromkeys(e.outputs, leading))
        if e.operation != "add" or len(signals) != 2:
            continue
        if len({train.values[i].shape for i in signals}) != 1:
            continue
        a, b = (ancestors.get(i, 0) for i in signals)
        one, other = _elements(a & ~b, train), _elements(b & ~a, train)
        if _linear(one) > _linear(other) and _carries(other, train):
            found.append(ResidualBlock(e, signals[1], signals[0], one))
        elif _linear(other) > _linear(one) and _carries(one, train):
            found.append(ResidualBlock(e, signals[0], signals[1], other))
    return found


def branch_scaled(block: ResidualBlock, factor: float, train: Train) -> dict[str, Change]:
    """What multiplies f by a factor: its last weight and bias; nothing where these are not parameters of its own."""
    if block.last is None:
        return {}
    handle = handle_of(block.last, train)
    biases = [n for v in train.weight_inputs(block.last) if len(v.shape) == 1 for n in v.parameters]
    names = [handle.parameter, *biases]
    if not handle.parameter or any(users_of(name, train) != {block.last.index} for name in names):
        return {}
    return dict.fromkeys(names, Scaled(factor))


def _carries(elements: tuple[Element, ...], train: Train) -> bool:
    """Whether the stream is carried on, and not bent or multiplied by a signal."""
    return not any(
        e.family in (Family.ACTIVATION, Family.ATTENTION, Family.RECURRENT)
        or (e.operation in ("mul", "div") and len(train.signal_inputs(e)) > 1)
        for e in elements
    )


def _elements(bits: int, train: Train) -> tuple[Element, ...]:
    return tuple(train.elements[i] for i in range(bits.bit_length()) if bits >> i & 1)


def _linear(elements: tuple[Element, ...]) -> int:
    return sum(e.family is Family.LINEAR for e in elements)
