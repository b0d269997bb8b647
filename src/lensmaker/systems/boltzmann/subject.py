"""A machine that theories and instruments are asked about, with the rows whose likelihood is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lensmaker.core import InputError, Where
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine


@dataclass(frozen=True, eq=False)
class Subject:
    """A machine, and rows.

    Attributes
    ----------
    machine
        What is studied.
    rows
        (n, visible), kept in the machine's precision; without them there is no likelihood.
    name
        The place that numbers are signed with.

    Raises
    ------
    InputError
        If the rows do not fit the visible units.

    Examples
    --------
    >>> str(Subject(RestrictedBoltzmannMachine(3, 2)).where)
    'machine'
    """

    machine: RestrictedBoltzmannMachine
    rows: Tensor | None = None
    name: str = "machine"

    def __post_init__(self) -> None:
        if self.rows is None:
            return
        if self.rows.ndim != 2 or not len(self.rows):
            got = f"shape {tuple(self.rows.shape)}"
            raise InputError("a table of one row or more, (n, visible)", got, "leave rows out, or pass some")
        rows = self.rows.to(self.machine.visible_bias)
        self.machine.visible.check(rows)
        object.__setattr__(self, "rows", rows)

    @property
    def where(self) -> Where:
        """The place."""
        return Where(self.name)
