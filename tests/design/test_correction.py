"""Corrections: all or none, and taken back bitwise."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from lensmaker.core import CorrectionError
from lensmaker.design.correction import Replaced, Scaled, apply, combined, tried


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2, dtype=torch.bfloat16))


def bits(model: nn.Module) -> dict[str, bytes]:
    """Every tensor of the state, bit by bit."""
    return {
        k: v.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        for k, v in model.state_dict().items()
    }


FACTORS = {"0.weight": Scaled(3.3), "1.weight": Scaled(0.1), "2.weight": Scaled(0.7)}


def test_apply_and_undo() -> None:
    model = net()
    with torch.no_grad():
        model[0].weight[0, 0] = -0.0  # a sign that 0·x would lose
        model[0].weight[0, 1] = 1e-44  # a subnormal number that a factor and its inverse would lose
    before, objects = bits(model), {n: (id(p), p.data_ptr()) for n, p in model.named_parameters()}
    expected = model[0].weight.detach() * 3.3
    done = apply(model, FACTORS)
    assert torch.equal(model[0].weight, expected)
    assert torch.equal(model[1].weight, torch.full((4,), 0.1))
    assert bits(model)["0.bias"] == before["0.bias"]
    done.undo()
    assert bits(model) == before
    assert {n: (id(p), p.data_ptr()) for n, p in model.named_parameters()} == objects


def test_tried_is_taken_back_also_on_an_error() -> None:
    model = net()
    before = bits(model)

    def in_the_middle() -> None:
        with tried(model, FACTORS):
            assert bits(model) != before
            raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError, match="by zero"):
        in_the_middle()
    assert bits(model) == before


def test_tried_reaches_every_alias_and_no_version_counter() -> None:
    """A module may keep a view of its weight, as one flat buffer behind many layers."""
    model = net()
    alias, weight = model[0].weight.data.T, model[0].weight
    before, version, place = alias.clone(), weight._version, weight.data_ptr()
    with tried(model, FACTORS):
        assert torch.equal(alias, before * 3.3)
        assert torch.equal(weight, alias.T)
    assert torch.equal(alias, before)
    assert (model[0].weight is weight, weight._version, weight.data_ptr()) == (True, version, place)


@pytest.mark.parametrize("undoing", [False, True])
def test_an_interrupt_while_writing_leaves_all_or_nothing(
    undoing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = net()
    original = bits(model)
    done = apply(model, FACTORS) if undoing else None
    before = bits(model)
    copies = itertools.count(1)
    copy = Tensor.copy_

    def interrupted(self: Tensor, source: Tensor) -> Tensor:
        if next(copies) == 2:
            raise KeyboardInterrupt
        return copy(self, source)

    monkeypatch.setattr(Tensor, "copy_", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        done.undo() if done else apply(model, FACTORS)
    monkeypatch.undo()
    assert next(copies) > 3, "the second write was reached, and mended"
    assert bits(model) == before
    if done:
        done.undo()
    assert bits(model) == original


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        ({"0.weight": 2.0, "7.weight": 2.0}, "a floating-point parameter of the network, but got '7.weight'"),
        (
            {"0.weight": 2.0, "1.num_batches_tracked": 2.0},
            "got '1.num_batches_tracked': scale the weight where it is made",
        ),
        ({"0.weight": 2.0, "2.weight": float("inf")}, "finite weights after scaling 2.weight by inf"),
        ({"0.bias": float("nan")}, "finite weights after scaling 0.bias by nan"),
        ({"0.weight": 2.0, "2.bias": 1e39}, "overflow or are not numbers: repair"),
    ],
)
def test_what_cannot_be_scaled_leaves_all_as_it_was(factors: dict[str, float], sentence: str) -> None:
    model = net()
    before = bits(model)
    with pytest.raises(CorrectionError, match=sentence):
        apply(model, {name: Scaled(factor) for name, factor in factors.items()})
    assert bits(model) == before


def test_new_contents_of_parameters_and_buffers_are_taken_back_too() -> None:
    model = net()
    before = bits(model)
    chosen = torch.tensor([True, False, False, True])[:, None]
    changes = {
        "0.weight": Replaced(torch.zeros(1), chosen),
        "1.running_var": Replaced(torch.full((4,), 9.0)),
        "2.weight": Replaced(torch.ones(2, 4)),
    }
    weight = model[0].weight.detach().clone()
    done = apply(model, changes)
    assert torch.equal(model[0].weight, weight * ~chosen)
    assert model[1].running_var.tolist() == [9.0] * 4
    assert model[2].weight.dtype == torch.bfloat16
    done.undo()
    assert bits(model) == before


def test_changes_of_one_tensor_come_one_after_another() -> None:
    two, three, ones = Scaled(2.0), Scaled(3.0), Replaced(torch.ones(2))
    both = combined([{"a": two, "b": two}, {"a": three, "c": ones}, {"c": three}])
    assert both["a"] == Scaled(6.0)
    assert both["b"] is two
    assert both["c"](torch.zeros(2)).tolist() == [3.0, 3.0]


def _trained_on(model: nn.Sequential) -> None:
    with torch.no_grad():
        model[2].weight[0, 0] += 0.5


def _cast(model: nn.Sequential) -> None:
    model.double()


def _replaced(model: nn.Sequential) -> None:
    model[0] = nn.Identity()


@pytest.mark.parametrize("change", [_trained_on, _cast, _replaced])
def test_undo_refuses_to_lose_what_came_after(change: object) -> None:
    model = net()
    done = apply(model, FACTORS)
    change(model)  # type: ignore[operator]
    before = bits(model)
    with pytest.raises(
        CorrectionError, match=r"as the correction left it, but got [02].weight changed since: undo before"
    ):
        done.undo()
    assert bits(model) == before
