"""Instruments of convolutions: against sums written out, and fields whose spectra and errors are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from exact.conv_operator import dense
from lensmaker.core import InputError, Measurement
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.instruments.convolutions.input_spectrum import InputSpectrum
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.systems.networks import Network


def values(table) -> dict[tuple, float]:
    return {(m.where.path, m.quantity.name, m.where.coordinates): m.value for m in table}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# -- spectra ----------------------------------------------------------------------------------------


def cosines(side: int) -> np.ndarray:
    """The orthonormal cosine transform as a matrix, (waves, sites)."""
    x = np.arange(side)
    rows = np.cos(np.pi * np.arange(side)[:, None] * (x + 0.5) / side) * math.sqrt(2 / side)
    rows[0] /= math.sqrt(2)
    return rows


def test_shares_of_energy_by_a_transform_written_out() -> None:
    """Two convolutions, the second on half the resolution: lengths are in pixels of the input."""
    net = nn.Sequential(nn.Conv2d(2, 3, 3, stride=2), nn.Tanh(), nn.Conv2d(3, 1, 3)).double()
    x = drawn(4, 2, 11, 14)
    found = values(InputSpectrum(steps=2).measure(Network(net, x)))
    with torch.no_grad():
        inputs = {"0": (x, 1.0), "2": (net[:2](x), 2.0)}
    checked = 0
    for path, (field, step) in inputs.items():
        f = field.numpy()
        waves = np.einsum("ax,by,ncxy->ncab", cosines(f.shape[2]), cosines(f.shape[3]), f)
        k = (
            np.pi
            / step
            * np.hypot(np.arange(f.shape[2])[:, None] / f.shape[2], np.arange(f.shape[3])[None] / f.shape[3])
        )
        energy = (waves**2).sum((0, 1))
        for (where, _, coordinates), value in found.items():
            if where == path:
                ((_, wavelength),) = coordinates
                long = k <= 2 * np.pi / wavelength * (1 + 1e-9)
                assert value == pytest.approx(energy[long].sum() / energy.sum(), rel=1e-9)
                checked += 1
    assert checked > 8


def test_a_constant_is_an_infinite_wave() -> None:
    table = InputSpectrum().measure(Network(nn.Conv1d(1, 1, 3), torch.ones(2, 1, 16)))
    assert [m.value for m in table] == pytest.approx([1.0] * len(table))


def test_unbatched_and_cubic_inputs_are_read() -> None:
    assert len(InputSpectrum().measure(Network(nn.Conv3d(1, 1, 2), torch.randn(2, 1, 6, 6, 6)))) > 2
    with pytest.raises(InputError, match="at least one wavelength for each factor of two"):
        InputSpectrum(steps=0)


# -- law errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3},
        {"kernel_size": 3, "padding": 1, "stride": 2},
        {"kernel_size": 2, "padding": 1},
        {"kernel_size": 4, "dilation": 2},
        {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
    ],
    ids=str,
)
def test_errors_on_one_wave_are_those_of_the_symbol(options: dict) -> None:
    """cos(k(x + ½)) with k = πn/N is its own mirror image: y − y_n = Re (K − K_n)e^{ik(x+½)}, compared inside."""
    conv = nn.Conv1d(1, 1, bias=False, **options).double()
    side, n = 60, 13
    k = math.pi * n / side
    wave = torch.cos(k * (torch.arange(side, dtype=torch.float64) + 0.5))
    found = FieldLawError(orders=(0, 1, 2, 3)).measure(Network(conv, wave.expand(2, 1, side)))
    taps = conv.weight.detach()[0, 0].numpy()
    size, dilation, stride = len(taps), options.get("dilation", 1), options.get("stride", 1)
    z = dilation * (np.arange(size) - (size - 1) / 2)
    K = (taps * np.exp(1j * k * z)).sum()
    starts = np.arange(side + 2 * options.get("padding", 0) - dilation * (size - 1))[::stride] - options.get(
        "padding", 0
    )
    starts = starts[(starts >= 0) & (starts + dilation * (size - 1) < side)]
    x = starts - z[0] + 0.5
    exact = (K * np.exp(1j * k * x)).real
    for m, order in zip(found, (0, 1, 2, 3), strict=True):
        law = sum((taps * (1j * k * z) ** j / math.factorial(j)).sum() for j in range(order + 1))
        off = ((K - law) * np.exp(1j * k * x)).real
        assert m.value == pytest.approx(np.linalg.norm(off) / np.linalg.norm(exact), rel=1e-9)
        assert dict(m.where.coordinates) == {"order": float(order)}


def test_polynomials_of_many_channels_by_groups() -> None:
    """On waves along both axes the law of two dimensions is that of the symbol, channel by channel."""
    conv = nn.Conv2d(4, 6, 3, groups=2, bias=False).double()
    side = 24
    n = torch.tensor([[1, 2], [3, 0], [0, 2], [2, 1]])
    x = torch.arange(side, dtype=torch.float64) + 0.5
    fields = torch.stack(
        [
            torch.outer(torch.cos(math.pi * a * x / side), torch.cos(math.pi * b * x / side))
            for a, b in n.tolist()
        ]
    )
    found = FieldLawError(orders=(2,), samples=1).measure(Network(conv, fields[None]))
    w, z = conv.weight.detach(), [-1.0, 0.0, 1.0]
    off = whole = 0.0
    inner = slice(1, side - 1)
    for o in range(6):
        y, law = torch.zeros(side - 2, side - 2).double(), torch.zeros(side - 2, side - 2).double()
        for j in range(2):
            i = 2 * (o // 3) + j
            ka, kb = (math.pi * int(m) / side for m in n[i])
            ca, cb, sa, sb = torch.cos(ka * x), torch.cos(kb * x), torch.sin(ka * x), torch.sin(kb * x)
            for a in range(3):
                for b in range(3):
                    v = w[o, j, a, b]
                    y += v * fields[i][a : a + side - 2, b : b + side - 2]
                    p, q = z[a], z[b]
                    field = torch.outer(ca, cb) - p * ka * torch.outer(sa, cb) - q * kb * torch.outer(ca, sb)
                    field += -0.5 * (p * ka) ** 2 * torch.outer(ca, cb) - 0.5 * (q * kb) ** 2 * torch.outer(
                        ca, cb
                    )
                    field += p * q * ka * kb * torch.outer(sa, sb)
                    law += v * field[inner, inner]
        off += float((y - law).square().sum())
        whole += float(y.square().sum())
    assert found[0].value == pytest.approx(math.sqrt(off / whole), rel=1e-9)


def test_one_by_one_transposed_and_too_small_are_left_out() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ConvTranspose2d(2, 2, 2), nn.Conv2d(2, 1, 6, padding=5))
    assert len(FieldLawError().measure(Network(net, torch.randn(2, 1, 4, 4)))) == 0
    with pytest.raises(InputError, match="orders of 0 or more"):
        FieldLawError(orders=())


# -- point spread -----------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [False, True])
def test_spread_of_a_linear_network_from_its_matrix(signed: bool) -> None:
    """Moments of the rows of the dense matrix; with signs, the mean over all of them is the sum of squares."""
    net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, (2, 3), stride=2, padding=1)).double()
    for layer in net:
        torch.nn.init.uniform_(layer.weight, 0.1, 1.0)
    found = values(PointSpreadGradients(samples=1, signed=signed).measure(Network(net, drawn(1, 1, 12, 12))))
    matrix = dense(net, (1, 12, 12))
    with torch.no_grad():
        shape = net(torch.zeros(1, 1, 12, 12, dtype=torch.float64)).shape[2:]
    row = matrix.reshape(*shape, 12, 12)[shape[0] // 2, shape[1] // 2]
    weight = row if signed else row**2
    place = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0), indexing="ij"), -1)
    mean = (weight[..., None] * place).sum((0, 1)) / weight.sum()
    covariance = np.einsum("xy,xya,xyb->ab", weight, place - mean, place - mean) / weight.sum()
    seen = np.argwhere(row != 0)
    middle = (seen.min(0) + seen.max(0)) / 2
    for axis in (0, 1):
        key = ("1", "point_spread_drift", (("axis", float(axis)),))
        assert found[key] == pytest.approx(mean[axis] - middle[axis], rel=1e-9)
    assert found["1", "point_spread_width", ()] == pytest.approx(math.sqrt(np.trace(covariance) / 2))
    shape_of = (covariance[0, 0] - covariance[1, 1], 2 * covariance[0, 1])
    for component in (0, 1):
        key = ("1", "point_spread_ellipticity", (("component", float(component)),))
        assert found[key] == pytest.approx(shape_of[component] / np.trace(covariance))


def test_spread_of_many_channels_is_the_sum_of_squares_over_signs() -> None:
    """Over many draws the squares add over channels that come out."""
    net = nn.Conv1d(3, 4, 5, padding=2).double()
    table = PointSpreadGradients(samples=2, draws=2000).measure(Network(net, drawn(2, 3, 15)))
    weight = net.weight.detach().square().sum((0, 1))
    z = torch.arange(-2.0, 3.0, dtype=torch.float64)
    mean = float(weight @ z / weight.sum())
    assert values(table)["", "point_spread_drift", (("axis", 0.0),)] == pytest.approx(mean, abs=0.02)


def test_the_model_is_run_as_it_is_and_what_has_no_convolution_is_refused() -> None:
    with pytest.raises(InputError, match="convolutions see a float input"):
        PointSpreadGradients().measure(Network(nn.Linear(3, 3), torch.ones(2, 3)))
    with pytest.raises(InputError, match="at least one sample and one draw"):
        PointSpreadGradients(samples=0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Dropout(0.5), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3))
    network = Network(net, torch.randn(3, 1, 16, 16))
    first, second = (PointSpreadGradients().measure(network) for _ in range(2))
    assert [repr(m) for m in first] == [repr(m) for m in second]
    assert all(isinstance(m, Measurement) and math.isfinite(m.value) for m in first)
