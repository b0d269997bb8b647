"""The parameter by which a weight can be scaled: told by doubling it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from design.networks import Applied
from lensmaker.design.handle import handle_of, users_of
from lensmaker.systems.networks import Family, record


class Quantised(nn.Module):
    """Weights as int8 with a scale of their own."""

    def __init__(self, scale_is_trained: bool) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.randint(-127, 128, (4, 4), dtype=torch.int8), requires_grad=False)
        scale = torch.full((4, 1), 0.01)
        if scale_is_trained:
            self.scale = nn.Parameter(scale)
        else:
            self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.codes.float() * self.scale)


def own(function: Callable[[Any, Tensor], Tensor], **shapes: tuple[int, ...]) -> nn.Module:
    module = Applied(function)
    for name, shape in shapes.items():
        module.register_parameter(name, nn.Parameter(torch.randn(shape)))
    return module


def pruned() -> nn.Module:
    return prune.l1_unstructured(nn.Linear(4, 4), "weight", 0.5)


CASES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "linear": (lambda: nn.Linear(4, 4), "weight"),
    "frozen": (lambda: nn.Linear(4, 4).requires_grad_(False), "weight"),
    "half precision": (lambda: nn.Linear(4, 4).bfloat16(), "weight"),
    "convolution": (lambda: nn.Conv1d(4, 4, 1), "weight"),
    "weight norm": (
        lambda: parametrizations.weight_norm(nn.Linear(4, 4)),
        "parametrizations.weight.original0",
    ),
    "spectral norm": (lambda: parametrizations.spectral_norm(nn.Linear(4, 4)), ""),
    "orthogonal": (lambda: parametrizations.orthogonal(nn.Linear(4, 4)), ""),
    "pruned": (pruned, "weight_orig"),
    "x @ W": (lambda: own(lambda m, x: x @ m.w, w=(4, 4)), "w"),
    "x @ W.T": (lambda: own(lambda m, x: x @ m.w.T, w=(4, 4)), "w"),
    "addmm": (lambda: own(lambda m, x: torch.addmm(m.b, x, m.w), w=(4, 4), b=(4,)), "w"),
    "scaled in the code": (lambda: own(lambda m, x: x @ (0.5 * m.w), w=(4, 4)), "w"),
    "low rank": (lambda: own(lambda m, x: x @ (m.u @ m.v), u=(4, 2), v=(2, 4)), "u"),
    "sum of two": (lambda: own(lambda m, x: x @ (m.u + m.v), u=(4, 4), v=(4, 4)), ""),
    "with an identity": (lambda: own(lambda m, x: x @ (m.w + torch.eye(4)), w=(4, 4)), ""),
    "squared": (lambda: own(lambda m, x: x @ m.w**2, w=(4, 4)), ""),
    "quantised, scale a buffer": (lambda: Quantised(False), ""),
    "quantised, scale trained": (lambda: Quantised(True), "scale"),
}


@pytest.mark.parametrize("name", CASES)
def test_handle(name: str) -> None:
    make, expected = CASES[name]
    model = make()
    x = torch.randn((3, 4, 2) if isinstance(model, nn.Conv1d) else (3, 4))
    x = x.to(
        next(p.dtype for p in model.parameters() if p.is_floating_point())
        if name == "half precision"
        else x.dtype
    )
    before = torch.get_rng_state()
    train = record(model, x, keep=False)
    (element,) = [e for e in train.visible() if e.family is Family.LINEAR]
    handle = handle_of(element, train)
    assert handle.parameter == expected
    assert bool(handle.refusal) == (not expected)
    assert torch.equal(torch.get_rng_state(), before)
    if expected:  # the output without its bias really doubles
        with torch.no_grad():
            model.eval()
            zero = model(torch.zeros_like(x))
            once = model(x) - zero
            dict(model.named_parameters())[expected] *= 2
            for hook in model._forward_pre_hooks.values():
                hook(model, (x,))
            torch.testing.assert_close(
                model(x) - zero,
                2 * once,
                rtol=0.05 if name == "half precision" else 1e-4,
                atol=0.02 if name == "half precision" else 1e-4,
            )


def test_users_of_a_tied_weight() -> None:
    tokens = nn.Embedding(5, 4)
    head = nn.Linear(4, 5, bias=False)
    head.weight = tokens.weight
    train = record(
        Applied(lambda m, x: m.head(m.tokens(x).relu()), tokens=tokens, head=head), torch.tensor([[1, 2]])
    )
    assert [str(train.elements[i].where) for i in sorted(users_of("tokens.weight", train))] == [
        "tokens:embedding",
        "head:linear",
    ]
