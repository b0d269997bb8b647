"""The sampler: it owns chains, lets data decide when they have settled, and draws nearly independent samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lensmaker.core import InputError
from lensmaker.numerics.seeding import stream_seed
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.chains import Observer, Series, settled, slowest
from lensmaker.systems.spins.sampling.rule import Rule, Spins, State

POINTS = 256
"""Points of a stage's series for each chain."""

FORGOTTEN = 20
"""Autocorrelation times that are left out at the start, at least."""

STAGES = 12
"""Stages of burn-in, each twice as long as the one before, at most: 2¹² · 256 sweeps in all."""


class Sampler:
    """Chains of one rule.

    Burn-in goes in stages, each as long as all those before. A stage's own series must show that hot and cold
    starts agree within four standard errors, the first and the last third too, that split R̂ is below 1.05, and
    that what went before was 20 autocorrelation times at least. The spacing of samples is 2τ of the slower one of
    energy and |m|, read off a series of its own.

    Parameters
    ----------
    system, rule
        What is sampled, and how.
    chains
        How many; half of them start hot, half cold.
    seed
        Of starts and walks.
    threads
        How many to use; the samples do not depend on it.
    burn_in, thin
        Sweeps to leave out, and sweeps between samples, where data is not to decide.

    Attributes
    ----------
    facts
        What the data decided: `burn_in`, `thin`, `tau` in sweeps, `r_hat` and `is_settled`.
    """

    def __init__(
        self,
        system: Canonical,
        rule: Rule,
        *,
        chains: int,
        seed: int,
        threads: int = 1,
        burn_in: int | None = None,
        thin: int | None = None,
    ) -> None:
        _check(chains, threads, burn_in, thin)
        rule.check(system)
        self.system, self.rule, self.threads = system, rule, threads
        self._walk = rule.start(
            system, rule.first(system, chains, stream_seed("starts", seed)), stream_seed("walks", seed)
        )
        self._observer = Observer(system.hamiltonian)
        self._asked = burn_in, thin
        self._stage, self._swept = 0, 0
        self.facts: dict[str, Any] = {}

    @property
    def is_ready(self) -> bool:
        """Whether burn-in is over."""
        return "thin" in self.facts

    def prepare(self) -> None:
        """One stage of burn-in; the last one also decides how far samples lie apart."""
        burn_in, thin = self._asked
        if burn_in is not None:
            self._advance(burn_in)
            self._decide(None, thin)
            return
        stride = 2**self._stage // 2 or 1
        series = self._record(POINTS, stride)
        found = settled(series)
        before = self._swept - POINTS * stride
        reached = found.is_reached and before >= FORGOTTEN * found.tau * stride
        self._stage += 1
        self.facts["r_hat"], self.facts["is_settled"] = found.r_hat, reached
        if reached or self._stage == STAGES:
            self._decide(found.tau * stride, thin, stride)

    def draw(self, steps: int) -> Spins:
        """The next samples of every chain, (steps, chains, N).

        Raises
        ------
        InputError
            If burn-in is not over.
        """
        if not self.is_ready:
            raise InputError("chains that have settled", "some in burn-in", "call prepare() until is_ready")
        found = []
        for _ in range(steps):
            self._advance(self.facts["thin"])
            found.append(self._walk.spins())
        return np.stack(found)

    @property
    def state(self) -> State:
        """All that changes, to go on as if nothing had happened."""
        own = {"_stage": np.array(self._stage), "_swept": np.array(self._swept)}
        facts = {f"_fact_{k}": np.array(v) for k, v in self.facts.items()}
        return own | facts | {f"walk.{k}": v for k, v in self._walk.state.items()}

    @state.setter
    def state(self, state: State) -> None:
        self._stage, self._swept = int(state["_stage"]), int(state["_swept"])
        self.facts = {k.removeprefix("_fact_"): v.item() for k, v in state.items() if k.startswith("_fact_")}
        start = "walk."
        self._walk.state = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}

    def _decide(self, tau: float | None, thin: int | None, stride: int = 1) -> None:
        """Settle the spacing; τ that a coarse series cannot resolve is measured with a finer one."""
        if thin is None:
            if tau is None:
                tau = slowest(self._record(POINTS, 1))
            while tau < 4 * stride and stride > 1:
                stride = max(1, int(tau / 8))
                tau = slowest(self._record(2 * POINTS, stride)) * stride
        self.facts |= {
            "burn_in": self._swept,
            "tau": math.nan if tau is None else tau,
            "thin": thin if thin is not None else max(1, math.ceil(2 * (tau or 0.5))),
        }

    def _record(self, points: int, stride: int) -> Series:
        self._swept += points * stride
        return self._observer.record(self._walk, points, stride, self.threads)

    def _advance(self, sweeps: int) -> None:
        if not self.is_ready:
            self._swept += sweeps
        self._walk.advance(sweeps, self.threads)


def _check(chains: int, threads: int, burn_in: int | None, thin: int | None) -> None:
    if chains < 1:
        raise InputError("at least one chain", f"{chains}", "pass chains=16")
    if threads < 1:
        raise InputError("at least one thread", f"{threads}", "pass threads=1")
    if burn_in is not None and burn_in < 0:
        raise InputError("a burn-in of no sweeps or more", f"{burn_in}", "leave it to the data")
    if thin is not None and thin < 1:
        raise InputError("at least one sweep between samples", f"thin={thin}", "leave it to the data")
