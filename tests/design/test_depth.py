"""Order, chaos, residual scale, rank collapse, imbalance: faults of the depth as a whole, planted and healthy."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lensmaker
from design.networks import Applied, evidence_on, he, images, lecun, perceptron, sequences, vectors
from lensmaker.core import Finding, Training
from lensmaker.design.aberration import Aberration
from lensmaker.design.contrast import contrast
from lensmaker.design.input_scale import InputScale
from lensmaker.design.order import Order
from lensmaker.design.rank_collapse import RankCollapse
from lensmaker.design.residual_blocks import branch_scaled, residual_blocks
from lensmaker.design.residual_scale import ResidualScale
from lensmaker.design.weight_scale import WeightScale
from lensmaker.systems.networks import record

LOSS = nn.functional.cross_entropy


def only(model: nn.Module, batch: object, aberration: str) -> tuple[lensmaker.Report, Finding]:
    report = lensmaker.inspect(model, batch, LOSS)
    assert [f.aberration for f in report.findings if not f.consequence_of] == [aberration]
    return report, report.findings[0]


def cured(report: lensmaker.Report, model: nn.Module, batch: object) -> None:
    report.correct()
    assert lensmaker.inspect(model, batch, LOSS).findings == ()


# -- two layers that cancel -------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [8.0, pytest.param(0.1, marks=pytest.mark.slow)])
def test_two_layers_that_cancel_are_one_finding(factor: float) -> None:
    net, batch = perceptron(6, init=he), vectors()
    expected = net(batch[0])
    net[2].weight.data *= factor
    net[8].weight.data /= factor
    report, found = only(net, batch, "weight_imbalance")
    assert str(found.where) == "2:linear"
    assert dict(found.factors) == {
        "2.weight": pytest.approx(1 / factor, rel=0.1),
        "8.weight": pytest.approx(factor, rel=0.1),
    }
    assert found.value == pytest.approx(factor**2, rel=0.2)
    assert ("slower, the other" in found.cause) == (factor > 1)
    cured(report, net, batch)
    assert torch.nn.functional.cosine_similarity(net(batch[0]), expected).min() > 0.999


def test_layers_that_cancel_across_a_tanh_are_two_faults() -> None:
    net, batch = perceptron(6, act=nn.Tanh, init=lecun), vectors()
    net[2].weight.data *= 8
    net[8].weight.data /= 8
    found = lensmaker.inspect(net, batch, LOSS).findings
    assert [(f.aberration, f.where.path) for f in found] == [("layer_gain", "2"), ("layer_gain", "8")]


# -- the contrast -----------------------------------------------------------------------------------


def biased(act: Callable[[], nn.Module], init: Callable[[Tensor], object], sigma_b: float) -> nn.Sequential:
    net = perceptron(8, act=act, init=init)
    for layer in net[:-1:2]:
        nn.init.normal_(layer.bias, std=sigma_b)
    return net


def critical_sigma_w_of_tanh(sigma_b_squared: float) -> float:
    """The σ_w at which χ = 1 at the fixed point of q, by Gauss–Hermite quadrature and bisection in q."""
    z, weights = np.polynomial.hermite_e.hermegauss(101)
    weights = weights / weights.sum()

    def of(q: float) -> tuple[float, float]:
        y = np.tanh(math.sqrt(q) * z)
        sigma_w_squared = 1 / float(weights @ (1 - y**2) ** 2)
        return sigma_w_squared, sigma_w_squared * float(weights @ y**2) + sigma_b_squared - q

    low, high = 1e-6, 2.0
    for _ in range(60):
        q = (low + high) / 2
        low, high = (q, high) if of(q)[1] > 0 else (low, q)
    return math.sqrt(of(low)[0])


def test_biases_that_drown_the_signal() -> None:
    """ReLU at criticality: q grows by σ_b² in each layer, χ stays 1, so M = q_in/q_out."""
    net, batch = biased(nn.ReLU, he, 12.0), vectors()
    report, found = only(net, batch, "order")
    sigma_b = [float(layer.bias.detach().square().mean()) for layer in net[:-1:2]]
    q_in = float(batch[0].square().mean())
    total = 2 * q_in + math.fsum(sigma_b)
    assert found.value == pytest.approx(2 * q_in / total, rel=0.25)
    assert "biases that all inputs share" in found.cause
    assert f"shrinks to {math.sqrt(found.value):.3g} of what it was over 8 layers" in found.cause
    factor = math.sqrt(2 * q_in / math.fsum(sigma_b))
    assert dict(found.factors) == {f"{i}.bias": pytest.approx(factor, rel=0.1) for i in range(0, 16, 2)}
    cured(report, net, batch)


def test_weights_that_are_too_small_for_the_depth() -> None:
    """PyTorch's default before eleven tanh layers: (1/3)¹¹ is within the bound on the gradient, M is not."""
    net, batch = perceptron(11, act=nn.Tanh), vectors()
    report, found = only(net, batch, "order")
    assert "layers with χ below 1" in found.cause
    factor = math.sqrt(3) * critical_sigma_w_of_tanh(1 / (3 * 64))
    assert all(f == pytest.approx(factor, rel=0.05) for _, f in found.factors)
    cured(report, net, batch)


def test_weights_that_are_too_large_for_a_bounded_activation() -> None:
    net, batch = perceptron(10, act=nn.Tanh, init=lambda w: nn.init.normal_(w, std=3.5 / 8)), vectors()
    nn.init.normal_(net[0].weight, std=3.5 / 32**0.5)
    report, found = only(net, batch, "chaos")
    assert found.value > found.bound == 200
    assert f"grows by {math.sqrt(found.value):.3g} over 10 layers" in found.cause
    assert all(f == pytest.approx(1 / 3.5, rel=0.1) for _, f in found.factors)
    cured(report, net, batch)


@pytest.mark.parametrize(
    ("act", "init", "sigma_b"), [(nn.ReLU, he, 3.0), (nn.Tanh, lambda w: nn.init.normal_(w, std=0.2), 0.0)]
)
def test_contrasts_that_do_no_harm_are_left_alone(
    act: Callable[[], nn.Module], init: Callable[[Tensor], object], sigma_b: float
) -> None:
    assert lensmaker.inspect(biased(act, init, sigma_b), vectors(), LOSS).findings == ()


def log_contrast(net: nn.Module, batch: object) -> float:
    found = contrast(evidence_on(net, batch))
    assert found is not None
    return found.logarithm


def test_the_contrast_is_that_of_the_network_with_its_outliers_corrected() -> None:
    net, batch = perceptron(6, act=nn.Tanh, init=lecun), vectors()
    healthy = log_contrast(net, batch)
    net[4].weight.data *= 8
    assert log_contrast(net, batch) == pytest.approx(healthy, abs=0.05)


def test_pooling_is_left_out_of_the_contrast() -> None:
    """ReLU at criticality keeps distances and sizes, and the average of four halves the size."""
    torch.manual_seed(0)
    net = nn.Sequential()
    for _ in range(3):
        net.extend([nn.Conv2d(3 if len(net) == 0 else 64, 64, 1, bias=False), nn.ReLU(), nn.AvgPool2d(2)])
        he(net[-3].weight)
    net.extend([nn.Flatten(), nn.Linear(64, 10)])
    assert log_contrast(net, images()) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(("sigma_b", "parameter"), [(3.0, "weight"), (100.0, "bias")])
def test_of_two_causes_the_larger_is_corrected(sigma_b: float, parameter: str) -> None:
    """χ = ½ in eight layers makes ln M = −5.5, and biases add −ln σ_b²/q_in or so."""
    net = biased(nn.ReLU, lecun, sigma_b)
    (found,) = Order().look(evidence_on(net, vectors()))
    assert set(found.factors) == {f"{i}.{parameter}" for i in range(0, 16, 2)}


def test_biases_of_several_layers_have_no_number_to_change() -> None:
    net = biased(nn.ReLU, he, 12.0)
    for layer in net[2:-1:2]:
        layer.bias = net[0].bias
    (found,) = Order().look(evidence_on(net, vectors()))
    assert "biases that all inputs share" in found.cause
    assert found.factors == {}
    assert found.correction == "make the biases smaller: none is a parameter of one layer alone"


def test_a_bias_of_two_layers_is_left_alone() -> None:
    net = biased(nn.ReLU, he, 12.0)
    net[4].bias = net[2].bias
    (found,) = Order().look(evidence_on(net, vectors()))
    assert set(found.factors) == {f"{i}.bias" for i in (0, 6, 8, 10, 12, 14)}


# -- residual streams -------------------------------------------------------------------------------


class Branches(nn.Module):
    """Blocks x + b(ReLU(a x)) that add β times the stream."""

    def __init__(self, depth: int, beta: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a = nn.ModuleList(nn.Linear(32, 32) for _ in range(depth))
        self.b = nn.ModuleList(nn.Linear(32, 32) for _ in range(depth))
        self.head = nn.Linear(32, 10)
        for layer, variance in ((m, g) for ms, g in ((self.a, 2.0), (self.b, beta)) for m in ms):
            nn.init.normal_(layer.weight, std=(variance / 32) ** 0.5)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        for a, b in zip(self.a, self.b, strict=True):
            x = x + b(a(x).relu())
        return self.head(x)


@pytest.mark.parametrize("beta", [1.0, pytest.param(3.0, marks=pytest.mark.slow)])
def test_branches_as_large_as_the_stream(beta: float) -> None:
    net, batch = Branches(18, beta), vectors()
    report, found = only(net, batch, "residual_scale")
    assert math.log(found.value) == pytest.approx(18 * math.log1p(beta), rel=0.15)
    assert len(found.factors) == 2 * 18
    assert dict(found.factors)["b.3.weight"] == pytest.approx((18 * beta) ** -0.5, rel=0.1)
    cured(report, net, batch)


@pytest.mark.parametrize(
    ("f", "last"),
    [
        (lambda m, x: x + m.b(m.a(x).relu()).relu(), "b"),
        (lambda m, x: m.b(m.a(x).relu()) + x, "b"),
        (lambda m, x: x + m.b(m.a(x)).tanh(), None),
        (lambda m, x: nn.functional.layer_norm(m.b(m.a(x)), (32,)) + x, None),
    ],
    ids=["homogeneous", "branch first", "bounded", "normalised"],
)
def test_the_scale_of_a_branch(f: Callable[..., Tensor], last: str | None) -> None:
    """It is that of its last weight, unless something that bends or normalises follows."""
    train = record(Applied(f, a=nn.Linear(32, 32), b=nn.Linear(32, 32)), vectors()[0])
    (block,) = residual_blocks(train)
    assert block.stream in train.inputs
    assert (block.last and block.last.where.path) == last
    assert set(branch_scaled(block, 0.5, train)) == ({"b.weight", "b.bias"} if last else set())


def test_branches_that_are_scaled_are_left_alone() -> None:
    assert lensmaker.inspect(Branches(18, 1 / 18), vectors(), LOSS).findings == ()


@pytest.mark.parametrize(("growth", "named"), [(6e3, False), (1.6e4, True)])
def test_a_growth_of_ten_thousand_is_the_bound(growth: float, named: bool) -> None:
    """A branch √β Q x with Q orthogonal and antisymmetric makes every tangent's square exactly 1 + β times as large."""
    depth, generator = 16, torch.Generator().manual_seed(0)
    turn = torch.kron(torch.eye(16), torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
    branches = nn.ModuleList(nn.Linear(32, 32, bias=False) for _ in range(depth))
    for branch in branches:
        basis = torch.linalg.qr(torch.randn(32, 32, generator=generator)).Q
        branch.weight.data = math.sqrt(growth ** (1 / depth) - 1) * basis @ turn @ basis.T
    net = Applied(lambda m, x: functools.reduce(lambda h, b: h + b(h), m.branches, x), branches=branches)
    found = ResidualScale().look(evidence_on(net, vectors()))
    assert [f.value for f in found] == ([pytest.approx(growth, rel=0.2)] if named else [])


def test_one_large_branch_is_not_the_fault_of_all() -> None:
    net = Branches(12, 1 / 12)
    net.b[4].weight.data *= 300
    _, found = only(net, vectors(), "weight_scale")
    assert found.where.path == "b.4"


def test_one_large_weight_of_two_branches_is_left_alone() -> None:
    net = one_large_branch(6)
    net.b[3] = net.b[2]
    (found,) = WeightScale().look(evidence_on(net, vectors()))
    assert found.factors == {}
    assert found.correction.endswith(": it is shared")


def test_a_branch_of_two_blocks_is_said_to_be_left_alone() -> None:
    net = Branches(6, 9.0)
    net.b[5] = net.b[4]
    (found,) = ResidualScale().look(evidence_on(net, vectors()))
    assert set(found.factors) == {f"b.{i}.{p}" for i in range(4) for p in ("weight", "bias")}
    assert found.correction.endswith("; not add#4, add#5, where it is not one parameter")


def test_a_gated_unit_has_no_stream() -> None:
    """h ← (1 − z) h + z n: what is multiplied by a signal is not carried on."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        h = x[:, 0]
        for t in range(x.shape[1]):
            z = m.z(x[:, t]).sigmoid()
            h = (1 - z) * h + z * (4 * m.n(h)).tanh()
        return m.head(h)

    torch.manual_seed(0)
    net = Applied(forward, z=nn.Linear(8, 8), n=nn.Linear(8, 8), head=nn.Linear(8, 10))
    found = lensmaker.inspect(net, sequences(length=16), LOSS).findings
    assert "residual_scale" not in [f.aberration for f in found]


# -- tokens -----------------------------------------------------------------------------------------


def encoder(blocks: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    layers = [
        nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        for _ in range(blocks)
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 32, 10))


def tokens() -> tuple[Tensor, Tensor]:
    """Tokens with a cosine of about 2/3 within a sample."""
    generator = torch.Generator().manual_seed(0)
    shared, own = torch.randn(16, 1, 32, generator=generator), torch.randn(16, 8, 32, generator=generator)
    return shared + 0.7 * own, torch.arange(16) % 10


def test_attention_that_drowns_the_stream() -> None:
    net, batch = drowned(), tokens()
    added: list[Tensor] = []
    hooks = [net[i].self_attn.register_forward_hook(lambda _, x, y: added.append(y[0])) for i in range(4)]
    with torch.no_grad():
        net(batch[0])
    for hook in hooks:
        hook.remove()
    report, found = only(net, batch, "rank_collapse")
    factor = (batch[0].square().mean() / sum(f.square().mean() for f in added)).sqrt()
    assert all(f == pytest.approx(float(factor), rel=0.1) for _, f in found.factors)
    assert 1 - found.value < (1 - 0.67) / 200 * 1.1
    assert {n for n, _ in found.factors} == {
        f"{i}.self_attn.out_proj.{p}" for i in range(4) for p in ("weight", "bias")
    }
    cured(report, net, batch)


def test_one_attention_that_drowns_the_stream_is_the_fault_of_its_weight() -> None:
    net = encoder()
    net[1].self_attn.out_proj.weight.data *= 1000
    report, found = only(net, tokens(), "weight_scale")
    assert found.where.path == "1.self_attn.out_proj"
    assert all(f.consequence_of.startswith("weight_scale") for f in report.findings[1:])


def test_attention_is_not_made_larger_where_another_average_took_the_tokens() -> None:
    class Averaged(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(1, keepdim=True).expand_as(x).clone()

    layers = list(encoder(2))
    net = nn.Sequential(layers[0], Averaged(), *layers[1:])
    for block in (net[0], net[2]):
        block.self_attn.out_proj.weight.data *= 0.1
    (found,) = RankCollapse().look(evidence_on(net, tokens()))
    assert found.factors == {}
    assert "no parameter alone does it" in found.correction


def test_attention_without_a_stream_has_no_number_to_change() -> None:
    class Pure(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layers = nn.ModuleList(nn.MultiheadAttention(32, 4, batch_first=True) for _ in range(4))
            self.head = nn.Linear(8 * 32, 10)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x, x, x, need_weights=False)[0]
            return self.head(x.flatten(1))

    found = [f for f in lensmaker.inspect(Pure(), tokens(), LOSS).findings if f.aberration == "rank_collapse"]
    assert len(found) == 1
    assert "add the input of each attention to its output" in found[0].correction
    assert found[0].factors == ()


def drowned(blocks: int = 4) -> nn.Sequential:
    net = encoder(blocks)
    for block in list(net)[:blocks]:
        block.self_attn.out_proj.weight.data *= 100
    return net


def one_large_branch(depth: int = 4) -> Branches:
    net = Branches(depth, 1 / depth)
    net.b[2].weight.data *= 300
    return net


@pytest.mark.parametrize(
    ("aberration", "make", "batch"),
    [
        (Order, lambda: biased(nn.ReLU, he, 12.0), vectors()),
        (ResidualScale, lambda: Branches(6, 9.0), vectors()),
        (WeightScale, one_large_branch, vectors()),
        (RankCollapse, lambda: drowned(2), tokens()),
        (InputScale, lambda: perceptron(2), (100 * vectors()[0], vectors()[1])),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_a_trained_network_may_live_with_it(
    aberration: type[Aberration], make: Callable[[], nn.Module], batch: object
) -> None:
    fresh = evidence_on(make(), batch)
    assert len(aberration().look(fresh)) == 1
    assert aberration().look(replace(fresh, training=Training.TRAINED)) == []


def test_of_tokens_that_enter_alike_nothing_is_said() -> None:
    x, y = tokens()
    alike = x[:, :1] + 0.01 * x, y
    assert RankCollapse().look(evidence_on(drowned(2), alike)) == []


def test_tokens_of_a_healthy_encoder_are_left_alone() -> None:
    assert lensmaker.inspect(encoder(), tokens(), LOSS).findings == ()
