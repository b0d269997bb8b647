"""Transition matrices of cluster rules, by all sets of occupied bonds."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from exact import multistate_states
from exact.spin_states import states
from lensmaker.systems.spins.canonical import Canonical

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Occupations:
    """P(ω | s) for every configuration s and every set of bonds ω, and which s satisfy all bonds of ω.

    Attributes
    ----------
    pairs
        The two sites of each bond, (B, 2).
    given
        P(ω | s), (2^N, 2^B); bit b of the number of ω says whether bond b is occupied.
    allowed
        Whether all of ω is satisfied in s, (2^N, 2^B).
    """

    pairs: NDArray[np.int64]
    given: Floats
    allowed: NDArray[np.bool_]


def occupations(system: Canonical, scale: float = 1.0) -> Occupations:
    """Satisfied bonds are occupied with p = 1 − e^(−2β|J|), times `scale` for a planted fault."""
    h, s = system.hamiltonian, states(system.sites)
    pairs = np.concatenate([t.cliques for t in h.terms])
    strength = np.concatenate([h.couplings[t.name] * t.weights for t in h.terms])
    given, allowed = np.ones((len(s), 1)), np.ones((len(s), 1), bool)
    for (i, j), J in zip(pairs, strength, strict=True):
        satisfied = (J * s[:, i] * s[:, j] > 0)[:, None]
        p = scale * (1 - math.exp(-2 * system.beta * abs(J))) * satisfied
        given = np.concatenate([given * (1 - p), given * p], 1)
        allowed = np.concatenate([allowed, allowed & satisfied], 1)
    return Occupations(pairs, given, allowed)


def swendsen_wang_step(found: Occupations) -> Floats:
    """P(s → s') = Σ_ω P(ω | s) P(s' | ω), where all s' that satisfy ω are alike: 2 to the number of clusters."""
    return np.asarray(found.given @ (found.allowed / np.maximum(found.allowed.sum(0), 1)).T)


def potts_step(system: Canonical, scale: float = 1.0) -> Floats:
    """Swendsen–Wang for states: all configurations that are of one state on each cluster of ω are alike."""
    model = system.hamiltonian
    s = multistate_states.states(model.q, model.sites).astype(int)
    step = np.zeros((len(s), len(s)))
    for chosen in itertools.product([False, True], repeat=len(model.bonds)):
        given, allowed = np.ones(len(s)), np.ones(len(s), bool)
        for (i, j), w, occupied in zip(model.bonds, model.weights, chosen, strict=True):
            J, equal = w * (model.pair[0, 1] - model.pair[0, 0]), s[:, i] == s[:, j]
            p = scale * (1 - math.exp(-system.beta * J)) * equal
            given *= p if occupied else 1 - p
            allowed &= equal if occupied else True
        step += np.outer(given, allowed / allowed.sum())
    return step


def wolff_step(found: Occupations) -> Floats:
    """The cluster of ω around a site drawn at random is turned over."""
    rows = np.arange(len(found.given))
    sites = len(rows).bit_length() - 1
    step = np.zeros((len(rows), len(rows)))
    for number, probability in enumerate(found.given.T):
        occupied = found.pairs[(number >> np.arange(len(found.pairs)) & 1).astype(bool)]
        joined = coo_array((np.ones(len(occupied)), occupied.T), (sites, sites))
        _, label = connected_components(joined, directed=False)
        for cluster in range(label.max() + 1):
            inside = label == cluster
            to = rows ^ int((inside << np.arange(sites)).sum())
            step[rows, to] += probability * inside.sum() / sites
    return step
