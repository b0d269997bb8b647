"""Weights and queries whose scale is not that of their peers."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import lensmaker
from design.faults import LOSS, cured, only, roots
from design.networks import convolutions, evidence_on, images, tokens
from lensmaker.core import Training
from lensmaker.design.attention_sharpness import AttentionSharpness
from lensmaker.design.weight_scale import WeightScale


def encoder(layers: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    blocks = [
        nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        for _ in range(layers)
    ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(8 * 32, 10))


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("linear1", 8.0),
        pytest.param("self_attn.out_proj", 0.2, marks=SLOW),
        pytest.param("linear1", 0.2, marks=SLOW),
        pytest.param("self_attn.out_proj", 8.0, marks=SLOW),
        pytest.param("linear2", 8.0, marks=SLOW),
        pytest.param("linear2", 0.2, marks=SLOW),
    ],
)
def test_a_weight_inside_a_block(name: str, factor: float) -> None:
    net, batch = encoder(), tokens()
    net[2].get_submodule(name).weight.data *= factor
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "weight_scale", f"2.{name}:linear")
    assert dict(found.factors) == {f"2.{name}.weight": pytest.approx(1 / factor, rel=0.1)}
    cured(report, net, batch)


def test_the_queries_of_a_packed_projection() -> None:
    """Attention without entropy is the consequence, not a second fault."""
    net, batch = encoder(), tokens()
    net[1].self_attn.in_proj_weight.data[:32] *= 60
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "weight_scale", "1.self_attn:linear")
    assert dict(found.factors) == {"1.self_attn.in_proj_weight[0:32]": pytest.approx(1 / 60, rel=0.1)}
    assert [(f.aberration, f.consequence_of) for f in report.findings[1:]] == [
        ("attention_entropy", "weight_scale at 1.self_attn:linear")
    ]
    assert "it follows from weight scale at 1.self_attn:linear" in " ".join(repr(report).split())
    cured(report, net, batch)


class Causal(nn.Module):
    """One head over the tokens so far."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.q, self.k, self.v = (nn.Linear(32, 32) for _ in range(3))
        self.head = nn.Linear(8 * 32, 10)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (m(x)[:, None] for m in (self.q, self.k, self.v))
        return self.head(nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).flatten(1))


def spread(q: Tensor, k: Tensor) -> float:
    """Of the logits, over the keys."""
    logits = q @ k.mT / q.shape[-1] ** 0.5
    return float((logits - logits.mean(-1, keepdim=True)).square().mean().sqrt())


@torch.no_grad()
def test_sharp_queries_of_their_own_or_packed_are_divided_by_the_spread() -> None:
    net, (x, y) = Causal(), tokens()
    net.q.weight.mul_(60)
    (found,) = AttentionSharpness().look(evidence_on(net, (x, y)))
    factor = pytest.approx(1 / spread(net.q(x), net.k(x)), rel=0.1)
    assert found.factors == {"q.weight": factor, "q.bias": factor}
    assert found.bound == pytest.approx(0.35 * math.log(math.factorial(8)) / 8)

    net = encoder(1)
    attention = net[0].self_attn
    attention.in_proj_weight[:32].mul_(60)
    (found,) = AttentionSharpness().look(evidence_on(net, (x, y)))
    packed = nn.functional.linear(net[0].norm1(x), attention.in_proj_weight, attention.in_proj_bias)
    q, k, _ = packed.view(16, 8, 3, 4, 8).permute(2, 0, 3, 1, 4)
    factor = pytest.approx(1 / spread(q, k), rel=0.1)
    assert found.factors == {f"0.self_attn.in_proj_{p}[0:32]": factor for p in ("weight", "bias")}
    assert AttentionSharpness().look(evidence_on(net, (x, y), Training.TRAINED)) == []


@SLOW
def test_attention_that_is_sharp_everywhere() -> None:
    net, batch = encoder(2), tokens()
    for block in (net[0], net[1]):
        block.self_attn.in_proj_weight.data[:32] *= 60
    report = lensmaker.inspect(net, batch, LOSS)
    assert [f.aberration for f in roots(report)] == ["attention_entropy"] * 2
    cured(report, net, batch)


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("weight_ih_l0", 10.0),
        ("weight_hh_l1", 0.1),
        pytest.param("weight_hh_l0", 10.0, marks=SLOW),
        pytest.param("weight_ih_l0", 0.1, marks=SLOW),
    ],
)
def test_a_matrix_of_a_recurrent_layer(name: str, factor: float) -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(32, 48, 2, batch_first=True), nn.Linear(48, 10)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.lstm(x)[0][:, -1])

    torch.manual_seed(0)
    net, batch = Classifier(), tokens()
    net.lstm.get_parameter(name).data *= factor
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "weight_scale", "lstm:lstm")
    assert dict(found.factors) == {f"lstm.{name}": pytest.approx(1 / factor, rel=0.1)}
    cured(report, net, batch)


def test_of_two_matrices_the_one_far_from_the_default_is_at_fault() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.GRU(32, 48, batch_first=True))
    net[0].weight_hh_l0.data *= 10
    (found,) = WeightScale().look(evidence_on(net, tokens()[0], loss=None))
    assert found.factors == {"0.weight_hh_l0": pytest.approx(0.1, rel=0.1)}


DISTURBED: dict[str, Callable[[], tuple[nn.Module, object]]] = {
    "depthwise and expanding": lambda: (_inverted(), images(size=16)),
    "fan-out in stages": lambda: (
        convolutions(
            lambda w: nn.init.kaiming_normal_(w, mode="fan_out"), norm=True, channels=(8, 16, 32, 64)
        ),
        images(),
    ),
}


def _inverted() -> nn.Sequential:
    torch.manual_seed(0)

    def block(channels: int) -> nn.Sequential:
        wide = 4 * channels
        return nn.Sequential(
            nn.Sequential(nn.Conv2d(channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()),
            nn.Sequential(
                nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()
            ),
            nn.Sequential(nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.Identity()),
        )

    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), *(block(8) for _ in range(4)), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    net.append(nn.Linear(8, 10))
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
    return net


@pytest.mark.parametrize("name", DISTURBED)
def test_weights_of_other_kinds_are_no_peers(name: str) -> None:
    model, batch = DISTURBED[name]()
    assert lensmaker.inspect(model, batch, LOSS).findings == ()
