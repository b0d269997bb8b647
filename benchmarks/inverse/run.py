"""The time of lensmaker's pseudo-likelihood beside scikit-learn's logistic regressions, in turns, on one core.

    python benchmarks/inverse/run.py [case …]

ConIII 3.0.1, the package for inverse Ising problems, does not build on Python 3.11, so the peer is what one would
write instead: a logistic regression for each spin on the spins that it feels, by the fastest solver of scikit-learn
for few features (newton-cholesky), without a penalty; of two values of a coupling the mean. lensmaker fits all spins
at once, with one value for each coupling, and gives standard errors, which scikit-learn does not.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

sys.path.append(str(Path(__file__).parents[1]))

from results import paired, save
from sklearn.linear_model import LogisticRegression

from lensmaker.instruments.couplings import infer
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian, ising
from lensmaker.systems.spins.lattices import complete, square
from lensmaker.systems.spins.sampling import Metropolis

TURNS = 5


@dataclass(frozen=True)
class Case:
    """A system, samples of it, and a peer that takes (samples, Hamiltonian) to name → coupling."""

    system: Hamiltonian
    samples: int
    peer: Callable[[NDArray[np.int8], Hamiltonian], Mapping[str, float]]

    def drawn(self) -> NDArray[np.int8]:
        start = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (self.samples, self.system.sites))
        walk = Metropolis().start(Canonical(self.system, 1.0), start, 1)
        walk.advance(40)
        return walk.spins()


def regression(x: NDArray[np.float64], y: NDArray[np.int8]) -> NDArray[np.float64]:
    """P(y = 1) = σ(w·x) has w = 2K."""
    model = LogisticRegression(C=math.inf, solver="newton-cholesky", fit_intercept=False, tol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(model.fit(x, y).coef_[0]) / 2


def site_by_site(samples: NDArray[np.int8], system: Hamiltonian) -> Mapping[str, float]:
    """Of pairs that each have a name: a regression on the neighbours of each spin."""
    name = {(int(i), int(j)): t.name for t in system.terms for i, j in t.cliques}
    felt: dict[int, list[int]] = {i: [] for i in range(system.sites)}
    for i, j in name:
        felt[i].append(j)
        felt[j].append(i)
    found = dict.fromkeys(system.names, 0.0)
    for i, others in felt.items():
        for j, w in zip(others, regression(samples[:, others].astype(float), samples[:, i]), strict=True):
            found[name.get((i, j)) or name[j, i]] += w / 2
    return found


def stacked(samples: NDArray[np.int8], system: Hamiltonian) -> Mapping[str, float]:
    """Of one coupling: one regression of all spins on the sum of their neighbours."""
    assert system.lattice is not None
    fields = samples[:, system.lattice.neighbours].sum(-1, dtype=float)
    return {"J": float(regression(fields.reshape(-1, 1), samples.reshape(-1))[0])}


def glass(sites: int) -> Hamiltonian:
    """Sherrington and Kirkpatrick's at T = 2."""
    pairs = complete(sites).bonds
    J = np.random.default_rng(2).normal(size=len(pairs)) / math.sqrt(sites) / 2
    return named(sites, pairs, J)


def named(sites: int, pairs: NDArray[np.int64], J: NDArray[np.float64]) -> Hamiltonian:
    names = [f"J[{i},{j}]" for i, j in pairs.tolist()]
    terms = {name: [pair] for name, pair in zip(names, pairs.tolist(), strict=True)}
    return hamiltonian(sites, terms, dict(zip(names, J.tolist(), strict=True)))


BONDS = square(32).bonds
CASES = {
    "one_coupling_64": Case(ising(square(64), 0.3), 1000, stacked),
    "each_bond_32": Case(named(1024, BONDS, np.full(len(BONDS), 0.3)), 1000, site_by_site),
    "glass_40": Case(glass(40), 10_000, site_by_site),
}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def measured(name: str, case: Case) -> dict[str, Any]:
    samples = case.drawn()
    infer(samples, case.system)  # compiles, or reads what was compiled
    own, peer = [], []
    for _ in range(TURNS):
        seconds, fit = timed(lambda: infer(samples, case.system))
        own.append(seconds)
        seconds, other = timed(lambda: case.peer(samples, case.system))
        peer.append(seconds)
    apart = max(abs(fit.couplings[n] - other[n]) / fit.errors[n] for n in case.system.names)
    z = np.array([(fit.couplings[n] - case.system.couplings[n]) / fit.errors[n] for n in case.system.names])
    ratio = paired(own, peer)
    print(f"{name}: {min(own):.2f} s, scikit-learn {min(peer):.2f} s, ratio {ratio['median']}")
    return {
        "couplings": len(case.system.names),
        "samples": case.samples,
        "seconds": round(min(own), 3),
        "peer_seconds": round(min(peer), 3),
        "ratio": ratio,
        "most_errors_apart": round(float(apart), 3),
        "mean_square_z": round(float((z**2).mean()), 3),
    }


def main(names: list[str]) -> None:
    """Time every case, print a line for each, and save the results."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        cases = {name: measured(name, CASES[name]) for name in names or CASES}
    if set(cases) == set(CASES):
        save("inverse", {"cases": cases})


if __name__ == "__main__":
    main(sys.argv[1:])
