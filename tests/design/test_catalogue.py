"""Each aberration on a fault planted for it: place, cause, number, cure; and what it leaves alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import lensmaker
from design.networks import convolutions, evidence_on, he, images, lecun, perceptron, vectors
from lensmaker.core import Convergence, Finding, Measurement, Training
from lensmaker.data import svhn_net
from lensmaker.design.aberration import Aberration
from lensmaker.design.attention_sharpness import AttentionSharpness
from lensmaker.design.dead_units import DeadUnits
from lensmaker.design.idle_units import IdleUnits
from lensmaker.design.input_scale import InputScale
from lensmaker.design.saturated_units import SaturatedUnits
from lensmaker.design.stale_statistics import StaleStatistics
from lensmaker.design.weight_scale import WeightScale
from lensmaker.numerics.seeding import stream

LOSS = nn.functional.cross_entropy


def roots(report: lensmaker.Report) -> list[Finding]:
    return [f for f in report.findings if not f.consequence_of]


def only(report: lensmaker.Report, aberration: str, place: str) -> Finding:
    """The single fault, which has to be this one."""
    assert [(f.aberration, str(f.where)) for f in roots(report)] == [(aberration, place)]
    return roots(report)[0]


def cured(report: lensmaker.Report, model: nn.Module, batch: object) -> None:
    """After the correction nothing is found; undone, all is as it was."""
    before = {n: t.clone() for n, t in model.state_dict().items()}
    report.correct()
    assert lensmaker.inspect(model, batch, LOSS).findings == ()
    report.undo()
    assert all(torch.equal(t.nan_to_num(7), before[n].nan_to_num(7)) for n, t in model.state_dict().items())


# -- non-finite -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_no_number(value: float) -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[4].weight.data[7, 3] = value
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "non_finite", "4:linear")
    assert "1 of 4096 entries of 4.weight is infinite or not a number, the first at [7, 3]" in found.cause
    assert (found.value, found.bound) == (1, 0)
    cured(report, net, batch)


def test_two_broken_weights_are_two_findings_in_the_order_of_the_signal() -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[6].bias.data[:3] = math.nan
    net[2].weight.data[0, 0] = math.inf
    found = roots(lensmaker.inspect(net, batch, LOSS))
    assert [(f.aberration, f.where.path, f.value) for f in found] == [
        ("non_finite", "2", 1),
        ("non_finite", "6", 3),
    ]


def test_a_weight_that_is_no_number_and_the_statistics_it_has_reached_are_one_finding() -> None:
    torch.manual_seed(0)
    blocks = [m for _ in range(3) for m in (nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU())]
    net, (x, y) = nn.Sequential(*blocks, nn.Linear(32, 10)), vectors()
    net[3].weight.data[7, 3] = math.nan
    net(x)
    assert net[1].running_var.isfinite().all()
    report = lensmaker.inspect(net, (x, y), LOSS)
    found = only(report, "non_finite", "3:linear")
    assert "the 4 running statistics after it" in found.correction
    cured(report, net, (x, y))


def test_a_training_that_diverged_is_one_finding_without_a_number() -> None:
    net, (x, y) = perceptron(4, init=he), vectors()
    optimiser = torch.optim.SGD(net.parameters(), lr=1e38)
    for _ in range(3):
        optimiser.zero_grad()
        LOSS(net(x), y).backward()
        optimiser.step()
    found = only(lensmaker.inspect(net, (x, y), LOSS), "non_finite", "0:linear")
    assert "a training that diverged" in found.cause
    assert "checkpoint" in found.correction
    assert found.factors == ()


def test_a_weight_that_is_no_number_follows_from_nothing() -> None:
    net, (x, y) = perceptron(4, init=he), vectors()
    net[4].weight.data[7, 3] = math.nan
    found = roots(lensmaker.inspect(net, (1000 * x, y), LOSS))
    assert [(f.aberration, f.where.path) for f in found] == [("non_finite", "4"), ("input_scale", "0")]


def test_an_activation_that_is_no_number_has_its_place_and_no_correction() -> None:
    class Logarithm(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x - 100).log()

    net = nn.Sequential(nn.Linear(32, 16), Logarithm(), nn.Linear(16, 10))
    found = only(lensmaker.inspect(net, vectors(), LOSS), "non_finite", "1:log")
    assert "though every weight is finite" in found.cause
    assert found.factors == ()


def test_infinities_that_do_not_come_out_are_no_fault() -> None:
    """A causal mask, written out: −∞ in the logits, nothing of it in their softmax."""

    class Masked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            logits = x @ x.mT / 32 + torch.full((8, 8), -math.inf).triu(1)
            return logits.softmax(-1) @ x

    net = nn.Sequential(nn.Linear(32, 32), Masked(), nn.Flatten(), nn.Linear(8 * 32, 10))
    report = lensmaker.inspect(net, tokens(), LOSS)
    assert any(m.convergence is Convergence.NOT_FINITE for m in _measured(report))
    assert report.findings == ()


def _measured(report: lensmaker.Report) -> list[Measurement]:
    return [*report.record.measurements, *(c.measurement for c in report.record.comparisons)]


# -- input ------------------------------------------------------------------------------------------


def test_bytes_are_no_input() -> None:
    """The fold is exact: the corrected first layer sees (x − m)/s."""
    net, (x, y) = perceptron(4, init=he), vectors(samples=64)
    x = 255 * torch.rand(x.shape, generator=torch.Generator().manual_seed(1))
    report = lensmaker.inspect(net, (x, y), LOSS)
    found = only(report, "input_scale", "0:linear")
    assert found.value == pytest.approx(255**2 / 3, rel=0.02)
    expected = net[0]((x - x.mean()) / x.std(correction=0))
    cured_first = report.correct() and net[0](x)
    assert torch.allclose(cured_first, expected, atol=1e-4)
    report.undo()
    cured(report, net, (x, y))


def test_bytes_are_no_input_where_they_are_flattened_first() -> None:
    net, (x, y) = nn.Sequential(nn.Flatten(), perceptron(4, init=he)), vectors(samples=64)
    pixels = 255 * torch.rand(x.shape, generator=torch.Generator().manual_seed(1)).view(64, 1, 4, 8)
    report = lensmaker.inspect(net, (pixels, y), LOSS)
    found = only(report, "input_scale", "1.0:linear")
    assert dict(found.factors) == {"1.0.weight": pytest.approx(1 / float(pixels.std(correction=0)))}
    cured(report, net, (pixels, y))


def test_a_padded_convolution_is_scaled_alone() -> None:
    net, (x, y) = convolutions(he), images()
    found = only(lensmaker.inspect(net, (x * 1000, y), LOSS), "input_scale", "0:conv2d")
    assert dict(found.factors) == {
        "0.weight": pytest.approx(1 / (1000 * float(x.square().mean().sqrt())), rel=1e-3)
    }


def tied(first: nn.Linear) -> nn.Sequential:
    net = nn.Sequential(first, nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    net[2].weight = first.weight
    return net


INPUTS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, Tensor], float, list[set[str]]]] = {
    "small": (lambda: perceptron(2), vectors(), 1e-3, [{"0.weight", "0.bias"}]),
    "no bias": (lambda: nn.Sequential(nn.Linear(32, 10, bias=False), nn.ReLU()), vectors(), 1e3, [{"0.weight"}]),
    "padded": (convolutions, images(), 1e3, [{"0.weight"}]),
    "a first weight of two layers": (lambda: tied(nn.Linear(32, 32)), vectors(), 1e3, [set()]),
    "bent first": (lambda: nn.Sequential(nn.Tanh(), perceptron(2)), vectors(), 1e3, []),
    "normalised next": (lambda: convolutions(norm=True), images(), 1e3, []),
}  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
def test_what_an_input_far_from_one_changes(name: str) -> None:
    make, (x, y), size, changed = INPUTS[name]
    assert [set(s.changes) for s in InputScale().look(evidence_on(make(), (x * size, y)))] == changed


@pytest.mark.parametrize("size", [0.2, 5.0])
def test_inputs_of_about_one_and_normalised_ones_are_left_alone(size: float) -> None:
    x, y = vectors()
    assert lensmaker.inspect(perceptron(4, init=he), (x * size, y), LOSS).findings == ()
    net = nn.Sequential(nn.LayerNorm(32), *perceptron(4, init=he))
    assert lensmaker.inspect(net, (x * 1e3, y), LOSS).findings == ()


# -- statistics -------------------------------------------------------------------------------------


def normalised() -> tuple[nn.Sequential, tuple[Tensor, Tensor]]:
    net, batch = convolutions(he, norm=True), images(samples=32)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    net(batch[0])
    return net.eval(), batch


@pytest.mark.parametrize(
    ("size", "shift"),
    [
        (100.0, 0.0),
        pytest.param(0.01, 0.0, marks=pytest.mark.slow),
        pytest.param(1.0, 5.0, marks=pytest.mark.slow),
    ],
)
def test_statistics_that_contradict_the_data(size: float, shift: float) -> None:
    net, batch = normalised()
    assert lensmaker.inspect(net, batch, LOSS).findings == ()
    where, norm = [(n, m) for n, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)][1]
    norm.running_var *= size
    norm.running_mean += shift * norm.running_var.sqrt()
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "stale_statistics", f"{where}:batch_norm")
    # ½[1/s + d²/s − 1 + ln s] with d in units of the true deviation; the data's own is exact here
    expected = 0.5 * (1 / size + shift**2 - 1 + math.log(size)) if shift == 0 else 0.5 * shift**2
    assert found.value == pytest.approx(expected, rel=0.05)
    cured(report, net, batch)


@pytest.mark.slow
def test_data_of_another_kind_are_not_the_fault_of_the_statistics() -> None:
    """The SVHN network on handwriting: its statistics are off by 1.6 nat, and right about the images as they are."""
    svhn = svhn_net()
    x, labels = svhn.batch, svhn.labels
    assert lensmaker.inspect(svhn.model, x[:32]).findings == ()

    def accuracy() -> float:
        with torch.no_grad():
            return float((svhn.model(x[64:]).argmax(1) == labels[64:]).float().mean())

    first = next(m for m in svhn.model.modules() if isinstance(m, nn.BatchNorm2d))
    as_trained = accuracy()
    seen: list[Tensor] = []
    hook = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        svhn.model(x[:32])
    hook.remove()
    v, m = torch.var_mean(seen[0].double(), (0, 2, 3), correction=0)
    v_r, m_r = first.running_var.double(), first.running_mean.double()
    divergence = 0.5 * (v / v_r + (m - m_r).square() / v_r - 1 - (v / v_r).log())
    assert float(divergence.median()) == pytest.approx(1.6, abs=0.1)
    for module in svhn.model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
            module.train()
    with torch.no_grad():
        svhn.model(x[:64])
    svhn.model.eval()
    assert accuracy() < as_trained


def test_one_normalisation_that_was_reset() -> None:
    net, batch = normalised()
    norms = [(n, m) for n, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)]
    where, norm = norms[2]
    for _, before in norms[:2]:  # so that what enters the third is far from (0, 1)
        before.weight.data *= 4
    net.train()(batch[0])
    net.eval()
    norm.reset_running_stats()
    report = lensmaker.inspect(net, batch, LOSS)
    only(report, "stale_statistics", f"{where}:batch_norm")
    cured(report, net, batch)


@pytest.mark.parametrize(("size", "shift"), [(5.0, 0.0), (2e-3, 0.0), (1.0, 20.0)])
def test_statistics_on_their_way_are_left_alone(size: float, shift: float) -> None:
    """After one step of momentum 0.1 they are nine tenths what they began with, which a few more steps mend."""
    net, (x, y) = convolutions(he, norm=True, channels=(8,)), images(samples=32)
    net[0].bias.data += shift
    net(x * size)
    assert StaleStatistics().look(evidence_on(net.eval(), (x * size, y))) == []


def test_statistics_that_are_not_used_are_left_alone() -> None:
    net, batch = normalised()
    net[4].running_var *= 100
    assert len(StaleStatistics().look(evidence_on(net, batch))) > 0
    assert StaleStatistics().look(evidence_on(net.train(), batch)) == []


@pytest.mark.parametrize("size", [1.0, 100.0])
def test_statistics_never_estimated_are_left_alone(size: float) -> None:
    net, (x, y) = convolutions(he, norm=True).eval(), images(samples=32)
    assert StaleStatistics().look(evidence_on(net, (x * size, y))) == []


# -- units ------------------------------------------------------------------------------------------


def test_repeated_and_zeroed_units_are_drawn_anew() -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[4].weight.data[[5, 9]] = net[4].weight.data[2].clone()
    net[4].weight.data[11:13] = 0
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "idle_units", "4:linear")
    assert "2 with weights of zero and 2 that repeat another unit" in found.cause
    before = net[4].weight.detach().clone()
    report.correct()
    changed = (net[4].weight != before).any(1).nonzero()[:, 0].tolist()
    assert changed == [5, 9, 11, 12]
    size = net[4].weight.detach()[changed].square().mean() / before[:5].square().mean()
    assert float(size) == pytest.approx(1, rel=0.5)
    assert lensmaker.inspect(net, batch, LOSS).findings == ()


def test_units_that_differ_are_left_alone_and_zeros_of_a_trained_network() -> None:
    """By a bias; by a difference that the projection of the search does not see; by training."""
    net, batch = perceptron(3, init=he), vectors()
    weight, bias = net[4].weight.data, net[4].bias.data
    weight[5] = weight[2]
    bias[5] = 1.0
    direction = torch.randn(65, generator=stream("idle units", 0))[:64]
    unseen = torch.randn(64)
    weight[9] = weight[3] + unseen - direction * (unseen @ direction / direction.square().sum())
    assert IdleUnits().look(evidence_on(net, batch)) == []
    weight[11] = 0
    assert len(IdleUnits().look(evidence_on(net, batch))) == 1
    assert IdleUnits().look(evidence_on(net, batch, Training.TRAINED)) == []


def test_a_weight_of_zeros_cuts_the_axis_but_not_a_residual_block() -> None:
    net, batch = perceptron(4, init=he), vectors()
    net[4].weight.data.zero_()
    report = lensmaker.inspect(net, batch, LOSS)
    assert only(report, "idle_units", "4:linear").value == 64
    cured(report, net, batch)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(32, 32), nn.Linear(32, 32)
            nn.init.zeros_(self.b.weight)
            nn.init.zeros_(self.b.bias)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.b(torch.relu(self.a(x)))

    assert lensmaker.inspect(nn.Sequential(Block(), Block(), nn.Linear(32, 10)), batch, LOSS).findings == ()


def test_a_row_for_padding_of_a_tied_table_is_left_alone() -> None:
    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.table, self.layer = nn.Embedding(50, 32, padding_idx=0), nn.Linear(32, 32)

        def forward(self, ids: Tensor) -> Tensor:
            return self.layer(self.table(ids)) @ self.table.weight.T

    ids = torch.randint(50, (16, 8), generator=torch.Generator().manual_seed(0))
    assert lensmaker.inspect(Language(), ids).findings == ()


def test_equal_kernels_of_a_blur_are_left_alone() -> None:
    blur = nn.Conv2d(8, 8, 3, groups=8, bias=False, padding=1)
    nn.init.constant_(blur.weight, 1 / 9)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), blur, nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    assert lensmaker.inspect(net, images(), LOSS).findings == ()


def test_units_that_never_fire_get_their_bias_raised() -> None:
    net, batch = perceptron(5, init=he), vectors(samples=32)
    net[4].bias.data[4:] -= 9
    report = lensmaker.inspect(net, batch, LOSS)
    found = only(report, "dead_units", "5:relu")
    assert found.value == 60 / 64
    variance, mean = torch.var_mean(net[:5](batch[0])[:, 4:].detach(), 0, correction=0)
    depth = re.search(r"negative by ([\d.]+) of its", found.cause)
    assert depth is not None
    assert float(depth[1]) == pytest.approx(float((-mean / variance.sqrt()).median()), rel=0.01)
    alone = net[4].bias.detach()[:4].clone()
    report.correct()
    assert torch.equal(net[4].bias[:4], alone)
    alive = (net[:6](batch[0]) > 0).float().mean()
    assert 0.3 < float(alive) < 0.7
    assert lensmaker.inspect(net, batch, LOSS).findings == ()


def test_a_trained_network_whose_only_way_is_dead() -> None:
    net, batch = perceptron(5, init=he), vectors(samples=32)
    net[4].bias.data -= 20
    report = lensmaker.inspect(net, batch, LOSS, trained=True)
    assert only(report, "dead_units", "5:relu").bound == pytest.approx(1)
    net[4].bias.data[0] += 40  # one unit is a way
    assert roots(lensmaker.inspect(net, batch, LOSS, trained=True)) == []


def test_a_trained_network_that_biases_have_shut() -> None:
    net, batch = perceptron(5, act=nn.Tanh, init=lecun), vectors(samples=32)
    net[4].bias.data += 12
    only(lensmaker.inspect(net, batch, LOSS, trained=True), "saturated_units", "5:tanh")


class Beside(nn.Linear):
    """x + ReLU(W x + b)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x).relu()


def shifted(net: nn.Sequential, bias: float, weight: float = 1.0) -> nn.Sequential:
    """The third layer."""
    net[4].bias.data += bias
    net[4].weight.data *= weight
    return net


def beside() -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(32, 32) for _ in range(4)), Beside(32, 32), nn.Linear(32, 10))


UNITS: dict[str, tuple[Aberration, Callable[[], nn.Module], int, Training]] = {
    "few samples": (DeadUnits(), lambda: shifted(perceptron(3, init=he), -20), 12, Training.FRESH),
    "with a way around": (DeadUnits(), lambda: shifted(beside(), -20), 32, Training.TRAINED),
    "by their weights": (
        SaturatedUnits(), lambda: shifted(perceptron(3, act=nn.Tanh), 0, 1e3), 32, Training.TRAINED,
    ),
    "dead, not saturated": (SaturatedUnits(), lambda: shifted(perceptron(3, act=nn.ReLU6), -20), 32, Training.FRESH),
}  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_units_that_are_another_matter(name: str) -> None:
    aberration, make, samples, training = UNITS[name]
    assert aberration.look(evidence_on(make(), vectors(samples), training)) == []


def test_units_that_their_weights_saturate_follow_from_the_gain() -> None:
    net = shifted(perceptron(4, act=nn.Tanh, init=lecun), 0, 30)
    report = lensmaker.inspect(net, vectors(samples=32), LOSS)
    only(report, "layer_gain", "4:linear")
    assert [(f.aberration, f.consequence_of) for f in report.findings[1:]] == [
        ("saturated_units", "layer_gain at 4:linear")
    ]


def test_what_is_flat_by_its_purpose_is_left_alone() -> None:
    """A softplus far on its small side, and an exp that underflows."""

    class Small(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.softplus(x - 6) * 400 + (x - 1e4).exp()

    net = nn.Sequential(nn.Linear(32, 64), Small(), nn.Linear(64, 10))
    assert lensmaker.inspect(net, vectors(samples=32), LOSS).findings == ()


def test_units_at_the_flat_ends_are_brought_back() -> None:
    net, batch = perceptron(5, act=nn.Tanh, init=lecun), vectors(samples=32)
    net[4].bias.data += 5
    report = lensmaker.inspect(net, batch, LOSS)
    only(report, "saturated_units", "5:tanh")
    cured(report, net, batch)


# -- scale among peers ------------------------------------------------------------------------------


def encoder(layers: int = 4) -> nn.Sequential:
    torch.manual_seed(0)
    blocks = [
        nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        for _ in range(layers)
    ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(8 * 32, 10))


def tokens() -> tuple[Tensor, Tensor]:
    return torch.randn(16, 8, 32, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 10


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
