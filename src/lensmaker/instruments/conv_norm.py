"""The true norm of a linear element: of the map it is on its real input, not of its reshaped kernel."""

from __future__ import annotations

import torch

from lensmaker.core import Convergence
from lensmaker.numerics.lanczos import LargestSingularValue, LinearMap, largest_singular_value
from lensmaker.systems.networks import Element, Train
from lensmaker.systems.networks.train import Ref
from lensmaker.systems.networks.weights import Weights, named_arguments


def operator_norm(
    element: Element,
    train: Train,
    weights: Weights,
    *,
    tolerance: float = 1e-2,
    iterations: int = 200,
    generator: torch.Generator | None = None,
) -> LargestSingularValue:
    r"""Largest singular value of x ↦ W x on one sample of the real input size.

    A matrix, and a convolution whose patches do not overlap, need no iteration: the norm is the largest
    one of a group's block. Any other convolution is iterated with its real stride, padding, dilation
    and groups; its adjoint is its vector–Jacobian product. The circular or reflecting padding that a
    convolution module applies before belongs to the map.

    Parameters
    ----------
    element, train, weights
        The element, its train, and what `weights_of` reads there.
    tolerance, iterations
        Relative error at which the iteration stops, and its limit.
    generator
        For the random start.

    References
    ----------
    H. Sedghi, V. Gupta, P. M. Long, ICLR 2019, arXiv:1805.10408, for why the reshaped kernel is not enough.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.systems.networks.weights import weights_of
    >>> conv = torch.nn.Conv1d(1, 1, 3, padding=1, bias=False)
    >>> _ = torch.nn.init.ones_(conv.weight)
    >>> train = record(conv, torch.ones(1, 1, 50))
    >>> found = operator_norm(train.elements[0], train, weights_of(train.elements[0], train), tolerance=1e-5)
    >>> round(found.value, 4)  # 1 + 2 cos(π/51), where the reshaped kernel has √3
    2.9962
    """
    if patches_are_disjoint(weights):
        blocks = weights.weight.detach().double().reshape(weights.groups, -1, weights.weight[0].numel())
        return LargestSingularValue(float(torch.linalg.matrix_norm(blocks, ord=2).max()), 0.0, 0, True)
    apply, adjoint, shape = _maps(element, train, weights)
    start = torch.randn(shape, generator=generator, dtype=torch.float64).to(
        weights.weight.device, _dtype(weights)
    )
    return largest_singular_value(apply, adjoint, start, tolerance=tolerance, iterations=iterations)


def convergence_of(found: LargestSingularValue) -> Convergence:
    """The state of the iteration as a measurement tells it."""
    return Convergence.CONVERGED if found.converged else Convergence.ITERATION_LIMIT


def patches_are_disjoint(weights: Weights) -> bool:
    """Whether no input is seen by two outputs, and none of a patch is padding: the matrix is the map."""
    extents = (d * (k - 1) + 1 for d, k in zip(weights.dilation, weights.kernel, strict=True))
    apart = all(s >= e for s, e in zip(weights.stride, extents, strict=True))
    return apart and not weights.transposed and not any(map(any, weights.padding))


def _dtype(weights: Weights) -> torch.dtype:
    return torch.float64 if weights.weight.dtype == torch.float64 else torch.float32


def _maps(element: Element, train: Train, weights: Weights) -> tuple[LinearMap, LinearMap, tuple[int, ...]]:
    """The map x ↦ W x on one sample, its adjoint, and the shape of x."""
    chain, source = [element], weights.signal
    producer = train.values[source].producer
    if producer is not None:
        before = train.elements[producer]
        if before.operation == "pad" and before.where.path == element.where.path:
            chain, source = [before, element], before.inputs[0]
    bias = named_arguments(element, "input weight bias").get("bias")
    unbatched = len(train.values[source].shape) == len(weights.kernel) + 1
    shape = train.values[source].shape if unbatched else (1, *train.values[source].shape[1:])

    def forward(x: torch.Tensor) -> torch.Tensor:
        values = {source: x}

        def resolve(index: int) -> torch.Tensor | None:
            if index in values:
                return values[index]
            content = train.values[index].tensor
            if content is None or (isinstance(bias, Ref) and index == bias.value):
                return None
            return content.to(_dtype(weights)) if content.is_floating_point() else content

        for link in chain:
            values[link.outputs[0]] = link.replay(resolve)[0]
        return values[chain[-1].outputs[0]]

    def apply(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return forward(x)

    # The map is linear: its graph, built once, serves every vector–Jacobian product.
    with torch.enable_grad():
        origin = torch.zeros(shape, dtype=_dtype(weights), device=weights.weight.device, requires_grad=True)
        image = forward(origin)

    def adjoint(u: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(image, origin, u, retain_graph=True)[0]

    return apply, adjoint, shape
