"""The correction that brings every layer of the optical axis to the critical line of its activation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lensmaker.design.correction import Change, Scaled
from lensmaker.design.evidence import Evidence
from lensmaker.design.joint import Wish, joint
from lensmaker.design.outliers import Outlier


@dataclass(frozen=True)
class ToCritical:
    """The wishes of all lenses, and the places that are corrected besides."""

    wishes: tuple[Wish, ...]
    besides: str

    @property
    def factors(self) -> Mapping[str, float]:
        """Parameter → factor."""
        return {name: factor for wish in self.wishes for name, factor in wish.factors.items()}

    @property
    def changes(self) -> dict[str, Change]:
        """The same as changes."""
        return {name: Scaled(factor) for name, factor in self.factors.items()}

    def sentence(self) -> str:
        """What to do, in words."""
        refused = [w for w in self.wishes if not w.factors]
        if not self.factors:
            return refused[0].sentence()
        low, high = min(self.factors.values()), max(self.factors.values())
        span = f"{low:.4g}" if high / low < 1.02 else f"{low:.4g} to {high:.4g}"
        plural = "s" if len(self.factors) > 1 else ""
        text = f"multiply {len(self.factors)} weight{plural} by {span}, to χ = 1"
        text += f", besides the correction of {self.besides}" if self.besides else ""
        return text + (f"; and {refused[0].element.where}: {refused[0].sentence()}" if refused else "")


def to_critical(evidence: Evidence) -> ToCritical:
    """Each lens to σ_w(σ_b), where χ = 1; one that stands out has its own correction, and this is the rest."""
    blamed = {o.lens.where: o for o in evidence.outliers}
    found = evidence.lenses
    wishes = joint([Wish(x.handle, x.stage.linear[0], x.to_critical) for x in found], evidence.train)
    rest = [_besides(w, blamed.get(x.where)) for w, x in zip(wishes, found, strict=True)]
    return ToCritical(tuple(rest), ", ".join(str(where) for where in blamed))


def _besides(wish: Wish, blamed: Outlier | None) -> Wish:
    """What is left of a wish when its lens has had a correction, which it has not where that was refused."""
    if blamed is None or (wish.factors and not blamed.wish.factors):
        return wish
    return replace(wish, factor=wish.factor / blamed.wish.factor)
