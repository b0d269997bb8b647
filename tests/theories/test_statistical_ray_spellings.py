"""What the code of networks does beside layers: writes, casts, learned queries, constants that are mapped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lensmaker.core import Comparison, Prediction, Verdict
from lensmaker.instruments.attention import AttentionEntropy
from lensmaker.systems.networks import Network
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.mean_field import MeanField
from systems.networks.architectures import Applied
from theories.clouds import initialised, normal


def predicted(
    model: nn.Module, x: Any, quantity: str = "second_moment", loss: Any = None
) -> dict[str, Prediction]:
    table = MeanField(finite_width=None).predict(Network(model, x, loss))
    return {str(p.where): p for p in table.select(quantity=quantity)}


def inside(model: nn.Module, x: Any, place: str) -> float:
    found = predicted(model, x)[place]
    assert found.regime, found.regime.outside
    return found.value


TARGET = torch.tensor([0, 0, 3, 1])


@pytest.mark.parametrize("spelling", ["index_add_", "index_add", "scatter_add", "setitem"])
def test_a_signal_is_followed_into_what_it_is_written_to(spelling: str) -> None:
    def write(m: Any, x: Tensor) -> Tensor:
        y, canvas = m.map(x), torch.zeros(4, 64)
        if spelling == "setitem":
            canvas[TARGET[1:]] = y[1:]
        elif spelling == "scatter_add":
            canvas = canvas.scatter_add(0, TARGET.unsqueeze(1).expand(4, 64), y)
        else:
            canvas = getattr(canvas, spelling)(0, TARGET, y)
        return canvas.abs()

    x = normal(4, 32)
    model = Applied(write, map=initialised(nn.Linear(32, 64, bias=False), 1.2))
    sums = torch.stack([x[0] + x[1] if spelling != "setitem" else x[1], x[3], torch.zeros(32), x[2]])
    expected = 1.44 * float(sums.square().mean())
    assert inside(model, x, "abs") == pytest.approx(expected, rel=1e-5)


def test_a_signal_written_into_a_view_of_a_constant_is_followed() -> None:
    def write(m: Any, x: Tensor) -> Tensor:
        canvas = torch.zeros(4, 65)
        canvas[:, 1:][:, ::2] = m.map(x)[:, ::2]
        return canvas.abs()

    x = normal(4, 32)
    model = Applied(write, map=initialised(nn.Linear(32, 64, bias=False), 1.2))
    assert inside(model, x, "abs") == pytest.approx(1.44 * float(x.square().mean()) * 32 / 65, rel=0.05)


def test_a_product_with_a_vector() -> None:
    model = Applied(
        lambda m, x: (x @ m.map.weight[0]).abs(), map=initialised(nn.Linear(32, 1, bias=False), 1.2)
    )
    x = normal(4, 32)
    assert inside(model, x, "matmul") == pytest.approx(1.44 * float(x.square().mean()), rel=1e-5)


def test_a_bilinear_map_mixes_the_products_of_its_inputs() -> None:
    model = Applied(
        lambda m, x: m.pair(x[:, :16], torch.tanh(m.map(x))),
        map=initialised(nn.Linear(32, 24), 1.2, 0.3),
        pair=initialised(nn.Bilinear(16, 24, 40, bias=False), 1.1),
    )
    x, found, squares = normal(12, 32), [], []
    for seed in range(60):
        for layer in model.children():
            initialised(layer, 1.2 if isinstance(layer, nn.Linear) else 1.1, 0.3, seed=2 * seed)
        squares.append(model(x).square().mean().item())
        found.append(inside(model, x, "pair:bilinear") if seed < 3 else found[0])
    error = np.std(squares) / len(squares) ** 0.5
    assert error < 0.03 * np.mean(squares)
    assert np.mean(found[:3]) == pytest.approx(np.mean(squares), abs=4 * error)


def test_the_signal_may_start_at_a_map_of_constants() -> None:
    """As the steps of a diffusion model, whole numbers, do."""

    def embed(m: Any, steps: Tensor) -> Tensor:
        return m.map((steps.unsqueeze(1) * torch.linspace(0.1, 2, 32)).sin())

    steps = torch.arange(1, 5)
    model = Applied(embed, map=initialised(nn.Linear(32, 64, bias=False), 1.2))
    code = (steps.unsqueeze(1) * torch.linspace(0.1, 2, 32)).sin()
    assert inside(model, steps, "map:linear") == pytest.approx(1.44 * float(code.square().mean()), rel=1e-5)


def test_attention_with_learned_queries() -> None:
    def attend(m: Any, x: Tensor) -> Tensor:
        queries = m.queries.weight.view(1, 1, 5, 64).expand(len(x), 1, 5, 64)
        tokens = m.map(x).unsqueeze(1)
        return F.scaled_dot_product_attention(queries, tokens, tokens)

    model = Applied(attend, queries=nn.Embedding(5, 64), map=initialised(nn.Linear(32, 64), 1.5))
    x = normal(12, 9, 32)
    network = Network(model, x)
    (found,) = MeanField().predict(network).select(quantity="attention_entropy")
    (measured,) = AttentionEntropy().measure(network)
    assert measured.value < 1.7  # of ln 9 = 2.2
    assert Comparison(found, measured).verdict is Verdict.AGREES
    assert found.error < 0.2


def test_the_gradient_comes_back_through_the_transposed_map_outside_the_regime() -> None:
    class Tied(nn.Module):
        def __init__(self, tied: bool) -> None:
            super().__init__()
            self.weight = nn.Parameter(normal(32, 64) / 8)
            self.other = self.weight if tied else nn.Parameter(normal(32, 64, seed=1) / 8)

        def forward(self, x: Tensor) -> Tensor:
            return F.linear(torch.tanh(F.linear(x, self.weight)), self.other.T)

    for tied in (False, True):
        found = predicted(Tied(tied), normal(8, 64), "gradient", lambda y: (y * normal(8, 64, seed=2)).sum())
        assert [bool(p.regime) for p in found.values()] == [not tied, not tied, not tied]


def test_a_dropout_that_drops_everything_is_outside() -> None:
    model = nn.Sequential(nn.Linear(32, 64), nn.Dropout(0.999), nn.Linear(64, 3))
    found = predicted(model, normal(8, 32))
    assert found["0:linear"].regime
    assert "keeps less than one number of a sample" in found["1:dropout"].regime.outside
    assert "keeps less than one number of a sample" in found["2:linear"].regime.outside
    assert predicted(model.eval(), normal(8, 32))["2:linear"].regime


def test_every_output_has_an_error() -> None:
    """The loss takes the second one, too; the cropped network of the spreads has no loss."""
    model = Applied(
        lambda m, x: (m.a(x).mean((2, 3)), m.b(x).mean((2, 3))), a=nn.Conv2d(3, 8, 3), b=nn.Conv2d(3, 8, 3)
    )
    network = Network(model, normal(4, 3, 40, 40), lambda out: out[0].sum() + out[1].square().sum())
    places = {str(where) for _, where in FiniteWidth().spreads(network)}
    assert places == {"a:conv2d", "mean", "b:conv2d", "mean#1"}


def test_biases_of_one_value_add_up_along_a_residual_stream() -> None:
    """As in Hiera, whose biases all start at 0.02."""

    class Stream(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.ModuleList(initialised(nn.Linear(64, 64), 0.1, 0.0, seed=i) for i in range(6))
            for layer in self.maps:
                nn.init.constant_(layer.bias, 0.5)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.maps:
                x = x + layer(F.normalize(x, dim=-1) * 8)
            return x

    x = normal(16, 64)
    expected = float(x.square().mean()) + 6 * 0.01 + (6 * 0.5) ** 2 + 6 * float(x.mean())
    assert inside(Stream(), x, "add#5") == pytest.approx(expected, rel=0.03)


def test_the_loss_gradient_keeps_what_its_sites_have_in_common() -> None:
    """Of two classes, averaged over neighbours on the way back: signs, not sizes, decide what is left."""
    signs = torch.tensor([1.0, -1.0]).repeat(16).unsqueeze(1)

    def average(m: Any, x: Tensor) -> Tensor:
        y = m.map(x)
        return 0.5 * (y + y.roll(1, 0))

    def loss(y: Tensor) -> Tensor:
        return (y * signs * torch.tensor([1.0, -1.0])).sum()

    model = Applied(average, map=initialised(nn.Linear(32, 2), 1.0))
    found = predicted(model, normal(32, 32), "gradient", loss)
    assert found["mul"].value == pytest.approx(1.0, rel=1e-4)
    assert found["map:linear"].value < 0.1


def test_the_loss_gradient_keeps_its_angle_to_the_output_at_each_site() -> None:
    """The scale of a hand-written norm feels that angle alone, and here its mean over the samples is zero."""
    signs = torch.tensor([1.0, -1.0]).repeat(8).unsqueeze(1)

    def scaled(m: Any, x: Tensor) -> Tensor:
        return m.map(x) * x.square().mean(1, keepdim=True).rsqrt()

    model, x = Applied(scaled, map=initialised(nn.Linear(32, 256, bias=False), 1.0)), normal(16, 32)
    found = predicted(model, x, "gradient", lambda y: (y.square() * signs).sum() / 2)
    size = x.square().mean(1).rsqrt()
    exact = (model.map(x).square().sum(1) * size).square().mean().item()
    assert found["rsqrt"].value == pytest.approx(exact, rel=0.2)  # of one network with 256 units


def test_the_scale_of_a_norm_feels_that_the_head_is_tied_to_the_embedding() -> None:
    class Tied(nn.Module):
        def __init__(self, tied: bool) -> None:
            super().__init__()
            self.tokens, self.map = nn.Embedding(20, 32), nn.Linear(32, 32)
            self.head = nn.Linear(32, 20, bias=False)
            if tied:
                self.head.weight = self.tokens.weight

        def forward(self, ids: Tensor) -> Tensor:
            x = self.tokens(ids)
            x = x + self.map(x * x.pow(2).mean(-1, keepdim=True).rsqrt())
            return self.head(x)

    ids = torch.arange(24).view(4, 6) % 20
    for tied in (False, True):
        found = predicted(Tied(tied), ids, "gradient", lambda y: y.square().mean())
        outside = {place for place, p in found.items() if not p.regime}
        assert outside == ({"pow", "mean", "rsqrt", "head:linear"} if tied else set())
