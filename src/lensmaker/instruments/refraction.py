"""How one element bends tangent vectors: δy = (∂y/∂x) δx, about the values it was recorded with."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import torch
import torch.autograd.forward_ad as forward
from torch.nn.attention import SDPBackend, sdpa_kernel

from lensmaker.systems.networks import Element, Family, Train
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS

Tangents = list[torch.Tensor]
"""K tangent vectors at one value."""

Ray = list[Any]
"""One tangent for each output of an element, None where the derivative vanishes identically."""

FAILURES = (RuntimeError, NotImplementedError, TypeError, ValueError)
"""What an element may raise that cannot be run on tangents."""

# fmt: off
_PROPORTIONAL = frozenset([
    "view", "reshape", "view_as", "reshape_as", "permute", "transpose", "swapaxes", "t", "T", "mT", "movedim",
    "flatten", "unflatten", "squeeze", "unsqueeze", "expand", "expand_as", "chunk", "split", "unbind",
    "narrow", "select", "contiguous", "clone", "getitem", "roll", "flip", "mul", "mean", "sum",
    "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
])
_SUMS = frozenset(["add", "sub", "cat", "stack"])
# fmt: on


def refract(
    train: Train, element: Element, incoming: dict[int, Tangents], seed: int = 0
) -> dict[int, Tangents]:
    """Tangents at the outputs of one element; those whose derivative vanishes identically are left out.

    A proportional map acts on tangents as on values, an affine one without its bias, or by f(δ) − f(0); what has
    a symmetric Jacobian, such as a function of each unit, passes them backwards. All else is differentiated in
    forward mode or, where torch has no formula for that, by a symmetric difference in double precision.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        The element's own, if it cannot be run again in any of these ways.
    """
    rays: list[Ray] = []
    for way in (_by_law, _by_differentiation, _by_difference_in_double, _by_difference):
        try:
            rays = way(train, element, incoming, seed + element.index)
        except FAILURES:
            if way is _by_difference:
                raise
        if rays:
            break
    return {
        value: [ray[position] for ray in rays]
        for position, value in enumerate(element.outputs)
        if rays[0][position] is not None
    }


def _by_law(train: Train, element: Element, incoming: dict[int, Tangents], seed: int) -> list[Ray]:
    """Where the derivative is known by the kind of element; no rays where it is not."""
    if element.operation in _SUMS and len(element.inputs) > 1 and set(element.inputs) == set(incoming):
        return [_replayed(train, element, tangents, seed) for tangents in _one_by_one(incoming)]
    if len(incoming) != 1 or element.inputs.count(source := next(iter(incoming))) != 1:
        return []
    tangents = incoming[source]
    if element.operation in _PROPORTIONAL:
        return [_replayed(train, element, {source: t}, seed) for t in tangents]
    symmetric = element.operation in ELEMENTWISE_ACTIVATIONS or element.operation == "batch_norm"
    if (symmetric or element.family is Family.DROPOUT) and source == element.inputs[0]:
        return _by_symmetry(train, element, source, tangents, seed)
    if element.family is Family.LINEAR and train.signal_inputs(element) == [source]:
        linear = _without_bias(element)
        if linear is not None:
            return [_replayed(train, linear, {source: t}, seed) for t in tangents]
        (zero,) = _replayed(train, element, {source: torch.zeros_like(tangents[0])}, seed)
        # Brought to order one, the tangents do not drown in the bias.
        sizes = [float(t.abs().max()) for t in tangents]
        return [
            [(_replayed(train, element, {source: t / (size or 1.0)}, seed)[0] - zero) * size]
            for t, size in zip(tangents, sizes, strict=True)
        ]
    return []


def _without_bias(element: Element) -> Element | None:
    """The linear part of an affine element; None where it is not told how to leave out the bias."""
    if len(element.inputs) == 2:
        return element
    if element.operation != "linear" and not element.operation.startswith("conv"):
        return None
    args = tuple(None if place == 2 else a for place, a in enumerate(element.args))
    return replace(element, args=args, kwargs={**element.kwargs, **({"bias": None} if len(args) < 3 else {})})


def _by_symmetry(train: Train, element: Element, source: int, tangents: Tangents, seed: int) -> list[Ray]:
    """Functions of each unit, and batch normalisation: backwards they pass a tangent as they do forwards.

    Their Jacobian is diagonal; or γ/σ (1 − 1ᵀ1/n − x̂ᵀx̂/n) in each channel, n its entries and x̂ what leaves it but
    for γ and β. No rays where the function has no derivative, or changes the shape.
    """
    with torch.enable_grad():
        x = content(train, source).detach().requires_grad_()
        (y, *_) = _replayed(train, element, {source: x}, seed)
        if not y.requires_grad or y.shape != x.shape or y.dtype != x.dtype:
            return []
        return [[torch.autograd.grad(y, x, t, retain_graph=True)[0]] for t in tangents]


def _by_differentiation(
    train: Train, element: Element, incoming: dict[int, Tangents], seed: int
) -> list[Ray]:
    rays = []
    # Of the implementations of attention, only the plain one has a forward derivative.
    with forward.dual_level(), sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings():
        # torch compiles decompositions at the first use of forward mode, by a function that it deprecates
        warnings.filterwarnings("ignore", "`torch.jit.script", DeprecationWarning)
        for tangents in _one_by_one(incoming):
            duals = {i: forward.make_dual(content(train, i), t) for i, t in tangents.items()}
            outputs = _replayed(train, element, duals, seed)
            rays.append([forward.unpack_dual(y).tangent if _is_continuous(y) else None for y in outputs])
    return rays


def _by_difference_in_double(
    train: Train, element: Element, incoming: dict[int, Tangents], seed: int
) -> list[Ray]:
    return _by_difference(train, element, incoming, seed, torch.float64, 1e-5)


def _by_difference(
    train: Train,
    element: Element,
    incoming: dict[int, Tangents],
    seed: int,
    dtype: torch.dtype | None = None,
    step: float = 5e-3,
) -> list[Ray]:
    """(f(x + hδ) − f(x − hδ))/2h with h|δ| = `step`·|x|, which balances truncation and rounding."""
    here = {i: content(train, i) for i in element.inputs}
    if dtype is not None:
        here = {i: x.to(dtype) if x.is_floating_point() else x for i, x in here.items()}
    size = sum(float(here[i].square().sum()) for i in incoming) ** 0.5 or 1.0
    rays: list[Ray] = []
    for tangents in _one_by_one(incoming):
        length = sum(float(t.double().square().sum()) for t in tangents.values()) ** 0.5
        h = step * size / (length or 1.0)
        ends = []
        for sign in (h, -h):
            moved = {i: here[i] + sign * t.to(here[i].dtype) for i, t in tangents.items()}
            ends.append(_replayed(train, element, {**here, **moved}, seed))
        rays.append(
            [
                ((up - down) / (2 * h)).to(train.values[value].dtype) if up.is_floating_point() else None
                for value, up, down in zip(element.outputs, *ends, strict=True)
            ]
        )
    return rays


def _replayed(train: Train, element: Element, changed: dict[int, torch.Tensor], seed: int) -> list[Any]:
    # `torch.manual_seed` formats the stack of every call, to tell of it when CUDA wakes up.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    return element.replay(lambda i: changed[i] if i in changed else content(train, i))


def _one_by_one(incoming: dict[int, Tangents]) -> list[dict[int, torch.Tensor]]:
    count = len(next(iter(incoming.values())))
    return [{i: tangents[k] for i, tangents in incoming.items()} for k in range(count)]


def _is_continuous(y: torch.Tensor) -> bool:
    return y.is_floating_point() or y.is_complex()


def content(train: Train, index: int) -> torch.Tensor:
    """The kept content of a value.

    Raises
    ------
    ValueError
        If the train was recorded without contents.
    """
    tensor = train.values[index].tensor
    if tensor is None:
        raise ValueError(f"value {index} was not kept")
    return tensor
