"""What holds for every prediction: nothing disturbed, the same numbers again, a cost that width does not raise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lensmaker.theories.finite_width as finite_width_module
import lensmaker.theories.mean_field as mean_field_module
from lensmaker.core import quantity
from lensmaker.systems.networks import Network
from lensmaker.systems.networks.operations import ELEMENTWISE_ACTIVATIONS
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.statistical_ray.reading import read
from lensmaker.theories.statistical_ray.walk import Passage
from theories.clouds import normal, perceptron


def network_with_everything_random() -> tuple[nn.Module, Network]:
    net = nn.Sequential(nn.Linear(20, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Dropout(0.2), nn.Linear(40, 5))
    return net, Network(net, (normal(24, 20), torch.arange(24) % 5), F.cross_entropy)


def test_network_and_global_random_states_stay_as_they_are() -> None:
    net, network = network_with_everything_random()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    states = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 -- run-time type checks draw from Python's
    MeanField().predict(network)
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert np.array_equal(np.random.get_state()[1], states[0][1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1])


def test_the_seed_alone_decides_the_numbers() -> None:
    _, network = network_with_everything_random()
    first = MeanField().predict(network)
    torch.manual_seed(99)
    assert MeanField().predict(network) == first
    assert [p.value for p in MeanField(seed=1).predict(network)] != [p.value for p in first]


def test_the_cost_does_not_grow_with_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """All numbers in the clouds of both rays, at four times the width."""
    total = 0

    def counting(passage: Passage, probes: int, samples: int, pooled: bool = False) -> list[object]:
        nonlocal total
        total += passage.output.numel()
        return list(read(passage, probes, samples, pooled))

    for module in (mean_field_module, finite_width_module):
        monkeypatch.setattr(module, "read", counting)
    found = {}
    for width in (1024, 4096):
        total = 0
        net = perceptron([32] + [width] * 4, nn.Tanh, 1.2, 0.1)
        MeanField().predict(Network(net, normal(64, 32)))
        found[width] = total
    assert found[4096] < 2 * found[1024]


class OneActivation(nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.linear, self.weight = nn.Linear(30, 30), torch.full((1,), 0.25)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear(x)
        if self.name in {"log", "log1p", "sqrt", "rsqrt", "reciprocal"}:
            x = x.abs() + 0.1
        arguments = {
            "clamp": (-0.5, 0.5),
            "clamp_min": (0.1,),
            "clamp_max": (0.1,),
            "pow": (3,),
            "prelu": (self.weight,),
        }
        arguments["threshold"] = (0.1, -0.2)
        function = getattr(F, self.name, None) or getattr(torch, self.name)
        return function(x, *arguments.get(self.name, ()))


@pytest.mark.parametrize("name", sorted(ELEMENTWISE_ACTIVATIONS))
def test_no_activation_needs_a_rule_of_its_own(name: str) -> None:
    network = Network(OneActivation(name), normal(8, 30), lambda y: (y * normal(*y.shape, seed=3)).sum())
    table = MeanField(finite_width=None).predict(network)
    last = {p.quantity.name: p for p in table if p.where.operation == name}
    steps = {"sign", "floor"}  # no slope anywhere
    for quantity_name in ("second_moment", "chi", "gradient"):
        assert last[quantity_name].regime or name in steps
        assert last[quantity_name].value >= 0


def test_a_bare_limit_has_no_error_where_all_samples_are_probes() -> None:
    net = perceptron([16, 64, 64], nn.Tanh, 1.0, 0.0)
    table = MeanField(finite_width=None).predict(Network(net, normal(6, 16)))
    assert max(p.error / max(p.value, 1.0) for p in table) < 3e-6  # rounding


def test_probes_stand_for_the_batch() -> None:
    """Samples of very different size: the error covers what sixteen of them cannot know."""
    x = normal(400, 30) * torch.linspace(0.1, 3, 400)[
        torch.randperm(400, generator=torch.Generator().manual_seed(0))
    ].unsqueeze(1)
    net = perceptron([30, 2000], nn.Tanh, 1.0, 0.0)
    (found,) = (p for p in MeanField().predict(Network(net, x)) if p.quantity is quantity("second_moment"))
    real = float(net(x).detach().double().square().mean())
    assert found.error / found.value > 0.1
    assert abs(found.value - real) < 3 * found.error


def test_finite_width_has_a_row_for_every_row_of_mean_field() -> None:
    _, network = network_with_everything_random()
    rows = {(p.quantity.name, p.where) for p in MeanField().predict(network)}
    assert rows == {(p.quantity.name, p.where) for p in FiniteWidth().predict(network)}
    assert {name for name, _ in rows} <= set(MeanField.quantities)


def test_half_precision_and_frozen_networks_are_predicted() -> None:
    net = perceptron([16, 32, 32], nn.ReLU, 1.4, 0.1).to(torch.bfloat16).requires_grad_(False)
    table = MeanField().predict(Network(net, normal(8, 16).to(torch.bfloat16)))
    assert all(p.regime and p.value > 0 for p in table if p.quantity is quantity("second_moment"))


def test_vanishing_values_are_said_to_leave_the_range() -> None:
    net = nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU())
    nn.init.zeros_(net[0].weight)
    (found,) = (
        MeanField().predict(Network(net, normal(4, 8))).select(quantity="second_moment", where="1:relu")
    )
    assert "range of single precision" in found.regime.outside


def cosines_and_tokens(net: nn.Module, x: torch.Tensor) -> dict[tuple[str, str], tuple[float, str]]:
    table = MeanField(finite_width=None).predict(Network(net, x))
    return {(p.quantity.name, str(p.where)): (p.value, p.regime.outside) for p in table}


def test_rows_of_an_embedding_are_cut_to_their_longest() -> None:
    net = nn.Sequential(nn.Embedding(50, 32, max_norm=1.0), nn.Linear(32, 10))
    found = cosines_and_tokens(net, torch.arange(16))
    assert found["second_moment", "0:embedding"][0] == pytest.approx(1 / 32, rel=1e-4)


class MeanUnit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(32, 64), nn.Linear(1, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(torch.relu(self.inner(x)).mean(1, keepdim=True))


def test_two_positive_numbers_have_the_cosine_one() -> None:
    found = cosines_and_tokens(MeanUnit(), normal(12, 32))
    assert found["correlation", "mean"][0] == pytest.approx(1, abs=1e-6)


def test_the_heads_of_an_attention_have_a_token_correlation_together() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(64, 64)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            v = self.inner(x).unflatten(-1, (4, 16)).transpose(1, 2)
            return F.scaled_dot_product_attention(v * 0, v * 0, v)  # uniform: all tokens become one

    found = cosines_and_tokens(Attention(), normal(6, 10, 64))
    assert found["token_correlation", "scaled_dot_product_attention"][0] == pytest.approx(1, abs=1e-5)


class Standardised(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight - self.weight.mean(1, keepdim=True), self.bias)


def test_standardised_weights_are_outside() -> None:
    found = cosines_and_tokens(nn.Sequential(Standardised(32, 32), nn.ReLU()), normal(8, 32))
    assert "sum to zero" in found["second_moment", "0:linear"][1]
    assert found["second_moment", "0:linear"][1]


class Centred(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(32, 512)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x)
        return torch.tanh(y - y.mean(0))


def test_hand_written_batch_statistics_see_the_whole_batch_or_are_outside() -> None:
    few = cosines_and_tokens(Centred(), normal(40, 32))
    assert few["correlation", "sub"] == (pytest.approx(-1 / 39, abs=1e-3), "")
    many = cosines_and_tokens(Centred(), normal(200, 32))
    assert "statistics over a batch of which the ray follows 64 samples" in many["correlation", "sub"][1]
