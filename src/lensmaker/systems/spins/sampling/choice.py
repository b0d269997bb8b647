"""The rule of least work for an independent sample: τ by a short pilot, times the declared cost of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lensmaker.core import InputError
from lensmaker.numerics.autocorrelation import split_r_hat
from lensmaker.numerics.seeding import stream_seed
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.chains import LARGEST_R_HAT, Observer, slowest
from lensmaker.systems.spins.sampling.rule import Rule

UPDATES = 1 << 24
"""Spins that a pilot may move for each rule, at most: under half a second."""

POINTS = 128
CHAINS = 4


@dataclass(frozen=True)
class Trial:
    """What a pilot says of a rule.

    Attributes
    ----------
    rule
        Its name.
    tau
        Autocorrelation time in sweeps of the slower one of energy and |m|; where the pilot is too short for it, that
        of the longest series that it allows, which is less.
    cost
        Nanoseconds for each spin of a sweep.
    is_settled
        Whether the pilot's chains met.
    """

    rule: str
    tau: float
    cost: float
    is_settled: bool

    @property
    def work(self) -> float:
        """Nanoseconds a spin for an independent sample, 2τ × cost."""
        return 2 * self.tau * self.cost


def trials(system: Canonical, *, seed: int, rules: Sequence[type[Rule]] = ()) -> tuple[Trial, ...]:
    """A short pilot of each rule that applies.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import square
    >>> [t.rule for t in trials(Canonical(ising(square(4)), 3.0), seed=0)][:2]
    ['metropolis', 'heat_bath']
    """
    return tuple(
        _trial(rule, system, seed) for rule in map(_made, rules or _all()) if not rule.refusal(system)
    )


def choose(system: Canonical, *, seed: int = 0, rules: Sequence[type[Rule]] = ()) -> Rule:
    """The rule of least 2τ × cost; rules whose chains have met before all others.

    The costs are declared, so that equal seeds choose alike on every machine.

    Raises
    ------
    InputError
        If no rule applies.
    """
    found = trials(system, seed=seed, rules=rules)
    if not found:
        raise InputError("a system that some rule can sample", f"{system.hamiltonian}", "pass a rule")
    return rule_named(min(found, key=lambda t: (not t.is_settled, t.work)).rule)


def rule_named(name: str) -> Rule:
    """The rule of that name, as it is made without parameters.

    Raises
    ------
    InputError
        If there is none.
    """
    from lensmaker.systems.spins.sampling import RULES

    for rule in RULES:
        if rule.name == name:
            return rule()
    raise InputError(f"one of the rules {', '.join(r.name for r in RULES)}", repr(name), "check the spelling")


def _all() -> Sequence[type[Rule]]:
    from lensmaker.systems.spins.sampling import RULES

    return [rule for rule in RULES if rule.is_open]


def _made(rule: type[Rule]) -> Rule:
    return rule()


def _trial(rule: Rule, system: Canonical, seed: int) -> Trial:
    walk = rule.start(
        system, rule.first(system, CHAINS, stream_seed("pilot starts", seed)), stream_seed("pilot", seed)
    )
    observer, stride, moved = Observer(system.hamiltonian), 1, 0
    while True:
        series = observer.record(walk, POINTS, stride, threads=1)
        moved += POINTS * stride * CHAINS * system.sites
        tau = slowest(series)
        met = max(split_r_hat(one) for one in series) < LARGEST_R_HAT
        if (met and tau < POINTS / 16) or moved > UPDATES:
            return Trial(rule.name, tau * stride, rule.cost, met)
        stride *= 2
