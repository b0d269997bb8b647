"""Each law of the ray against direct Monte-Carlo over many really sampled layers.

Both sides are averages of independent draws, so their difference over its standard error is a z-score. The
largest of the scores of a case stays below 5.5: of a Student law of 31 degrees, 5e-6 each; false alarms
at a rate below 1e-2 in all cases together (and far below, as the scores are correlated).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lensmaker.systems.networks import Network
from lensmaker.theories.statistical_ray.sizing import Sizing
from lensmaker.theories.statistical_ray.walk import Passage
from theories.clouds import generator, normal, passages

HIGHEST_Z = 5.5


@dataclass(frozen=True)
class Case:
    """A network and its input; `units` is the axis of the units in its output, batch included."""

    make: Callable[[], nn.Module]
    x: torch.Tensor
    units: int = 1


class Weighted(nn.Module):
    """A parameter, used as the function says."""

    def __init__(
        self, shape: tuple[int, ...], use: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.use = use

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.use(x, self.weight)


class Thrice(nn.Module):
    """The same weights at three places, and what passed them added up."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(32, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = torch.relu(self.inner(x))
        second = torch.relu(self.inner(first))
        return first + second + self.inner(x)


class Copies(nn.Module):
    """Two layers with equal weights of their own, as the clones of a transformer encoder have."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(24, 24), nn.Linear(24, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.one(x) + torch.relu(self.two(x))


def circular(*arguments: int, **keywords: object) -> Callable[[], nn.Module]:
    return lambda: nn.Conv2d(*arguments, padding_mode="circular", **keywords)


def image(channels: int, *space: int) -> torch.Tensor:
    return normal(2, channels, *space, seed=3) + 0.4


CASES = {
    "linear": Case(lambda: nn.Linear(20, 48), normal(3, 20) + 0.3),
    "conv1d": Case(lambda: nn.Conv1d(6, 48, 4, padding=2), image(6, 9)),
    "conv1d, strided and dilated": Case(
        lambda: nn.Conv1d(6, 48, 3, stride=2, dilation=2, padding=1), image(6, 12)
    ),
    "conv2d": Case(lambda: nn.Conv2d(5, 48, 3, padding=1), image(5, 6, 5)),
    "conv2d, strided": Case(lambda: nn.Conv2d(5, 48, 3, stride=2, padding=1), image(5, 7, 6)),
    "conv2d, same": Case(lambda: nn.Conv2d(5, 48, (4, 3), padding="same", dilation=2), image(5, 9, 8)),
    "conv2d, circular": Case(circular(5, 48, 3, padding=1), image(5, 5, 5)),
    "conv2d, two groups": Case(lambda: nn.Conv2d(64, 64, 3, groups=2), image(64, 5, 5)),
    "conv2d, depthwise": Case(lambda: nn.Conv2d(48, 48, 3, groups=48, padding=1), image(48, 4, 4)),
    "conv3d": Case(lambda: nn.Conv3d(4, 48, 2, padding=1), image(4, 3, 3, 2)),
    "transposed 1d": Case(
        lambda: nn.ConvTranspose1d(6, 48, 4, stride=3, padding=1, output_padding=2), image(6, 5)
    ),
    "transposed 2d": Case(
        lambda: nn.ConvTranspose2d(6, 48, 3, stride=2, padding=1, output_padding=1), image(6, 4, 3)
    ),
    "transposed 2d, padded beyond the kernel": Case(
        lambda: nn.ConvTranspose2d(6, 48, 2, stride=2, padding=3), image(6, 6, 5)
    ),
    "transposed 2d, grouped": Case(
        lambda: nn.ConvTranspose2d(48, 48, 3, stride=2, groups=48), image(48, 3, 3)
    ),
    "transposed 3d": Case(lambda: nn.ConvTranspose3d(4, 48, 2, stride=2), image(4, 2, 3, 2)),
    "x @ W": Case(lambda: Weighted((16, 40), torch.matmul), normal(3, 7, 16), units=2),
    "W @ x": Case(lambda: Weighted((40, 16), lambda x, w: w @ x), normal(3, 16, 7), units=1),
    "addmm": Case(lambda: Weighted((16, 40), lambda x, w: torch.addmm(torch.zeros(40), x, w)), normal(3, 16)),
    "stack of matrices": Case(lambda: Weighted((2, 16, 40), torch.matmul), normal(3, 2, 7, 16), units=3),
    "einsum": Case(
        lambda: Weighted((16, 40), lambda x, w: torch.einsum("bti,io->bto", x, w)), normal(3, 7, 16), units=2
    ),
    "einsum, ellipsis": Case(
        lambda: Weighted((16, 40), lambda x, w: torch.einsum("...i,io->...o", x, w)),
        normal(3, 7, 16),
        units=2,
    ),
    "einsum, heads": Case(
        lambda: Weighted((2, 40, 16), lambda x, w: torch.einsum("bti,hoi->bhto", x, w)),
        normal(3, 4, 16),
        units=3,
    ),
    "einsum, a map for each group": Case(
        lambda: Weighted((2, 16, 40), lambda x, w: torch.einsum("gio,bgi->bgo", w, x)),
        normal(3, 2, 16),
        units=2,
    ),
    "einsum, a sum over tokens": Case(
        lambda: Weighted((16, 40), lambda x, w: torch.einsum("bti,io->bo", x, w)), normal(3, 7, 16)
    ),
    "weight norm": Case(
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(20, 48)), normal(3, 20) + 0.3
    ),
    "the same weights thrice": Case(Thrice, normal(3, 32) + 0.3),
    "equal weights twice": Case(Copies, normal(3, 24) + 0.3),
    "bags": Case(lambda: nn.EmbeddingBag(9, 40, mode="mean"), torch.tensor([[1, 2, 0], [2, 5, 5]])),
    "bags, summed": Case(lambda: nn.EmbeddingBag(9, 40, mode="sum"), torch.tensor([[1, 2, 0], [2, 5, 5]])),
    "embedding": Case(
        lambda: nn.Embedding(9, 40, padding_idx=0), torch.tensor([[1, 2, 0], [2, 5, 5]]), units=2
    ),
}


def draw_again(net: nn.Module, draw: torch.Generator) -> None:
    """Fresh weights of fixed second moments; biases too."""
    for name, p in net.named_parameters():
        if "original0" in name:  # the norms of weight_norm
            p.data.fill_(1.3)
        elif p.ndim > 1:
            fan_in = p.shape[1] if isinstance(net, nn.Embedding | Weighted) else p[0].numel()
            if isinstance(net, nn.modules.conv._ConvTransposeNd):
                fan_in = p[:, 0].numel() / net.groups / math.prod(net.stride)
            p.data.normal_(0, 1.4 / math.sqrt(fan_in), generator=draw)
        else:
            p.data.normal_(0, 0.2, generator=draw)
    if isinstance(net, nn.Embedding):
        net.weight.data[net.padding_idx] = 0
    if isinstance(net, Copies):
        net.two.load_state_dict(net.one.state_dict())


def products(y: torch.Tensor, units: int) -> np.ndarray:
    """Means over the units of squares: over all places, at each, and of products of neighbouring samples; per draw."""
    y = y.detach().double().movedim(units + 1, -1)
    square = y.square().mean(-1).flatten(1)
    crossed = (y[:, 1:] * y[:, :-1]).mean(-1).flatten(1)
    return torch.cat([square.mean(1, keepdim=True), square, crossed], 1).numpy()


def sampled(case: Case, draws: int) -> np.ndarray:
    """Products in really sampled networks, (draws, numbers)."""
    net, draw = case.make(), generator(1)
    found = []
    for _ in range(draws):
        draw_again(net, draw)
        found.append(products(net(case.x).unsqueeze(0), case.units))
    return np.concatenate(found)


def ray(case: Case, draws: int) -> np.ndarray:
    """Products in the output cloud of the ray, one row for each seed."""
    net, draw = case.make(), generator(2)
    found = []
    for seed in range(draws):
        draw_again(net, draw)
        clouds: list[torch.Tensor] = []

        def note(passage: Passage, clouds: list[torch.Tensor] = clouds) -> None:
            assert passage.outside == ""
            clouds.append(passage.output)

        passages(Network(net, case.x), note, Sizing(neurons=480), seed)
        found.append(products(clouds[-1], case.units).mean(0, keepdims=True))
    return np.concatenate(found)


def highest_z(one: np.ndarray, other: np.ndarray) -> float:
    """Of the differences of the means of independent rows."""
    error = np.hypot(one.std(0, ddof=1) / math.sqrt(len(one)), other.std(0, ddof=1) / math.sqrt(len(other)))
    difference = np.abs(one.mean(0) - other.mean(0))
    return float(np.max(difference / np.maximum(error, 1e-6 * np.abs(one).max())))


@pytest.mark.parametrize("name", CASES)
def test_second_moments_are_those_of_sampled_networks(name: str) -> None:
    case = CASES[name]
    found, expected = ray(case, 32), sampled(case, 600)
    assert found.shape[1] == expected.shape[1]
    assert highest_z(found, expected) < HIGHEST_Z
    error = math.hypot(found[:, 0].std() / math.sqrt(32), expected[:, 0].std() / math.sqrt(600))
    assert error / expected[:, 0].mean() < 0.03  # 2 % more in σ_w² or a missing bias shows


class Behind(nn.Module):
    """A layer behind an element whose output's tangent and gradient are looked at."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.tanh(x))


DIFFERENTIABLE = [
    n for n, c in CASES.items() if c.x.is_floating_point() and "thrice" not in n and "twice" not in n
]


QUICK = {
    "linear",
    "conv1d",
    "conv2d, strided",
    "conv2d, depthwise",
    "transposed 2d",
    "W @ x",
    "stack of matrices",
}


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in DIFFERENTIABLE]
)
def test_tangents_and_gradients_are_those_of_sampled_networks(name: str) -> None:
    """⟨δy²⟩ at the output and ⟨g²⟩ at the input of the layer, for a gradient fixed at its output."""
    case = CASES[name]
    layer = case.make()
    net, draw = Behind(layer), generator(4)
    draw_again(layer, draw)
    weights = normal(*layer(case.x).shape, seed=8)
    units = min(case.units, case.x.ndim - 1)  # of what comes in, which may have fewer axes
    rays, real = [], []
    for seed in range(32):
        draw_again(layer, draw)
        found: list[Passage] = []
        passages(Network(net, case.x, lambda y: (y * weights).sum()), found.append, Sizing(neurons=480), seed)
        first, last = found[0], found[-1]
        assert first.gradient is not None
        assert last.tangent is not None
        grown = last.tangent.double().square().mean() / first.tangent.double().square().mean()
        gradient = first.gradient.double().movedim(units + 1, -1).square().mean((0, -1)).flatten()
        rays.append(np.append(gradient.numpy(), float(grown)))
    x = torch.tanh(case.x)
    slope = 1 - x**2
    for _ in range(400):
        draw_again(layer, draw)
        inner = x.clone().requires_grad_()
        tangent = slope * torch.randn(x.shape, generator=draw)
        y, δy = torch.func.jvp(lambda z: layer(z), (inner,), (tangent,))
        (g,) = torch.autograd.grad((y * weights).sum(), inner)
        grown = float(δy.detach().double().square().mean() / tangent.double().square().mean())
        gradient = g.double().movedim(units, -1).square().mean(-1).flatten()
        real.append(np.append(gradient.numpy(), grown))
    assert highest_z(np.array(rays), np.array(real)) < HIGHEST_Z


class Gated(nn.Module):
    """A hand-written norm whose scale both factors of a gated unit see."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(24, 48), nn.Linear(24, 48), nn.Linear(48, 16)

    def before(self, x: torch.Tensor) -> torch.Tensor:
        return torch.rsqrt(x.square().mean(-1, keepdim=True))

    def after(self, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        y = x * scale
        return self.down(torch.relu(self.gate(y)) * self.up(y))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(x, self.before(x))


class Deep(nn.Module):
    """Linear layers of the given widths behind a rectifier."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in itertools.pairwise(widths))

    def before(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x)

    def after(self, _: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            z = layer(z)
        return z

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(x, self.before(x))


def aligned(y: torch.Tensor) -> torch.Tensor:
    """A loss whose gradient is the output itself."""
    return y.square().sum() / 2


# What is built, where the gradient is looked at, the loss, and the spread of log(ray/real) over networks.
ALIGNED = {
    "gated unit behind a norm": (Gated, "rsqrt", lambda y: (y * normal(*y.shape, seed=8)).sum(), 0.45),
    "squared loss, wider": (lambda: Deep(24, 96), "relu", aligned, 0.1),
    "squared loss, narrower": (lambda: Deep(24, 4), "relu", aligned, 0.3),
    "squared loss, two layers": (lambda: Deep(24, 32, 16), "relu", aligned, 0.3),
}


@pytest.mark.parametrize("name", ALIGNED)
def test_gradients_find_the_weights_that_their_signal_passed(name: str) -> None:
    """⟨g²⟩ before layers whose gradient depends on what they gave out, given the loss gradient of each network."""
    make, operation, loss, spread = ALIGNED[name]
    net, draw, x = make(), generator(4), normal(8, 24) + 0.3
    ray, real = [], []
    for seed in range(40):
        draw_again(net, draw)
        found: list[Passage] = []
        passages(Network(net, x, loss), found.append, Sizing(neurons=1000), seed)
        gradient = next(p.gradient for p in found if p.element.operation == operation)
        assert gradient is not None
        ray.append(float(gradient.double().square().mean()))
        z = net.before(x).requires_grad_()
        (g,) = torch.autograd.grad(loss(net.after(x, z)), z)
        real.append(float(g.double().square().mean()))
    assert np.std(np.log(ray) - np.log(real)) < spread
    assert np.mean(ray) == pytest.approx(np.mean(real), rel=0.15)


def test_groups_of_channels_do_not_mix() -> None:
    """A group whose inputs vanish gives nothing but its bias, in a depthwise convolution."""
    layer = nn.Conv1d(8, 8, 3, groups=8, bias=False)
    x = normal(2, 8, 6)
    x[:, 3] = 0
    found: list[torch.Tensor] = []
    passages(Network(layer, x), lambda p: found.append(p.output))
    assert bool((found[0][:, :, 3] == 0).all())
    assert float(found[0].square().mean()) > 0


class WithEinsum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(12, 12), nn.Linear(12, 12)
        self.weight = nn.Parameter(normal(12, 12))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(
            torch.relu(torch.einsum("bi,oi,o->bo", self.before(x), self.weight, torch.ones(12)))
        )


class WithLSTM(nn.Module):
    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.before, self.core, self.after = nn.Linear(6, 8), kind(8, 10, batch_first=True), nn.Linear(10, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.core(self.before(x))[0])


@pytest.mark.parametrize(
    ("net", "x", "word"),
    [
        (WithEinsum(), normal(4, 12), "einsum"),
        (WithLSTM(nn.LSTM), normal(4, 7, 6), "lstm"),
        (WithLSTM(nn.GRU), normal(4, 7, 6), "gru"),
    ],
)
def test_what_has_no_law_is_said_and_the_ray_goes_on(net: nn.Module, x: torch.Tensor, word: str) -> None:
    found: dict[str, tuple[str, torch.Tensor]] = {}

    def note(passage: Passage) -> None:
        found[passage.element.operation + passage.element.where.path] = (passage.outside, passage.output)

    passages(Network(net, x), note)
    assert found["linearbefore"][0] == ""
    (outside,) = (reason for name, (reason, _) in found.items() if name.startswith(word))
    assert word in outside
    assert "recorded values" in outside
    after, cloud = found["linearafter"]
    assert after.startswith("after ")
    assert word in after
    assert bool(cloud.isfinite().all())
    assert float(cloud.square().mean()) > 0


def test_a_tied_output_layer_is_said_to_be_tied() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.inner = nn.Embedding(20, 12), nn.Linear(12, 12)

        def forward(self, t: torch.Tensor) -> torch.Tensor:
            return F.linear(self.inner(self.embed(t)), self.embed.weight)

    reasons: dict[str, str] = {}
    passages(
        Network(Tied(), torch.arange(12).view(3, 4)),
        lambda p: reasons.update({str(p.element.where): p.outside}),
    )
    assert reasons["inner:linear"] == ""
    tied = [r for w, r in reasons.items() if r]
    assert tied == ["its weights are those of embed:embedding, which its input depends on"]
