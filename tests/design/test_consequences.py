"""What follows from another finding is said to, and has no correction of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import Tensor, nn

from design.networks import convolutions, evidence_on, he, images, perceptron, vectors
from design.test_depth import Branches, drowned, tokens
from lensmaker.design import diagnose

X, Y = vectors(32)


def one_stale_norm() -> nn.Module:
    """The second: what leaves it is a thousandth of what the third expects."""
    net = convolutions(he, norm=True, channels=(8, 8, 8))
    for norm in net[1:9:3]:
        norm.momentum = None
    net(images(32)[0])
    net[4].running_var *= 1e6
    return net.eval()


def first_layer_shut() -> nn.Module:
    net = perceptron(10, act=nn.Tanh)
    net[0].bias.data += 4
    return net


def large_weights() -> nn.Module:
    return perceptron(10, act=nn.Tanh, init=lambda w: nn.init.normal_(w, std=3.5 / w.shape[1] ** 0.5))


def rows_of_zeros() -> nn.Module:
    net = Branches(4, 1 / 4)
    net.b[2].weight.data[:30] = 0
    return net


def unit_of_zeros() -> nn.Module:
    net = drowned(2)
    net[0].self_attn.out_proj.weight.data[3] = 0
    return net


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, Tensor], str, str]] = {
    "stale statistics": (
        one_stale_norm, images(32), "stale_statistics at 4:batch_norm", "stale_statistics at 7:batch_norm"
    ),
    "order": (first_layer_shut, (X, Y), "saturated_units at 1:tanh", "order at 2:linear"),
    "chaos": (large_weights, (100 * X, Y), "input_scale at 0:linear", "chaos at 0:linear"),
    "rank collapse": (
        unit_of_zeros, tokens(), "idle_units at 0.self_attn.out_proj:linear", "rank_collapse at "
    ),
    "weight scale": (rows_of_zeros, (X, Y), "idle_units at b.2:linear", "weight_scale at b.2:linear"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_follows_from_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, batch, root, consequence = CASES[name]
    monkeypatch.setattr(diagnose, "forecast", lambda *_: ())
    findings = diagnose.diagnose(evidence_on(make(), batch)).findings
    of = {f"{f.aberration} at {f.where}": f for f in findings}
    assert [name for name, f in of.items() if not f.consequence_of] == [root]
    (found,) = (f for place, f in of.items() if place.startswith(consequence))
    assert found.consequence_of == root
    assert found.factors == ()
    assert found.correction == f"none of its own: it follows from {root}"
