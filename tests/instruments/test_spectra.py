from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lensmaker.core import Convergence, InputError, Measurement, Table
from lensmaker.instruments.spectra import Spectra, spectrum
from lensmaker.systems.networks import Network


def measured(model: nn.Module, batch: object, **options: float) -> dict[str, dict[str, Measurement]]:
    """Path → quantity → measurement."""
    found: dict[str, dict[str, Measurement]] = {}
    table: Table[Measurement] = Spectra(**options).measure(Network(model, batch))
    for m in table:
        found.setdefault(str(m.where), {})[str(m.quantity)] = m
    return found


def singular_values(weight: torch.Tensor) -> np.ndarray:
    return np.linalg.svd(weight.detach().double().flatten(1).numpy(), compute_uv=False)


@pytest.mark.parametrize("shape", [(1, 5), (40, 30), (30, 40), (8, 4, 3, 3), (4, 2, 3, 2, 2), (20000, 6)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_singular_values_are_those_of_numpy(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    found, exact = spectrum(weight), singular_values(weight)
    assert found.singular_values == pytest.approx(exact, rel=1e-9)
    assert found.singular_value_max == pytest.approx(exact[0], rel=1e-13)
    share = exact**2 / (exact**2).sum()
    assert found.effective_rank == pytest.approx(math.exp(-(share * np.log(share)).sum()), rel=1e-10)
    assert found.shape == tuple(sorted((shape[0], math.prod(shape[1:]))))


def test_squaring_costs_the_stated_precision() -> None:
    """s = 1e-6·s₁ is right to 1e-4 and better; 1e-9·s₁ is rounding and comes out as zero."""
    g = torch.Generator().manual_seed(1)
    left, _ = torch.linalg.qr(torch.randn(50, 50, generator=g, dtype=torch.float64))
    planted = torch.cat([torch.logspace(0, -6, 49, dtype=torch.float64), torch.tensor([1e-9])])
    found = spectrum((left * planted) @ left.T).singular_values
    assert found[:49] == pytest.approx(planted[:49].numpy(), rel=1e-4)
    assert found[49] < 2e-7


def test_edges_and_variance_of_a_random_matrix() -> None:
    weight = 0.02 * torch.randn(300, 900, generator=torch.Generator().manual_seed(2))
    found = spectrum(weight)
    assert found.variance == pytest.approx(4e-4, rel=4 * math.sqrt(2 / 270_000))
    assert found.edges == pytest.approx(
        (0.02 * (math.sqrt(900) - math.sqrt(300)), 0.02 * (math.sqrt(900) + math.sqrt(300))), rel=1e-2
    )
    assert (found.spikes, found.p_value > 1e-3) == (0, True)
    assert found.edges[1] < found.threshold < 1.02 * found.edges[1]


def test_planted_spikes_are_counted_in_a_kernel() -> None:
    g = torch.Generator().manual_seed(3)
    kernel = torch.randn(64, 32, 3, 3, generator=g)
    left, right = (torch.linalg.qr(torch.randn(n, 2, generator=g)).Q for n in (64, 288))
    kernel += (100 * left @ right.T).reshape(kernel.shape)
    found = spectrum(kernel)
    assert found.spikes == 2
    assert found.p_value < 1e-12
    assert found.variance == pytest.approx(1.0, rel=0.03)


def test_false_alarms_over_a_thousand_matrices() -> None:
    """One in a thousand is expected at most; six has a probability below 1e-3."""
    g = torch.Generator().manual_seed(4)
    assert sum(spectrum(torch.rand(20, 45, generator=g) - 0.5).spikes > 0 for _ in range(1000)) <= 5


def test_weights_without_randomness() -> None:
    zero, one = spectrum(torch.zeros(3, 4)), spectrum(torch.ones(3, 4))
    assert (zero.singular_value_max, zero.effective_rank, zero.spikes, zero.edges) == (0, 0, 0, (0, 0))
    assert one.singular_values == pytest.approx([math.sqrt(12), 0, 0], abs=1e-7)
    assert one.effective_rank == pytest.approx(1)
    orthogonal = spectrum(nn.init.orthogonal_(torch.empty(20, 50)))
    assert orthogonal.effective_rank == pytest.approx(20, rel=1e-6)
    assert orthogonal.spikes == 0


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (torch.ones(3), "two or more axes"),
        (torch.ones(3, 3, dtype=torch.int64), "int64"),
        (torch.ones(0, 3), "two or more axes"),
        (torch.full((2, 2), torch.nan), "finite weight"),
    ],
)
def test_what_is_no_weight_is_refused(weight: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        spectrum(weight)


# -- the instrument ---------------------------------------------------------------------------------


def test_linear_norm_is_the_largest_singular_value() -> None:
    net = nn.Sequential(nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 5))
    found = measured(net, torch.randn(4, 30))
    assert list(found) == ["0:linear", "2:linear"]
    for path, layer in (("0:linear", net[0]), ("2:linear", net[2])):
        assert set(found[path]) == set(Spectra.quantities)
        exact = singular_values(layer.weight)[0]
        assert found[path]["singular_value_max"].value == pytest.approx(exact, rel=1e-12)
        assert found[path]["operator_norm"].value == found[path]["singular_value_max"].value
        assert all(m.error == 0 and m.samples == layer.weight.numel() for m in found[path].values())


def test_convolution_has_a_norm_of_its_own() -> None:
    conv = nn.Conv2d(8, 8, 3, padding=1)
    found = measured(conv, torch.randn(4, 8, 12, 12))["conv2d"]
    assert found["singular_value_max"].value == pytest.approx(singular_values(conv.weight)[0], rel=1e-12)
    assert found["operator_norm"].value > 1.1 * found["singular_value_max"].value
    assert 0 < found["operator_norm"].error <= 0.01 * found["operator_norm"].value
    limited = measured(conv, torch.randn(4, 8, 12, 12), iterations=2)["conv2d"]["operator_norm"]
    assert limited.convergence is Convergence.ITERATION_LIMIT


def test_measurement_is_the_same_each_time() -> None:
    network = Network(nn.Conv2d(3, 8, 3, padding=1), torch.randn(2, 3, 12, 12))
    assert Spectra().measure(network) == Spectra().measure(network)


class Tied(nn.Module):
    """A vocabulary that is read and written with one table, like GPT-2's."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 16)
        self.head = nn.Linear(16, 50, bias=False)
        self.head.weight = self.table.weight
        self.twice = nn.Linear(16, 16)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.twice(self.twice(self.table(tokens)).tanh()))


def test_tied_and_repeated_weights_are_measured_once_where_they_come_first() -> None:
    model = Tied()
    found = measured(model, torch.randint(0, 50, (3, 7)))
    assert list(found) == ["table:embedding", "twice:linear"]
    assert found["table:embedding"]["operator_norm"].value == pytest.approx(
        singular_values(model.table.weight)[0]
    )


def test_attention_of_torch_has_its_own_two_matrices() -> None:
    attention = nn.MultiheadAttention(16, 4, batch_first=True)

    class Cross(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = attention

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attention(x, x, x)[0]

    found = measured(Cross(), torch.randn(2, 5, 16))
    assert [f["singular_value_max"].samples for f in found.values()] == [48 * 16, 16 * 16]
    values = [f["singular_value_max"].value for f in found.values()]
    assert values == pytest.approx(
        [singular_values(attention.in_proj_weight)[0], singular_values(attention.out_proj.weight)[0]],
        rel=1e-12,
    )


def test_parts_of_one_parameter_are_weights_of_their_own() -> None:
    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stacked = nn.Parameter(torch.randn(12, 6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first, second = self.stacked.chunk(2)
            return F.linear(F.linear(x, first), second) + F.linear(x, first)

    model = Parts()
    values = [f["singular_value_max"].value for f in measured(model, torch.randn(3, 6)).values()]
    assert values == pytest.approx([singular_values(w)[0] for w in model.stacked.chunk(2)], rel=1e-12)


def test_parametrised_weight_is_the_effective_one() -> None:
    model = nn.utils.parametrizations.weight_norm(nn.Linear(9, 7))
    with torch.no_grad():
        model.parametrizations.weight.original0.mul_(3)
    found = measured(nn.Sequential(model, nn.Linear(7, 9), model), torch.randn(2, 9))
    assert len(found) == 2
    assert next(iter(found.values()))["singular_value_max"].value == pytest.approx(
        singular_values(model.weight)[0]
    )


def test_grouped_and_transposed_convolutions_and_products() -> None:
    class Zoo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.grouped = nn.Conv1d(6, 4, 3, groups=2)
            self.up = nn.ConvTranspose1d(4, 6, 3, stride=2)
            self.square = nn.Parameter(torch.randn(6, 5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.up(self.grouped(x)).mT
            return torch.addmm(torch.zeros(5), x.flatten(0, 1), self.square)

    model = Zoo()
    found = measured(model, torch.randn(2, 6, 9))
    assert list(found) == ["grouped:conv1d", "up:conv_transpose1d", "addmm"]
    values = [f["singular_value_max"].value for f in found.values()]
    kernels = (model.grouped.weight, model.up.weight.transpose(0, 1), model.square)
    assert values == pytest.approx([singular_values(k)[0] for k in kernels], rel=1e-12)


def test_weight_that_is_not_finite_is_marked() -> None:
    net = nn.Linear(3, 3)
    with torch.no_grad():
        net.weight[0, 0] = torch.inf
    marks = {m.convergence for m in measured(net, torch.ones(2, 3))["linear"].values()}
    assert marks == {Convergence.NOT_FINITE}


def test_network_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    Spectra().measure(Network(net, torch.randn(3, 1, 8, 8)))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
