"""Machines of all parts against sums over all their configurations, and their chains against the exact distribution."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import (
    Binary,
    Convolutional,
    Dense,
    Exact,
    Gaussian,
    Potts,
    Rectified,
    RestrictedBoltzmannMachine,
    Spin,
)


def machine(kind: str, scale: float = 0.7) -> RestrictedBoltzmannMachine:
    made = {
        "binary": lambda: RestrictedBoltzmannMachine(4, 3),
        "spin": lambda: RestrictedBoltzmannMachine(Spin(4), Spin(3)),
        "mixed": lambda: RestrictedBoltzmannMachine(Binary(4), Spin(2)),
        "wide": lambda: RestrictedBoltzmannMachine(2, 7),
        "potts": lambda: RestrictedBoltzmannMachine(Potts(3, q=3), Binary(3)),
        "convolutional": lambda: RestrictedBoltzmannMachine(
            Binary(4), Binary(8), Convolutional((4,), (3,), filters=2)
        ),
        "square": lambda: RestrictedBoltzmannMachine(
            Spin(6), Spin(6), Convolutional((2, 3), (2, 2), filters=1)
        ),
    }[kind]()
    generator = torch.Generator().manual_seed(7)
    for parameter in made.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    return made


KINDS = ("binary", "spin", "mixed", "wide", "potts", "convolutional", "square")
by_kind = pytest.mark.parametrize("kind", KINDS)


def joint(m: RestrictedBoltzmannMachine) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """All (v, h) and −E of each, term by term from a dense matrix."""
    v, h = m.visible.configurations(), m.hidden.configurations()
    W = matrix(m).double()
    a, b = m.visible_bias.double(), m.hidden_bias.double()
    energy = -(v @ a)[:, None] - (h @ b)[None] - v @ W @ h.t()
    return v, h, -energy.detach().numpy()


def matrix(m: RestrictedBoltzmannMachine) -> torch.Tensor:
    """W as a matrix; of a convolution site by site."""
    w = m.weights
    if isinstance(w, Dense):
        return w.parameter.detach()
    assert isinstance(w, Convolutional)
    found = torch.zeros(w.visible, w.hidden)
    sites = list(itertools.product(*map(range, w.shape)))
    for f, c in itertools.product(range(w.filters), range(w.channels)):
        for x, r in itertools.product(sites, itertools.product(*map(range, w.kernel))):
            to = tuple((i + j) % n for i, j, n in zip(x, r, w.shape, strict=True))
            v, h = c * len(sites) + sites.index(to), f * len(sites) + sites.index(x)
            found[v, h] += w.parameter.detach()[(f, c, *r)]
    return found


@by_kind
def test_energies_free_energies_and_the_partition_function(kind: str) -> None:
    m = machine(kind)
    v, h, minus = joint(m)
    for i, j in ((0, 0), (3, 1), (len(v) - 1, len(h) - 1)):
        assert m.energy(v[i].float(), h[j].float()).item() == pytest.approx(-minus[i, j], rel=1e-5, abs=1e-5)
    free = -np.logaddexp.reduce(minus, 1)
    assert m.free_energy(v.float()).detach().numpy() == pytest.approx(free, rel=1e-5, abs=1e-5)
    other = -np.logaddexp.reduce(minus, 0)
    assert m.hidden_free_energy(h.float()).detach().numpy() == pytest.approx(other, rel=1e-5, abs=1e-5)
    exact = Exact(m)
    total = np.logaddexp.reduce(minus.reshape(-1))
    assert exact.log_partition == pytest.approx(total, rel=1e-12)
    assert exact.log_likelihood(v.float()).exp().sum().item() == pytest.approx(1, rel=1e-12)


@by_kind
def test_moments_are_slopes_of_the_logarithm_of_z(kind: str) -> None:
    m = machine(kind).double()
    v, h, minus = joint(m)
    p = np.exp(minus - np.logaddexp.reduce(minus.reshape(-1)))
    v_mean, h_mean, products = Exact(m).moments
    assert v_mean.numpy() == pytest.approx(p.sum(1) @ v.numpy(), rel=1e-10)
    assert h_mean.numpy() == pytest.approx(p.sum(0) @ h.numpy(), rel=1e-10)
    for index in itertools.islice(np.ndindex(*products.shape), 5):
        slopes = []
        for sign in (1, -1):
            moved = machine(kind).double()
            moved.weights.parameter.data[index] += sign * 1e-5
            slopes.append(Exact(moved).log_partition)
        assert float(products[index]) == pytest.approx((slopes[0] - slopes[1]) / 2e-5, rel=1e-6, abs=1e-8)


@by_kind
def test_gibbs_chains_leave_the_distribution_as_it_is(kind: str) -> None:
    """Drawn from the exact distribution and moved: χ² at a false alarm of 1e-6."""
    m, n = machine(kind), 40_000
    v = m.visible.configurations()
    p = Exact(m).log_likelihood(v.float()).exp()
    generator = torch.Generator().manual_seed(3)
    start = torch.multinomial(p, n, replacement=True, generator=generator)
    found = m.gibbs(v[start].float(), 2, generator)
    key = {tuple(row): k for k, row in enumerate(v.tolist())}
    counts = np.bincount([key[tuple(row)] for row in found.tolist()], minlength=len(v))
    expected = n * p.numpy()
    used = expected > 5
    observed = np.append(counts[used], counts[~used].sum())
    awaited = np.append(expected[used], expected[~used].sum())
    keep = awaited > 0
    distance = ((observed - awaited)[keep] ** 2 / awaited[keep]).sum()
    assert chi2.sf(distance, keep.sum() - 1) > 1e-6


def test_real_units_integrate_to_the_same() -> None:
    """A Gaussian visible layer: Z over the visible one by quadrature on a grid equals that over the hidden one."""
    m = RestrictedBoltzmannMachine(Gaussian(1, variance=0.6), Binary(3))
    for k, parameter in enumerate(m.parameters()):
        parameter.data = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k))
    grid = torch.linspace(-12, 12, 24_001, dtype=torch.float64)[:, None]
    inside = torch.exp(-m.double().free_energy(grid)).detach()
    assert Exact(m).log_partition == pytest.approx(math.log(float(inside.sum() * 0.001)), rel=1e-8)


def test_rectified_hidden_units_integrate_to_the_same() -> None:
    m = RestrictedBoltzmannMachine(Binary(3), Rectified(1)).double()
    for k, parameter in enumerate(m.parameters()):
        parameter.data = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k)).double()
    grid = torch.linspace(0, 20, 20_001, dtype=torch.float64)[:, None]
    inside = torch.exp(-m.hidden_free_energy(grid)).detach()
    trapezes = float((inside[1:] + inside[:-1]).sum() / 2 * 0.001)
    assert Exact(m).log_partition == pytest.approx(math.log(trapezes), rel=1e-6)


def test_symmetries() -> None:
    """Without biases (v, h) → (−v, −h) changes nothing; a convolution does not know where it is."""
    m = RestrictedBoltzmannMachine(Spin(5), Spin(4), biased=False)
    m.initialise(seed=0, scale=1.0)
    v = torch.sign(torch.randn(9, 5, generator=torch.Generator().manual_seed(1)))
    assert torch.allclose(m.free_energy(v), m.free_energy(-v))
    assert not any(b.requires_grad for b in (m.visible_bias, m.hidden_bias))
    torus = RestrictedBoltzmannMachine(Spin(20), Spin(60), Convolutional((4, 5), (3, 3), filters=3))
    torus.initialise(seed=0, scale=1.0)
    v = torch.sign(torch.randn(4, 5, generator=torch.Generator().manual_seed(1)))
    moved = torch.stack([v.roll((i, j), (0, 1)) for i in range(4) for j in range(5)]).flatten(1)
    free = torus.free_energy(moved)
    assert torch.allclose(free, free[0].expand_as(free), rtol=1e-5)


def test_the_start_is_that_of_independent_units_with_the_means_of_data() -> None:
    data = (
        torch.rand(500, 4, generator=torch.Generator().manual_seed(0)) < torch.tensor([0.1, 0.5, 0.9, 0.3])
    ).float()
    m = RestrictedBoltzmannMachine(4, 3)
    m.initialise(seed=0, scale=0.0, data=data)
    assert torch.allclose(Exact(m).moments[0].float(), data.mean(0), atol=1e-6)
    again = RestrictedBoltzmannMachine(4, 3)
    again.initialise(seed=0, scale=0.1)
    m.initialise(seed=0, scale=0.1)
    assert torch.equal(m.weights.parameter, again.weights.parameter)


def test_machines_that_cannot_be() -> None:
    with pytest.raises(InputError, match="weights between layers of 4 and 3 numbers"):
        RestrictedBoltzmannMachine(4, 3, Dense(4, 2))
    with pytest.raises(InputError, match=r"no more than 2\^24 configurations, but got 2\^30"):
        Exact(RestrictedBoltzmannMachine(40, 30))
    with pytest.raises(InputError, match="a continuum in both"):
        Exact(RestrictedBoltzmannMachine(Gaussian(4), Rectified(3)))
    with pytest.raises(InputError, match="a kernel that fits"):
        Convolutional((4, 4), (5, 1), filters=2)
    with pytest.raises(InputError, match="one to three sides"):
        Convolutional((4, 4), (3,), filters=2)


def test_potts_units_are_not_convolved() -> None:
    with pytest.raises(InputError, match="units of one number for convolutional weights"):
        RestrictedBoltzmannMachine(Potts(6, 3), 12, Convolutional((6,), (3,), 2, channels=3))
