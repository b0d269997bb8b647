"""Which layer of a machine is kept."""

from __future__ import annotations

from enum import Enum


class Layer(Enum):
    """A layer of a restricted Boltzmann machine."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
