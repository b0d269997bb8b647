"""The effective kernel of a convolution: what it does to a field, in pixels of the network's input."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lensmaker.core import InputError, Where
from lensmaker.numerics.kernel_moments import tap_positions, tap_vectors
from lensmaker.systems.networks import Element, Train
from lensmaker.systems.networks.receptive_field import Field, receptive_fields
from lensmaker.systems.networks.weights import Weights, weights_of
from lensmaker.theories.field_equation.around import Around, Boundary, Skip, around, followers


@dataclass(frozen=True)
class EffectiveKernel:
    r"""y_o(x) = Σ_i Σ_z w_{oi}(z) φ_i(x + z) + b_o, with norms, factors and a skip of the layer itself contained.

    The centre of a kernel is half-way between its first and last tap; `offset` is where PyTorch's padding puts the
    output relative to it. A transposed convolution is the mean over its phases: each output sees every stride-th tap
    of a field interleaved with zeros.

    Attributes
    ----------
    where, operation, index
        The place, and the number of the element in its train.
    weight
        The kernel as the layer has it, (out, in/groups, T), T the number of taps.
    scale, shift
        What is folded: w = scale·weight, b = shift, float64 (out,).
    places
        Those of the taps relative to the centre, in pixels, (T, d).
    identity
        Place of the identity that a skip adds, in pixels; None without one.
    groups, stride
        As the convolution has them; the stride of a transposed one is below 1.
    spacing
        From one position of its input to the next, in pixels, for each axis.
    offset
        Place of PyTorch's output relative to the centre, in pixels.
    source, signal
        Indices of the value it reads before and after a padding of its own.
    skip, boundary, activation, shared, notes
        How time passes, the border, the function that follows, whether an earlier layer has the same weights, and
        what else must be said.
    """

    where: Where
    operation: str
    index: int
    weight: Tensor
    scale: Tensor
    shift: Tensor
    places: Tensor
    identity: Tensor | None
    groups: int
    stride: tuple[float, ...]
    spacing: tuple[float, ...]
    offset: tuple[float, ...]
    source: int
    signal: int
    skip: Skip
    boundary: Boundary
    activation: str
    shared: bool
    notes: tuple[str, ...]

    @property
    def dimension(self) -> int:
        return self.places.shape[1]

    @property
    def outputs(self) -> int:
        return self.weight.shape[0]

    @property
    def inputs(self) -> int:
        return self.weight.shape[1] * self.groups

    @property
    def is_local(self) -> bool:
        """Whether it mixes channels alone: a 1 × 1 kernel."""
        return len(self.places) == 1

    @cached_property
    def taps(self) -> Tensor:
        """The kernel with all that is folded, (out, in/groups, T), float64; its places are `sites`."""
        w = self.weight.double() * self.scale[:, None, None]
        if self.identity is None:
            return w
        w = torch.cat([w, torch.zeros(*w.shape[:2], 1, dtype=w.dtype)], -1)
        out = torch.arange(self.outputs)
        w[out, out % w.shape[1], -1] = 1.0
        return w

    @cached_property
    def sites(self) -> Tensor:
        """Where the taps of `taps` lie, (T, d)."""
        return self.places if self.identity is None else torch.cat([self.places, self.identity[None]])

    @cached_property
    def gram(self) -> Tensor:
        r"""G_{zz′} = Σ_{oi} w_{oi}(z) w_{oi}(z′), (T, T): all that inputs of equal, uncorrelated channels see of w.

        One product of matrices with a row for each pair of channels; the skip is added to its result.
        """
        own = self.gram_of_weight(self.scale)
        if self.identity is None:
            return own
        w = self.weight
        out = torch.arange(self.outputs)
        cross = (w[out, out % w.shape[1]].double() * self.scale[:, None]).sum(0)
        last = torch.tensor([float(self.outputs)], dtype=torch.float64)
        return torch.cat([torch.cat([own, cross[:, None]], 1), torch.cat([cross, last])[None]])

    def gram_of_weight(self, scale: Tensor | None = None) -> Tensor:
        """The same of the layer's own kernel, nothing folded unless `scale` is given."""
        w = self.weight.double()
        if scale is not None:
            w = w * scale[:, None, None]
        flat = w.flatten(0, 1)
        return flat.T @ flat


def effective_kernels(train: Train) -> tuple[EffectiveKernel, ...]:
    """The effective kernel of every convolution of a recorded train, in order; a train without contents will do.

    Raises
    ------
    InputError
        If the network has no convolution.

    Examples
    --------
    >>> from torch import nn
    >>> from lensmaker.systems.networks import record
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 2, dilation=3, groups=8))
    >>> first, second = effective_kernels(record(net, torch.ones(1, 3, 16, 16)))
    >>> first.activation, second.spacing, second.places[0].tolist()
    ('relu', (2.0, 2.0), [-3.0, -3.0])
    """
    fields, after = receptive_fields(train), followers(train)
    seen: set[tuple[int, torch.Size]] = set()
    found = []
    for element in train.before_loss():
        if not element.operation.startswith("conv") or train.signal_output(element) is None:
            continue
        weights = weights_of(element, train)
        if weights is None or not weights.kernel or not weights.weight.is_floating_point():
            continue
        key = weights.weight.data_ptr(), weights.weight.shape
        found.append(
            _kernel(element, weights, train, around(element, weights, train, after), fields, key in seen)
        )
        seen.add(key)
    if not found:
        raise InputError(
            "a network with convolutions by weights of its own",
            f"{train.model} without any",
            "a field equation is read off kernels: pass a convolutional network",
        )
    return tuple(found)


def _kernel(
    element: Element,
    weights: Weights,
    train: Train,
    near: Around,
    fields: dict[int, Field],
    shared: bool,
) -> EffectiveKernel:
    notes = list(near.notes)
    field, d = fields.get(near.source), len(weights.kernel)
    if field is None or (field.sights and len(field.sights) != d):
        notes.append("what a position of its input is in pixels is not known: lengths are in positions")
        spacing = (1.0,) * d
    else:
        spacing = tuple(float(s.stride) for s in field.sights) or (1.0,) * d
    weight = weights.weight.detach().flatten(2).cpu()
    stride: tuple[float, ...] = tuple(map(float, weights.stride))
    step = spacing
    scale, identity = near.scale, None
    # PyTorch's output relative to the middle of its taps, in positions of the input
    middle = [dil * (k - 1) / 2 for dil, k in zip(weights.dilation, weights.kernel, strict=True)]
    before = near.padding
    if weights.transposed:
        phases = 1
        for s in weights.stride:
            phases *= s
        if phases > 1:
            notes.append(f"a transposed convolution: the mean over its {phases} phases")
        scale = scale / phases
        stride = tuple(1.0 / s for s in weights.stride)
        step = tuple(h / s for h, s in zip(spacing, weights.stride, strict=True))
        # interleaved with zeros and padded by what the layout says, which is middle-to-middle for `padding` 0
        before = tuple(int(2 * m) - p for m, p in zip(middle, near.padding, strict=True))
    offset = tuple((p - m) * h for p, m, h in zip(before, middle, step, strict=True))
    positions = [
        h * tap_positions(k, dil) for k, dil, h in zip(weights.kernel, weights.dilation, step, strict=True)
    ]
    if near.skip is Skip.EULER:
        identity = torch.tensor(offset, dtype=torch.float64)
    return EffectiveKernel(
        element.where,
        element.operation,
        element.index,
        weight,
        scale,
        near.shift,
        tap_vectors(positions),
        identity,
        weights.groups,
        stride,
        spacing,
        offset,
        near.source,
        weights.signal,
        near.skip,
        near.boundary,
        near.activation,
        shared,
        tuple(notes),
    )
