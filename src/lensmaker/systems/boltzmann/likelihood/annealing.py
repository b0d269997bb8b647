"""Annealed importance sampling, forwards and backwards."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.core.progress import Progress
from lensmaker.systems.boltzmann.likelihood.path import Path


@torch.no_grad()
def forward(
    path: Path, runs: int, steps: int, generator: torch.Generator, progress: Progress | None = None
) -> Tensor:
    """Ln w of runs from independent units to the machine, (runs,), double precision.

    R. M. Neal, Stat. Comput. 11, 125 (2001); R. Salakhutdinov, I. Murray, Proc. 25th Int. Conf. Machine Learning, 872
    (2008).
    """
    beta = _betas(path, steps)
    v = path.start(runs, generator)
    total = torch.zeros(runs, dtype=torch.float64, device=v.device)
    for k in range(steps):
        fields = path.fields(v)
        total += _gain(path, v, fields, beta[k], beta[k + 1])
        if k < steps - 1:
            v = path.sweep(v, fields, beta[k + 1], generator)
        if progress is not None:
            progress("annealing up", k + 1, steps)
    return total


@torch.no_grad()
def backward(
    path: Path, samples: Tensor, steps: int, generator: torch.Generator, progress: Progress | None = None
) -> Tensor:
    """Ln w of runs from samples of the machine to independent units, (len(samples),), double precision.

    The transitions of `forward` in reverse: each is a sweep at β, whose reverse is visible first.
    Y. Burda, R. Grosse, R. Salakhutdinov, Proc. 18th Int. Conf. Artificial Intelligence and Statistics, 102 (2015).
    """
    beta = _betas(path, steps)
    v = samples.clone()
    total = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    for k in range(steps - 1, -1, -1):
        fields = path.fields(v)
        total += _gain(path, v, fields, beta[k], beta[k + 1])
        if k > 0:
            v = path.sweep(v, fields, beta[k], generator)
        if progress is not None:
            progress("annealing down", steps - k, steps)
    return total


def _gain(path: Path, v: Tensor, fields: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Ln P*_high − ln P*_low of rows, in double precision: thousands of these differences are summed."""
    wide, bias = fields.double(), path.machine.visible_bias.double() - path.base.double()
    before, after = (path.machine.hidden.log_partition(beta.double() * wide) for beta in (low, high))
    return (high.double() - low.double()) * (v.double() @ bias) + after - before


def _betas(path: Path, steps: int) -> Tensor:
    return torch.linspace(0, 1, steps + 1, dtype=path.base.dtype, device=path.base.device)
