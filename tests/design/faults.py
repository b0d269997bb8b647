"""What the tests of the aberrations ask of a report: one fault, and its cure."""

from __future__ import annotations

import torch
from torch import nn

import lensmaker
from lensmaker.core import Finding

LOSS = nn.functional.cross_entropy


def roots(report: lensmaker.Report) -> list[Finding]:
    return [f for f in report.findings if not f.consequence_of]


def only(report: lensmaker.Report, aberration: str, place: str) -> Finding:
    """The single fault, which has to be this one."""
    assert [(f.aberration, str(f.where)) for f in roots(report)] == [(aberration, place)]
    return roots(report)[0]


def cured(report: lensmaker.Report, model: nn.Module, batch: object) -> None:
    """After the correction nothing is found; undone, all is as it was."""
    before = {n: t.clone() for n, t in model.state_dict().items()}
    report.correct()
    assert lensmaker.inspect(model, batch, LOSS).findings == ()
    report.undo()
    assert all(torch.equal(t.nan_to_num(7), before[n].nan_to_num(7)) for n, t in model.state_dict().items())
