"""Reading: what the effective kernels say beside what PyTorch's modules do to fields whose answer is known."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lensmaker.core import InputError
from lensmaker.systems.networks import record
from lensmaker.theories.field_equation.around import Boundary, Skip
from lensmaker.theories.field_equation.effective_kernel import effective_kernels
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.theory import read

SAME = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
SIDE = {1: 40, 2: 25, 3: 17}


def monomial_fields(channels: int, d: int) -> Tensor:
    """x^α for |α| ≤ 2 as samples in each channel by itself: (samples, channels, …), with their powers in order."""
    axis = torch.arange(SIDE[d], dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(*[axis] * d, indexing="ij"))
    fields = []
    for powers in POWERS[d]:
        one = torch.ones_like(grid[0])
        for a, p in enumerate(powers):
            one = one * grid[a] ** p
        for channel in range(channels):
            fields.append(torch.zeros(channels, *one.shape, dtype=torch.float64))
            fields[-1][channel] = one
    return torch.stack(fields)


POWERS = {d: [p for p in itertools.product(range(3), repeat=d) if sum(p) <= 2] for d in (1, 2, 3)}


def law_at(field: LayerField, place: Tensor, channels: int) -> Tensor:
    """Second-order law on the same fields at a place, exact for polynomials of degree 2: (samples, out)."""
    d, out = field.kernel.dimension, field.kernel.outputs
    groups = field.kernel.groups
    rows = []
    for powers in POWERS[d]:
        value, first, second = (
            1.0,
            torch.zeros(d, dtype=torch.float64),
            torch.zeros(d, d, dtype=torch.float64),
        )
        for a, p in enumerate(powers):
            value *= float(place[a]) ** p
        for a in range(d):
            first[a] = derivative(powers, place, {a: 1})
            for b in range(d):
                second[a, b] = derivative(powers, place, {a: 2} if a == b else {a: 1, b: 1})
        law = field.m0 * value + field.m1 @ first + 0.5 * (field.m2 * second).sum((-2, -1))
        for channel in range(channels):
            row = torch.zeros(out, dtype=torch.float64)
            per, own = channels // groups, out // groups
            group = channel // per
            row[group * own : (group + 1) * own] = law[group * own : (group + 1) * own, channel % per]
            rows.append(row + field.kernel.shift)
    return torch.stack(rows)


def derivative(powers: tuple[int, ...], place: Tensor, orders: dict[int, int]) -> float:
    value = 1.0
    for a, p in enumerate(powers):
        for _ in range(orders.get(a, 0)):
            value *= p
            p -= 1
            if p < 0:
                return 0.0
        value *= float(place[a]) ** p
    return value


@SAME
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3},
        {"kernel_size": 2},
        {"kernel_size": 4, "dilation": 2, "padding": 3},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "groups": 2, "dilation": 3},
        {"kernel_size": 4, "padding": "same"},
        {"kernel_size": 3, "padding": 2, "padding_mode": "circular"},
        {"kernel_size": 2, "padding": 1, "stride": 3, "padding_mode": "reflect"},
    ],
    ids=str,
)
def test_the_law_of_second_order_is_exact_for_polynomials_of_degree_two(d: int, options: dict) -> None:
    """On x^α at PyTorch's outputs, which lie at o·stride − offset: batch norm, bias and a factor folded."""
    conv = CONV[d](4, 6, **options).double()
    norm = NORM[d](6).double().eval()
    for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
        torch.nn.init.uniform_(tensor.data, 0.5, 2.0)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = conv, norm

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(-0.3 * self.norm(self.conv(x)))

    fields = monomial_fields(4, d)
    train = record(Net(), fields[:1])
    (field,) = read(train)
    assert field.kernel.activation == "relu"
    with torch.no_grad():
        out = -0.3 * norm(conv(fields))
    index = [n // 2 for n in out.shape[2:]]
    place = torch.tensor(index, dtype=torch.float64) * torch.tensor(field.kernel.stride)
    place = place - torch.tensor(field.kernel.offset)
    torch.testing.assert_close(out[(..., *index)], law_at(field, place, 4), rtol=1e-10, atol=1e-8)


@pytest.mark.parametrize(("stride", "padding", "size"), [(2, 1, 4), (2, 0, 2), (3, 2, 5), (1, 1, 3)])
def test_a_transposed_convolution_is_the_mean_over_its_phases(stride: int, padding: int, size: int) -> None:
    """On φ = 1 and φ = x: m₀ and m₁ are the means of value and displacement over a period of outputs."""
    conv = nn.ConvTranspose1d(2, 3, size, stride=stride, padding=padding, bias=False).double()
    ramp = torch.arange(30, dtype=torch.float64)
    fields = torch.zeros(4, 2, 30, dtype=torch.float64)
    fields[0, 0] = fields[1, 1] = 1.0
    fields[2, 0], fields[3, 1] = ramp, ramp
    (field,) = read(record(conv, fields))
    with torch.no_grad():
        out = conv(fields)
    start = 12 * stride
    period = slice(start, start + stride)
    m0 = out[:2, :, period].mean(-1).T
    torch.testing.assert_close(m0, field.m0, rtol=1e-12, atol=1e-12)
    # y(o) = Σ w x_in(o): about the place x_o = o/stride − offset, m₁ = ⟨y − m₀(phase) x_o⟩
    place = torch.arange(start, start + stride, dtype=torch.float64) / stride - field.kernel.offset[0]
    m1 = (out[2:, :, period] - out[:2, :, period] * place).mean(-1).T
    torch.testing.assert_close(m1, field.m1[..., 0], rtol=1e-11, atol=1e-11)
    assert any("phases" in note for note in field.kernel.notes) == (stride > 1)


class Residual(nn.Module):
    """x + h·norm(conv(x)), and its like."""

    def __init__(self, kind: str, padding_mode: str = "zeros") -> None:
        super().__init__()
        self.kind = kind
        self.conv = nn.Conv2d(4, 4, 3, padding=1, groups=2, padding_mode=padding_mode)
        self.norm = nn.BatchNorm2d(4).eval()
        self.second = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "step":
            return torch.tanh(x + 0.1 * self.norm(self.conv(x)))
        if self.kind == "alpha":
            return torch.add(x, self.conv(x), alpha=0.1)
        if self.kind == "activated":
            return x + torch.relu(self.conv(x))
        if self.kind == "long":
            return x + self.second(torch.relu(self.conv(x)))
        if self.kind == "dense":
            return self.second(torch.relu(torch.cat([x[:, :2], self.conv(x)[:, :2]], 1)))
        return torch.relu(self.conv(x))


@pytest.mark.parametrize("padding_mode", ["zeros", "circular"])
@pytest.mark.parametrize("kind", ["step", "alpha"])
def test_a_skip_of_its_own_is_folded(kind: str, padding_mode: str) -> None:
    net = Residual(kind, padding_mode).double()
    x = torch.randn(2, 4, 12, 12, dtype=torch.float64)
    (field,) = read(record(net, x))
    assert field.kernel.skip is Skip.EULER
    assert field.kernel.boundary is (Boundary.ZERO if padding_mode == "zeros" else Boundary.PERIODIC)
    factor = 0.1 / (1 + 1e-5) ** 0.5 if kind == "step" else 0.1
    w = factor * net.conv.weight
    w[torch.arange(4), torch.arange(4) % 2, 1, 1] += 1.0
    z = torch.tensor([-1.0, 0, 1], dtype=torch.float64)
    torch.testing.assert_close(field.m0, w.sum((2, 3)))
    torch.testing.assert_close(field.m1[..., 0], torch.einsum("oixy,x->oi", w, z))
    torch.testing.assert_close(field.m1[..., 1], torch.einsum("oixy,y->oi", w, z))
    torch.testing.assert_close(field.m2[..., 0, 1], torch.einsum("oixy,x,y->oi", w, z, z))
    torch.testing.assert_close(field.kernel.gram, gram_by_hand(field.kernel.taps))


def gram_by_hand(taps: Tensor) -> Tensor:
    out = torch.zeros(taps.shape[-1], taps.shape[-1], dtype=torch.float64)
    for row in taps.flatten(0, 1):
        out += torch.outer(row, row)
    return out


@pytest.mark.parametrize(
    ("kind", "skips"),
    [
        ("activated", [Skip.ACTIVATED]),
        ("long", [Skip.NONE, Skip.DELAYED]),
        ("dense", [Skip.NONE, Skip.MEMORY]),
        ("none", [Skip.NONE]),
    ],
)
def test_other_skips_are_named(kind: str, skips: list[Skip]) -> None:
    fields = read(record(Residual(kind), torch.randn(1, 4, 9, 9)))
    assert [f.kernel.skip for f in fields] == skips


def test_spacing_is_in_pixels_of_the_input_and_sharing_is_seen() -> None:
    conv = nn.Conv2d(2, 2, 3, padding=1)
    net = nn.Sequential(
        conv, nn.MaxPool2d(2), nn.ReLU(), conv, nn.ConvTranspose2d(2, 2, 2, 2), nn.Conv2d(2, 2, 3)
    )
    fields = read(record(net, torch.ones(1, 2, 16, 16)))
    assert [f.kernel.spacing[0] for f in fields] == [1.0, 2.0, 2.0, 1.0]
    assert [f.kernel.shared for f in fields] == [False, True, False, False]
    torch.testing.assert_close(fields[1].metric, 4 * fields[0].metric)


def test_a_batch_norm_in_training_mode_takes_the_batch_that_was_kept() -> None:
    net = nn.Sequential(nn.Conv1d(1, 3, 3, bias=False), nn.BatchNorm1d(3), nn.ReLU())
    x = torch.randn(5, 1, 30)
    (field,) = read(record(net, x))
    with torch.no_grad():
        y = net[0](x)
    scale = (y.var((0, 2), correction=0) + 1e-5).rsqrt()
    torch.testing.assert_close(field.kernel.scale, scale.double(), rtol=1e-5, atol=1e-6)
    (unkept,) = read(record(net, x, keep=False))
    assert "call .eval()" in unkept.kernel.notes[0]
    assert bool((unkept.kernel.scale == 1).all())


@pytest.mark.parametrize("model", [nn.Linear(4, 4), nn.LSTM(4, 4)])
def test_a_network_without_convolutions_is_refused(model: nn.Module) -> None:
    with pytest.raises(
        InputError, match="Expected a network with convolutions by weights of its own, but got"
    ):
        effective_kernels(record(model, torch.ones(2, 3, 4)))


def test_a_kernel_of_zero_sum_has_moments_but_no_metric() -> None:
    conv = nn.Conv1d(1, 1, 3, bias=False)
    conv.weight.data[:] = torch.tensor([[[-0.5, 0.0, 0.5]]])
    (field,) = read(record(conv, torch.ones(1, 1, 9)))
    assert not field.has_sum
    assert (float(field.m0), float(field.m1), float(field.m2)) == (0.0, 1.0, 0.0)
    with pytest.raises(InputError, match="weights do not sum to zero, but got conv1d with m₀ = 0"):
        _ = field.metric


@SAME
def test_an_even_kernel_has_its_centre_between_taps_and_its_offset_beside() -> None:
    conv = nn.Conv2d(1, 1, (2, 3), padding="same")
    (field,) = read(record(conv, torch.ones(1, 1, 9, 9)))
    assert field.kernel.places.tolist() == [[x, y] for x in (-0.5, 0.5) for y in (-1.0, 0.0, 1.0)]
    assert field.kernel.offset == (-0.5, 0.0)


@pytest.mark.parametrize("d", [1, 2])
def test_one_field_stands_for_all_as_it_is_defined(d: int) -> None:
    """Ĝ from sums over pairs of channels, one by one."""
    conv = CONV[d](3, 5, 3, bias=False).double()
    (field,) = read(record(conv, torch.ones(1, 3, *[7] * d, dtype=torch.float64)))
    w = conv.weight.detach().flatten(2)
    total, profile = 0.0, torch.zeros(w.shape[-1], dtype=torch.float64)
    for o in range(5):
        for i in range(3):
            m0 = w[o, i].sum()
            total += float(m0**2)
            profile += m0 * w[o, i]
    torch.testing.assert_close(field.profile, profile / total)
    assert field.gain == pytest.approx((total / 5) ** 0.5)
    drift = (profile / total) @ field.kernel.places
    torch.testing.assert_close(field.drift, drift)
    apart = sum(
        float(w[o, i].sum()) ** 2 * ((w[o, i] @ field.kernel.places) / w[o, i].sum() - drift) ** 2
        for o in range(5)
        for i in range(3)
    )
    torch.testing.assert_close(field.drift_spread, (apart / total).sqrt())


def test_the_symbol_is_what_waves_are_multiplied_by() -> None:
    conv = nn.Conv2d(2, 3, 3, dilation=2, bias=False).double()
    (field,) = read(record(conv, torch.ones(1, 2, 9, 9, dtype=torch.float64)))
    k = torch.tensor([[0.4, -0.9]], dtype=torch.float64)
    x = torch.stack(torch.meshgrid(*[torch.arange(12, dtype=torch.float64)] * 2, indexing="ij"), -1) @ k[0]
    for i in range(2):
        wave = torch.zeros(1, 2, 12, 12, dtype=torch.complex128)
        wave[0, i] = torch.polar(torch.ones_like(x), x)
        y = F.conv2d(wave, conv.weight.detach().to(wave.dtype), dilation=2)[0]
        centre = torch.polar(torch.ones(8, 8, dtype=torch.float64), x[2:10, 2:10])
        torch.testing.assert_close(y / centre, field.symbol(k)[:, i, :, None].expand(3, 8, 8))
