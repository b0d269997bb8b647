"""Where samples come from: enough to draw them again, and to tell them from others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.model_record import digest

PACKAGES = ("lensmaker", "numba", "numpy", "torch")


@dataclass(frozen=True)
class Provenance:
    """How samples were drawn.

    Attributes
    ----------
    rule
        Name and parameters.
    seed, chains
        Of the walks, and how many there were; sample i is of chain i mod chains.
    burn_in, thin
        Sweeps left out at the start, and sweeps from one sample of a chain to its next.
    is_settled
        Whether the data say that the chains had forgotten their start; what was asked for is not tested.
    tau
        Integrated autocorrelation time in sweeps as burn-in measured it, nan where it was not.
    tau_steps
        That of the samples in steps of a chain: ½ where they are independent; nan where they are too few.
    r_hat
        The largest split R̂ of energy and magnetisation over the samples; nan where they are too few.
    versions
        Package → version.
    """

    rule: str
    seed: int
    chains: int
    burn_in: int
    thin: int
    is_settled: bool
    tau: float
    tau_steps: float
    r_hat: float
    versions: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """As numbers and text alone."""
        return asdict(self) | {"versions": dict(self.versions)}


def versions() -> tuple[tuple[str, str], ...]:
    """Of the packages that samples depend on."""
    return tuple((name, version(name)) for name in PACKAGES)


def fingerprint(system: Canonical[Any], **options: Any) -> str:
    """A number that two runs share if they draw the same samples, in hexadecimal.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> one, two = (Canonical(ising(chain(4)), t) for t in (1.0, 2.0))
    >>> fingerprint(one, seed=0) == fingerprint(one, seed=0), fingerprint(one, seed=0) == fingerprint(two, seed=0)
    (True, False)
    """
    told = [digest(system.hamiltonian), system.temperature, versions(), options]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:32]
