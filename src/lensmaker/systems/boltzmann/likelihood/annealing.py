"""Annealed importance sampling, forwards and backwards."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.systems.boltzmann.likelihood.path import Path


@torch.no_grad()
def forward(path: Path, runs: int, steps: int, generator: torch.Generator) -> Tensor:
    """Ln w of runs from independent units to the machine, (runs,), double precision.

    R. M. Neal, Stat. Comput. 11, 125 (2001); R. Salakhutdinov, I. Murray, Proc. 25th Int. Conf. Machine Learning, 872
    (2008).
    """
    beta = _betas(path, steps)
    v = path.start(runs, generator)
    total = torch.zeros(runs, dtype=torch.float64, device=v.device)
    for k in range(steps):
        fields = path.fields(v)
        total += (path.log_weight(v, fields, beta[k + 1]) - path.log_weight(v, fields, beta[k])).double()
        if k < steps - 1:
            v = path.sweep(v, fields, beta[k + 1], generator)
    return total


@torch.no_grad()
def backward(path: Path, samples: Tensor, steps: int, generator: torch.Generator) -> Tensor:
    """Ln w of runs from samples of the machine to independent units, (len(samples),), double precision.

    The transitions of `forward` in reverse: each is a sweep at β, whose reverse is visible first.
    Y. Burda, R. Grosse, R. Salakhutdinov, Proc. 18th Int. Conf. Artificial Intelligence and Statistics, 102 (2015).
    """
    beta = _betas(path, steps)
    v = samples.clone()
    total = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    for k in range(steps - 1, -1, -1):
        fields = path.fields(v)
        total += (path.log_weight(v, fields, beta[k + 1]) - path.log_weight(v, fields, beta[k])).double()
        if k > 0:
            v = path.sweep(v, fields, beta[k], generator)
    return total


def _betas(path: Path, steps: int) -> Tensor:
    return torch.linspace(0, 1, steps + 1, dtype=path.base.dtype, device=path.base.device)
