"""Samples that influence each other are found by what takes statistics over their axis."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from lensmaker.systems.networks import record
from lensmaker.systems.networks.coupling import couplings


class Applied(nn.Module):
    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.inner, self.function = nn.Linear(5, 5), function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.inner(x))


@pytest.mark.parametrize(
    ("function", "operations"),
    [
        (lambda x: x - x.mean(0), ["mean"]),
        (lambda x: x / x.std(dim=0, keepdim=True), ["std"]),
        (lambda x: x - x.mean(-2), ["mean"]),
        (lambda x: x / x.norm(2, 0), ["norm"]),
        (lambda x: x - x.mean(1, keepdim=True), []),
        (lambda x: x / x.norm(dim=-1, keepdim=True), []),
        (lambda x: torch.softmax(x, 0), ["softmax"]),
        (lambda x: torch.softmax(x, -1), []),
        (lambda x: torch.max(x, x.square()), []),
    ],
)
def test_reductions_over_the_samples(function: Callable[..., torch.Tensor], operations: list[str]) -> None:
    train = record(Applied(function), torch.randn(7, 5, generator=torch.Generator().manual_seed(0)))
    assert [e.operation for e in couplings(train)] == operations


@pytest.mark.parametrize("mode", [True, False])
def test_batch_norm_in_training(mode: bool) -> None:
    train = record(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).train(mode), torch.ones(2, 3))
    assert bool(couplings(train)) == mode
