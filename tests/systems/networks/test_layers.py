"""Every kind of layer is read as an element of its family, in the precision that it ran in."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lensmaker.systems.networks import Family, Origin, record
from lensmaker.systems.networks.weights import weights_of
from systems.networks.architectures import Applied, build

ACTIVATIONS = {
    "relu": nn.ReLU(),
    "hardtanh": nn.ReLU6(),
    "leaky_relu": nn.LeakyReLU(),
    "prelu": nn.PReLU(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "celu": nn.CELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "logsigmoid": nn.LogSigmoid(),
    "hardswish": nn.Hardswish(),
    "hardsigmoid": nn.Hardsigmoid(),
    "hardshrink": nn.Hardshrink(),
    "softshrink": nn.Softshrink(),
    "tanhshrink": nn.Tanhshrink(),
    "threshold": nn.Threshold(0.1, 0.0),
    "glu": nn.GLU(),
    "softmax": nn.Softmax(-1),
    "log_softmax": nn.LogSoftmax(-1),
    "rrelu": nn.RReLU(),
}


@pytest.mark.parametrize("operation", ACTIVATIONS)
def test_every_activation_module_is_one_activation_element(operation: str) -> None:
    (e,) = record(ACTIVATIONS[operation], torch.randn(2, 4)).visible()
    assert (e.operation, e.family) == (operation, Family.ACTIVATION)


LAYERS: dict[str, tuple[nn.Module, tuple[int, ...], Family]] = {
    "conv1d": (nn.Conv1d(2, 4, 3), (2, 2, 8), Family.LINEAR),
    "conv2d": (nn.Conv2d(2, 4, 3, groups=2), (2, 2, 8, 8), Family.LINEAR),
    "conv3d": (nn.Conv3d(2, 4, 3), (2, 2, 5, 5, 5), Family.LINEAR),
    "conv_transpose1d": (nn.ConvTranspose1d(2, 4, 3), (2, 2, 8), Family.LINEAR),
    "conv_transpose2d": (nn.ConvTranspose2d(2, 4, 3), (2, 2, 8, 8), Family.LINEAR),
    "conv_transpose3d": (nn.ConvTranspose3d(2, 4, 3), (2, 2, 5, 5, 5), Family.LINEAR),
    "bilinear": (Applied(lambda m, x: m.f(x, x), f=nn.Bilinear(3, 3, 2)), (2, 3), Family.LINEAR),
    "batch_norm": (nn.BatchNorm2d(3), (4, 3, 2, 2), Family.NORMALISATION),
    "layer_norm": (nn.LayerNorm(3), (4, 3), Family.NORMALISATION),
    "group_norm": (nn.GroupNorm(2, 4), (4, 4, 3), Family.NORMALISATION),
    "instance_norm": (nn.InstanceNorm1d(4), (4, 4, 3), Family.NORMALISATION),
    "rms_norm": (nn.RMSNorm(3), (4, 3), Family.NORMALISATION),
    "local_response_norm": (nn.LocalResponseNorm(2), (4, 3, 2), Family.NORMALISATION),
    "dropout": (nn.Dropout(0.5), (4, 3), Family.DROPOUT),
    "dropout2d": (nn.Dropout2d(0.5), (4, 3, 2, 2), Family.DROPOUT),
    "alpha_dropout": (nn.AlphaDropout(0.5), (4, 3), Family.DROPOUT),
    "max_pool1d": (nn.MaxPool1d(2), (2, 2, 8), Family.POOLING),
    "max_pool2d": (nn.MaxPool2d(2, return_indices=True), (2, 2, 8, 8), Family.POOLING),
    "max_pool3d": (nn.MaxPool3d(2), (2, 2, 4, 4, 4), Family.POOLING),
    "avg_pool2d": (nn.AvgPool2d(2), (2, 2, 8, 8), Family.POOLING),
    "lp_pool2d": (nn.LPPool2d(2, 2), (2, 2, 8, 8), Family.POOLING),
    "adaptive_avg_pool2d": (nn.AdaptiveAvgPool2d(1), (2, 2, 8, 8), Family.POOLING),
    "adaptive_max_pool2d": (nn.AdaptiveMaxPool2d(1), (2, 2, 8, 8), Family.POOLING),
    "interpolate": (nn.Upsample(scale_factor=2), (2, 2, 4, 4), Family.POOLING),
    "cat": (Applied(lambda m, x: torch.cat([x, x], 1)), (2, 3), Family.MERGE),
    "stack": (Applied(lambda m, x: torch.stack([x, x])), (2, 3), Family.MERGE),
    "add": (Applied(lambda m, x: x + x), (2, 3), Family.MERGE),
    "mul": (Applied(lambda m, x: x * x), (2, 3), Family.MERGE),
    "where": (Applied(lambda m, x: torch.where(x > 0, x, 0.0)), (2, 3), Family.MERGE),
    "matmul": (Applied(lambda m, x: x @ x.mT), (2, 3, 3), Family.ATTENTION),
    "einsum": (Applied(lambda m, x: torch.einsum("bij,bkj->bik", x, x)), (2, 3, 3), Family.ATTENTION),
    "fft_rfft": (Applied(lambda m, x: torch.fft.rfft(x).abs()), (2, 8), Family.OTHER),
}


@pytest.mark.parametrize("operation", LAYERS)
def test_a_layer_is_read_as_one_element_of_its_family(operation: str) -> None:
    layer, shape, family = LAYERS[operation]
    train = record(layer, torch.randn(shape))
    e = next(e for e in train.elements if e.operation == operation)
    assert e.family is family
    if family is not Family.OTHER:
        assert operation in {v.operation for v in train.visible()}
        assert {v.family for v in train.visible()} == {family}


def test_embeddings_start_the_signal_where_only_integers_enter() -> None:
    train = record(nn.Embedding(5, 3), torch.tensor([[0, 4]]))
    (e,) = train.visible()
    assert (e.operation, e.family) == ("embedding", Family.LINEAR)
    assert train.values[e.outputs[0]].origin is Origin.SIGNAL


def test_products_with_a_parameter_are_linear_and_products_of_signals_are_not() -> None:
    w = nn.Linear(3, 3)
    x = torch.randn(2, 3, 3)
    spellings = [
        lambda m, x: x @ m.w.weight,
        lambda m, x: m.w.weight @ x,
        lambda m, x: torch.einsum("bij,kj->bik", x, m.w.weight),
        lambda m, x: torch.addmm(m.w.bias, x[0], m.w.weight),
        lambda m, x: torch.bmm(x, m.w.weight.expand(2, 3, 3)),
    ]
    for spelling in spellings:
        (e,) = record(Applied(spelling, w=w), x).visible()
        assert e.family is Family.LINEAR, e.operation


@pytest.mark.parametrize("learned", ["mask", "queries"])
def test_attention_with_learned_parts_is_attention(learned: str) -> None:
    def attend(m: Any, x: Tensor) -> Tensor:
        if learned == "mask":
            return F.scaled_dot_product_attention(x, x, x, m.w.weight)
        return F.scaled_dot_product_attention(m.w.weight.expand(2, 4, 3, 3), x, x)

    (e,) = record(Applied(attend, w=nn.Linear(3, 3)), torch.randn(2, 4, 3, 3)).visible()
    assert e.family is Family.ATTENTION


def test_a_product_with_learned_queries_of_each_sample_is_attention() -> None:
    def attend(m: Any, x: Tensor) -> Tensor:
        return m.w.weight.expand(2, 4, 3, 3) @ x.mT

    train = record(Applied(attend, w=nn.Linear(3, 3)), torch.randn(2, 4, 3, 3))
    (e,) = train.visible()
    assert e.family is Family.ATTENTION
    assert weights_of(e, train) is None


def test_tensors_made_in_the_shape_of_the_signal_carry_no_signal() -> None:
    model = Applied(lambda m, x: x + torch.randn_like(x) * torch.ones_like(x) + x.new_zeros(3))
    assert [str(e.where) for e in record(model, torch.randn(2, 3)).visible()] == ["add", "add#1"]


def test_what_takes_the_type_or_shape_of_the_signal_alone_carries_no_signal() -> None:
    def cast(m: Any, x: Tensor) -> Tensor:
        table = m.w.weight.type_as(x).to(x)
        return x + table.expand_as(x)

    train = record(Applied(cast, w=nn.Linear(3, 2)), torch.randn(2, 3))
    assert [str(e.where) for e in train.visible()] == ["add"]
    (e,) = train.visible()
    assert [v.parameters for v in train.weight_inputs(e)] == [{"w.weight"}]


def test_dropout_in_training_is_the_same_for_the_same_seed() -> None:
    model = nn.Sequential(nn.Dropout(0.5))
    x = torch.ones(4, 100)
    first, again, other = (record(model, x, seed=s).values[-1].tensor for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_complex_batches_are_signals() -> None:
    model = Applied(lambda m, x: m.w(torch.view_as_real(x).flatten(1)), w=nn.Linear(6, 2))
    assert [str(e.where) for e in record(model, torch.randn(2, 3, dtype=torch.complex64)).visible()] == [
        "view_as_real",
        "w:linear",
    ]


# -- precision --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bfloat16", "float64", "autocast"])
def test_precision_is_recorded_as_it_ran(name: str) -> None:
    model, batch = build(name)
    train = record(model, batch)
    linears = [train.values[e.outputs[0]].dtype for e in train.visible() if e.operation == "linear"]
    assert set(linears) == {torch.float64 if name == "float64" else torch.bfloat16}


def test_autocast_around_the_call_is_repeated_by_replays() -> None:
    model = nn.Linear(8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        train = record(model, torch.randn(2, 8))
    (e,) = train.elements
    (again,) = e.replay(lambda i: train.values[i].tensor)
    assert again.dtype is torch.bfloat16
    assert torch.equal(again, train.values[e.outputs[0]].tensor)
