"""Corrections that meet in one parameter: of a layer called again, of tied weights."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lensmaker.design.correction import Change, Scaled
from lensmaker.design.handle import Handle, users_of
from lensmaker.systems.networks import Element, Train

SAME = 1.1
"""Ratio within which two factors are one."""


@dataclass(frozen=True)
class Wish:
    """A factor that one element wants its weight multiplied by.

    Attributes
    ----------
    handle
        The parameter that scales the weight, or why there is none.
    element
        The linear element.
    factor
        The factor.
    """

    handle: Handle
    element: Element
    factor: float

    @property
    def factors(self) -> dict[str, float]:
        """Parameter → factor; empty where the wish cannot be granted."""
        return {self.handle.parameter: self.factor} if self.handle.parameter else {}

    @property
    def changes(self) -> dict[str, Change]:
        """The same as changes of the parameter."""
        return {name: Scaled(factor) for name, factor in self.factors.items()}

    def sentence(self) -> str:
        """What to do, in words."""
        if self.handle.parameter:
            return f"multiply {self.handle.parameter} by {self.factor:.4g}"
        return f"make the weight {self.factor:.4g} times what it is where it is made: {self.handle.refusal}"


def joint(wishes: Sequence[Wish], train: Train) -> list[Wish]:
    """The wishes, in order, with one factor for each parameter, refused where another element objects.

    An element objects that uses the parameter and has no wish, or one that differs by more than 10 %.
    """
    by_parameter: dict[str, list[Wish]] = defaultdict(list)
    for wish in wishes:
        by_parameter[wish.handle.parameter].append(wish)
    granted = []
    for wish in wishes:
        parameter = wish.handle.parameter
        together = by_parameter[parameter]
        factors = [w.factor for w in together]
        if not parameter:
            granted.append(wish)
        elif users_of(parameter, train) - {w.element.index for w in together}:
            others = sorted(users_of(parameter, train) - {w.element.index for w in together})
            place = train.elements[others[0]].where
            granted.append(replace(wish, handle=Handle("", f"{parameter} is also the weight of {place}")))
        elif max(factors) > SAME * min(factors):
            span = f"{min(factors):.4g} to {max(factors):.4g}"
            refusal = f"{parameter} is used {len(together)} times, which want {span}"
            granted.append(replace(wish, handle=Handle("", refusal)))
        else:
            granted.append(replace(wish, factor=math.prod(factors) ** (1 / len(factors))))
    return granted
