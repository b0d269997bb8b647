"""Losses that compare each configuration with those that differ from it by one spin."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lensmaker.core import InputError
from lensmaker.instruments.couplings.flips import Flips, flips
from lensmaker.instruments.couplings.observed import Observed
from lensmaker.instruments.couplings.problem import Problem, Values
from lensmaker.numerics.newton import Expansion
from lensmaker.numerics.positive_definite import DENSE

_ENTRIES = 1 << 26
"""Entries of the Hessian's blocks, half a GiB."""


@dataclass(frozen=True, eq=False)
class OneFlip(Problem):
    """ℓ(K; s) = Σ_i λ(u_i) with u_i = Σ_a K_a y_ia(s): half of what −βH loses when s_i is turned over.

    The Hessian is a sum of dense blocks, one for each site, over the couplings that the site feels.

    Attributes
    ----------
    observed
        Samples and terms.
    exponential
        λ(u) = e^(−u); otherwise ln(1 + e^(−2u)).
    threads
        Of the kernels.

    Raises
    ------
    InputError
        If so many couplings act on each site that the Hessian does not fit into memory.
    """

    observed: Observed
    exponential: bool
    threads: int = 1

    def __post_init__(self) -> None:
        if self._table.of_block[-1] > _ENTRIES:
            raise InputError(
                f"at most {_ENTRIES} pairs of couplings that share a site",
                f"{self._table.of_block[-1]}",
                "infer fewer couplings at once, or let some share a name",
            )

    @property
    def couplings(self) -> int:  # type: ignore[override]
        return self._table.couplings

    @cached_property
    def _table(self) -> Flips:
        return flips(self.observed.model)

    @cached_property
    def _spins(self) -> NDArray[np.int8]:
        """(N, samples): what stands side by side in memory is worked on side by side."""
        return np.ascontiguousarray(self.observed.rows.T)

    @property
    def _tables(self) -> tuple[NDArray[Any], ...]:
        t = self._table
        return t.of_site, t.coupling, t.of_slot, t.others, t.count, t.weights

    def expand(self, K: Values) -> Expansion:
        t, count = self._table, self.observed.samples
        value, gradient = np.zeros(len(self._spins)), np.zeros(len(t.coupling))
        blocks = np.zeros(t.of_block[-1])
        to = t.of_block, K, self.exponential, value, gradient, blocks
        self._shared_out(len(value), _kernels().expand, self._spins, *self._tables, *to)
        total = np.bincount(t.coupling, gradient, minlength=t.couplings)
        return Expansion(float(value.sum()) / count, total / count, self._assembled(blocks / count))

    def scores(self, K: Values, size: int) -> Values:
        chains, steps = self.observed.spins.shape[:2]
        found = np.zeros((chains, steps // size, self.couplings))
        for chain, rows in zip(self.observed.spins, found, strict=True):
            to = K, self.exponential, size, rows
            self._shared_out(len(rows), _kernels().scores, np.ascontiguousarray(chain.T), *self._tables, *to)
        return found / size

    def never_rises(self, direction: Values) -> bool:
        low, high = np.zeros(len(self._spins)), np.zeros(len(self._spins))
        self._shared_out(len(low), _kernels().bounds, self._spins, *self._tables, direction, low, high)
        return bool(low.min() >= -1e-6 * high.max() and high.max() > 0)

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of each entry of the blocks."""
        t = self._table
        z = np.diff(t.of_site)
        site = np.repeat(np.arange(len(z)), z**2)
        inside = np.arange(len(site)) - t.of_block[site]
        first, size = t.of_site[site], z[site]
        return t.coupling[first + inside // size], t.coupling[first + inside % size]

    def _shared_out(self, count: int, kernel: Callable[..., None], *arguments: Any) -> None:
        """A kernel on as many ranges as there are threads; each range writes to places of its own."""
        ends = np.linspace(0, count, min(self.threads, count) + 1).astype(int).tolist()
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(partial(kernel, *arguments), ends[:-1], ends[1:]))

    def _assembled(self, blocks: Values) -> Values | csr_matrix:
        A = self.couplings
        if A <= DENSE:
            row, column = self._places
            return np.bincount(row * A + column, blocks, minlength=A * A).reshape(A, A)
        return csr_matrix((blocks, self._places), shape=(A, A))


def _kernels() -> Any:
    from lensmaker.instruments.couplings import flip_kernels

    return flip_kernels
