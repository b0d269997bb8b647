"""Hamiltonians from formulas, against those made of cliques."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.cliques import plaquettes, shells
from lensmaker.systems.spins.formula import from_formula
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian, ising
from lensmaker.systems.spins.lattices import Lattice, chain, honeycomb, square, triangular

CASES: dict[str, tuple[str, Lattice, dict[str, float], Any]] = {
    "ising": ("-J*s[i]*s[j] - h*s[i]", square(4), {"J": 0.7, "h": -0.3}, lambda x: ising(x, 0.7, -0.3)),
    "opposite signs": (
        "J*s[i]*s[j] + h*s[i]",
        chain(6),
        {"J": 0.7, "h": 0.3},
        lambda x: ising(x, -0.7, -0.3),
    ),
    "plaquettes": (
        "-K*s[a]*s[b]*s[c]*s[d]",
        square(4),
        {"K": 0.5},
        lambda x: hamiltonian(16, {"K": plaquettes(x)}, {"K": 0.5}),
    ),
    "triangles": (
        "-K*s[i]*s[j]*s[k]",
        triangular(4),
        {"K": 0.5},
        lambda x: hamiltonian(16, {"K": plaquettes(x)}, {"K": 0.5}),
    ),
    "hexagons": (
        "-K*s[i]*s[j]*s[k]*s[l]*s[m]*s[n]",
        honeycomb(3),
        {"K": 0.5},
        lambda x: hamiltonian(18, {"K": plaquettes(x)}, {"K": 0.5}),
    ),
    "second neighbours": (
        "-J*(s[x,y]*s[x+1,y+1] + s[x,y]*s[x+1,y-1])",
        square(5),
        {"J": 0.5},
        lambda x: hamiltonian(25, {"J": shells(x)[1][1]}, {"J": 0.5}),
    ),
    "two couplings to a product": (
        "-(J + 2*K)*s[i]*s[j]",
        chain(5),
        {"J": 0.5, "K": 0.25},
        lambda x: ising(x, 1.0),
    ),
    "numbers": ("-0.3*s[i]*s[j] - s[i]/4", chain(5), {}, lambda x: ising(x, 0.3, 0.25)),
    "open chain, steps": (
        "-L*s[i-1]*s[i+1]",
        chain(6, periodic=False),
        {"L": 1.5},
        lambda x: hamiltonian(6, {"L": [[i, i + 2] for i in range(4)]}, {"L": 1.5}),
    ),
    "sites": (
        "-J*s0*s[1] - J*s0*s0*s2 - (s0 + s1)**2*K*s3/2 + K*s3",
        chain(4),
        {"J": 1.0, "K": 3.0},
        lambda x: hamiltonian(
            4, {"J": [[0, 1]], "j": [[2]], "K": [[0, 1, 3]]}, {"J": 1.0, "j": 1.0, "K": 3.0}
        ),
    ),
}


def same(a: Hamiltonian, b: Hamiltonian) -> bool:
    spins = 2 * torch.randint(0, 2, (50, a.sites), generator=torch.Generator().manual_seed(0)) - 1
    return torch.allclose(a.energy(spins), b.energy(spins), atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_a_formula_says_what_it_is_summed_over(name: str) -> None:
    formula, lattice, couplings, other = CASES[name]
    made = from_formula(formula, lattice, **couplings)
    assert same(made, other(lattice))
    assert made.lattice is lattice


def test_couplings_keep_their_names_and_can_be_changed() -> None:
    made = from_formula("-J*s[i]*s[j] - h*s[i] - s[i]/4", chain(6), h=0.1, J=1)
    assert dict(made.couplings) == {"h": 0.1, "J": 1.0, "s[i]": 1.0}
    assert same(made.with_couplings(J=0.2, h=0.3), ising(chain(6), 0.2, 0.55))
    spins = torch.ones(6, dtype=torch.int8)
    assert made.statistics(spins).tolist() == [6.0, 6.0, 1.5]


def test_without_a_lattice_there_are_as_many_sites_as_are_named() -> None:
    assert from_formula("-J*s0*s4", J=1.0).sites == 5
    assert from_formula("-J*s0*s4", sites=9, J=1.0).sites == 9


def test_a_formula_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"use . - . / .. and brackets alone"):
        from_formula("__import__('pathlib').Path('planted').touch()")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("-J*s[i]*s[j", "a polynomial of numbers, couplings and spins"),
        ("", "a polynomial of numbers, couplings and spins"),
        ("J.real*s[i]", "but got 'J.real'"),
        ("[J for J in s0]", "a polynomial of numbers"),
        ("(lambda: s0)()", "a polynomial of numbers"),
        ("cos(s0)", r"but got 'cos\(s0\)'"),
        ("J*s0 if J else s1", "a polynomial of numbers"),
        ("True*s0", "but got 'True'"),
        ("1/s0", "a polynomial in spins"),
        ("s0/0", "a division by zero"),
        ("2**s0", "but got '2 .. s0'"),
        ("s0**-1", "a polynomial of numbers"),
        ("s0**0.5", "a polynomial of numbers"),
        ("9**9**9*s0", "a polynomial of numbers"),
        ("((((9**30)**30)**30)**30)*s0", "a degree up to 32"),
        ("(s0+s1+s2+s3)**20", "up to 20000 products"),
        ("(" * 3000 + "s0" + ")" * 3000, "a polynomial of numbers"),
        ("-" * 9000 + "s0", "a polynomial of numbers|a value for"),
        ("s0+" * 4000 + "s0", "at most 10000 characters"),
        ("-J*s*s", "a spin with an index"),
        ("-J*s[i][j]", "a polynomial of numbers"),
        ("-J*s[2*i]", "an index such as i"),
        ("-J*J*s[i]", "enter linearly"),
        ("-s[i]/J", "enter linearly"),
        ("-J", "a formula with spins"),
        ("-J*s[i]*s[j] + 3", "without a constant part"),
        ("-J*s0*s0", "without a constant part"),
        ("-J*s[i]*s[j]*s[j]", "each index once in a product"),
        ("-J*s[i]*s3", "sites or indices in a product"),
        ("-J*s[i]*s[j+1]", "different indices, or one with steps"),
        ("-J*s[i]*s[i+1]", "2 indices for a square lattice"),
        ("-J*s[i]*s[j]*s[k]", "a product of 4 spins for the plaquettes"),
        ("-J*s[x,y]*s[x+4,y]", "larger than the pattern"),
        ("-J*s99*s0", "sites from 0 to 15"),
        ("-J*s[-1]", "an index such as i"),
        ("-Q*s[i]*s[j]", "a value for Q"),
        ("-s[i]*s[j]", "J, which is not in it"),
    ],
)
def test_what_is_no_polynomial_is_refused_in_one_sentence(formula: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        from_formula(formula, square(4), J=1.0)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_indices_want_a_lattice() -> None:
    with pytest.raises(InputError, match="a lattice to sum over"):
        from_formula("-J*s[i]*s[j]", J=1.0)
