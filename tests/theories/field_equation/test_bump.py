"""Bumps that really go through layers: where they arrive, how wide, and where the theory says it does not know."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.systems.networks import Network, record
from lensmaker.theories.field_equation.bump import bump
from lensmaker.theories.field_equation.theory import read
from lensmaker.theories.point_spread.cloud import Weighing
from lensmaker.theories.point_spread.theory import PointSpread

LAYERS, SIDE = 20, 75


def stack(activation: type[nn.Module], kernels: Tensor) -> nn.Sequential:
    layers: list[nn.Module] = []
    for kernel in kernels:
        conv = nn.Conv2d(1, 1, kernel.shape[-2:], padding=kernel.shape[-1] // 2, bias=False).double()
        conv.weight.data[:] = kernel
        layers += [conv, activation()]
    return nn.Sequential(*layers)


def positive(seed: int = 0) -> Tensor:
    return torch.rand(LAYERS, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def signed(seed: int = 1) -> Tensor:
    drawn = torch.randn(LAYERS, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return (0.15 * drawn + 0.2) / 1.5


def statistics(field: Tensor) -> tuple[Tensor, Tensor]:
    """Centroid and covariance of a field, about the middle of the grid."""
    axis = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    total = field.sum()
    mean = torch.stack([(field.sum(1) * axis).sum(), (field.sum(0) * axis).sum()]) / total
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"))
    second = torch.einsum("xy,axy,bxy->ab", field, grid, grid) / total
    return mean, second - torch.outer(mean, mean)


def start(height: float) -> Tensor:
    """A bump of 3 × 3 pixels, off the middle and not symmetric."""
    field = torch.zeros(SIDE, SIDE, dtype=torch.float64)
    middle = SIDE // 2
    field[middle : middle + 3, middle - 1 : middle + 2] = torch.tensor(
        [[0.1, 0.2, 0.0], [0.4, 1.0, 0.3], [0.2, 0.1, 0.5]]
    )
    return height * field


def travelled(net: nn.Module, height: float) -> tuple[Tensor, Tensor]:
    before = start(height)
    with torch.no_grad():
        after = net(before[None, None])[0, 0]
    (m0, c0), (m1, c1) = statistics(before), statistics(after)
    return m1 - m0, c1 - c0


def test_twenty_layers_of_relu_and_positive_kernels_are_exact() -> None:
    net = stack(nn.ReLU, positive() / 4.5)
    predicted = bump(read(record(net, start(1.0)[None, None])), 1.0)
    assert predicted.regime
    assert predicted.bending == 0.0
    shift, growth = travelled(net, 1.0)
    torch.testing.assert_close(shift, predicted.shift, rtol=0, atol=1e-12)
    torch.testing.assert_close(growth, predicted.growth, rtol=0, atol=2e-12)
    assert float(shift.abs().max()) > 0.5
    assert float(growth[0, 0]) > 10


def test_signed_kernels_at_small_height() -> None:
    net = stack(nn.Tanh, signed())
    predicted = bump(read(record(net, start(1.0)[None, None])), 1e-4)
    assert predicted.regime
    shift, growth = travelled(net, 1e-4)
    torch.testing.assert_close(shift, predicted.shift, rtol=0, atol=1e-6)
    torch.testing.assert_close(growth, predicted.growth, rtol=0, atol=1e-6)


def test_tanh_at_height_one_is_outside_and_it_says_so() -> None:
    net = stack(nn.Tanh, signed())
    predicted = bump(read(record(net, start(1.0)[None, None])), 1.0)
    assert not predicted.regime
    assert predicted.regime.outside.startswith("tanh behind 0:conv2d bends fields of height")
    _, growth = travelled(net, 1.0)
    assert float((growth - predicted.growth).abs().max()) > 0.05


def test_relu_clips_what_signed_kernels_make_and_it_says_so() -> None:
    predicted = bump(read(record(stack(nn.ReLU, signed()), start(1.0)[None, None])), 1e-9)
    assert "relu behind" in predicted.regime.outside


def test_a_bias_is_no_part_of_a_bump() -> None:
    net = stack(nn.ReLU, positive())
    net[0] = nn.Conv2d(1, 1, 3, padding=1).double()
    net[0].weight.data[:] = 1.0
    assert "has a bias" in bump(read(record(net, start(1.0)[None, None])), 1.0).regime.outside


def test_what_is_no_chain_of_single_channels_is_refused() -> None:
    x = torch.ones(1, 2, 9, 9)
    with pytest.raises(InputError, match="layers of one channel"):
        bump(read(record(nn.Conv2d(2, 2, 3), x)), 1.0)
    with pytest.raises(InputError, match="layers of stride 1"):
        bump(read(record(nn.Conv2d(1, 1, 3, stride=2), x[:, :1])), 1.0)
    with pytest.raises(InputError, match="a bump of positive height"):
        bump(read(record(nn.Conv2d(1, 1, 3), x[:, :1])), 0.0)


def test_signed_clouds_say_the_same_backwards() -> None:
    """What the centre listens to lies where a bump comes from: the shift with the other sign, the same covariance."""
    net = stack(nn.Identity, signed())
    x = start(1.0)[None, None]
    predicted = bump(read(record(net, x)), 1.0)
    table = PointSpread(Weighing.SIGNED, samples=1).predict(Network(net, x))
    last = table[-1].where.path
    values = {
        (p.quantity.name, dict(p.where.coordinates).get("axis")): p.value
        for p in table
        if p.where.path == last
    }
    found = [values["point_spread_drift", axis] for axis in (0.0, 1.0)]
    assert found == pytest.approx((-predicted.shift).tolist(), abs=1e-11)
    width = float(predicted.growth.diagonal().mean()) ** 0.5
    assert values["point_spread_width", None] == pytest.approx(width, rel=1e-11)
