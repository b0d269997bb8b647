"""The theory's predictions: numbers of layers that are known, and what it says where there are none."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from lensmaker.core import InputError, compare
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.systems.networks import Network
from lensmaker.theories.field_equation.expected_error import expected_error, periodic_part, spectra
from lensmaker.theories.field_equation.theory import FieldEquation, read
from theories.field_equation.kernels import drawn


def told(net: nn.Module, x: Tensor, samples: int = 0) -> dict[tuple, tuple[float, str]]:
    table = FieldEquation(samples=samples).predict(Network(net, x))
    return {(p.quantity.name, p.where.path, p.where.coordinates): (p.value, p.regime.outside) for p in table}


def test_numbers_of_a_layer_behind_a_stride() -> None:
    """A kernel of products: drift and metric are those of its factors, in pixels of two."""
    net = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 3, bias=False), nn.Tanh()).double()
    rows, columns = torch.tensor([0.1, 0.5, 0.4]), torch.tensor([0.3, 0.6, 0.1])
    net[1].weight.data[:] = 2.0 * torch.outer(rows, columns)
    found = told(net, torch.ones(1, 1, 20, 20, dtype=torch.float64))
    assert found["field_gain", "1", ()][0] == pytest.approx(2.0)
    assert found["potential", "1", ()][0] == pytest.approx(1.0)
    assert found["field_drift", "1", (("axis", 0.0),)][0] == pytest.approx(0.6)
    assert found["field_drift", "1", (("axis", 1.0),)][0] == pytest.approx(-0.4)
    g = 4 * torch.tensor([[0.5, 0.3 * -0.2], [0.3 * -0.2, 0.4]])
    values = torch.linalg.eigvalsh(g)
    assert found["metric_smallest", "1", ()][0] == pytest.approx(float(values[0]))
    assert found["metric_largest", "1", ()][0] == pytest.approx(float(values[1]))
    assert found["curvature", "1", ()] == (0.0, "")
    assert not any(outside for _, outside in found.values())


@pytest.mark.parametrize(
    ("weight", "quantity", "reason"),
    [
        (torch.zeros(1, 1, 3, 3), "field_gain", "all weights are zero"),
        (
            torch.tensor([[[[0.0, 0, 0], [-1, 0, 1], [0, 0, 0]]]]),
            "metric_largest",
            "m₀ = 0: it cannot be normalised",
        ),
        (torch.zeros(1, 1, 3, 3), "validity_wavelength", "holds for no wavelength"),
        (torch.ones(2, 1, 3, 3), "curvature", "from 1 to 2: only a square m₀ has an inverse"),
    ],
)
def test_where_there_is_no_number_it_says_why(weight: Tensor, quantity: str, reason: str) -> None:
    conv = nn.Conv2d(1, len(weight), 3, bias=False)
    conv.weight.data[:] = weight
    table = FieldEquation(samples=0).predict(Network(conv, torch.ones(1, 1, 9, 9))).select(quantity=quantity)
    assert all(reason in p.regime.outside for p in table)
    assert len(table) == 1


def test_a_flat_activation_has_no_potential() -> None:
    found = told(nn.Sequential(nn.Conv1d(1, 1, 3), nn.Hardshrink()), torch.ones(1, 1, 9))
    assert found["potential", "0", ()][1] == "hardshrink is flat at zero"


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match="a network with convolutions"):
        FieldEquation().predict(Network(nn.Linear(3, 3), torch.ones(2, 3)))
    with pytest.raises(InputError, match="a number of samples of 0 or more"):
        FieldEquation(samples=-1)


# -- expected errors --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_expected_errors_on_a_torus_are_those_of_uncorrelated_waves(order: int, groups: int) -> None:
    """Channels of different waves: the sums over waves written out, by Fourier and by hand."""
    conv = nn.Conv2d(2, 4, 3, groups=groups, bias=False).double()
    side = 12
    x = torch.arange(side, dtype=torch.float64)
    numbers = ((1, 2), (3, 0))
    fields = torch.stack(
        [
            torch.cos(2 * math.pi * (a * x[:, None] + b * x[None]) / side) + i
            for i, (a, b) in enumerate(numbers)
        ]
    )
    (field,) = read(Network(conv, fields[None]).probes(1))
    # cosines are periodic on the grid, but jump from the last site to the first
    w = conv.weight.detach()
    power, k = spectra(fields[None], field.kernel)
    left = whole = 0.0
    for o in range(4):
        for j in range(2 // groups):
            i = 2 // groups * (o // (4 // groups)) + j
            for S, (ka, kb) in zip(power[i].tolist(), k.tolist(), strict=True):
                K = law = 0j
                for a in range(3):
                    for b in range(3):
                        phase = 1j * (ka * (a - 1) + kb * (b - 1))
                        K += float(w[o, j, a, b]) * complex(torch.exp(torch.tensor(phase)))
                        law += float(w[o, j, a, b]) * sum(
                            phase**n / math.factorial(n) for n in range(order + 1)
                        )
                left += S * abs(K - law) ** 2
                whole += S * abs(K) ** 2
    assert expected_error(field.kernel, fields[None], order) == pytest.approx(
        math.sqrt(left / whole), rel=1e-6
    )


def test_spectra_keep_the_energy_and_the_channels_apart() -> None:
    conv = nn.Conv2d(3, 2, 3).double()
    x = drawn(2, 3, 9, 11)
    (field,) = read(Network(conv, x).probes(2))
    power, k = spectra(x, field.kernel)
    assert power.shape == (3, 99)
    assert k.shape == (99, 2)
    bare = x - periodic_part(x.flatten(0, 1) - x.flatten(0, 1).mean((1, 2), keepdim=True), 2).view_as(x)
    assert bare.shape == x.shape
    total = x.square().sum((2, 3)).mean(0) * 99
    assert bool((power.sum(1) >= 0.7 * total).all())
    assert bool((power.sum(1) <= 1.3 * total).all())


def test_a_ramp_has_no_short_waves() -> None:
    ramp = torch.linspace(-1, 1, 64, dtype=torch.float64)[None]
    rough = torch.fft.fft(ramp).abs().square()[0, 16:48].sum()
    smooth = torch.fft.fft(periodic_part(ramp, 1)).abs().square()[0, 16:48].sum()
    assert float(smooth) < 1e-3 * float(rough)


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"groups": 3}], ids=str
)
def test_expected_and_measured_agree_on_rough_fields(options: dict) -> None:
    """Independent channels of white noise through a random kernel."""
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 12, 3, **options)
    network = Network(conv, torch.randn(4, 3, 40, 40))
    pairs, _, _ = compare(
        FieldEquation(samples=4).predict(network), FieldLawError(samples=4).measure(network)
    )
    assert len(pairs) == 3
    assert [c.ratio for c in pairs] == pytest.approx([1.0] * 3, abs=0.06)
