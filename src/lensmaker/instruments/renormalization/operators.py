"""Operators: products of spins, summed over all places and directions of a torus."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian
from lensmaker.systems.spins.lattices import Lattice

Shape = tuple[tuple[int, ...], ...]

_SQUARE = ("chain", "square", "cubic", "hypercubic")
"""Lattices whose axes are at right angles and alike."""

_BLOCK = 1 << 18
"""Spins that are worked on at a time: what stays in a processor's cache."""

_IMAGES = 127
"""Products of ±1 whose sum an eight-bit number holds."""


@dataclass(frozen=True)
class Operator:
    r"""S(s) = Σ_x Σ_R ∏_{r∈shape} s_{x + Rr}: one product, at every site x and turned or mirrored in every way R.

    Images that are alike but for a translation count once: S of NEIGHBOUR is the sum over all bonds of the lattice.

    Attributes
    ----------
    name
        Of the operator, and of its coupling.
    shape
        The sites of one product, as steps along the axes; axes that are not named have none.

    Raises
    ------
    InputError
        If a site comes twice, or there is none.

    Examples
    --------
    >>> len(NEIGHBOUR.images(2)), len(CORNER.images(2)), NEIGHBOUR.is_even
    (2, 4, True)
    """

    name: str
    shape: Shape

    def __post_init__(self) -> None:
        if not self.shape or len(set(self.shape)) < len(self.shape):
            raise InputError(
                "different sites in the product of an operator", f"{self.shape}", "pass ((0,), (1,))"
            )

    @property
    def is_even(self) -> bool:
        """Whether turning all spins over leaves it as it is."""
        return len(self.shape) % 2 == 0

    def images(self, dimensions: int) -> tuple[Shape, ...]:
        """The shape turned and mirrored in every way, each with its corner at the origin.

        Raises
        ------
        InputError
            If the shape needs more dimensions.
        """
        if any(len(site) > dimensions for site in self.shape):
            wanted = max(map(len, self.shape))
            raise InputError(
                f"a lattice of {wanted} dimensions or more for the operator {self.name}",
                f"one of {dimensions}",
                "leave the operator out",
            )
        sites = np.array([site + (0,) * (dimensions - len(site)) for site in self.shape])
        found = set()
        for axes in itertools.permutations(range(dimensions)):
            for signs in itertools.product((1, -1), repeat=dimensions):
                turned = sites[:, axes] * np.array(signs)
                turned -= turned.min(0)
                found.add(tuple(sorted(map(tuple, turned.tolist()))))
        return tuple(sorted(found))


SPIN = Operator("spin", ((0,),))
NEIGHBOUR = Operator("neighbour", ((0,), (1,)))
DIAGONAL = Operator("diagonal", ((0, 0), (1, 1)))
PLAQUETTE = Operator("plaquette", ((0, 0), (0, 1), (1, 0), (1, 1)))
TWO_APART = Operator("two_apart", ((0,), (2,)))
KNIGHT = Operator("knight", ((0, 0), (1, 2)))
CORNER = Operator("corner", ((0, 0), (0, 1), (1, 0)))
ROW = Operator("row", ((0,), (1,), (2,)))

EVEN = (NEIGHBOUR, DIAGONAL, PLAQUETTE, TWO_APART, KNIGHT)
"""Even operators of the plane: pairs at distances 1, √2, 2 and √5, and the four spins of a square."""

ODD = (SPIN, CORNER, ROW)
"""Odd operators of the plane: one spin, three of the four of a square, three in a row."""


def sums(spins: Tensor, lattice: Lattice, operators: Sequence[Operator]) -> NDArray[np.float64]:
    """S of each configuration and operator: (n, N) of ±1 → (n, A).

    Raises
    ------
    InputError
        If the lattice is no torus of axes at right angles, or has too few of them.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> up = torch.ones(1, 16, dtype=torch.int8)
    >>> sums(up, square(4), (SPIN, NEIGHBOUR, PLAQUETTE)).tolist()
    [[16.0, 32.0, 16.0]]
    """
    images = [images_on(lattice, operator) for operator in operators]
    axes = tuple(range(1, 1 + len(lattice.shape)))
    found = np.empty((len(spins), len(operators)))
    step = max(1, _BLOCK // lattice.sites)
    for start in range(0, len(spins), step):
        rows = spins[start : start + step].to(torch.int8).reshape(-1, *lattice.shape)
        moved: dict[tuple[int, ...], Tensor] = {}
        for k, shapes in enumerate(images):
            for site in {site for shape in shapes for site in shape} - moved.keys():
                moved[site] = torch.roll(rows, tuple(-x for x in site), axes) if any(site) else rows
            total = torch.zeros_like(rows)
            for shape in shapes:
                product = moved[shape[0]]
                for site in shape[1:]:
                    product = product * moved[site]
                total += product
            found[start : start + step, k] = total.flatten(1).sum(1, dtype=torch.int32).cpu().numpy()
    return found


def images_on(lattice: Lattice, operator: Operator) -> tuple[Shape, ...]:
    """The images of an operator on a lattice that has a place for them.

    Raises
    ------
    InputError
        If it has none, or the images are too many.
    """
    if lattice.name not in _SQUARE or not all(lattice.periodic):
        raise InputError(
            "operators on a torus of axes at right angles", str(lattice), "take a periodic square lattice"
        )
    found = operator.images(len(lattice.shape))
    if len(found) > _IMAGES:
        raise InputError(
            f"an operator of at most {_IMAGES} images",
            f"{len(found)} of {operator.name}",
            "take one that is more symmetric",
        )
    return found


def terms_of(lattice: Lattice, operators: Sequence[Operator]) -> Hamiltonian:
    """−H = Σ_a K_a S_a as a Hamiltonian, with couplings 0: what `infer` asks the samples about.

    Raises
    ------
    InputError
        If the torus is so small that a product meets itself.

    Examples
    --------
    >>> from lensmaker.systems.spins.lattices import square
    >>> [(t.name, len(t.cliques)) for t in terms_of(square(4), (NEIGHBOUR, PLAQUETTE)).terms]
    [('neighbour', 32), ('plaquette', 16)]
    """
    cells = np.arange(lattice.sites).reshape(lattice.shape)
    axes = tuple(range(cells.ndim))
    terms = {}
    for operator in operators:
        cliques = np.concatenate(
            [
                np.stack([np.roll(cells, [-x for x in site], axes).reshape(-1) for site in shape], 1)
                for shape in images_on(lattice, operator)
            ]
        )
        ordered = np.sort(cliques, 1)
        if (ordered[:, 1:] == ordered[:, :-1]).any():
            raise InputError(
                f"a torus on which the sites of the operator {operator.name} are different ones",
                str(lattice),
                "take fewer levels, or leave the operator out",
            )
        terms[operator.name] = cliques
    return hamiltonian(lattice.sites, terms, dict.fromkeys(terms, 0.0), lattice=lattice)
