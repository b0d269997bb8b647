"""The place a number belongs to: an element of a network, a temperature, a blocking level."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Where:
    """A place in a system.

    Attributes
    ----------
    path
        Module path as `named_modules` spells it ("" is the network itself).
    call
        How many times that module had been called before, in this forward pass.
    operation
        What happens there ("linear", "relu", …); "" when the path says it all.
    ordinal
        Which operation of that name within the call, from 0.
    coordinates
        Further coordinates, such as (("temperature", 2.27),).

    Examples
    --------
    >>> str(Where("blocks.3.act", call=1, operation="relu"))
    'blocks.3.act@1:relu'
    """

    path: str = ""
    call: int = 0
    operation: str = ""
    ordinal: int = 0
    coordinates: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        text = self.path or ("" if self.operation or self.coordinates else "network")
        if self.call:
            text += f"@{self.call}"
        if self.operation:
            text += (":" if text else "") + self.operation
        if self.ordinal:
            text += f"#{self.ordinal}"
        if self.coordinates:
            text += "[" + ", ".join(f"{k}={v:g}" for k, v in self.coordinates) + "]"
        return text
