"""Machines whose parameters are numbers."""

from __future__ import annotations

import torch
from torch import nn

from lensmaker.core import InputError


def check_finite(machine: nn.Module, where: str = "the machine") -> None:
    """Raise if a parameter is not a finite number: what is drawn from such a machine looks like any other spins.

    Raises
    ------
    InputError
        With the name of the parameter.

    Examples
    --------
    >>> machine = nn.Linear(2, 1)
    >>> machine.bias.data.fill_(torch.nan)
    tensor([nan])
    >>> check_finite(machine)
    Traceback (most recent call last):
    ...
    lensmaker.core.errors.InputError: Expected a machine of finite numbers, but got bias of the machine with others in \
it: train it again at a lower learning rate.
    """
    for name, parameter in machine.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            fix = "train it again at a lower learning rate"
            raise InputError("a machine of finite numbers", f"{name} of {where} with others in it", fix)
