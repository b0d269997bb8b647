"""Spins of q states: an energy for each two states at a bond, and for each state at a site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.spins.lattices import Integers, Lattice


@dataclass(frozen=True, eq=False)
class Multistate:
    """H(σ) = Σ_b w_b A(σ_i, σ_j) + Σ_i B_i(σ_i) over the bonds b = (i, j), with σ_i = 0 … q − 1.

    Attributes
    ----------
    name
        What model it is, "potts 3" for instance.
    sites
        Number of spins N.
    bonds, weights
        Sites of each bond, (m, 2), and w_b, (m,).
    pair
        A, symmetric, (q, q).
    single
        B, (N, q).
    values
        The number that a state stands for, (q,), of which the magnetisation is the mean; none where states are mere
        names.
    lattice
        The lattice that it is made on, None for one of its own.
    """

    name: str
    sites: int
    bonds: Integers
    weights: NDArray[np.float64]
    pair: NDArray[np.float64]
    single: NDArray[np.float64]
    values: NDArray[np.float64] | None = None
    lattice: Lattice | None = None

    @property
    def q(self) -> int:
        """Number of states of a spin."""
        return len(self.pair)

    @property
    def states(self) -> tuple[int, ...]:
        """What a spin can be."""
        return tuple(range(self.q))

    @property
    def is_even(self) -> bool:
        """Whether exchanging the first state for the last one, and so on, changes nothing."""
        same = np.array_equal(self.pair, self.pair[::-1, ::-1])
        return same and np.array_equal(self.single, self.single[:, ::-1])

    def energy(self, spins: Tensor) -> Tensor:
        """H of each configuration: (…, N) → (…) in double precision."""
        s = self._checked(spins)
        device = s.device
        first, last = torch.as_tensor(self.bonds, device=device).unbind(1)
        pair, single = (torch.as_tensor(table, device=device) for table in (self.pair, self.single))
        bonds = pair[s[..., first], s[..., last]] @ torch.as_tensor(self.weights, device=device)
        return bonds + single[torch.arange(self.sites, device=device), s].sum(-1)

    def local_energies(self, spins: Tensor) -> Tensor:
        """What of H depends on a spin, were it in each of its states: (…, N) → (…, N, q)."""
        s = self._checked(spins)
        device = s.device
        pair = torch.as_tensor(self.pair, device=device)
        weights = torch.as_tensor(self.weights, device=device)[:, None]
        found = torch.as_tensor(self.single, device=device).expand(*s.shape, self.q).clone()
        first, last = torch.as_tensor(self.bonds, device=device).unbind(1)
        found.index_add_(-2, first, weights * pair[s[..., last]])
        return found.index_add_(-2, last, weights * pair[s[..., first]])

    def differences(self, spins: Tensor) -> Tensor:
        """What H gains when one spin goes to each of its states: (…, N) → (…, N, q)."""
        local = self.local_energies(spins)
        return local - local.gather(-1, spins.long()[..., None])

    def _checked(self, spins: Tensor) -> Tensor:
        if spins.shape[-1:] != (self.sites,) or spins.is_floating_point():
            got = f"shape {tuple(spins.shape)} of {spins.dtype}"
            raise InputError(
                f"configurations of {self.sites} whole numbers", got, "put the spins along the last axis"
            )
        if spins.numel() and not 0 <= int(spins.min()) <= int(spins.max()) < self.q:
            got = f"{int(spins.min())} to {int(spins.max())}"
            raise InputError(f"states from 0 to {self.q - 1}", got, "number them from 0")
        return spins.long()

    def __str__(self) -> str:
        on = f" on {self.lattice}" if self.lattice is not None else ""
        return f"{self.name}: {self.sites} spins of {self.q} states{on}"


def multistate(
    lattice: Lattice,
    pair: ArrayLike,
    single: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    values: ArrayLike | None = None,
    name: str = "multistate",
) -> Multistate:
    """Spins of q states on the bonds of a lattice.

    Parameters
    ----------
    pair
        Energy of each two states at a bond, symmetric, (q, q).
    single
        Energy of each state at a site, (q,), or (N, q) where the sites differ; 0 where none is given.
    weights
        Factor of `pair` at each bond, (m,); 1 where none are given.
    values
        The numbers that the states stand for, (q,).

    Raises
    ------
    InputError
        If the tables do not fit.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> clock = multistate(chain(3), [[-1, 0.5, 0.5], [0.5, -1, 0.5], [0.5, 0.5, -1]])
    >>> clock.energy(torch.tensor([[0, 0, 0], [0, 1, 2]])).tolist()
    [-3.0, 1.5]
    """
    A = np.asarray(pair, dtype=np.float64)
    if A.ndim != 2 or not 2 <= len(A) == A.shape[1] <= 127 or not np.array_equal(A, A.T):
        raise InputError(
            "a symmetric table of energies for 2 to 127 states", f"shape {A.shape}", "pass (A + A.T)/2"
        )
    n, q, m = lattice.sites, len(A), len(lattice.bonds)
    return Multistate(
        name,
        n,
        lattice.bonds,
        _fitting("weights of the bonds", 1.0 if weights is None else weights, (m,)),
        A,
        _fitting("energies of the states at a site", 0.0 if single is None else single, (n, q)),
        None if values is None else _fitting("values of the states", values, (q,)),
        lattice,
    )


def _fitting(what: str, given: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = np.asarray(given, dtype=np.float64)
    if array.shape not in ((), shape, shape[-1:]) or not np.isfinite(array).all():
        raise InputError(f"finite {what} of shape {shape}", f"shape {array.shape}", "pass one for each")
    return np.broadcast_to(array, shape).copy()
