"""The prescription against numbers computed by hand, and against counts that do not use the train."""

from __future__ import annotations

import math
import weakref
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from lensmaker.core import ElementRecord, InputError, Table
from lensmaker.systems.networks import Network, record
from lensmaker.systems.networks.prescription import prescribe, prescription
from lensmaker.systems.networks.receptive_field import receptive_fields
from systems.networks.architectures import ARCHITECTURES, Applied, Language, build, resnet18


def rows(model: nn.Module, batch: Any, **options: Any) -> dict[str, ElementRecord]:
    return {str(r.where): r for r in prescription(model, batch, **options)}


def test_a_small_network_by_hand() -> None:
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48, 5, bias=False),
    )
    nn.init.constant_(net[0].weight, 0.5)
    nn.init.constant_(net[0].bias, -2.0)
    with torch.no_grad():
        net[4].weight.zero_()[0, 0] = 3.0
    table = rows(net, torch.ones(4, 2, 4, 4))
    assert list(table) == ["0:conv2d", "1:batch_norm", "2:relu", "4:linear"]
    conv, norm, relu, linear = table.values()
    assert (conv.operation, conv.input_shapes, conv.output_shape) == ("conv2d", ((4, 2, 4, 4),), (4, 3, 4, 4))
    assert (conv.fan_in, conv.sigma_b, conv.activation, conv.parameters) == (18, 2.0, "relu", 18 * 3 + 3)
    assert conv.sigma_w == pytest.approx(math.sqrt(18 * 0.25), rel=1e-12)
    assert conv.weights == ("0.bias", "0.weight")
    assert (conv.receptive_field, conv.stride) == ((3, 3), (1, 1))
    assert (norm.fan_in, norm.sigma_w, norm.activation, norm.parameters) == (None, None, "relu", 6)
    assert (relu.activation, relu.parameters) == ("", 0)
    assert (linear.fan_in, linear.sigma_b, linear.parameters, linear.receptive_field) == (48, None, 240, None)
    assert linear.sigma_w == pytest.approx(math.sqrt(48 * 9 / 240), rel=1e-12)


def test_the_standard_initialisations_have_their_sigma() -> None:
    net = nn.Sequential(nn.Linear(400, 500), nn.ReLU(), nn.Conv1d(1, 300, 9))
    nn.init.kaiming_normal_(net[0].weight)
    nn.init.normal_(net[2].weight, std=1 / 3)
    linear, _, conv = prescription(net, torch.randn(2, 1, 400))
    # √2 and 1, within four standard errors of a root mean square over n weights, σ/√(2n).
    assert abs(linear.sigma_w / math.sqrt(2) - 1) < 4 / math.sqrt(2 * 400 * 500)
    assert abs(conv.sigma_w - 1) < 4 / math.sqrt(2 * 2700)


def test_gpt2s_conv1d_stores_its_weight_the_other_way_round() -> None:
    model = Applied(lambda m, x: torch.addmm(m.conv.bias, x, m.conv.weight.T), conv=nn.Linear(3, 8))
    (row,) = prescription(model, torch.randn(2, 3))
    assert row.fan_in == 3
    assert row.sigma_w == pytest.approx(float((3 * (model.conv.weight.detach().double() ** 2).mean()).sqrt()))
    assert row.sigma_b == pytest.approx(float((model.conv.bias.detach().double() ** 2).mean().sqrt()))
    assert row.parameters == 32


def test_transposed_convolutions_and_embeddings() -> None:
    up = nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1, bias=False)
    nn.init.constant_(up.weight, 0.5)
    (row,) = prescription(up, torch.randn(1, 8, 5, 5))
    assert (row.fan_in, row.sigma_w) == (8 * 16 // 4, pytest.approx(math.sqrt(32) * 0.5))
    (row,) = prescription(
        nn.Embedding.from_pretrained(torch.full((5, 3), 2.0), freeze=False), torch.tensor([[1]])
    )
    assert (row.fan_in, row.sigma_w, row.parameters) == (1, pytest.approx(2.0), 15)


def test_tied_weights_are_counted_where_they_come_first() -> None:
    table = rows(Language(), torch.randint(11, (2, 5)))
    assert table["tokens:embedding"].parameters == 88
    assert table["head:linear"].parameters == 0
    assert table["head:linear"].weights == ("tokens.weight",)
    assert table["head:linear"].fan_in == 8


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_parameters_add_up_to_those_that_the_output_depends_on(name: str) -> None:
    model, batch = build(name)
    total = sum(row.parameters for row in prescription(model, batch))
    inputs = batch[0] if isinstance(batch, tuple) else (batch,)
    names = dict(model.named_parameters())
    used = set()
    reference = model(*inputs).detach()
    for key, p in names.items():
        with torch.no_grad():
            before = p.clone()
            p.add_(torch.randn_like(p))
            if not torch.equal(model(*inputs).float().nan_to_num(9.0), reference.float().nan_to_num(9.0)):
                used.add(key)
            p.copy_(before)
    assert total == sum(names[key].numel() for key in used)


ACTIVATIONS: dict[str, tuple[nn.Module, str]] = {
    "directly": (nn.Sequential(nn.Linear(4, 4), nn.Tanh()), "tanh"),
    "behind a norm": (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU()), "gelu"),
    "behind a view": (
        nn.Sequential(nn.Linear(4, 4), nn.Unflatten(1, (2, 2)), nn.SiLU(), nn.Flatten()),
        "silu",
    ),
    "in place": (nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True)), "relu"),
    "none": (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), ""),
    "not behind another layer": (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()), ""),
    "not behind an addition": (Applied(lambda m, x: (x + m.w(x)).relu(), w=nn.Linear(4, 4)), ""),
    "not a formula": (Applied(lambda m, x: m.w(x).pow(2), w=nn.Linear(4, 4)), ""),
    "the first of two": (
        Applied(lambda m, x: (lambda h: h.sigmoid() * h.tanh())(m.w(x)), w=nn.Linear(4, 4)),
        "sigmoid",
    ),
    "not of the loss": (nn.Sequential(nn.Linear(4, 4)), ""),
}


@pytest.mark.parametrize("case", ACTIVATIONS)
def test_the_activation_that_follows(case: str) -> None:
    model, activation = ACTIVATIONS[case]
    first = prescription(model, torch.randn(2, 4), lambda y: y.sigmoid().sum())[0]
    assert (first.operation, first.activation) == ("linear", activation)


def test_gates_know_their_activation() -> None:
    table = rows(*build("pre-norm blocks"))
    assert table["0.gate:linear"].activation == "silu"
    assert table["0.up:linear"].activation == ""


def test_parametrised_weights_show_their_effective_sigma() -> None:
    layer = parametrizations.weight_norm(nn.Linear(4, 5))
    nn.init.constant_(layer.parametrizations.weight.original0, 2.0)
    (row,) = prescription(layer, torch.randn(2, 4))
    assert row.sigma_w == pytest.approx(2.0)
    assert row.parameters == 5 + 20 + 5


def test_statistics_of_low_precision_weights_accumulate_in_float64() -> None:
    linear = nn.Linear(300, 300).bfloat16()
    nn.init.constant_(linear.weight, 0.1)
    (row,) = prescription(linear, torch.randn(2, 300).bfloat16())
    assert row.sigma_w == pytest.approx(math.sqrt(300) * float(torch.tensor(0.1).bfloat16()), rel=1e-12)


def test_the_table_is_one_of_core_and_reports_bad_input() -> None:
    table = prescription(nn.Linear(3, 2), torch.ones(1, 3))
    assert isinstance(table, Table)
    assert table.columns["fan_in"] == [3]
    with pytest.raises(InputError, match="got nothing"):
        prescription(nn.Linear(3, 2), None)


def test_the_activations_of_the_batch_are_not_held() -> None:
    made: list[weakref.ref[Tensor]] = []

    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.a(x)
        made.append(weakref.ref(h))
        return m.b(h)

    train = Network(Applied(forward, a=nn.Linear(3, 3), b=nn.Linear(3, 2)), torch.randn(4, 3)).observe()
    assert len(prescribe(train)) == 2
    assert made[0]() is None
    assert all(v.tensor is None for v in train.values if v.is_signal)


# -- receptive fields -------------------------------------------------------------------------------


def field(model: nn.Module, batch: Tensor) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    last = prescription(model, batch)[-1]
    return last.receptive_field, last.stride


def vgg16() -> nn.Sequential:
    plan = [1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0]
    return nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) if conv else nn.MaxPool2d(2) for conv in plan))


def test_vgg16_has_the_receptive_field_of_the_literature() -> None:
    """212 at the last pooling, 196 at conv5_3, strides 32 and 16 (Araujo et al. 2019, Distill)."""
    table = prescription(vgg16(), torch.randn(1, 1, 64, 64))
    assert (table[-1].receptive_field, table[-1].stride) == ((212, 212), (32, 32))
    assert (table[-2].receptive_field, table[-2].stride) == ((196, 196), (16, 16))


def test_resnet18_has_the_receptive_field_of_the_literature() -> None:
    """435 before the global pooling, stride 32."""
    table = rows(resnet18(), torch.randn(2, 3, 64, 64))
    last = table["7.1.conv2:conv2d"]
    assert (last.receptive_field, last.stride) == ((435, 435), (32, 32))
    assert table["7.1:add"].receptive_field == (435, 435)
    assert table["7.1.bn2:batch_norm"].receptive_field == (435, 435)
    assert table["0:conv2d"].receptive_field == (7, 7)
    assert table["3:max_pool2d"].receptive_field == (11, 11)
    assert table["4.0.conv1:conv2d"].receptive_field == (19, 19)
    assert table["8:adaptive_avg_pool2d"].receptive_field is None
    assert table["10:linear"].receptive_field is None


def test_alexnets_features_have_the_receptive_field_of_the_literature() -> None:
    """195 and stride 32 at pool5 (Araujo et al. 2019, Distill)."""
    layers = [(11, 4, 2), "pool", (5, 1, 2), "pool", (3, 1, 1), (3, 1, 1), (3, 1, 1), "pool"]
    net = nn.Sequential(*(nn.MaxPool2d(3, 2) if p == "pool" else nn.Conv2d(1, 1, *p) for p in layers))
    assert field(net, torch.randn(1, 1, 224, 224)) == ((195, 195), (32, 32))


def _cat(m: Any, x: Tensor) -> Tensor:
    return torch.cat([m.a(x), m.b(m.a(x)), x], 1)


def _channels_last(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x).permute(0, 2, 3, 1)
    h = F.gelu(m.wide(m.norm(h))).reshape(len(x), *h.shape[1:3], 2, 2)
    return m.conv(h.flatten(3).transpose(1, 3).transpose(2, 3))


FIELDS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "one": (nn.Conv2d(1, 1, 3), (24, 24)),
    "oblong": (
        nn.Sequential(nn.Conv2d(1, 2, (3, 5), (1, 2)), nn.Conv2d(2, 1, (2, 3), dilation=(3, 1))),
        (24, 24),
    ),
    "pooled": (nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(3, 2), nn.Conv2d(2, 1, 3)), (31, 31)),
    "max-pooled, dilated": (nn.Sequential(nn.MaxPool2d(2, 1, dilation=2), nn.Conv2d(1, 1, 2)), (16, 16)),
    "same": (nn.Sequential(nn.Conv1d(1, 2, 4, padding="same"), nn.Conv1d(2, 1, 3, padding="same")), (24,)),
    "transposed": (
        nn.Sequential(nn.Conv2d(1, 2, 3, 2), nn.ConvTranspose2d(2, 1, 5, 2), nn.Conv2d(1, 1, 3)),
        (25, 25),
    ),
    "transposed, dilated": (
        nn.Sequential(nn.Conv1d(1, 2, 3, 4), nn.ConvTranspose1d(2, 1, 4, 4, dilation=3)),
        (61,),
    ),
    "transposed, taps apart": (
        nn.Sequential(nn.Conv1d(1, 2, 3), nn.ConvTranspose1d(2, 1, 4, 2, dilation=3)),
        (24,),
    ),
    "transposed first": (nn.Sequential(nn.ConvTranspose1d(1, 2, 3, 2), nn.Conv1d(2, 1, 5)), (24,)),
    "upsampled": (
        nn.Sequential(nn.Conv2d(1, 2, 3, 2), nn.Upsample(scale_factor=2), nn.Conv2d(2, 1, 3)),
        (33, 33),
    ),
    "upsampled smoothly": (
        nn.Sequential(nn.Conv1d(1, 2, 3, 2), nn.Upsample(scale_factor=2, mode="linear"), nn.Conv1d(2, 1, 2)),
        (33,),
    ),
    "adaptive": (nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(4), nn.Conv2d(1, 1, 2)), (22, 22)),
    "volume": (nn.Sequential(nn.Conv3d(1, 1, 3), nn.AvgPool3d(2), nn.Conv3d(1, 1, 2)), (12, 12, 12)),
    "merged": (Applied(_cat, a=nn.Conv2d(1, 1, 3, padding=1), b=nn.Conv2d(1, 1, 5, padding=2)), (16, 16)),
    "channels last": (
        Applied(
            _channels_last,
            conv=nn.Conv2d(4, 4, (3, 5), padding=(1, 2)),
            norm=nn.Identity(),
            wide=nn.Linear(4, 4),
        ),
        (16, 20),
    ),
    "every second pixel": (Applied(lambda m, x: m.a(m.a(x)[:, :, 1::2]), a=nn.Conv1d(1, 1, 3)), (32,)),
    "space to depth": (nn.Sequential(nn.Conv2d(1, 1, 3), nn.PixelUnshuffle(2), nn.Conv2d(4, 1, 2)), (22, 22)),
    "depth to space": (
        nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.PixelShuffle(2), nn.Conv2d(1, 1, 3)),
        (33, 33),
    ),
    "channel mean": (
        Applied(lambda m, x: m.a(m.b(x).mean(1, keepdim=True)), b=nn.Conv2d(1, 3, 3), a=nn.Conv2d(1, 1, 3)),
        (16, 16),
    ),
    "split": (
        Applied(lambda m, x: m.a(m.b(x).chunk(2, 1)[1]), b=nn.Conv2d(1, 2, 3), a=nn.Conv2d(1, 1, 3)),
        (16, 16),
    ),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("case", FIELDS)
def test_the_receptive_field_is_where_the_gradient_goes(case: str) -> None:
    """Positive weights and inputs: the support of the gradient of one output is all that it sees."""
    model, sizes = FIELDS[case]
    model = model.double()
    for p in model.parameters():
        nn.init.uniform_(p, 0.5, 1.5)
    channels = next(p for p in model.parameters() if p.ndim > 2).shape[1]
    channels = 4 if case == "channels last" else 1
    x = torch.linspace(1, 2, channels * math.prod(sizes), dtype=torch.float64).view(1, channels, *sizes)
    pixels, stride = field(model, x)
    x.requires_grad_()
    y = model(x).sum(1)[0]
    seen = [0] * len(sizes)
    first: dict[int, list[int]] = {}
    middle = [n // 2 for n in y.shape]
    for axis in range(len(sizes)):
        for position in range(max(0, middle[axis] - 4), min(y.shape[axis], middle[axis] + 5)):
            index = [*middle]
            index[axis] = position
            (g,) = torch.autograd.grad(y[tuple(index)], x, retain_graph=True)
            support = g.abs().sum((0, 1))
            others = [a for a in range(len(sizes)) if a != axis]
            support = support.sum(others) if others else support
            where = support.nonzero().flatten()
            seen[axis] = max(seen[axis], int(where[-1] - where[0]) + 1)
            first.setdefault(axis, []).append(int(where[0]))
    if "max" in case:  # a maximum lets one gradient through: the field is an upper bound
        assert all(s <= p for s, p in zip(seen, pixels, strict=True))
    else:
        assert tuple(seen) == pixels
    steps = [(f[-1] - f[0]) / (len(f) - 1) for f in first.values()]
    if stride is not None:
        assert steps == pytest.approx(list(stride))
    else:
        assert any(s != int(s) for s in steps)


WINDOWS = st.one_of(
    st.builds(lambda k, s, d: nn.Conv1d(1, 1, k, s, dilation=d), *(st.integers(1, n) for n in (4, 3, 2))),
    st.builds(lambda k, s: nn.AvgPool1d(k, s), st.integers(1, 3), st.integers(1, 2)),
    st.builds(lambda s, more: nn.ConvTranspose1d(1, 1, s + more, s), st.integers(1, 3), st.integers(0, 3)),
    st.builds(lambda s: nn.Upsample(scale_factor=s), st.integers(2, 3)),
    st.builds(lambda s: nn.Upsample(scale_factor=s, mode="linear"), st.integers(2, 3)),
)


@settings(max_examples=20)
@given(st.lists(WINDOWS, min_size=1, max_size=4))
def test_any_stack_of_windows_sees_what_unit_vectors_say(layers: list[nn.Module]) -> None:
    net = nn.Sequential(nn.Conv1d(1, 1, 1), *layers).double()
    for name, p in net.named_parameters():
        nn.init.zeros_(p) if name.endswith("bias") else nn.init.uniform_(p, 0.5, 1.5)
    x = torch.ones(1, 1, 240, dtype=torch.float64)
    last = prescription(net, x)[-1]
    with torch.no_grad():  # a linear map: its columns are what it makes of the unit vectors
        jacobian = net(torch.eye(240, dtype=torch.float64)[:, None])[:, 0].T != 0
    # Away from the border, over several periods of any such stack.
    middle = jacobian[len(jacobian) // 3 : -(len(jacobian) // 3)]
    first, behind = middle.int().argmax(1), middle.shape[1] - middle.flip(1).int().argmax(1)
    assert last.receptive_field == (int((behind - first).max()),)


LOST: dict[str, nn.Module] = {
    "flattened": nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2)),
    "global mean": nn.Sequential(nn.Conv2d(1, 2, 3), Applied(lambda m, x: x.mean((2, 3)))),
    "global pooling and convolution": nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 1, 1)
    ),
    "tokens of patches": nn.Sequential(nn.Conv2d(1, 2, 2, 2), nn.Flatten(2), Applied(lambda m, x: x.mT * 2)),
    "mixed over positions": nn.Sequential(nn.Conv1d(8, 2, 1), nn.Linear(8, 8)),
    "attention": nn.Sequential(
        nn.Conv1d(8, 8, 1), Applied(lambda m, x: F.scaled_dot_product_attention(x.mT, x.mT, x.mT))
    ),
    "no convolution": nn.Sequential(nn.Linear(8, 8), nn.ReLU()),
    "generated from a vector": nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.Unflatten(1, (2, 4, 4)), nn.ConvTranspose2d(2, 1, 2, 2)
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_what_sees_everything_or_nothing_local_has_no_receptive_field(case: str) -> None:
    x = torch.randn(2, 8, 8) if case in ("mixed over positions", "attention") else torch.randn(2, 1, 8, 8)
    assert field(LOST[case], x) == (None, None)


def test_a_gate_that_sees_the_whole_image_does_not_hide_the_local_field() -> None:
    table = rows(*build("mobile block"))
    assert table["depthwise:conv2d"].receptive_field == (3, 3)
    assert table["squeeze:conv2d"].receptive_field is None
    assert table["project:conv2d"].receptive_field == (3, 3)


def test_a_text_convolution_counts_tokens() -> None:
    model = Applied(
        lambda m, ids: m.conv(m.dense(m.tokens(ids)).transpose(1, 2)),
        tokens=nn.Embedding(5, 3),
        dense=nn.Linear(3, 3),
        conv=nn.Conv1d(3, 2, 4, dilation=2),
    )
    assert field(model, torch.randint(5, (2, 12))) == ((7,), (1,))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_padding_of_a_module_of_its_own_moves_positions(d: int) -> None:
    """A convolution with circular padding sees what one with zeros sees, and so does one behind it."""
    conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[d]
    x = torch.ones(1, 2, *[12] * d)
    sights = []
    for mode in ("zeros", "circular"):
        net = nn.Sequential(
            conv(2, 2, 3, padding=1, stride=2, padding_mode=mode), conv(2, 2, 3, padding=1, padding_mode=mode)
        )
        train = record(net, x)
        fields = receptive_fields(train)
        sights.append([fields[e.outputs[0]].sights for e in train.elements if e.operation.startswith("conv")])
    assert sights[0] == sights[1]
    assert sights[0][1][0].at(2) == (1, 7)
