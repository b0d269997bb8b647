"""The canonical weights of a linear element do what the element did, and count its inputs and outputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from lensmaker.systems.networks import Element, Family, Train, record
from lensmaker.systems.networks.weights import Layout, Weights, weights_of
from systems.networks.architectures import Applied, Language, build


def only(model: nn.Module, x: Any) -> tuple[Train, Element, Weights]:
    train = record(model, x)
    found = [(train, e, w) for e in train.visible() if (w := weights_of(e, train)) is not None]
    assert len(found) == 1
    return found[0]


def matrix_product(w: Weights, x: Tensor) -> Tensor:
    """y = W x + b as the docstring of `Weights` defines it, for layouts without spatial axes."""
    blocks = w.weight.unflatten(0, (w.groups, -1))
    blocks = blocks[0] if w.groups == 1 else blocks
    if w.layout is Layout.ROWS:
        y = blocks @ x
    else:
        y = (x.unsqueeze(-2) @ blocks.mT).squeeze(-2) if blocks.ndim == 2 else x @ blocks.mT
    return y if w.bias is None else y + w.bias


WEIGHT = nn.Linear(4, 4)
STACK = nn.ParameterList([torch.randn(3, 4, 5)])

MATRICES: dict[str, tuple[nn.Module, tuple[int, ...], Layout, tuple[int, int]]] = {
    "linear": (nn.Linear(4, 5), (2, 4), Layout.LAST, (4, 5)),
    "linear without bias, deep": (nn.Linear(4, 5, bias=False), (2, 3, 4), Layout.LAST, (4, 5)),
    "linear by keywords": (
        Applied(lambda m, x: F.linear(x, bias=m.w.bias, weight=m.w.weight), w=WEIGHT),
        (2, 4),
        Layout.LAST,
        (4, 4),
    ),
    "x @ W": (Applied(lambda m, x: x @ m.w.weight, w=WEIGHT), (2, 4), Layout.LAST, (4, 4)),
    "x.mm(W)": (Applied(lambda m, x: x.mm(m.w.weight), w=WEIGHT), (2, 4), Layout.LAST, (4, 4)),
    "W @ x": (Applied(lambda m, x: m.w.weight @ x, w=WEIGHT), (4, 2), Layout.ROWS, (4, 4)),
    "W @ vector": (Applied(lambda m, x: m.w.weight @ x, w=WEIGHT), (4,), Layout.LAST, (4, 4)),
    "matmul by keywords": (
        Applied(lambda m, x: torch.matmul(input=x, other=m.w.weight), w=WEIGHT),
        (2, 4),
        Layout.LAST,
        (4, 4),
    ),
    "addmm": (
        Applied(lambda m, x: torch.addmm(m.w.bias, x, m.w.weight, beta=2, alpha=3), w=WEIGHT),
        (2, 4),
        Layout.LAST,
        (4, 4),
    ),
    "addmm from the left": (
        Applied(lambda m, x: torch.addmm(m.w.bias, m.w.weight, x), w=WEIGHT),
        (4, 4),
        Layout.ROWS,
        (4, 4),
    ),
    "bmm": (Applied(lambda m, x: torch.bmm(x, m.p[0]), p=STACK), (3, 2, 4), Layout.LAST, (4, 5)),
    "bmm from the left": (
        Applied(lambda m, x: torch.bmm(m.p[0], x), p=STACK),
        (3, 5, 2),
        Layout.ROWS,
        (5, 4),
    ),
}


@pytest.mark.parametrize("case", MATRICES)
def test_a_matrix_does_what_the_element_did(case: str) -> None:
    model, shape, layout, (fan_in, fan_out) = MATRICES[case]
    x = torch.randn(shape)
    _, e, w = only(model, x)
    assert (w.layout, w.fan_in, w.fan_out) == (layout, fan_in, fan_out)
    assert e.family is Family.LINEAR
    assert torch.allclose(matrix_product(w, x), model(x), atol=1e-6)


EINSUMS = {
    "bti,io->bto": ((2, 3, 4), (4, 5), 1),
    "bti,oi->bto": ((2, 3, 4), (5, 4), 1),
    "bti,hio->bhto": ((2, 3, 4), (6, 4, 5), 1),
    "gnd,gdo->gno": ((3, 2, 4), (3, 4, 5), 3),
    "...d, do -> ...o": ((2, 3, 4), (4, 5), 1),
    "bi,io": ((2, 4), (4, 5), 1),
    "bij,ijo->bo": ((2, 3, 4), (3, 4, 5), 1),
}


@pytest.mark.parametrize("first", ["signal", "weight"])
@pytest.mark.parametrize("equation", EINSUMS)
def test_an_einsum_with_a_parameter(equation: str, first: str) -> None:
    shape, of_weight, groups = EINSUMS[equation]
    swapped = equation
    if first == "weight":
        terms, arrow, result = equation.partition("->")
        swapped = ",".join(reversed(terms.split(","))) + arrow + result
    parameter = nn.ParameterList([torch.randn(of_weight)])
    arguments = (lambda m, x: (x, m.p[0])) if first == "signal" else (lambda m, x: (m.p[0], x))
    x = torch.randn(shape)
    model = Applied(lambda m, x: torch.einsum(swapped, *arguments(m, x)), p=parameter)
    train, _e, w = only(model, x)
    assert (w.layout, w.groups, w.signal) == (Layout.LABELS, groups, train.inputs[0])
    # For inputs of unit variance a row's sum of squares is the variance of its output.
    variances = torch.einsum(equation, torch.ones(shape), parameter[0].detach() ** 2)
    of_rows = (w.weight.detach() ** 2).sum(1)
    first_sample = variances.flatten().sort().values[:: variances.numel() // len(of_rows)]
    assert torch.allclose(first_sample, of_rows.sort().values)
    assert w.weight.shape[1] == w.fan_in


def test_an_einsum_without_contraction_has_no_weights() -> None:
    model = Applied(lambda m, x: torch.einsum("bi,i->bi", x, m.w.bias), w=WEIGHT)
    train = record(model, torch.randn(2, 4))
    assert weights_of(train.elements[0], train) is None


CONVOLUTIONS: dict[str, tuple[nn.Module, tuple[int, ...], float, float]] = {
    "conv1d": (nn.Conv1d(4, 6, 3, 2, 1), (2, 4, 9), 12, 9),
    "conv2d, dilated": (nn.Conv2d(3, 4, (3, 2), dilation=(2, 1), padding=(1, 0)), (2, 3, 9, 8), 18, 24),
    "depthwise": (nn.Conv2d(4, 4, 3, groups=4), (2, 4, 6, 6), 9, 9),
    "grouped": (nn.Conv2d(4, 6, 3, stride=2, groups=2), (2, 4, 6, 6), 18, 6.75),
    "same": (nn.Conv2d(2, 3, (3, 5), padding="same"), (2, 2, 6, 6), 30, 45),
    "same, even": (nn.Conv1d(2, 3, 4, padding="same"), (2, 2, 6), 8, 12),
    "valid": (nn.Conv1d(2, 3, 3, padding="valid"), (2, 2, 6), 6, 9),
    "conv3d": (nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4), 16, 24),
    "unbatched": (nn.Conv1d(4, 6, 3), (4, 9), 12, 18),
    "transposed 1d": (nn.ConvTranspose1d(4, 6, 3, 2, padding=1), (2, 4, 5), 6, 18),
    "transposed 2d": (
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        (2, 4, 5, 5),
        4.5,
        27,
    ),
    "transposed 2d, dilated": (nn.ConvTranspose2d(3, 2, (2, 3), dilation=(1, 2)), (2, 3, 4, 4), 18, 12),
    "transposed 3d": (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 3, 3), 2, 24),
}


def convolve(w: Weights, x: Tensor) -> Tensor:
    """The direct convolution that the docstring of `Weights` promises."""
    axes = len(w.kernel)
    convolution = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[axes]
    padding = list(w.padding)
    stride = w.stride
    if w.transposed:
        spread = x.new_zeros(
            *x.shape[:-axes], *((n - 1) * s + 1 for n, s in zip(x.shape[-axes:], stride, strict=True))
        )
        spread[(..., *(slice(None, None, s) for s in stride))] = x
        x, stride = spread, (1,) * axes
        reach = [d * (k - 1) for k, d in zip(w.kernel, w.dilation, strict=True)]
        padding = [
            (r - a, r - b + extra) for r, (a, b), extra in zip(reach, padding, w.output_padding, strict=True)
        ]
    x = F.pad(x, [p for side in reversed(padding) for p in side])
    return convolution(x, w.weight, w.bias, stride, 0, w.dilation, w.groups)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_a_convolution_is_a_direct_one_with_these_weights(case: str) -> None:
    model, shape, fan_in, fan_out = CONVOLUTIONS[case]
    x = torch.randn(shape)
    _, _, w = only(model, x)
    assert torch.allclose(convolve(w, x), model(x), atol=1e-5)
    assert (w.layout, w.fan_in, w.fan_out) == (Layout.CHANNELS, fan_in, fan_out)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_the_mean_fan_in_and_fan_out_are_those_of_the_dense_matrix(case: str) -> None:
    """Counted on the non-zero entries of the Jacobian, away from the border."""
    model, shape, fan_in, fan_out = CONVOLUTIONS[case]
    size = 24
    x = torch.zeros(
        1, shape[0 if case == "unbatched" else 1], *(size,) * len(only(model, torch.randn(shape))[2].kernel)
    )
    axes = x.ndim - 2
    if axes == 3:
        x = x[..., :12, :12, :12].clone()
    ones = torch.nn.utils.skip_init(
        type(model),
        **{
            name: getattr(model, name)
            for name in (
                "in_channels",
                "out_channels",
                "kernel_size",
                "stride",
                "padding",
                "dilation",
                "groups",
            )
        },
        **({"output_padding": model.output_padding} if "transposed" in case else {}),
    )
    nn.init.ones_(ones.weight)
    nn.init.zeros_(ones.bias)
    inside = (slice(None), slice(None), *(slice(n // 4, n // 4 + n // 2) for n in x.shape[2:]))
    x.requires_grad_()
    y = ones(x)
    (by_input,) = torch.autograd.grad(y.sum(), x)
    assert float(by_input[inside].mean()) == pytest.approx(fan_out)
    y = ones(torch.ones_like(x)).detach()
    middle = (
        slice(None),
        slice(None),
        *(slice(n // 4 // 2 * 2, n // 4 // 2 * 2 + n // 2 // 2 * 2) for n in y.shape[2:]),
    )
    assert float(y[middle].mean()) == pytest.approx(fan_in)


def test_embeddings_look_up_columns() -> None:
    model = nn.Embedding(7, 3)
    ids = torch.tensor([[0, 6, 2]])
    train, _, w = only(model, ids)
    assert (w.layout, w.fan_in, w.fan_out, w.signal) == (Layout.LOOKUP, 1, 1, train.inputs[0])
    assert torch.equal(w.weight.T[ids], model(ids))


def test_effective_weights_are_those_after_parametrisation() -> None:
    layer = parametrizations.weight_norm(nn.Linear(4, 5))
    nn.init.constant_(layer.parametrizations.weight.original0, 2.0)
    _, _, w = only(layer, torch.randn(2, 4))
    assert torch.allclose(w.weight.norm(dim=1), torch.full((5,), 2.0))


def test_products_of_signals_and_recurrent_layers_have_no_weights() -> None:
    for name in ("lstm", "attention, weights asked"):
        model, batch = build(name)
        train = record(model, batch)
        for e in train.visible():
            assert (weights_of(e, train) is None) == (e.family is not Family.LINEAR)


def test_weights_or_biases_that_the_input_makes_are_refused() -> None:
    hyper = Applied(lambda m, x: F.linear(x, m.w(x)[:1].expand(3, 4), None), w=WEIGHT)
    biased = Applied(lambda m, x: torch.addmm(m.w(x), x, m.w.weight), w=WEIGHT)
    for model in (hyper, biased):
        train = record(model, torch.randn(3, 4))
        assert [weights_of(e, train) is None for e in train.visible()][-1]


def test_a_light_train_knows_the_weights_too() -> None:
    train = record(Language(), torch.randint(11, (2, 4)), keep=False)
    assert [e.operation for e in train.visible() if weights_of(e, train) is not None] == [
        "embedding",
        "linear",
        "linear",
    ]
