"""The spectrum of random weights: closed forms against simulated matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lensmaker.core import Verdict, compare
from lensmaker.instruments.spectra import Spectra
from lensmaker.systems.networks import Network
from lensmaker.theories.random_weights import RandomWeights, edge_ratio, effective_rank

LAWS = {
    "normal": (0.0, lambda rng, shape: rng.normal(size=shape)),
    "uniform": (-1.2, lambda rng, shape: rng.uniform(-1, 1, shape)),
}
SIZES = [(10, 64), (16, 16), (32, 288), (64, 100)]
DRAWS = 1000


def drawn(p: int, n: int, law: str) -> tuple[np.ndarray, np.ndarray]:
    """Entropy of the squared singular values, and the largest one over the edge, of many matrices."""
    X = LAWS[law][1](np.random.default_rng(p * n), (DRAWS, p, n))
    λ = np.linalg.eigvalsh(X @ X.transpose(0, 2, 1))
    total = λ.sum(1, keepdims=True)
    share = np.maximum(λ / total, 1e-300)
    σ = np.sqrt(total[:, 0] / (p * n))
    return -(share * np.log(share)).sum(1), np.sqrt(λ[:, -1]) / (σ * (math.sqrt(n) + math.sqrt(p)))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("p", "n"), SIZES)
def test_effective_rank(p: int, n: int, law: str) -> None:
    H, _ = drawn(p, n, law)
    value, error = effective_rank(p, n, LAWS[law][0])
    # The next order is below 0.2 of the fluctuation from ten rows on; the mean of the draws adds 3/√1000.
    assert abs(H.mean() - math.log(value)) < (0.2 + 3 / math.sqrt(DRAWS)) * error / value
    assert H.std() == pytest.approx(error / value, rel=0.12)


@pytest.mark.parametrize(("p", "n"), SIZES)
def test_largest_singular_value(p: int, n: int) -> None:
    _, ratio = drawn(p, n, "normal")
    value, error = edge_ratio(p, n)
    assert abs(ratio.mean() - value) < (0.1 + 3 / math.sqrt(DRAWS)) * error
    # That σ is taken from the same matrix makes it narrower, the more so the fewer its rows.
    assert 0.6 * error < ratio.std() < 1.05 * error


def test_uniform_entries_have_a_lower_edge() -> None:
    normal, uniform = (drawn(64, 100, law)[1].mean() for law in ("normal", "uniform"))
    predicted = math.log(edge_ratio(64, 100, -1.2)[0] / edge_ratio(64, 100)[0])
    assert math.log(uniform / normal) == pytest.approx(predicted, rel=0.35)


def test_page_s_entropy_is_the_leading_order() -> None:
    assert math.log(effective_rank(4000, 8000)[0]) == pytest.approx(math.log(4000) - 0.25, abs=1e-4)


def test_fresh_layers_of_many_kinds_agree() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 32, 3), torch.nn.Conv2d(32, 64, 3, groups=4), torch.nn.ConvTranspose2d(64, 16, 3),
        torch.nn.Flatten(), torch.nn.Linear(16 * 36, 100), torch.nn.Linear(100, 10),
    )  # fmt: skip
    network = Network(model, torch.randn(2, 3, 8, 8))
    pairs, alone, _ = compare(RandomWeights().predict(network), Spectra().measure(network))
    assert len(pairs) == 10
    assert not alone
    assert {c.verdict for c in pairs} == {Verdict.AGREES}


def test_recurrent_matrices_have_places_of_their_own() -> None:
    torch.manual_seed(0)
    network = Network(torch.nn.LSTM(16, 24, 2), torch.randn(5, 3, 16))
    pairs, _, _ = compare(RandomWeights().predict(network), Spectra().measure(network))
    ranks = [c for c in pairs if c.quantity.name == "effective_rank"]
    assert [str(c.where) for c in ranks] == [f"weight_{k}h_l{i}:lstm" for i in (0, 1) for k in "ih"]
    assert {c.verdict for c in pairs} == {Verdict.AGREES}


def test_a_layer_called_twice_has_its_matrices_once() -> None:
    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.fc = torch.nn.GRU(8, 8), torch.nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.rnn(self.fc(self.rnn(x)[0]))[0])

    places = [str(p.where) for p in RandomWeights().predict(Network(Twice(), torch.randn(5, 3, 8)))]
    assert sorted(set(places)) == ["fc:linear", "rnn.weight_hh_l0:gru", "rnn.weight_ih_l0:gru"]
    assert len(places) == 6


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (torch.randn(2, 50), "fewer than 4 rows"),
        (torch.zeros(8, 50), "a weight of zeros"),
        (torch.full((8, 50), math.inf), "not finite"),
    ],
)
def test_what_is_no_draw_is_outside_the_regime(weight: torch.Tensor, words: str) -> None:
    layer = torch.nn.Linear(50, len(weight), bias=False)
    layer.weight.data = weight
    for prediction in RandomWeights().predict(Network(layer, torch.ones(2, 50))):
        assert words in prediction.regime.outside


def test_heavy_tails_are_not_part_of_the_null() -> None:
    """Entries of a kurtosis that no initialisation draws are compared with normal ones."""
    layer = torch.nn.Linear(64, 64, bias=False)
    layer.weight.data = torch.from_numpy(np.random.default_rng(0).standard_t(3, (64, 64))).float()
    found = RandomWeights().predict(Network(layer, torch.ones(2, 64))).select(quantity="effective_rank")[0]
    assert found.value == pytest.approx(effective_rank(64, 64, 0.0)[0])
