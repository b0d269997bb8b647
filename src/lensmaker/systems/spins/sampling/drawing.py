"""Drawing samples: into memory, or into a folder, from where an interrupted run goes on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.numerics.autocorrelation import split_r_hat
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling import storage
from lensmaker.systems.spins.sampling.chains import Observer, slowest
from lensmaker.systems.spins.sampling.choice import choose, rule_named
from lensmaker.systems.spins.sampling.provenance import Provenance, fingerprint, versions
from lensmaker.systems.spins.sampling.rule import Rule, State
from lensmaker.systems.spins.sampling.run_state import read_state, write_state
from lensmaker.systems.spins.sampling.sampler import Sampler
from lensmaker.systems.spins.sampling.samples import Samples, columns

CHUNK = 1 << 22
"""Spins that are written at a time."""


def sample(
    system: Canonical,
    n: int,
    *,
    rule: Rule | None = None,
    chains: int | None = None,
    seed: int,
    thin: int | None = None,
    burn_in: int | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Samples:
    """Draw n configurations from e^(−βH)/Z.

    Parameters
    ----------
    system
        A Hamiltonian at a temperature.
    n
        How many.
    rule
        How chains move; the one of least τ × cost in a short pilot where none is given.
    chains
        How many; by default as many as suit the rule.
    seed
        Equal seeds give equal samples, with any number of threads, and after any interruptions.
    thin, burn_in
        Sweeps between samples, and sweeps left out; by default data decide.
    threads
        How many to use.
    progress
        Called with what is done, how much of it, and of how much.
    path
        A folder to write to as the run goes on. After a kill the same call goes on, and what it returns is equal to
        that of an undisturbed run.

    Raises
    ------
    InputError
        If the rule does not apply, or there is something else at the path.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> found = sample(Canonical(ising(chain(8)), 2.0), 100, seed=0)
    >>> found.spins.shape, found.spins.dtype, found.provenance.is_settled
    (torch.Size([100, 8]), torch.int8, True)
    """
    if n < 1:
        raise InputError("at least one sample", f"{n}", "pass n=1000")
    if seed < 0:
        raise InputError("a seed of 0 or more", f"{seed}", "pass seed=0")
    n, seed = int(n), int(seed)
    chains, thin, burn_in = (None if x is None else int(x) for x in (chains, thin, burn_in))
    asked = {"n": n, "chains": chains, "seed": seed, "thin": thin, "burn_in": burn_in}
    mark = fingerprint(system, rule="chosen" if rule is None else rule.signature, **asked)
    target = None if path is None else Path(path)
    begun = _begun(target, mark)
    if isinstance(begun, Samples):
        return begun
    if rule is None:
        if begun is not None:
            rule = rule_named(begun[0]["rule"])
        else:
            _tell(progress, "choosing a rule", 0, 0)
            rule = choose(system, seed=seed)
    count = min(n, rule.chains if chains is None else chains)
    sampler = Sampler(system, rule, chains=count, seed=seed, threads=threads, burn_in=burn_in, thin=thin)
    run = _Run(sampler, n, count, seed, target, mark, progress)
    return run.go(begun)


@dataclass
class _Run:
    """One call of `sample`."""

    sampler: Sampler
    n: int
    chains: int
    seed: int
    path: Path | None
    mark: str
    progress: Progress | None

    def go(self, begun: tuple[dict[str, Any], State] | None) -> Samples:
        done = 0
        if begun is not None:
            done, self.sampler.state = int(begun[0]["done"]), begun[1]
        self._keep(done)
        while not self.sampler.is_ready:
            _tell(self.progress, "burn-in", 0, 0)
            self.sampler.prepare()
            self._keep(done)
        sites = self.sampler.system.sites
        steps = max(1, CHUNK // (self.chains * sites))
        group = None
        if self.path is not None:
            if done == 0:
                storage.create(self.path, self.sampler.system, self.n, steps * self.chains, self.mark)
            group = storage.opened(self.path, self.mark)
        parts: list[torch.Tensor] = []
        while done < self.n:
            _tell(self.progress, "samples", done, self.n)
            left = -(-(self.n - done) // self.chains)
            rows = self.sampler.draw(min(steps, left)).reshape(-1, sites)[: self.n - done]
            spins = torch.from_numpy(rows)
            if group is None:
                parts.append(spins)
            else:
                storage.write_chunk(group, done, spins, self._columns(spins, done))
            done += len(spins)
            self._keep(done)
        _tell(self.progress, "samples", done, self.n)
        return self._finished(parts)

    def _finished(self, parts: list[torch.Tensor]) -> Samples:
        system = self.sampler.system
        if self.path is None:
            spins = torch.cat(parts)
        else:
            spins = storage.load(self.path, partial=True).spins
        found = Samples(spins, system, _provenance(self.sampler, spins, self.chains, self.seed))
        if self.path is not None:
            storage.finish(self.path, found, self.mark)
            storage.state_path(self.path).unlink()
        return found

    def _keep(self, done: int) -> None:
        if self.path is None:
            return
        nothing = np.zeros((0, self.sampler.system.sites), np.int8)
        so_far = _provenance(self.sampler, torch.from_numpy(nothing), self.chains, self.seed)
        facts = {k: None if v != v else v for k, v in so_far.to_dict().items()}
        meta = {
            "mark": self.mark,
            "rule": self.sampler.rule.name,
            "done": done,
            "temperature": self.sampler.system.temperature,
            "provenance": facts,
        }
        write_state(storage.state_path(self.path), meta, self.sampler.state)

    def _columns(self, spins: torch.Tensor, start: int) -> dict[str, Any]:
        """Those of a chunk that begins with sample `start`, a whole number of steps."""
        so_far = _provenance(self.sampler, spins[:0], self.chains, self.seed)
        found = columns(Samples(spins, self.sampler.system, so_far))
        found["sweep"] = found["sweep"] + start // self.chains * so_far.thin
        return found


def _begun(path: Path | None, mark: str) -> Samples | tuple[dict[str, Any], State] | None:
    """What is at the path: nothing, these samples complete, or a part of them."""
    if path is None:
        return None
    if not path.absolute().parent.is_dir():
        raise InputError("a path in a folder that exists", f"{path}", f"make {path.absolute().parent} first")
    if not path.name or path.is_file():
        got = f"{path}, which is a file" if path.name else f"{str(path)!r}"
        raise InputError("a name for a folder of samples", got, "pass a new name, like ising.zarr")
    state = storage.state_path(path)
    other = "name another path, or remove what is there"
    if state.exists():
        meta, arrays = read_state(state)
        if meta.get("mark") != mark:
            raise InputError(f"this run, interrupted, at {path}", "another system, seed or option", other)
        return meta, arrays
    if not path.exists():
        return None
    found = storage.load(path)
    if storage.mark_of(path) != mark:
        raise InputError(f"these samples at {path}", f"others: {found}", other)
    return found


def _provenance(sampler: Sampler, spins: torch.Tensor, chains: int, seed: int) -> Provenance:
    facts, steps = sampler.facts, len(spins) // chains
    tau = r_hat = float("nan")
    if steps >= 4:
        observer = Observer(sampler.system.hamiltonian)
        rows = observer.read(spins[: steps * chains].numpy())
        series = observer.unsigned(rows.reshape(2, steps, chains).transpose(0, 2, 1))
        tau, r_hat = slowest(series), max(split_r_hat(one) for one in series)
    return Provenance(
        rule=sampler.rule.signature,
        seed=seed,
        chains=chains,
        burn_in=int(facts.get("burn_in", 0)),
        thin=int(facts.get("thin", 0)),
        is_settled=bool(facts.get("is_settled", False)),
        tau=float(facts.get("tau", float("nan"))),
        tau_steps=tau,
        r_hat=r_hat,
        versions=versions(),
    )


def _tell(progress: Progress | None, what: str, done: int, of: int) -> None:
    if progress is not None:
        progress(what, done, of)
