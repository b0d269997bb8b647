"""The optical axis of a network: the places every path from input to output goes through, cut into stages."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.systems.networks import Element, Family, Train


@dataclass(frozen=True)
class Stage:
    """A stretch of the axis that begins with a linear element and ends before the next.

    Attributes
    ----------
    elements
        The visible elements of the stretch, in order.
    branched
        Whether the signal runs along several paths inside, as around a residual connection.
    """

    elements: tuple[Element, ...]
    branched: bool

    @property
    def linear(self) -> tuple[Element, ...]:
        """Its elements with weights."""
        return tuple(e for e in self.elements if e.family is Family.LINEAR)

    @property
    def normalised(self) -> bool:
        """Whether a normalisation inside divides the scale of the weights out again."""
        return any(e.family is Family.NORMALISATION for e in self.elements)


def stages(train: Train) -> list[Stage]:
    """The stages along the optical axis of a recorded train.

    A value lies on the axis when it is, at some moment of the pass, the only one that later elements of the
    network still need.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.networks import record
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    >>> [[e.operation for e in s.elements] for s in stages(record(net, torch.ones(1, 2)))]
    [['linear', 'relu'], ['linear']]
    """
    elements = _reaching(train)
    visible = {e.index for e in train.visible()}
    last_use: dict[int, int] = {v: len(train.elements) for v in train.boundary}
    for e in elements:
        for i in train.signal_inputs(e):
            last_use[i] = max(last_use.get(i, -1), e.index)
    segments: list[tuple[list[Element], bool]] = []
    current: list[Element] = []
    branched = False
    live = {i for i in train.inputs if train.values[i].is_signal and i in last_use}
    for e in elements:
        current.append(e)
        live = {i for i in live if last_use[i] > e.index}
        live |= {o for o in e.outputs if last_use.get(o, -1) > e.index}
        if len(live) > 1:
            branched = True
        else:
            segments.append((current, branched))
            current, branched = [], False
    if current:
        segments.append((current, branched))
    return _join([([e for e in s if e.index in visible], b) for s, b in segments])


def _reaching(train: Train) -> list[Element]:
    """The elements of the signal that the boundary depends on, in order."""
    wanted = set(train.boundary)
    found: list[Element] = []
    for e in reversed(list(train.before_loss())):
        if wanted.intersection(e.outputs):
            wanted.update(train.signal_inputs(e))
            if any(train.values[o].is_signal for o in e.outputs):
                found.append(e)
    return found[::-1]


def _join(segments: list[tuple[list[Element], bool]]) -> list[Stage]:
    joined: list[tuple[list[Element], bool]] = []
    for elements, branched in segments:
        starts = any(e.family is Family.LINEAR for e in elements)
        if starts or not joined:
            joined.append((list(elements), branched))
        else:
            joined[-1][0].extend(elements)
            joined[-1] = (joined[-1][0], joined[-1][1] or branched)
    return [Stage(tuple(e), b) for e, b in joined if e]
