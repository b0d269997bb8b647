"""The depth as a whole: found in networks too deep for their initialisation, mended to criticality."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import nn

import lensmaker
from design.networks import convolutions, evidence_on, he, images, perceptron, vectors
from lensmaker.core import Training
from lensmaker.design.aberration import Suspicion
from lensmaker.design.depth_gain import DepthGain


def suspicions(model: nn.Module, batch: Any, training: Training = Training.FRESH) -> list[Suspicion]:
    return DepthGain().look(evidence_on(model, batch, training))


@pytest.mark.parametrize(("act", "critical"), [(nn.ReLU, 2**0.5), (nn.Tanh, 1.12), (nn.LeakyReLU, 2**0.5)])
def test_default_initialisation_too_deep(act: type[nn.Module], critical: float) -> None:
    """PyTorch draws σ_w = 1/√3; what it is multiplied by leads to the critical σ_w."""
    (found,) = suspicions(perceptron(16, 64, act), vectors())
    assert found.where.path == "0"
    assert found.value < found.bound == 1e-6
    assert list(found.factors) == [f"{2 * i}.weight" for i in range(16)]
    for factor in found.factors.values():
        assert factor / 3**0.5 == pytest.approx(critical, rel=0.1)
    assert found.correction.startswith("multiply 16 weights by ")


def test_explosion() -> None:
    (found,) = suspicions(perceptron(12, 64, init=lambda w: nn.init.normal_(w, std=0.5)), vectors())
    assert found.value > found.bound == 1e6
    for name, factor in found.factors.items():
        fan_in = 32 if name == "0.weight" else 64
        assert factor == pytest.approx((2 / fan_in) ** 0.5 / 0.5, rel=0.1)
    assert "explodes over the depth: 12 layers" in found.cause


def test_the_number_is_the_product_of_the_gains() -> None:
    """σ_w²/2 = 1/8 in each of ten layers: 8⁻¹⁰."""
    net = perceptron(10, 512, init=lambda w: nn.init.normal_(w, std=(0.25 / w.shape[1]) ** 0.5))
    for loud in (1.0, 20.0):  # a layer that stands out is counted at the level of the others
        net[6].weight.data *= loud
        (found,) = suspicions(net, vectors())
        assert found.value == pytest.approx(8.0**-10, rel=0.2)


def test_the_bound_is_crossed_between_seven_and_eight_default_layers() -> None:
    assert suspicions(perceptron(7, 256), vectors()) == []
    assert len(suspicions(perceptron(8, 256), vectors())) == 1


@pytest.mark.parametrize(("depth", "scale"), [pytest.param(42, 0.1, marks=pytest.mark.slow), (32, 20.0)])
def test_beyond_the_range_of_single_precision(depth: int, scale: float) -> None:
    """The network puts out zeros, or infinities; the loss gradient is 0 or not a number."""
    net = perceptron(depth, 32, init=he)
    with torch.no_grad():
        for layer in net[:-1:2]:
            layer.weight *= scale
    report = lensmaker.inspect(net, vectors(samples=4), nn.functional.cross_entropy)
    found, *others = report.findings
    assert found.aberration == "depth_gain"
    assert {f.consequence_of for f in others} <= {"depth_gain at 0:linear"}
    for _, factor in found.factors:
        assert factor == pytest.approx(1 / scale, rel=0.1)
    assert all(p.value == p.value for p in found.effect if p.regime)
    repr(report)


@pytest.mark.parametrize("act", [nn.ReLU, pytest.param(nn.Sigmoid, marks=pytest.mark.slow)])
def test_a_blamed_layer_is_made_level_and_then_critical_with_the_others(act: type[nn.Module]) -> None:
    """Its own finding says how far it is from the others; both corrections together make all critical."""
    net = perceptron(10, 64, act, inputs=64)
    healthy = dict(suspicions(net, vectors(inputs=64))[0].factors)
    net[6].weight.data *= 20
    report = lensmaker.inspect(net, vectors(inputs=64), nn.functional.cross_entropy)
    layer, depth = report.findings
    assert (layer.aberration, depth.aberration) == ("layer_gain", "depth_gain")
    assert dict(layer.factors) == {"6.weight": pytest.approx(1 / 20, rel=0.1)}
    assert depth.cause.split(":")[1].startswith(" 10 layers with χ ≈ ")
    assert ", counting 6:linear as corrected," in depth.cause
    assert depth.correction.endswith(", to χ = 1, besides the correction of 6:linear")
    together = {n: f * dict(layer.factors).get(n, 1.0) for n, f in depth.factors}
    assert together == {n: pytest.approx(f / 20 ** (n == "6.weight"), rel=0.02) for n, f in healthy.items()}
    report.correct()
    assert lensmaker.inspect(net, vectors(inputs=64), nn.functional.cross_entropy).findings == ()


def test_a_blamed_weight_that_cannot_be_scaled_is_said_in_both() -> None:
    net = perceptron(10, 64, inputs=64)
    loud = 20 * net[6].weight.detach()
    net[6] = nn.Linear(64, 64)
    del net[6].weight
    net[6].register_buffer("weight", loud)
    report = lensmaker.inspect(net, vectors(inputs=64), nn.functional.cross_entropy)
    layer, depth = report.findings
    assert (layer.factors, len(depth.factors)) == ((), 9)
    assert re.search(r"make the weight 0\.0[45]\d* times", layer.correction)
    assert re.search(r"and 6:linear: make the weight 2\.\d* times", depth.correction)


def test_convolutions_by_default() -> None:
    (found,) = suspicions(convolutions(channels=(16,) * 9), images())
    for factor in found.factors.values():
        assert factor == pytest.approx(6**0.5, rel=0.25)  # more, for the zeros at the border


def test_training_excuses() -> None:
    assert suspicions(perceptron(16), vectors(), Training.TRAINED) == []


def test_a_shared_weight_that_cannot_be_scaled_for_all_is_said() -> None:
    net = perceptron(12, init=lambda w: nn.init.normal_(w, std=(0.2 / w.shape[1]) ** 0.5))
    net[4].weight = net[-3].weight = net[6].weight
    net[6] = nn.Linear(64, 64)
    net[6].weight = net[4].weight
    (found,) = suspicions(net, vectors())
    assert found.factors["4.weight"] == pytest.approx(10**0.5, rel=0.1)
    net[-1] = nn.Linear(64, 64)
    net[-1].weight = net[4].weight
    (found,) = suspicions(net, (vectors()[0], torch.zeros(12, dtype=torch.long)))
    assert "4.weight" not in found.factors
    assert len(found.factors) == 9
    assert "4.weight is also the weight of 24:linear" in found.correction


@pytest.mark.parametrize(
    "act", [nn.ReLU, *(pytest.param(f, marks=pytest.mark.slow) for f in (nn.Tanh, nn.GELU, nn.SiLU))]
)
def test_the_correction_does_what_it_promises(act: type[nn.Module]) -> None:
    net, batch = perceptron(12, 96, act), vectors()
    report = lensmaker.inspect(net, batch, nn.functional.cross_entropy).correct()
    corrected = {str(c.where): c for c in report.record.corrected if c.quantity.name == "gradient"}
    first, last = corrected["0:linear"].measurement.value, corrected["22:linear"].measurement.value
    assert 1e-2 < first / last < 1e2  # 1e-9 and less before
    z = [abs(c.z_score) for c in report.record.corrected if c.prediction.regime]
    assert sum(v < 3 for v in z) > 0.95 * len(z)
