"""Point spread: exact where paths are added, and beside gradients of fresh and of trained networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lensmaker.core import InputError, Table, compare
from lensmaker.data import mobilenet_v2, photos, svhn_net
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.systems.networks import Network
from lensmaker.theories.point_spread.cloud import Weighing
from lensmaker.theories.point_spread.theory import PointSpread


class Paths(nn.Module):
    """Strides, dilation, groups, even kernels, pooling, a skip, a concatenation, padding, factors: all linear."""

    def __init__(self, weigh) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.even = nn.Conv2d(4, 4, 2, stride=2, groups=2, bias=False)
        self.side = nn.Conv2d(4, 4, 1, stride=2, bias=False)
        self.wide = nn.Conv2d(
            4, 4, (3, 5), padding=(2, 2), dilation=(2, 1), padding_mode="circular", bias=False
        )
        self.last = nn.Conv2d(8, 3, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4).eval()
        generator = torch.Generator().manual_seed(3)
        for p in (*self.parameters(), self.norm.running_var):
            p.data = torch.rand(p.shape, generator=generator, dtype=torch.float64) + 0.1
            if p.ndim == 4:
                p.data *= torch.randint(0, 2, p.shape, generator=generator) * 2 - 1
        self.weigh, self.double_ = weigh, None
        for p in self.parameters():
            p.data = weigh(p.data)
        self.norm.running_var.data = weigh(self.norm.running_var.data.rsqrt()).pow(-2)
        self.norm.eps = 0.0
        self.norm.double()

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        short = self.side(y)
        y = F.avg_pool2d(F.pad(self.norm(self.even(y)), (1, 1, 1, 1)), 3, stride=1)
        if self.weigh is torch.square:
            y = y / 9  # squared, each of nine weights of a ninth counts a ninth of a ninth
        y = (
            torch.sub(short, y, alpha=float(self.weigh(torch.tensor(0.5))))
            if self.weigh(torch.tensor(-1.0)) < 0
            else (torch.add(short, y, alpha=float(self.weigh(torch.tensor(0.5)))))
        )
        y = torch.cat([self.wide(y), y * float(self.weigh(torch.tensor(2.0)))], 1)
        return self.last(y)


class Signs(Paths):
    """The network itself."""

    def __init__(self) -> None:
        super().__init__(lambda t: t)


@pytest.mark.parametrize(
    ("weighing", "weigh"),
    [(Weighing.SQUARED, torch.square), (Weighing.ABSOLUTE, torch.abs), (Weighing.SIGNED, lambda t: t)],
)
def test_paths_are_added_exactly(weighing: Weighing, weigh) -> None:
    """The network whose weights are what they count has as its gradient what the theory says of the network."""
    x = torch.zeros(1, 2, 48, 48, dtype=torch.float64)
    table = PointSpread(weighing, samples=1).predict(Network(Signs(), x))
    net = Paths(weigh)
    start = x.clone().requires_grad_()
    out = net(start)
    centre = [n // 2 for n in out.shape[2:]]
    (gradient,) = torch.autograd.grad(out[0, :, centre[0], centre[1]].sum(), start)
    spread = gradient[0].sum(0).numpy()
    place = np.stack(np.meshgrid(np.arange(48.0), np.arange(48.0), indexing="ij"), -1)
    mean = (spread[..., None] * place).sum((0, 1)) / spread.sum()
    covariance = np.einsum("xy,xya,xyb->ab", spread, place - mean, place - mean) / spread.sum()
    touched = torch.ones_like(x).requires_grad_()
    (reach,) = torch.autograd.grad(Paths(torch.abs)(touched)[0, :, centre[0], centre[1]].sum(), touched)
    seen = np.argwhere(reach[0].sum(0).numpy() > 0)
    middle = (seen.min(0) + seen.max(0)) / 2
    last = {(p.quantity.name, p.where.coordinates): p for p in table if p.where.path == "last"}
    for axis in (0, 1):
        found = last["point_spread_drift", (("axis", float(axis)),)].value
        assert found == pytest.approx(mean[axis] - middle[axis], abs=1e-10)
    if np.trace(covariance) > 0:
        assert last["point_spread_width", ()].value == pytest.approx(
            math.sqrt(np.trace(covariance) / 2), rel=1e-11
        )
        found = [last["point_spread_ellipticity", (("component", float(c)),)].value for c in (0, 1)]
        shape = np.array([covariance[0, 0] - covariance[1, 1], 2 * covariance[0, 1]]) / np.trace(covariance)
        assert found == pytest.approx(shape.tolist(), abs=1e-11)


def test_slopes_count_by_their_mean_square_in_each_channel() -> None:
    """Of two channels one is off: what it listened to does not count."""
    net = nn.Sequential(nn.Conv1d(1, 2, 3, padding=1), nn.LeakyReLU(0.0), nn.Conv1d(2, 1, 1)).double()
    net[0].weight.data[:] = torch.tensor([[[1.0, 0, 0]], [[0, 0, 2.0]]])
    net[0].bias.data[:] = torch.tensor([5.0, -5.0])
    table = PointSpread().predict(Network(net, torch.zeros(2, 1, 20, dtype=torch.float64)))
    drift = table.select(quantity="point_spread_drift")
    assert [p.value for p in drift] == pytest.approx([(-1 + 4) / 5, -1.0])


def test_maxima_listen_to_any_of_their_positions() -> None:
    net = nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1), nn.Conv2d(1, 1, 1))
    (width,) = (
        PointSpread().predict(Network(net, torch.randn(1, 1, 30, 30))).select(quantity="point_spread_width")
    )
    assert width.value == pytest.approx(math.sqrt(2 / 3))


def test_equal_layers_spread_like_the_root_of_the_depth() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(*[nn.Conv2d(16, 16, 3, padding=1, bias=False) for _ in range(16)])
    widths = (
        PointSpread().predict(Network(net, torch.zeros(1, 16, 64, 64))).select(quantity="point_spread_width")
    )
    assert widths[15].value / widths[3].value == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize(
    ("model", "x", "reason"),
    [
        (
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softmax(1), nn.Conv2d(2, 2, 3)),
            (1, 1, 20, 20),
            "behind 1:softmax",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 5, padding=2)),
            (1, 1, 4, 4),
            "beyond the border",
        ),
    ],
)
def test_it_says_where_it_does_not_know(model: nn.Module, x: tuple[int, ...], reason: str) -> None:
    table = PointSpread().predict(Network(model, torch.randn(x)))
    assert reason in table[-1].regime.outside


def test_what_has_no_field_is_refused() -> None:
    with pytest.raises(InputError, match="a network that reads images, sound or the like"):
        PointSpread().predict(Network(nn.Linear(3, 3), torch.ones(2, 3)))
    with pytest.raises(InputError, match="a network with convolutions, but got ReLU without any"):
        PointSpread().predict(Network(nn.ReLU(), torch.ones(2, 3, 8, 8)))


# -- beside gradients -------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.short = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + self.short(x))


def fresh_resnet() -> Network:
    torch.manual_seed(0)
    blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1), Block(32, 64, 2), Block(64, 64, 1)]
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), *blocks)
    return Network(net.eval(), photos(64).normalised().x[:8])


def ratios(network: Network, samples: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """ln(measured/predicted) of widths, and z of drifts, inside of the regime."""
    pairs, _, _ = compare(
        PointSpread(samples=samples).predict(network),
        PointSpreadGradients(samples=samples, draws=draws).measure(network),
    )
    inside = Table(c for c in pairs if c.prediction.regime)
    widths = [c.ratio for c in inside if c.quantity.name == "point_spread_width"]
    drifts = [c.z_score for c in inside if c.quantity.name == "point_spread_drift"]
    return np.log(widths), np.array(drifts)


def test_a_fresh_residual_network_spreads_as_predicted() -> None:
    widths, drifts = ratios(fresh_resnet(), samples=8, draws=2)
    assert len(widths) == 13
    assert abs(widths.mean()) < 0.03
    assert np.abs(widths).max() < 0.12
    assert (np.abs(drifts) < 3.5).mean() > 0.9


def test_a_network_trained_on_house_numbers_sees_less_than_random_signs_would() -> None:
    trained = svhn_net()
    widths, _ = ratios(Network(trained.model, trained.batch[:8]), samples=8, draws=4)
    assert len(widths) >= 4
    assert widths.min() > -0.35
    assert widths.max() < 0.1


@pytest.mark.slow
def test_mobilenet_spreads_and_drifts_as_predicted() -> None:
    """Fifty-two layers of a trained network: widths from 0.7 to 40 pixels, and the drift of its strides."""
    trained = mobilenet_v2()
    network = Network(trained.model, trained.batch[:8])
    predicted, measured = (
        PointSpread(samples=8).predict(network),
        PointSpreadGradients(samples=8).measure(network),
    )
    pairs, _, _ = compare(predicted, measured)
    widths = np.log([c.ratio for c in pairs if c.quantity.name == "point_spread_width"])
    assert len(widths) == 52
    assert abs(widths.mean()) < 0.05
    assert np.abs(widths).max() < 0.35
    drifts = [c for c in pairs if c.quantity.name == "point_spread_drift"]
    assert np.median([abs(c.z_score) for c in drifts]) < 1.5
    early = [c for c in drifts if c.where.path.startswith(("features.1.", "features.2.", "features.3."))]
    assert (
        np.corrcoef(*zip(*((c.prediction.value, c.measurement.value) for c in early), strict=True))[0, 1]
        > 0.9
    )
