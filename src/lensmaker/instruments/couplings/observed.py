"""Samples of a spin system, and the terms whose couplings are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from lensmaker.core import InputError
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian

Terms = Hamiltonian | Mapping[str, ArrayLike | Sequence[ArrayLike]]


@dataclass(frozen=True, eq=False)
class Observed:
    """Configurations in the order in which they were drawn, and a Hamiltonian whose couplings do not count.

    Attributes
    ----------
    spins
        ±1, shape (chains, M, N).
    model
        The terms Φ_a.
    """

    spins: NDArray[np.int8]
    model: Hamiltonian

    @property
    def samples(self) -> int:
        """Number of configurations, of all chains together."""
        return self.spins.shape[0] * self.spins.shape[1]

    @property
    def rows(self) -> NDArray[np.int8]:
        """The configurations of all chains, one chain after the other, (samples, N)."""
        return self.spins.reshape(self.samples, -1)


def observe(samples: Any, terms: Terms) -> Observed:
    """Read configurations and terms.

    Parameters
    ----------
    samples
        Tensor or array of ±1, or an object whose `spins` is one: (M, N) of one chain in its order or of independent
        draws, (chains, M, N) of several chains.
    terms
        A Hamiltonian, or name → cliques (m, k).

    Raises
    ------
    InputError
        If there are no samples, a spin is not ±1, or sites do not fit.

    Examples
    --------
    >>> observe([[1, -1], [1, 1]], {"J": [[0, 1]]}).spins.shape
    (1, 2, 2)
    """
    found = samples.by_chain() if hasattr(samples, "by_chain") else getattr(samples, "spins", samples)
    if isinstance(found, torch.Tensor):
        found = found.detach().cpu().numpy()
    given = np.asarray(found)
    if given.ndim not in (2, 3) or 0 in given.shape:
        raise InputError(
            "samples of shape (samples, sites) or (chains, samples, sites)",
            f"shape {given.shape}",
            "put the spins along the last axis",
        )
    if given.dtype.kind not in "iuf" or not (np.abs(given) == 1).all():
        other = "truth values" if given.dtype.kind == "b" else f"{_odd_one(given)}"
        raise InputError("spins of +1 and −1", other, "of bits x make spins by 2*x - 1")
    spins = given.astype(np.int8).reshape(-1, *given.shape[-2:])
    model = terms if isinstance(terms, Hamiltonian) else _model(spins.shape[-1], terms)
    if model.sites != spins.shape[-1]:
        raise InputError(
            f"samples of {model.sites} spins", f"{spins.shape[-1]}", "take the terms' own lattice"
        )
    if not model.names:
        raise InputError("at least one term", "none", "name the cliques: {'J': lattice.bonds}")
    return Observed(np.ascontiguousarray(spins), model)


def _model(sites: int, terms: Mapping[str, Any]) -> Hamiltonian:
    return hamiltonian(sites, terms, dict.fromkeys(terms, 0.0))


def _odd_one(given: NDArray[Any]) -> Any:
    if given.dtype.kind not in "iuf":
        return given.dtype
    return given[np.abs(given) != 1].flat[0]
