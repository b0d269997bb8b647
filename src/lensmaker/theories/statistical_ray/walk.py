"""Walk the statistical ray along a recorded train: clouds and tangents forwards, gradients backwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.autograd.forward_ad as forward
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from lensmaker.numerics.seeding import stream_seed
from lensmaker.systems.networks import Element, Ref, Train
from lensmaker.systems.networks.coupling import couplings
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.laws import NoLawError, constant, propagate
from lensmaker.theories.statistical_ray.repetition import Repetitions, repetitions
from lensmaker.theories.statistical_ray.rotation import Rotation
from lensmaker.theories.statistical_ray.units import unit_axis


@dataclass(frozen=True)
class Passage:
    """What the ray carries at the output of one element; tensors have the shape (R, *shape).

    `outside` says why the theory's assumptions fail here, "" where they hold; `gradient_outside` why they fail
    on the way back from the loss. Tangent and gradient are None where the ray does not know them. `mask` is
    what an attention element was told to leave out; `units` the axis of the units in `shape`.
    """

    element: Element
    inputs: tuple[Tensor, ...]
    output: Tensor
    mask: Tensor | None
    input_tangent: Tensor | None
    tangent: Tensor | None
    gradient: Tensor | None
    outside: str
    gradient_outside: str
    units: int


_MOST_LIVE = 4


@dataclass
class _Ray:
    train: Train
    ensemble: Ensemble
    clouds: dict[int, Tensor]
    outside: dict[int, str]
    behind: dict[int, str]
    last_use: dict[int, int]
    repetitions: Repetitions
    partial: set[int]

    def ensemble_at(self, element: Element) -> Ensemble:
        """The ensemble, told which clouds of the element's output shape are still needed after it."""
        shape = (self.ensemble.replicas, *self.train.values[element.outputs[0]].shape)
        live = [
            cloud
            for index, cloud in self.clouds.items()
            if self.last_use.get(index, -1) > element.index
            and cloud.shape == shape
            and cloud.is_floating_point()
        ]
        repeated = self.repetitions.seeds.get(element.index)
        return replace(self.ensemble, live=tuple(live[-_MOST_LIVE:]), repeated=repeated)

    def cloud(self, index: int) -> Tensor:
        if index not in self.clouds:
            value = self.train.values[index]
            if not value.is_signal:
                return constant(self.train, index)
            self.restart(index, "memory that was overwritten through a view")
        return self.clouds[index]

    def restart(self, index: int, reason: str, like: Tensor | None = None) -> None:
        """Go on from the recorded values, with a fresh tangent of the size that came in."""
        content = self.train.values[index].tensor
        if content is None:
            raise NoLawError("its output was not kept")
        cloud = content.expand(self.ensemble.replicas, *content.shape)
        if content.is_floating_point():
            cloud = cloud.float().clone().requires_grad_()
            size = 1.0 if like is None else float(like.detach().double().square().mean().sqrt())
            cloud = forward.make_dual(cloud, size * self.ensemble.normal(*cloud.shape))
        self.clouds[index] = cloud
        self.outside[index] = reason


def walk(
    train: Train,
    boundary_gradients: tuple[Tensor | None, ...],
    ensemble: Ensemble,
    read: Callable[[Passage], None],
    seed: int = 0,
) -> None:
    """Send the ray through the train and hand each visible element's passage to `read`, in order.

    Float inputs enter as they are, the same in every replica, with an isotropic tangent of mean square 1 for
    each; where only integers enter, the tangent starts at the embeddings. Backwards the recorded loss
    gradient at the boundary enters, turned at random among the units.
    """
    last_use = {i: e.index for e in train.elements for i in e.inputs}
    # Batch normalisation has a law for the samples that no probe follows.
    coupled = {e.index for e in couplings(train) if e.operation != "batch_norm"}
    partial = coupled if ensemble.samples > train.samples else set()
    ray = _Ray(train, ensemble, {}, {}, {}, last_use, repetitions(train, seed), partial)
    visible = {e.index for e in train.visible()}
    last = max((train.values[v].producer or 0 for v in train.boundary), default=len(train.elements))
    passed: list[tuple[Element, int]] = []
    with (
        torch.random.fork_rng(devices=[]),
        torch.enable_grad(),
        # The fused attention kernels carry no tangents.
        sdpa_kernel(SDPBackend.MATH),
    ):
        torch.manual_seed(stream_seed("walk", seed))
        with forward.dual_level():
            for index in train.inputs:
                if train.values[index].is_signal:
                    _launch(ray, index)
            for element in train.before_loss():
                if element.index > last:
                    break
                if not any(train.values[o].is_signal for o in element.outputs):
                    continue
                _step(ray, element)
                output = train.signal_output(element)
                if element.index in visible and output is not None:
                    passed.append((element, output.index))
            tangents = {i: t.detach() for i, c in ray.clouds.items() if (t := _tangent(c)) is not None}
        # Outside of the level, the backward pass does not differentiate itself.
        gradients = _backward(ray, boundary_gradients, [ray.clouds[i] for _, i in passed])
        with torch.no_grad():
            for (element, _), gradient in zip(passed, gradients, strict=True):
                read(_passage(ray, element, tangents, gradient))


def _launch(ray: _Ray, index: int) -> None:
    content = ray.train.values[index].tensor
    assert content is not None
    cloud = content.float().expand(ray.ensemble.replicas, *content.shape).clone().requires_grad_()
    ray.clouds[index] = forward.make_dual(cloud, ray.ensemble.normal(*cloud.shape))


def _step(ray: _Ray, element: Element) -> None:
    train = ray.train
    signals = train.signal_inputs(element)
    try:
        clouds = propagate(element, train, ray.cloud, ray.ensemble_at(element))
        for index, cloud in zip(element.outputs, clouds, strict=True):
            expected = (ray.ensemble.replicas, *train.values[index].shape)
            if tuple(cloud.shape) != expected:
                raise NoLawError(
                    f"{element.operation}: how much comes out depends on the data "
                    f"({tuple(cloud.shape)[1:]} here, {expected[1:]} recorded)"
                )
            if not signals and cloud.is_floating_point():  # an embedding of integers: the signal starts here
                cloud = forward.make_dual(cloud.clone().requires_grad_(), ray.ensemble.normal(*cloud.shape))
            ray.clouds[index] = cloud
    except (NoLawError, RuntimeError, NotImplementedError, ValueError, TypeError, IndexError) as error:
        reason = (
            str(error) if isinstance(error, NoLawError) else f"{element.operation}: {_in_words(str(error))}"
        )
        incoming = next((t for i in signals if (t := _tangent(ray.cloud(i))) is not None), None)
        for index in element.outputs:
            ray.restart(index, f"{reason}; the ray goes on from recorded values", incoming)
        _block(ray, signals, f"no gradient comes back through {element.where}: {reason}")
        return
    inherited = next((ray.outside[i] for i in signals if i in ray.outside), "")
    if inherited:
        text = (
            inherited
            if inherited.startswith("after ")
            else f"after {train_place(train, signals, ray)}: {inherited}"
        )
        for index in element.outputs:
            ray.outside[index] = text
    elif element.index in ray.partial:
        for index in element.outputs:
            ray.outside[index] = f"statistics over a batch of which the ray follows {train.samples} samples"
    elif (twin := ray.repetitions.transposed.get(element.index)) is not None:
        reason = f"its weights are those of {twin.where}, which its input depends on"
        for index in element.outputs:
            ray.outside[index] = reason
        if twin.operation not in ("embedding", "embedding_bag"):  # x comes back as WᵀW x
            _block(ray, signals, f"no gradient comes back through {element.where}: {reason}")
        else:  # rows of the embedding come back, which the stream is made of
            for index in _scales(train):
                ray.behind.setdefault(
                    index, f"the gradient of a scale, where {element.where} is tied to {twin.where}"
                )


def _scales(train: Train) -> set[int]:
    """Values of one unit, such as the mean square of a norm written by hand, and those that go into such alone."""
    used: dict[int, list[int]] = defaultdict(list)
    for element in train.before_loss():
        for index in element.inputs:
            used[index] += element.outputs
    found: set[int] = set()
    for value in reversed(train.values):
        into = used[value.index]
        if (len(value.shape) > 2 and value.shape[-1] == 1) or (into and found.issuperset(into)):
            found.add(value.index)
    return found


def _in_words(error: str) -> str:
    """What torch complains of, where it is a known limit of its transformations of functions."""
    return next((words for sign, words in _LIMITS.items() if sign in error), error.splitlines()[0])


_LIMITS = {
    "Trying to use forward AD": "torch has no forward derivative of it",
    "dynamic shape": "how much comes out of it depends on the data",
    ".item()": "it reads numbers off the signal",
}


def _block(ray: _Ray, values: list[int], reason: str) -> None:
    """Mark what lies before: its gradient lacks a part."""
    waiting = list(values)
    while waiting:
        index = waiting.pop()
        if index in ray.behind:
            continue
        ray.behind[index] = reason
        producer = ray.train.values[index].producer
        if producer is not None:
            waiting += ray.train.signal_inputs(ray.train.elements[producer])


def train_place(train: Train, signals: list[int], ray: _Ray) -> str:
    """The place of the element whose output first left the regime among `signals`."""
    index = next(i for i in signals if i in ray.outside)
    producer = train.values[index].producer
    return "the input" if producer is None else str(train.elements[producer].where)


def _tangent(cloud: Tensor) -> Tensor | None:
    return forward.unpack_dual(cloud).tangent if cloud.is_floating_point() else None


def _backward(
    ray: _Ray, boundary_gradients: tuple[Tensor | None, ...], passed: list[Tensor]
) -> list[Tensor | None]:
    ends, seeds = [], []
    for index, gradient in zip(ray.train.boundary, boundary_gradients, strict=False):
        end, value = ray.clouds.get(index), ray.train.values[index].tensor
        if gradient is not None and end is not None and end.requires_grad:
            units = unit_axis(ray.train, index)
            ends.append(end)
            seeds.append(_boundary(gradient.detach().float(), end.detach(), value, units, ray.ensemble))
    if not ends:
        return [None] * len(passed)
    wanted = [c for c in passed if c.requires_grad]
    found = iter(torch.autograd.grad(ends, wanted, seeds, allow_unused=True))
    return [next(found) if c.requires_grad else None for c in passed]


def _boundary(
    gradient: Tensor, cloud: Tensor, value: Tensor | None, units: int, ensemble: Ensemble
) -> Tensor:
    """The recorded gradient δ on the cloud, of the recorded size at each site.

    Of many units, δ is put at the recorded angle to the output at each site, and turned at random otherwise. Of few,
    at many sites, such angles are a matter of chance, and would hide what the sites have in common: of δ = α y + δ′,
    with ⟨y·δ′⟩ = 0 over all sites, the part along the output y stays along that of the cloud; δ′ is turned, at all
    sites alike.
    """
    if value is None or value.shape != gradient.shape or gradient.ndim < 2:
        return _turned(gradient, units, ensemble)
    v = value.detach().float()
    length, direction = _unit(gradient, units)
    n = gradient.shape[units]
    if n <= _FEW_UNITS and gradient.numel() >= _MANY_SITES * n**2:
        square = v.square().sum()
        α = (gradient * v).sum() / torch.where(square > 0, square, 1.0)
        return length * _unit(α * cloud + _turned(gradient - α * v, units, ensemble), units + 1)[1]
    _, output = _unit(v, units)
    _, axis = _unit(cloud, units + 1)
    cosine = (direction * output).sum(units, keepdim=True).clamp(-1, 1)
    across = _turned(direction - cosine * output, units, ensemble)
    across = across - (across * axis).sum(units + 1, keepdim=True) * axis
    return length * (cosine * axis + (1 - cosine.square()).sqrt() * _unit(across, units + 1)[1])


_FEW_UNITS = 16
_MANY_SITES = 4
"""Sites for each unit from which they may have something in common."""


def _unit(x: Tensor, units: int) -> tuple[Tensor, Tensor]:
    """Lengths along the axis of the units, and vectors of length one (zero where they vanish)."""
    length = torch.linalg.vector_norm(x, dim=units, keepdim=True)
    return length, x / torch.where(length > 0, length, 1.0)


def _turned(gradient: Tensor, units: int, ensemble: Ensemble) -> Tensor:
    """The gradient in every replica, with its units turned at random."""
    cloud = gradient.expand(ensemble.replicas, *gradient.shape)
    if gradient.ndim < 2:
        return cloud * ensemble.signs(ensemble.replicas, *(1,) * gradient.ndim)
    last = cloud.movedim(units + 1, -1)
    rotation = Rotation.draw(ensemble.replicas, last.shape[-1], ensemble)
    return rotation.turn(last.flatten(1, -2)).reshape(last.shape).movedim(-1, units + 1)


def _passage(ray: _Ray, element: Element, tangents: dict[int, Tensor], gradient: Tensor | None) -> Passage:
    signals = [i for i in ray.train.signal_inputs(element) if ray.train.values[i].is_float]
    output = ray.train.signal_output(element)
    assert output is not None
    if element.operation == "scaled_dot_product_attention":  # query, key and value, be one of them learned
        attended = [_of_each(ray, i) for i in element.inputs[:3]]
    else:
        attended = [ray.clouds[i] for i in signals]
    return Passage(
        element,
        tuple(cloud.detach() for cloud in attended),
        ray.clouds[output.index].detach(),
        _mask(ray, element),
        next((tangents[i] for i in signals if i in tangents), None),
        tangents.get(output.index),
        gradient,
        ray.outside.get(output.index, ""),
        ray.behind.get(output.index, ray.outside.get(output.index, "")),
        unit_axis(ray.train, output.index),
    )


def _of_each(ray: _Ray, index: int) -> Tensor:
    """The cloud of a value, or a constant handed to each replica."""
    content = ray.cloud(index)
    if ray.train.values[index].is_signal:
        return content
    return content.expand(ray.ensemble.replicas, *content.shape)


def _mask(ray: _Ray, element: Element) -> Tensor | None:
    """The attention mask, where the element takes one that does not depend on the signal."""
    found = element.kwargs.get("attn_mask", element.args[3] if len(element.args) > 3 else None)
    if not isinstance(found, Ref) or ray.train.values[found.value].is_signal:
        return None
    return constant(ray.train, found.value)
