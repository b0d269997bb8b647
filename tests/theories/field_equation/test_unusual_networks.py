"""Networks of all kinds: what is no convolution is refused in one sentence, nothing else is raised."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from lensmaker.core import InputError
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.instruments.convolutions.input_spectrum import InputSpectrum
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.systems.networks import Network
from lensmaker.theories.field_equation.kind import Kind, kind_of
from lensmaker.theories.field_equation.theory import FieldEquation, read
from lensmaker.theories.point_spread.theory import PointSpread
from systems.networks.architectures import ARCHITECTURES, build

MEMBERS = (FieldEquation(), PointSpread(), PointSpreadGradients(samples=2), FieldLawError(), InputSpectrum())


def study(network: Network) -> list[int | str]:
    """Number of records of each member, or the sentence by which it refuses."""
    found: list[int | str] = []
    for member in MEMBERS:
        look = member.predict if hasattr(member, "predict") else member.measure
        try:
            table = look(network)
        except InputError as error:
            found.append(str(error))
        else:
            assert all(math.isfinite(r.value) or getattr(r, "regime", None) != "" for r in table)
            assert not any(r.regime and math.isnan(r.value) for r in table if hasattr(r, "regime"))
            found.append(len(table))
    return found


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures_are_read_or_refused(name: str) -> None:
    model, batch = build(name)
    convolutions = any(isinstance(m, nn.Conv1d | nn.Conv2d | nn.Conv3d) for m in model.modules())
    found = study(Network(model, batch))
    if convolutions:
        assert all(isinstance(n, int) and n > 0 for n in found), found
    else:
        assert str(found[0]).startswith(
            "Expected a network with convolutions by weights of its own, but got "
        )


class Mixed(nn.Module):
    """A convolution with attention behind it, a gate, and one whose kernel is made from the input."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.conv, self.last = kind, nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.kind == "gate":
            y = y * torch.sigmoid(y.mean((2, 3), keepdim=True))
        elif self.kind == "hyper":
            return F.conv2d(y, x[:1, :1].expand(4, 4, -1, -1)[..., :3, :3])
        elif self.kind == "interpolated":
            y = F.interpolate(y, scale_factor=2, mode="bilinear")
        elif self.kind == "split":
            a, b = y.chunk(2, 1)
            y = torch.cat([b, a], 1)
        elif self.kind == "subtracted":
            y = 1.0 - y
        return self.last(y)


@pytest.mark.parametrize("kind", ["gate", "hyper", "interpolated", "split", "subtracted"])
def test_what_has_no_law_ends_a_prediction_and_not_the_reading(kind: str) -> None:
    network = Network(Mixed(kind), torch.randn(3, 3, 24, 24))
    found = study(network)
    assert all(isinstance(n, int) for n in found), found
    assert len(read(network.probes(1))) == (1 if kind == "hyper" else 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_arithmetics(dtype: torch.dtype) -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)).to(dtype)
    assert all(isinstance(n, int) and n for n in study(Network(net, torch.randn(3, 1, 20, 20).to(dtype))))


def test_parametrised_weights_are_those_that_were_used() -> None:
    conv = parametrizations.weight_norm(nn.Conv1d(2, 2, 3))
    (field,) = read(Network(conv, torch.randn(2, 2, 12)).probes(1))
    torch.testing.assert_close(field.m0, conv.weight.detach().double().sum(-1))


def test_an_image_without_a_batch_axis_is_read() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    network = Network(net, torch.randn(3, 16, 16))
    assert len(FieldEquation().predict(network)) > 0
    assert all("other axes" in p.regime.outside for p in PointSpread().predict(network))


@pytest.mark.parametrize("weight", [0.0, math.nan, math.inf])
def test_dead_and_broken_weights(weight: float) -> None:
    conv = nn.Conv2d(1, 2, 3)
    nn.init.constant_(conv.weight, weight)
    network = Network(conv, torch.randn(2, 1, 9, 9))
    (field,) = read(network.probes(1))
    table = FieldEquation().predict(network)
    assert all(not p.regime for p in table if p.quantity.name in ("metric_largest", "field_gain"))
    if weight == 0.0:
        assert kind_of(field)[0] is Kind.SILENT
    else:
        assert [p.regime.outside for p in table] == ["a weight is not finite"]
        with pytest.raises(InputError, match="finite weights, but got conv2d with others"):
            kind_of(field)
