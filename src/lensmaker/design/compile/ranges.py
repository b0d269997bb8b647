"""What numbers an arithmetic has: a network whose weights or values it lacks is refused before it is made."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from lensmaker.core import InputError
from lensmaker.design.compile.program import Program


def check_program(program: Program, dtype: torch.dtype) -> None:
    """Refuse a program whose scales, their inverses, weights or sums are no normal numbers of the arithmetic.

    Raises
    ------
    InputError
        If it is so.
    """
    info = torch.finfo(dtype)
    bad = [a for a in program.scales if not info.tiny <= a <= 1 / info.tiny]
    if bad:
        raise InputError(
            f"a domain of sizes from {info.tiny:.0e} to {1 / info.tiny:.0e}, as {_called(dtype)} has them",
            f"{bad[0]:g}",
            "measure the variable in another unit",
        )
    sites = math.prod(program.sides)
    outputs = zip(program.outputs, program.constants, strict=True)
    check_totals((sites * (sum(abs(w) for _, w in output) + abs(c)) for output, c in outputs), dtype)


def check_totals(totals: Iterable[float], dtype: torch.dtype) -> None:
    """Refuse sums of |coefficients| on the domain beyond half the largest number.

    Raises
    ------
    InputError
        If one is larger, or no number.
    """
    most = torch.finfo(dtype).max / 2
    for total in totals:
        if not total <= most:
            raise InputError(
                f"a polynomial that is finite on its domain, below {most:.0e} in {_called(dtype)}",
                f"one that may be {total:.2g}",
                "make the domain or the coefficients smaller"
                + (", or take torch.float64" if dtype is torch.float32 else ""),
            )


def _called(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
