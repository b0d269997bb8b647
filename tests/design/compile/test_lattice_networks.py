"""Networks of convolutions against networks of listed gates and against the sum over sites."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.compile import Box, check, compile_polynomial
from lensmaker.design.compile.check import points_of
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial, phi4
from lensmaker.systems.spins import from_formula, ising, square, triangular

GELU, RELU = nn.GELU(), nn.ReLU()


@pytest.mark.parametrize("sides", [(7,), (2,), (4, 5), (2, 2), (3, 2, 4)])
@pytest.mark.parametrize("activation", [GELU, RELU], ids=["GELU", "ReLU"])
def test_convolutions_are_the_same_function_as_listed_gates(
    sides: tuple[int, ...], activation: nn.Module
) -> None:
    S = phi4(sides, mass=-0.5, coupling=0.25)
    shared = compile_polynomial(S, activation=activation, domain=Box(-1.5, 1.5))
    listed = compile_polynomial(S.to_polynomial(), activation=activation, domain=Box(-1.5, 1.5))
    x = points_of(shared, 40, 0)
    with torch.no_grad():
        found, beside = shared(x), listed(x.reshape(40, -1))
    assert (found - beside).abs().max() <= shared.ledger.bound + listed.ledger.bound
    assert (found - S.evaluate(x)).abs().max() <= shared.ledger.bound < 1e-6


def test_no_axis_and_no_direction_is_taken_for_another() -> None:
    lopsided = LatticePolynomial(
        (4, 5), {(((0, 0), 2), ((0, 1), 1)): 1.0, (((0, 0), 1), ((2, 1), 1), ((-1, 1), 1)): 0.5}
    )
    network = compile_polynomial(lopsided, activation=GELU)
    assert check(network, lopsided, points=100).measured <= network.ledger.bound < 1e-7
    mirrored = LatticePolynomial((4, 5), {(((0, 0), 1), ((0, 1), 2)): 1.0})
    assert check(network, mirrored, points=100).measured > 0.1


def test_memory_does_not_grow_with_the_lattice() -> None:
    small, large = (compile_polynomial(phi4((L, L), mass=1.0, coupling=1.0)) for L in (4, 32))
    numbers = [sum(p.numel() for p in n.parameters()) for n in (small, large)]
    assert numbers[0] == numbers[1] == small.ledger.parameters < 200
    assert large.ledger.neurons == 64 * small.ledger.neurons == 8 * 32**2
    field = torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        off = large(field) - phi4((32, 32), mass=1.0, coupling=1.0).evaluate(field)
    assert off.abs().max() <= large.ledger.bound


@pytest.mark.parametrize(
    "model",
    [
        ising(square(4), h=0.3),
        ising(triangular(5)),
        from_formula("-K*s[i]*s[j]*s[k]*s[l] - J*s[i]*s[j]", square(4), K=0.5, J=-1),
    ],
)
def test_a_hamiltonian_that_is_the_same_at_all_sites_is_recognised(model: object) -> None:
    network = compile_polynomial(model)
    assert network.sides == model.lattice.shape  # type: ignore[attr-defined]
    spins = torch.randint(0, 2, (30, model.sites), generator=torch.Generator().manual_seed(0)) * 2 - 1  # type: ignore[attr-defined]
    with torch.no_grad():
        off = network(spins.double()) - model.energy(spins)  # type: ignore[attr-defined]
    assert off.abs().max() <= network.ledger.bound < 1e-7


def test_a_polynomial_is_laid_on_the_lattice_that_is_given() -> None:
    ring = Polynomial.parse("x1*x2 + x2*x3 + x3*x4 + x4*x1 + x1**2 + x2**2 + x3**2 + x4**2")
    network = compile_polynomial(ring, lattice=(4,))
    assert network.sides == (4,)
    assert check(network, ring, points=50).measured <= network.ledger.bound
    assert isinstance(network.output, nn.Conv1d)


def test_four_axes_are_refused() -> None:
    with pytest.raises(InputError, match="a lattice of up to three axes, but got 4"):
        compile_polynomial(phi4((2, 2, 2, 2), mass=1.0, coupling=1.0))


def test_a_field_outside_the_domain_is_refused_where_asked_for() -> None:
    network = compile_polynomial(phi4((3, 3), mass=1.0, coupling=1.0))
    network.checks_domain = True
    with pytest.raises(InputError, match="the field from -1 to 1, but got 2"):
        network(torch.full((3, 3), 2.0))
