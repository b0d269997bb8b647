"""Rings of neighbours: ln Z against tensor grids and determinants, draws against moments of the same grids."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from exact.class_posteriors import action, ring_log_partition
from lensmaker.core import InputError
from lensmaker.systems.polynomials import LatticePolynomial, phi4
from lensmaker.theories.fields.ring import Ring


@pytest.mark.parametrize(("mass", "coupling"), [(-1.0, 0.25), (-3.0, 0.5), (0.5, 0.1)])
def test_three_sites_on_a_tensor_grid(mass: float, coupling: float) -> None:
    ring = Ring.of(phi4((3,), mass=mass, coupling=coupling))
    assert ring.log_partition == pytest.approx(ring_log_partition(3, mass, coupling), rel=1e-12)
    assert ring.error < 1e-12


@pytest.mark.parametrize("sites", [3, 16, 50])
def test_a_free_field_has_the_determinant_of_its_momenta(sites: int) -> None:
    m2 = 0.7
    q = 2 * np.pi * np.arange(sites) / sites
    exact = 0.5 * np.log(2 * np.pi / (m2 + 2 - 2 * np.cos(q))).sum()
    free = phi4((sites,), mass=m2, coupling=0.0)
    terms = {shape: value for shape, value in free.terms.items() if value}
    assert Ring.of(LatticePolynomial((sites,), terms)).log_partition == pytest.approx(exact, rel=1e-12)


def test_draws_have_the_moments_of_the_distribution() -> None:
    mass, coupling = -1.0, 0.25
    nodes, weights = np.polynomial.legendre.leggauss(80)
    grid = np.stack(np.meshgrid(*[5 * nodes] * 3, indexing="ij"), -1)
    p = np.exp(-action(grid, mass, coupling)) * np.prod(np.meshgrid(*[weights] * 3, indexing="ij"), 0)
    p /= p.sum()
    n = 40_000
    x = Ring.of(phi4((3,), mass=mass, coupling=coupling)).draw(n, torch.Generator().manual_seed(1)).numpy()
    for of in (
        lambda f: f[..., 0] ** 2,
        lambda f: f[..., 2] ** 2,
        lambda f: f[..., 0] * f[..., 1],
        lambda f: f[..., 2] * f[..., 0],
        lambda f: f[..., 1] ** 4,
        lambda f: f[..., 0],
    ):
        found, exact = of(x), float((p * of(grid)).sum())
        assert abs(found.mean() - exact) < 4 * found.std() / math.sqrt(n)


@pytest.mark.parametrize(
    ("energy", "said"),
    [
        (phi4((4, 4), mass=1.0, coupling=1.0), "a ring of three sites or more"),
        (
            LatticePolynomial((6,), {(((0,), 1), ((2,), 1)): 1.0}),
            "products of neighbours, but got sites 2 apart",
        ),
        (LatticePolynomial((6,), {(((0,), 4),): -1.0}), "grows in all directions"),
        (LatticePolynomial((6,), {(((0,), 2),): -1.0}), "grows in all directions"),
        (LatticePolynomial((6,), {(((0,), 4),): 1.0, (((0,), 1), ((1,), 2)): 1.0}), "equal powers"),
        (LatticePolynomial((6,), {(((0,), 3),): 1.0}), "grows in all directions"),
    ],
)
def test_what_has_no_such_integral_is_refused(energy: LatticePolynomial, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Ring.of(energy)
