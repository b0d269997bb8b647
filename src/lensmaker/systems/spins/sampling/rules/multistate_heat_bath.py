"""Heat bath for spins of q states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lensmaker.core import Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.rules.multistate_rule import MultistateRule

if TYPE_CHECKING:
    from lensmaker.systems.spins.sampling.walks.multistate_site_by_site import SiteBySite


class MultistateHeatBath(MultistateRule):
    """A spin is drawn anew from P(σ_i | all others) = e^(−βE_i(σ_i))/Σ_a e^(−βE_i(a)), site after site."""

    name = "multistate_heat_bath"
    summary = "One spin of q states after the other is drawn anew, as its neighbours have it."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "creutz1980",
            "M. Creutz",
            "Monte Carlo study of quantized SU(2) gauge theory",
            1980,
            "Phys. Rev. D 21, 2308",
        ),
    )

    def reason(self, system: Canonical[Any]) -> str:
        return ""

    def start(self, system: Canonical[Any], spins: Spins, seed: int) -> SiteBySite:
        from lensmaker.systems.spins.sampling.walks.multistate_site_by_site import SiteBySite

        self.check(system)
        return SiteBySite(system, spins, seed, heat_bath=True)
