"""A block of a lattice and what surrounds it: the two sets of spins whose mutual information is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lensmaker.core import InputError, Where
from lensmaker.systems.spins.lattices import Integers, Lattice


@dataclass(frozen=True)
class Surroundings:
    """A block of b sites along each axis, a buffer around it that is left out, and the environment beyond.

    The distance of a site is the most unit cells from the block along an axis, round a periodic one the shorter way.

    Parameters
    ----------
    side
        b.
    buffer
        Distance up to which sites are left out.
    reach
        Thickness of the environment; None for all that is left.
    corner
        The unit cell where the block begins, by default the origin.

    Raises
    ------
    InputError
        If the block has no site, or buffer or reach no sense.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import chain
    >>> around = Surroundings(side=2, buffer=1, reach=2)
    >>> around.block(chain(12)).tolist(), around.environment(chain(12)).tolist()
    ([0, 1], [3, 4, 9, 10])
    """

    side: int = 2
    buffer: int = 1
    reach: int | None = 1
    corner: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.side < 1 or self.buffer < 0 or (self.reach is not None and self.reach < 1):
            got = f"a side of {self.side}, a buffer of {self.buffer} and a reach of {self.reach}"
            raise InputError(
                "a side of 1 or more, a buffer of 0 or more and a reach of 1 or more", got, "take others"
            )

    def block(self, lattice: Lattice) -> Integers:
        """Sites of the block, that of its corner first, the last axis fastest.

        Raises
        ------
        InputError
            If the block is not on the lattice.
        """
        axes = []
        for start, n, closed in zip(self._corner(lattice), lattice.shape, lattice.periodic, strict=True):
            cells = start + np.arange(self.side)
            if self.side > n or not 0 <= start < n or (not closed and cells[-1] >= n):
                raise InputError(
                    f"a block of side {self.side} from {start} on an axis of {n}",
                    str(lattice),
                    "move the corner",
                )
            axes.append(cells % n)
        return np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), lattice.shape).reshape(-1)

    def environment(self, lattice: Lattice) -> Integers:
        """Sites of the environment, in ascending order.

        Raises
        ------
        InputError
            If there are none.
        """
        self.block(lattice)
        far = np.zeros(lattice.shape, np.int64)
        for axis, (start, n, closed) in enumerate(
            zip(self._corner(lattice), lattice.shape, lattice.periodic, strict=True)
        ):
            cells = np.arange(n)
            ahead, behind = cells - (start + self.side - 1), start - cells
            if closed:
                ahead, behind = ahead % n, behind % n
                inside = (cells - start) % n < self.side
                along = np.where(inside, 0, np.minimum(ahead, behind))
            else:
                along = np.maximum(0, np.maximum(ahead, behind))
            shape = [1] * len(lattice.shape)
            shape[axis] = n
            far = np.maximum(far, along.reshape(shape))
        most = far.max() if self.reach is None else self.buffer + self.reach
        sites = np.flatnonzero((far > self.buffer) & (far <= most))
        if not len(sites):
            raise InputError(
                f"sites more than {self.buffer} away from the block", str(lattice), "take a smaller buffer"
            )
        return np.asarray(sites, np.int64)

    def moved(self, step: tuple[int, ...], lattice: Lattice) -> Surroundings:
        """The same elsewhere: so many unit cells along each axis, round the periodic ones."""
        to = tuple((a + d) % n for a, d, n in zip(self._corner(lattice), step, lattice.shape, strict=True))
        return replace(self, corner=to)

    def where(self, place: Where, of: str = "") -> Where:
        """The place of a mutual information: that of the system, with block and buffer, and whose spin it is."""
        told = [("block", float(self.side)), ("buffer", float(self.buffer))]
        if self.reach is not None:
            told.append(("reach", float(self.reach)))
        told += [(f"corner {axis}", float(x)) for axis, x in enumerate(self.corner)]
        return replace(place, path=of, coordinates=(*place.coordinates, *told))

    def _corner(self, lattice: Lattice) -> tuple[int, ...]:
        if lattice.basis != 1 or int(np.prod(lattice.shape)) != lattice.sites:
            raise InputError("a lattice of one site in a unit cell", str(lattice), "take a square one")
        corner = self.corner or (0,) * len(lattice.shape)
        if len(corner) != len(lattice.shape):
            raise InputError(
                f"a corner on {len(lattice.shape)} axes", f"{self.corner}", "name a cell of the lattice"
            )
        return corner
