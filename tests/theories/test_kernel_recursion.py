"""Kernels of whole networks against the exact recursions in NumPy, and against wide networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lensmaker
from exact import arccosine_kernel, arcsine_kernel, dense_conv_recursion, dense_conv_tangent
from exact.wide_networks import z_scores
from lensmaker.core import InputError
from lensmaker.systems.networks import Network
from lensmaker.theories.kernel_recursion import laws, recursion
from lensmaker.theories.kernel_recursion.kernels import kernels
from lensmaker.theories.kernel_recursion.learning import Parametrisation
from lensmaker.theories.kernel_recursion.theory import KernelRecursion

SIGMA_W, SIGMA_B = 1.4, 0.3
EXACT = {"rtol": 1e-10, "atol": 1e-12}


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def of_scale(module: Any, sigma_w: float = SIGMA_W, sigma_b: float = SIGMA_B) -> Any:
    """Weights and biases all of the root mean square asked for, of random signs."""
    module = module.double()
    weight, bias = module.weight.data, module.bias.data
    fan_in = weight[0].numel()
    weight.copy_(torch.randn_like(weight).sign() * sigma_w / math.sqrt(fan_in))
    bias.copy_(torch.randn_like(bias).sign() * sigma_b)
    return module


def dense(depth: int, act: Callable[[], nn.Module], inputs: int = 5, width: int = 8) -> nn.Sequential:
    layers: list[nn.Module] = [of_scale(nn.Linear(inputs, width))]
    for _ in range(depth - 1):
        layers += [act(), of_scale(nn.Linear(width, width))]
    return nn.Sequential(*layers)


def convolutions(strides: tuple[int, ...], channels: int = 2, kernel: int = 3) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for i, stride in enumerate(strides):
        conv = nn.Conv2d(8 if i else channels, 8, kernel, stride, padding=kernel // 2)
        layers += [of_scale(conv), nn.ReLU()]
    return layers[:-1]


@pytest.fixture
def x() -> Tensor:
    return torch.randn(7, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def images() -> Tensor:
    return torch.randn(3, 2, 4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


# -- against the exact recursions -------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 20])
def test_dense_relu(x: Tensor, depth: int) -> None:
    found = kernels(dense(depth, nn.ReLU), x)
    first = arccosine_kernel.first(x.numpy(), SIGMA_W, SIGMA_B)
    np.testing.assert_allclose(
        found.nngp, arccosine_kernel.recursion(first, depth, SIGMA_W, SIGMA_B)[-1], **EXACT
    )
    np.testing.assert_allclose(
        found.ntk, arccosine_kernel.tangent_recursion(first, depth, SIGMA_W, SIGMA_B)[-1], **EXACT
    )
    assert found.regime


def test_dense_erf(x: Tensor) -> None:
    found = kernels(dense(6, lambda: Function(torch.erf)), x)
    K = arccosine_kernel.first(x.numpy(), SIGMA_W, SIGMA_B)
    Θ = K
    for _ in range(5):
        χ = SIGMA_W**2 * arcsine_kernel.slope_moment(K)
        K = arcsine_kernel.layer(K, SIGMA_W, SIGMA_B)
        Θ = Θ * χ + K
    np.testing.assert_allclose(found.nngp, K, **EXACT)
    np.testing.assert_allclose(found.ntk, Θ, **EXACT)


@pytest.mark.parametrize("strides", [(1, 1, 1), (1, 2, 1)])
@pytest.mark.parametrize("pooled", [False, True], ids=["flattened", "pooled"])
def test_convolutions(images: Tensor, strides: tuple[int, ...], pooled: bool) -> None:
    net = [*convolutions(strides), nn.Flatten()]
    if pooled:
        net.insert(-1, nn.AdaptiveAvgPool2d(1))
    K, Θ = dense_conv_tangent.recursion(images.numpy(), strides, 3, SIGMA_W, SIGMA_B)
    sites = K.shape[1] * K.shape[2]
    readout = of_scale(nn.Linear(8 if pooled else 8 * sites, 4), 1.1, 0.2)
    found = kernels(nn.Sequential(*net, readout), images)
    read = dense_conv_recursion.pooled_readout if pooled else dense_conv_recursion.flatten_readout
    nngp = read(K, 1.1, 0.2)
    np.testing.assert_allclose(found.nngp, nngp, **EXACT)
    np.testing.assert_allclose(found.ntk, nngp + read(Θ, 1.1, 0.0), **EXACT)


@pytest.mark.parametrize("pooled", [False, True], ids=["flattened", "pooled"])
def test_each_kernel_stride_padding_and_dilation(pooled: bool) -> None:
    """After a convolution of one pixel, the covariance of another is that of the patches of the images."""
    images = torch.randn(3, 2, 9, 8, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    shape = {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 2), "dilation": (2, 1)}
    patches = nn.functional.unfold(images, **shape)  # (n, channels·offsets, positions)
    if pooled:
        patches = patches.mean(2, keepdim=True)
    Gram = torch.einsum("idp,jdp->ij", patches, patches) / patches[0].numel()
    net = [of_scale(nn.Conv2d(2, 8, 1), 1.2, 0.0), of_scale(nn.Conv2d(8, 8, **shape), 0.9, 0.5), nn.Flatten()]
    if pooled:
        net.insert(2, nn.AvgPool2d((4, 4)))
    found = kernels(nn.Sequential(*net), images)
    torch.testing.assert_close(found.nngp, 0.9**2 * 1.2**2 * Gram + 0.5**2, **EXACT)
    torch.testing.assert_close(found.ntk, 2 * 0.9**2 * 1.2**2 * Gram + 0.5**2, **EXACT)


def test_positions_in_many_slabs_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same kernels however the work is cut: 8 × 8 pixels in slabs of few rows, three pairs to a block."""
    images = torch.randn(5, 2, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    net = nn.Sequential(
        *convolutions((1, 2, 1)), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 1).double()
    )
    net.insert(6, of_scale(nn.Conv2d(8, 8, 3, padding=1)))
    whole = kernels(net, images)
    monkeypatch.setattr(laws, "GRAIN", 3000)
    monkeypatch.setattr(recursion, "GRAIN", 3000)
    monkeypatch.setattr(recursion, "_BLOCK_OF_POSITIONS", 3 * 64**2)
    for found in (kernels(net, images), kernels(net, images[:2], images)):
        torch.testing.assert_close(found.nngp, whole.nngp[: len(found.nngp)], **EXACT)
        torch.testing.assert_close(found.ntk, whole.ntk[: len(found.nngp)], **EXACT)


def test_two_batches_and_threads(x: Tensor) -> None:
    """(x1, x2) is the corner of the kernel of both; so are many blocks, on two threads or on one."""
    many = torch.randn(400, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    net = dense(4, nn.ReLU)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        whole = kernels(net, many)
        torch.set_num_threads(1)
        corner = kernels(net, many[:150], many[150:])
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(corner.nngp, whole.nngp[:150, 150:], **EXACT)
    torch.testing.assert_close(corner.ntk, whole.ntk[:150, 150:], **EXACT)
    assert torch.equal(whole.ntk, whole.ntk.T)
    without = kernels(net, many[:9], ntk=False)
    assert without.ntk is None
    torch.testing.assert_close(without.nngp, whole.nngp[:9, :9], **EXACT)


def test_equal_inputs_and_single_precision(x: Tensor) -> None:
    """A repeated input has the kernels of an input with itself; float32 keeps seven digits less the depth."""
    net = dense(20, nn.ReLU)
    twice = kernels(net, torch.cat([x, x]))
    torch.testing.assert_close(twice.ntk[:7, 7:], twice.ntk[:7, :7], **EXACT)
    single = kernels(net, x.float())
    assert single.nngp.dtype == torch.float32
    torch.testing.assert_close(single.nngp.double(), twice.nngp[:7, :7], rtol=1e-5, atol=0)
    torch.testing.assert_close(single.ntk.double(), twice.ntk[:7, :7], rtol=1e-5, atol=0)


class Residual(nn.Module):
    """x + L₂ relu(L₁ x) / 2, between two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner, self.outer, self.last = (of_scale(nn.Linear(n, 8)) for n in (5, 8, 8, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = x + 0.5 * self.outer(torch.relu(self.inner(x)))
        return self.last(torch.relu(x))


def test_residual_sum(x: Tensor) -> None:
    moment, slopes = arccosine_kernel.moment, arccosine_kernel.slope_moment
    w, b = SIGMA_W**2, SIGMA_B**2
    K = Θ = w * x.numpy() @ x.numpy().T / 5 + b
    inner = w * K + b
    inner_Θ = inner + w * Θ
    outer = w * moment(inner) + b
    outer_Θ = outer + w * slopes(inner) * inner_Θ
    K, Θ = K + outer / 4, Θ + outer_Θ / 4
    out = w * moment(K) + b
    found = kernels(Residual(), x)
    np.testing.assert_allclose(found.nngp, out, **EXACT)
    np.testing.assert_allclose(found.ntk, out + w * slopes(K) * Θ, **EXACT)


class Tokens(nn.Module):
    """Two dense layers at each position, transposed, of which some positions go on."""

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self.a, self.b, self.c, self.mean = *(of_scale(nn.Linear(n, 8)) for n in (5, 8, 8)), mean

    def forward(self, x: Tensor) -> Tensor:
        x = self.b(torch.relu(self.a(x)).transpose(1, 2).flip(2).transpose(1, 2))
        return self.c(torch.relu(x).mean(1) if self.mean else torch.relu(x)[:, 0])


@pytest.mark.parametrize("mean", [False, True])
def test_positions_are_followed(mean: bool) -> None:
    """Of a 1 × 1 convolution each pixel is an input of its own."""
    x = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    sites = arccosine_kernel.first(x.reshape(12, 5).numpy(), SIGMA_W, SIGMA_B)
    K = SIGMA_W**2 * arccosine_kernel.moment(arccosine_kernel.recursion(sites, 2, SIGMA_W, SIGMA_B)[-1])
    K = K.reshape(4, 3, 4, 3)
    expected = (K.mean((1, 3)) if mean else K[:, 2, :, 2]) + SIGMA_B**2
    np.testing.assert_allclose(kernels(Tokens(mean), x).nngp, expected, **EXACT)


def test_what_comes_before_the_first_weight_is_followed(x: Tensor) -> None:
    inner = dense(3, nn.ReLU, inputs=10)
    outer = Function(lambda x: inner(torch.cat([x.view(len(x), 5), torch.tanh(x.flatten(1)) - 1], 1)))
    outer.inner = inner
    found = kernels(outer, x.view(7, 1, 5))
    direct = kernels(inner, torch.cat([x, torch.tanh(x) - 1], 1))
    torch.testing.assert_close(found.ntk, direct.ntk, **EXACT)


# -- against wide networks --------------------------------------------------------------------------


def jacobian_kernel(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """(K, Θ) of one network by automatic differentiation, both of the mean over its outputs."""
    outputs = net(x)
    rows = []
    for unit in range(outputs.shape[1]):
        gradients = [
            torch.autograd.grad(outputs[i, unit], list(net.parameters()), retain_graph=True)
            for i in range(len(x))
        ]
        J = torch.stack([torch.cat([g.flatten() for g in each]) for each in gradients])
        rows.append(J @ J.T)
    return outputs @ outputs.T / outputs.shape[1], torch.stack(rows).mean(0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dense gelu", "dense tanh", "conv pooled"])
def test_the_mean_over_wide_networks(kind: str) -> None:
    """Θ by parameters as they are, over 120 draws: |z| < 4.5 for all, which 21 honest numbers exceed once in 7000."""
    torch.manual_seed(7)
    width = 256

    def draw() -> nn.Sequential:
        act = {"dense gelu": nn.GELU(), "dense tanh": nn.Tanh()}
        if kind in act:
            net = [nn.Linear(5, width), act[kind], nn.Linear(width, width), act[kind], nn.Linear(width, 4)]
        else:
            net = [nn.Conv2d(2, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, 2, 1), nn.ReLU()]
            net += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 4)]
        for module in net:
            if hasattr(module, "weight"):
                nn.init.normal_(module.weight, std=SIGMA_W / math.sqrt(module.weight[0].numel()))
                nn.init.normal_(module.bias, std=SIGMA_B)
        return nn.Sequential(*net).double()

    shape = (3, 2, 5, 4) if kind == "conv pooled" else (6, 5)
    x = torch.randn(shape, dtype=torch.float64)
    draws = [jacobian_kernel(draw(), x) for _ in range(120)]
    exact = draw()
    for module in exact:
        if hasattr(module, "weight"):
            of_scale(module)
    found = kernels(exact, x, parametrisation=Parametrisation.STANDARD)
    for i, expected in enumerate((found.nngp, found.ntk)):
        samples = np.stack([d[i].detach().numpy() for d in draws])
        assert np.abs(z_scores(samples, expected.numpy())).max() < 4.5
    spread = np.std([d[1].detach().numpy() for d in draws], 0) / np.sqrt(120)
    assert (spread < 0.02 * found.ntk.numpy().diagonal().max()).all(), "the test would see two per cent"


# -- what it refuses --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "shape", "reason"),
    [
        (nn.BatchNorm1d(8), (8,), "no law for batch_norm"),
        (nn.LayerNorm(8), (8,), "no law for layer_norm"),
        (nn.MultiheadAttention(8, 2, batch_first=True), (3, 8), "b:transpose: samples, units and"),
        (
            Function(lambda x: nn.functional.scaled_dot_product_attention(x, x, x)),
            (3, 8),
            "scaled_dot_product_attention of several signals",
        ),
        (nn.MaxPool1d(2), (3, 8), "no law for max_pool1d"),
        (nn.Softmax(1), (8,), "no law for softmax"),
        (nn.Dropout(0.5), (8,), "put the network into evaluation mode"),
        (Function(lambda x: torch.relu(torch.relu(x))), (8,), "not Gaussian in the limit"),
        (Function(lambda x: x + torch.relu(x)), (8,), "depend on the same weights"),
        (Function(lambda x: x * x), (8,), "mul of several signals"),
        (Function(torch.sign), (8,), "jumps"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_no_law(module: nn.Module, shape: tuple[int, ...], reason: str) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(8, 8), module, nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.a(x)
            x = self.b(x, x, x)[0] if isinstance(self.b, nn.MultiheadAttention) else self.b(x)
            return x.sum(-1)

    with pytest.raises(InputError, match=reason):
        kernels(Net(), torch.randn(4, *shape))
    table = KernelRecursion().predict(Network(Net(), torch.randn(4, *shape)))
    assert [p.regime.outside for p in table if p.where.path == "a"] == [""] * 3
    assert all(p.regime.outside and math.isnan(p.value) for p in table if p.where.path == "")


def test_shared_weights_and_cut_series_are_doubted(x: Tensor) -> None:
    layer = of_scale(nn.Linear(5, 5))
    assert "has the weights of 0:linear" in kernels(nn.Sequential(layer, nn.ReLU(), layer), x).regime.outside
    clipped = kernels(nn.Sequential(layer, nn.Hardtanh(), of_scale(nn.Linear(5, 5))), x)
    assert "hardtanh or of its slope is beyond" in clipped.regime.outside


@pytest.mark.parametrize(
    ("x1", "x2", "reason"),
    [
        (torch.ones(2, 5, dtype=torch.long), None, "floating-point inputs"),
        (torch.ones(5), None, "floating-point inputs"),
        (torch.ones(2, 5), torch.ones(2, 4), "two batches of like inputs"),
        (torch.ones(2, 5), torch.ones(2, 5).double(), "two batches of like inputs"),
    ],
)
def test_inputs_that_cannot_be_compared(x1: Tensor, x2: Tensor | None, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        kernels(nn.Linear(5, 2), x1, x2)


# -- as a theory ------------------------------------------------------------------------------------


def test_predictions_are_means_over_the_kernels(x: Tensor) -> None:
    net = dense(3, nn.ReLU).float()
    table = KernelRecursion(samples=7).predict(Network(net, x.float()))
    found = kernels(net, x)
    q = found.nngp.diagonal()
    cosines = (found.nngp / torch.outer(q, q).sqrt())[~torch.eye(7, dtype=bool)]
    expected = {
        "second_moment": q.mean(),
        "correlation": cosines.mean(),
        "tangent_kernel": found.ntk.diagonal().mean(),
    }
    last = {p.quantity.name: p for p in table if p.where.path == "4"}
    assert {name: p.value for name, p in last.items()} == pytest.approx(
        {name: float(v) for name, v in expected.items()}, rel=1e-7
    )
    assert [p.error for p in last.values()] == [0.0] * 3, "all samples are followed"
    part = KernelRecursion(samples=4).predict(Network(net, x.float()))
    for p in part:
        whole = next(w for w in table if (w.where, w.quantity) == (p.where, p.quantity))
        assert p.error > 0
        assert abs(p.value - whole.value) < 4 * p.error + 1e-6


def test_the_public_name() -> None:
    assert lensmaker.kernels is kernels
