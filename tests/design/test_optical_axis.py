"""Where the optical axis is cut, for networks of many plans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from design.networks import Applied, Block, dense_connections, recurrent, transformer, unet
from lensmaker.design.optical_axis import stages
from lensmaker.systems.networks import record

Plan = list[tuple[bool, list[str]]]


def linear(*widths: int) -> dict[str, nn.Module]:
    return {name: nn.Linear(a, b) for name, a, b in zip("abcdef", widths[:-1], widths[1:], strict=False)}


def two_inputs() -> nn.Module:
    return Applied(lambda m, x, y: m.c((m.a(x) + m.b(y)).relu()), **linear(4, 4, 4, 2))


def reused() -> nn.Module:
    return Applied(lambda m, x: m.b(m.a(m.a(x).tanh()).tanh()), **linear(4, 4, 2))


def gated() -> nn.Module:
    return Applied(lambda m, x: m.c(m.a(x) * m.b(x).sigmoid()), **linear(4, 4, 4, 2))


def residual() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.a(x).relu()
        x = x + m.c(m.b(x).relu())
        return m.d(x.relu())

    return Applied(forward, **linear(4, 4, 4, 4, 2))


def dead_end() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.a(x).relu()
        m.b(x).relu()  # computed and thrown away
        return m.c(x)

    return Applied(forward, **linear(4, 4, 4, 2))


PLANS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], Plan]] = {
    "sequential": (
        lambda: nn.Sequential(
            nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Dropout(0.5), nn.Linear(3, 3), nn.Linear(3, 2)
        ),
        (torch.ones(2, 2, 2),),
        [
            (False, ["1:linear", "2:tanh", "3:dropout"]),
            (False, ["4:linear"]),
            (False, ["5:linear"]),
        ],
    ),
    "what stands before the first weight": (
        lambda: nn.Sequential(nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)),
        (torch.ones(2, 4),),
        [(False, ["0:layer_norm", "1:tanh"]), (False, ["2:linear", "3:relu"]), (False, ["4:linear"])],
    ),
    "residual": (
        residual,
        (torch.ones(2, 4),),
        [
            (False, ["a:linear", ":relu"]),
            (True, ["b:linear", ":relu#1", "c:linear", ":add", ":relu#2"]),
            (False, ["d:linear"]),
        ],
    ),
    "residual blocks": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Block(4), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2)),
        (torch.ones(2, 3, 6, 6),),
        [
            (False, ["0:conv2d"]),
            (
                True,
                [
                    "1.conv1:conv2d", "1.norm1:batch_norm", "1:relu", "1.conv2:conv2d", "1.norm2:batch_norm",
                    "1:add", "1:relu#1", "2:max_pool2d",
                ],
            ),
            (False, ["4:linear"]),
        ],
    ),
    "dense connections": (
        dense_connections,
        (torch.ones(2, 32),),
        [
            (False, ["stem:linear", ":relu"]),
            (True, ["a:linear", ":relu#1", ":cat"]),
            (True, ["b:linear", ":relu#2", ":cat#1"]),
            (False, ["head:linear"]),
        ],
    ),
    "gate": (
        gated,
        (torch.ones(2, 4),),
        [(True, ["a:linear", "b:linear", ":sigmoid", ":mul"]), (False, ["c:linear"])],
    ),
    "two inputs": (
        two_inputs,
        (torch.ones(2, 4), torch.ones(2, 4)),
        [(True, ["a:linear", "b:linear", ":add", ":relu"]), (False, ["c:linear"])],
    ),
    "reused": (
        reused,
        (torch.ones(2, 4),),
        [(False, ["a:linear", ":tanh"]), (False, ["a@1:linear", ":tanh#1"]), (False, ["b:linear"])],
    ),
    "dead end": (
        dead_end,
        (torch.ones(2, 4),),
        [(False, ["a:linear", ":relu"]), (False, ["c:linear"])],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_stages(name: str) -> None:
    make, inputs, expected = PLANS[name]
    found = stages(record(make().eval(), (inputs, None)))
    plan = [(s.branched, [_spelt(str(e.where)) for e in s.elements]) for s in found]
    assert plan == [(branched, [_spelt(w) for w in places]) for branched, places in expected]


def _spelt(where: str) -> str:
    return where.removeprefix(":")


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_transformer_is_branched_but_for_its_readout(norm_first: bool) -> None:
    found = stages(record(transformer(norm_first), torch.randn(2, 5, 8)))
    assert [s.branched for s in found if any("encoder" in str(e.where) for e in s.elements)] == [True] * 4
    assert [str(e.where) for e in found[-1].linear] == ["head:linear"]
    assert not found[-1].branched


def test_a_u_net_is_one_branch() -> None:
    found = stages(record(unet(), torch.randn(1, 3, 8, 8)))
    branches = [[str(e.where) for e in s.linear] for s in found if s.branched]
    assert branches == [["middle:conv2d", "up:conv_transpose2d"]]


def test_a_recurrent_network_has_the_readout_alone() -> None:
    found = stages(record(recurrent(), torch.randn(2, 5, 8)))
    assert [[str(e.where) for e in s.linear] for s in found if s.linear] == [["head:linear"]]


def test_the_loss_is_no_part_of_it() -> None:
    train = record(nn.Linear(4, 2), (torch.ones(3, 4), torch.zeros(3, 2)), nn.functional.mse_loss)
    assert [[str(e.where) for e in s.elements] for s in stages(train)] == [["linear"]]
