"""One layer at fault: the right one, and the factor that mends it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

import lensmaker
from design.networks import Applied, convolutions, evidence_on, he, images, lecun, perceptron, vectors
from lensmaker.core import Training
from lensmaker.design.aberration import Suspicion
from lensmaker.design.depth_gain import DepthGain
from lensmaker.design.layer_gain import LayerGain

HEALTHY: dict[str, Callable[[int], nn.Sequential]] = {
    "relu": lambda seed: perceptron(7, init=he, seed=seed),
    "tanh": lambda seed: perceptron(7, act=nn.Tanh, init=lecun, seed=seed),
    "convolutions": lambda seed: convolutions(he, channels=(16,) * 6, seed=seed),
}
FACTORS = (0.1, 0.2, 5.0, 10.0)


def suspicions(model: nn.Module, batch: Any, training: Training = Training.FRESH) -> list[Suspicion]:
    return LayerGain().look(evidence_on(model, batch, training))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("kind", HEALTHY)
def test_a_planted_fault_is_found_and_undone(kind: str, factor: float) -> None:
    """The place is drawn; the first convolution is left out, whose scale may be that of its fan-out."""
    seed = FACTORS.index(factor)
    net = HEALTHY[kind](seed)
    linear = [i for i, m in enumerate(net[:-1]) if isinstance(m, nn.Linear | nn.Conv2d)]
    at = random.Random(f"{kind} {factor}").choice(linear[kind == "convolutions" :])
    net[at].weight.data *= factor
    (found,) = suspicions(net, images() if kind == "convolutions" else vectors())
    assert found.where.path == str(at)
    assert found.factors == {f"{at}.weight": pytest.approx(1 / factor, rel=0.1)}
    assert found.correction == f"multiply {at}.weight by {found.factors[f'{at}.weight']:.4g}"
    assert ("explodes" in found.cause) == (factor > 1)
    assert (found.value > found.bound) == (factor > 1)


def test_two_faults_are_two_findings() -> None:
    net = perceptron(9, init=he)
    net[2].weight.data *= 8
    net[10].weight.data *= 0.1
    found = suspicions(net, vectors())
    assert [s.where.path for s in found] == ["2", "10"]
    assert found[0].factors["2.weight"] == pytest.approx(1 / 8, rel=0.1)
    assert found[1].factors["10.weight"] == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("factor", [0.1, 10.0])
@pytest.mark.parametrize("act", [nn.ReLU, nn.GELU, nn.Sigmoid, nn.Tanh])
def test_a_fault_among_layers_that_are_off_together_is_brought_to_their_level(
    act: type[nn.Module], factor: float
) -> None:
    """PyTorch draws σ_w² = 1/3, wherever φ has its critical point; the depth is not this finding's concern."""
    net = perceptron(5, 128, act)
    net[4].weight.data *= factor
    (found,) = suspicions(net, vectors())
    assert found.factors == {"4.weight": pytest.approx(1 / factor, rel=0.05)}
    assert ("explodes" in found.cause) == (factor > 1)


@pytest.mark.parametrize("factor", [0.1, 10.0])
@pytest.mark.parametrize("act", [nn.ReLU, nn.Sigmoid, pytest.param(nn.GELU, marks=pytest.mark.slow)])
def test_what_was_corrected_is_not_found_again(act: type[nn.Module], factor: float) -> None:
    """Sigmoids, and GELUs (12⁶), are off together by so much that the depth is corrected as well."""
    net, batch = perceptron(6, 128, act, inputs=128, seed=1), vectors(inputs=128)
    net[2].weight.data *= factor
    report = lensmaker.inspect(net, batch, nn.functional.cross_entropy)
    assert [f.aberration for f in report.findings] == ["layer_gain", "depth_gain"][: 1 + (act is not nn.ReLU)]
    assert dict(report.findings[0].factors)["2.weight"] == pytest.approx(1 / factor, rel=0.1)
    report.correct()
    assert lensmaker.inspect(net, batch, nn.functional.cross_entropy).findings == ()


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_either_law_of_initialisation_is_healthy(mode: str) -> None:
    """By fan-out the first convolution has 1/8 of the gain of the others, which is no fault."""
    net = convolutions(lambda w: nn.init.kaiming_normal_(w, mode=mode), channels=(24, 12, 24, 48, 12, 24))
    assert suspicions(net, images()) == []
    net[4].weight.data *= 10
    (found,) = suspicions(net, images())
    assert found.where.path == "4"
    assert found.factors["4.weight"] == pytest.approx(0.1, rel=0.35)  # to χ = 1 of fan-in or of fan-out


@pytest.mark.parametrize("direction", [0, 1], ids=["fan-out", "fan-in"])
def test_a_layer_stands_out_by_all_laws_that_may_hold(direction: int) -> None:
    """By a law without a name; by the other one a layer that widens has 16 times the gain of the others, or 1/16."""
    net = nn.Sequential()
    for before, after in pairwise((32, 32, 32, 32, 512, 32, 32, 32)):
        net.extend([nn.Linear(before, after, bias=False), nn.ReLU()])
        nn.init.normal_(net[-2].weight, std=(3 / net[-2].weight.shape[direction]) ** 0.5)
    assert evidence_on(net.append(nn.Linear(32, 10)), vectors()).outliers == []


def test_layers_that_follow_a_law_with_two_others_are_as_they_were_meant() -> None:
    """PyTorch's default among layers of He's, with 1/6 of their gain; the readout is one companion."""
    net, batch = perceptron(8, init=he), vectors()
    net[4].reset_parameters()
    assert [s.where.path for s in suspicions(net, batch)] == ["4"]
    net[8].reset_parameters()
    assert suspicions(net, batch) == []
    for i in (0, 2, 6, 10, 12, 14):
        net[i].weight.data *= 40
    assert suspicions(net, batch) == []
    assert [s.where.path for s in suspicions(net, batch, Training.TRAINED)] == ["4", "8"]


def test_a_trained_layer_may_differ_more() -> None:
    net = perceptron(5, init=he)
    net[4].weight.data *= 10
    assert suspicions(net, vectors(), Training.TRAINED) == []
    net[4].weight.data *= 10
    (found,) = suspicions(net, vectors(), Training.TRAINED)
    assert found.where.path == "4"
    assert found.factors["4.weight"] == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize(
    ("act", "critical"), [(nn.ReLU, 2**0.5), (nn.Tanh, 1.12), (nn.GELU, 1.43), (nn.Sigmoid, 10.1)]
)
def test_too_few_layers_to_compare_are_judged_by_criticality(
    act: type[nn.Module], critical: float, at: int, factor: float
) -> None:
    """PyTorch draws σ_w = 1/√3, which is no fault; the other layer is left alone."""
    net = perceptron(2, 128, act, inputs=128)
    net[at].weight.data *= factor
    evidence = evidence_on(net, vectors(inputs=128))
    (found,) = LayerGain().look(evidence)
    assert found.where.path == str(at)
    assert found.factors == {f"{at}.weight": pytest.approx(critical * 3**0.5 / factor, rel=0.1)}
    assert found.bound == (1e3 if factor > 1 else 1e-3)
    assert "too few layers to compare it with" in found.cause
    assert DepthGain().look(evidence) == []


def test_a_single_layer_too() -> None:
    net = perceptron(1, 128)
    assert suspicions(net, vectors()) == []
    net[0].weight.data *= 1e-2
    (found,) = suspicions(net, vectors())
    assert found.factors == {"0.weight": pytest.approx(100 * 6**0.5, rel=0.05)}


_QUICK = (nn.ReLU, nn.Tanh, nn.GELU, nn.Sigmoid)
_SLOW = (nn.SiLU, nn.ELU, nn.Softplus, nn.Hardsigmoid, nn.Softsign, nn.Identity)


@pytest.mark.parametrize("depth", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("act", [*_QUICK, *(pytest.param(act, marks=pytest.mark.slow) for act in _SLOW)])
def test_few_layers_as_pytorch_draws_them_are_healthy(act: type[nn.Module], depth: int) -> None:
    """Also a few units wide, and on inputs in units of their own."""
    x, y = vectors()
    assert suspicions(perceptron(depth, 8, act), (x, y)) == []
    assert suspicions(perceptron(depth, 64, act), (255 * x.abs(), y)) == []


def test_few_trained_layers_may_make_up_for_the_units_of_their_input() -> None:
    net = perceptron(2, init=he)
    net[0].weight.data /= 255
    assert suspicions(net, vectors(), Training.TRAINED) == []
    net[0].weight.data /= 255
    (found,) = suspicions(net, vectors(), Training.TRAINED)
    assert found.factors == {"0.weight": pytest.approx(255**2, rel=0.2)}


# -- weights that are not one layer's own -----------------------------------------------------------


def chain_of(layers: list[nn.Module], head: nn.Module) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x).relu()
        return head(x)

    return forward


def chain(layers: list[nn.Module]) -> nn.Module:
    distinct = list(dict.fromkeys(layers))
    return Applied(
        lambda m, x: chain_of(layers, m.head)(x),
        **{f"layer{i}": m for i, m in enumerate(distinct)},
        head=nn.Linear(32, 10),
    )


def healthy_layer(seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    layer = nn.Linear(32, 32, bias=False)
    he(layer.weight)
    return layer


def test_a_layer_called_twice_is_corrected_once() -> None:
    loud = healthy_layer(0)
    loud.weight.data *= 5
    (found,) = suspicions(
        chain([healthy_layer(1), healthy_layer(2), loud, healthy_layer(3), loud, healthy_layer(4)]), vectors()
    )
    assert str(found.where) == "layer2:linear"
    assert found.factors == {"layer2.weight": pytest.approx(0.2, rel=0.1)}


def test_a_weight_shared_with_another_use_is_left_alone() -> None:
    loud = healthy_layer(0)
    loud.weight.data *= 5
    layers = [healthy_layer(1), healthy_layer(2), loud, healthy_layer(3), healthy_layer(4)]
    net = chain(layers)

    net.function = lambda m, x: chain_of(layers, m.head)(x + x @ loud.weight)
    (found,) = suspicions(net, vectors())
    assert found.factors == {}
    assert found.correction.endswith("where it is made: layer2.weight is also the weight of layer2:matmul")
    assert re.match(r"make the weight 0\.(19|20)\d* times", found.correction)


@pytest.mark.parametrize(
    ("loud", "handle"),
    [
        (lambda: parametrizations.weight_norm(healthy_layer(0)), "parametrizations.weight.original0"),
        (lambda: healthy_layer(0).requires_grad_(False), "weight"),
        (lambda: parametrizations.spectral_norm(healthy_layer(0)), ""),
    ],
    ids=["weight norm", "frozen", "spectral norm"],
)
def test_a_weight_that_is_made(loud: Callable[[], nn.Module], handle: str) -> None:
    layer = loud()
    if handle:
        dict(layer.named_parameters())[handle].data *= 10
    others = [healthy_layer(i) for i in range(1, 6)]
    if not handle:  # ‖W‖ = 1 makes σ_w² = 1/4: with the others at 8 it stands out
        for other in others:
            other.weight.data *= 2
    (found,) = suspicions(chain([*others[:2], layer, *others[2:]]).eval(), vectors())
    assert str(found.where) == "layer2:linear"
    if handle:
        assert found.factors == {f"layer2.{handle}": pytest.approx(0.1, rel=0.1)}
    else:
        assert found.factors == {}
        assert "no single parameter scales the weight, which is made of layer2.param" in found.correction


def test_uses_that_want_different_factors_are_told() -> None:
    """Before a ReLU the critical σ_w is √2, before the readout 1."""
    loud = healthy_layer(0)
    loud.weight.data *= 5
    layers = [healthy_layer(1), healthy_layer(2), loud, healthy_layer(3), healthy_layer(4)]
    net = chain(layers)
    net.function = lambda m, x: m.head(chain_of(layers, nn.Identity())(x) @ loud.weight)
    found = suspicions(net, vectors())
    assert [str(s.where) for s in found] == ["layer2:linear", "layer2:matmul"]
    assert [s.factors for s in found] == [{}, {}]
    assert "layer2.weight is used 2 times, which want 0.14" in found[0].correction


def test_tied_weights_have_one_vote_and_one_correction() -> None:
    net, batch = perceptron(4, init=he, inputs=64), vectors(inputs=64)
    net[4].weight = net[2].weight
    net[2].weight.data *= 10
    report = lensmaker.inspect(net, batch, nn.functional.cross_entropy)
    assert [(f.aberration, f.where.path) for f in report.findings] == [("layer_gain", "2")]
    assert dict(report.findings[0].factors) == {"2.weight": pytest.approx(0.1, rel=0.1)}
    report.correct()
    assert lensmaker.inspect(net, batch, nn.functional.cross_entropy).findings == ()
