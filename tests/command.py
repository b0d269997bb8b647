"""What the tests of the command line share."""

from __future__ import annotations

from typing import NamedTuple


class Run(NamedTuple):
    """What a call of the command line came to."""

    code: int
    out: str
    err: str
