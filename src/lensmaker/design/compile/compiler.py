"""Polynomial → network: the program of products, the accuracy of each, and the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.compile.bits import compile_bits
from lensmaker.design.compile.bounds import output_error, output_errors
from lensmaker.design.compile.choice import Chosen, choose
from lensmaker.design.compile.domains import Bits, Box, Spins
from lensmaker.design.compile.ledger import Ledger, Reached
from lensmaker.design.compile.multipliers import Multiplier
from lensmaker.design.compile.network import CompiledNetwork, Parts
from lensmaker.design.compile.program import Place, Program
from lensmaker.design.compile.ranges import check_program
from lensmaker.design.compile.sharing import share_all
from lensmaker.design.compile.sources import Source, polynomial_of
from lensmaker.design.compile.stages import Read, Stage
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial

_GELU = nn.GELU()


def compile_polynomial(
    source: Source,
    *,
    activation: nn.Module | None = None,
    accuracy: float | None = None,
    domain: Box | Bits | Spins | None = None,
    dtype: torch.dtype = torch.float64,
    lattice: Sequence[int] | None = None,
) -> CompiledNetwork:
    """A network of fixed size that evaluates a polynomial, with a certified bound of its error.

    Parameters
    ----------
    source
        A `Polynomial`, a formula, an expression of SymPy, a table of couplings, a `Hamiltonian` of spins, or a
        `LatticePolynomial`.
    activation
        Any smooth one, or `nn.ReLU()` for sawtooth squares; GELU by default. Bits take `nn.Sigmoid()`.
    accuracy
        Of the output, certified; None for the best there is. Weights of gates are the smaller the less is asked for.
    domain
        Where it is to hold: `Box(-1, 1)` by default, `Bits()`, or `Spins()`.
    dtype
        Arithmetic of the network: torch.float64 or torch.float32.
    lattice
        Sides of a periodic lattice whose sites are the variables: then gates are shared by all sites, as convolutions.

    Raises
    ------
    InputError
        If the source is no polynomial, the activation has no σ″ ≠ 0, the domain is not finite, or the weights would not
        fit into memory, which is predicted before they are made.

    Examples
    --------
    >>> network = compile_polynomial("x1*x2*x3 + x1*x2*x4**2", activation=nn.Tanh(), accuracy=1e-6)
    >>> network.ledger.neurons, network.ledger.naive_neurons, network.ledger.depth
    (10, 20, 2)
    >>> network.ledger.bound < 1e-6
    True
    """
    check_options(accuracy, dtype, domain)
    if isinstance(domain, Bits | Spins):
        return compile_bits(source, accuracy=accuracy, dtype=dtype, activation=activation, domain=domain)
    box = Box() if domain is None else domain
    polynomial = polynomial_of(source, lattice)
    return CompiledNetwork.of(
        parts_of([polynomial], activation, accuracy, box, dtype, flat=polynomial is not source)
    )


def parts_of(
    polynomials: Sequence[Polynomial | LatticePolynomial],
    activation: nn.Module | None,
    accuracy: float | None,
    box: Box,
    dtype: torch.dtype,
    *,
    flat: bool,
) -> Parts:
    """The parts of one network for polynomials in the same variables."""
    program = program_of(polynomials, box)
    check_program(program, dtype)
    chosen = choose(program, _GELU if activation is None else activation, accuracy, dtype)
    return build(program, polynomials, chosen, box, accuracy, dtype, flat=flat)


def check_options(accuracy: float | None, dtype: torch.dtype, domain: Box | Bits | Spins | None) -> None:
    """Refuse an accuracy or a domain that is none, and arithmetic that networks are not made of.

    Raises
    ------
    InputError
        If one of them is so.
    """
    if not isinstance(domain, Box | Bits | Spins | None):
        raise InputError("Box(lower, upper), Bits() or Spins()", f"{domain!r}"[:60], "pass domain=Box(-1, 1)")
    if accuracy is not None and not (
        isinstance(accuracy, int | float | np.number) and 0 < accuracy < math.inf
    ):
        raise InputError("an accuracy above 0", f"{accuracy}", "pass accuracy=1e-6, or None for the best")
    if dtype not in (torch.float32, torch.float64):
        raise InputError("torch.float32 or torch.float64", f"{dtype}", "pass dtype=torch.float64")


def program_of(polynomials: Sequence[Polynomial | LatticePolynomial], box: Box) -> Program:
    """The products of polynomials, with inputs scaled into ±1.

    Raises
    ------
    InputError
        If the domain does not fit, or values on it are no floating-point numbers.
    """
    first = polynomials[0]
    sides = first.sides if isinstance(first, LatticePolynomial) else ()
    if len(sides) > 3:
        raise InputError("a lattice of up to three axes", f"{len(sides)}", "leave lattice=… out")
    inputs = 1 if isinstance(first, LatticePolynomial) else len(first.variables)
    program = share_all([_listed(p) for p in polynomials], box.sizes(inputs), sides=sides)
    weights = [w for p in program.products for side in (p.left, p.right) for _, w in side]
    weights += [*program.constants, *(w for output in program.outputs for _, w in output)]
    if not all(map(math.isfinite, weights)):
        raise InputError(
            "a polynomial that is finite on its domain", "one that overflows", "make the domain smaller"
        )
    return program


def _listed(polynomial: Polynomial | LatticePolynomial) -> list[tuple[list[tuple[Place, int]], float]]:
    """Its products and coefficients."""
    if isinstance(polynomial, LatticePolynomial):
        return [([((0, s), e) for s, e in shape], c) for shape, c in polynomial.terms.items()]
    parts = zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True)
    return [([((i, ()), e) for i, e in factors], c) for factors, c in parts]


def build(
    program: Program,
    polynomials: Sequence[Polynomial | LatticePolynomial],
    chosen: Chosen,
    box: Box,
    accuracy: float | None,
    dtype: torch.dtype,
    *,
    flat: bool,
) -> Parts:
    """The network of a program whose products are made as chosen."""
    stages = stages_of(program, chosen.multiplier)
    unit = torch.finfo(dtype).eps / 2
    bounds = output_errors(program, chosen.multiplier.bound, unit)
    bound, first = max(bounds), polynomials[0]
    reached = Reached.BEST
    if accuracy is not None:
        reached = Reached.REACHED if bound <= accuracy else Reached.BELOW_FLOOR
    on_lattice = isinstance(first, LatticePolynomial)
    sites = math.prod(program.sides)
    carried = [program.inputs, *(len(s.reads) for s in stages)]
    windows = [math.prod(2 * r + 1 for r in s.reach(len(program.sides))) for s in stages]
    entries = [
        s.entries(c, w) + len(s.units) + len(s.reads)
        for s, c, w in zip(stages, carried, windows, strict=False)
    ]
    ledger = Ledger(
        variables=("φ",) if isinstance(first, LatticePolynomial) else first.variables,
        activation=type(chosen.multiplier.activation).__name__,
        dtype=str(dtype).removeprefix("torch."),
        method=chosen.method,
        terms=len({tuple(factors) for p in polynomials for factors, _ in _listed(p)}) * sites,
        degree=max(p.degree for p in polynomials),
        products=len(program.products) * sites,
        squares=program.squares * sites,
        shared=program.shared * sites,
        neurons=sum(len(s.units) for s in stages) * sites,
        naive_neurons=sum(map(naive_products, polynomials)) * chosen.per_product,
        depth=len(stages),
        parameters=sum(entries) + (carried[-1] + 1) * len(polynomials),
        lanes=sum(label == read.label for s in stages for read in s.reads for label in read.carried) * sites,
        gate_predicted=chosen.multiplier.usual(1.0, 2),
        gate_bound=chosen.multiplier.bound(1.0, 2),
        predicted=output_error(program, chosen.multiplier.usual, unit / 4),
        bound=bound,
        floor=chosen.floor,
        accuracy=accuracy,
        reached=reached,
    )
    outputs = [
        Read((-1, ""), {(value, ""): w for (value, _), w in output}, constant=constant)
        for output, constant in zip(program.outputs, program.constants, strict=True)
    ]
    return Parts(
        stages,
        outputs,
        program.scales,
        box.limits(1 if on_lattice else program.inputs),
        chosen.multiplier.activation,
        ledger,
        bounds,
        dtype,
        program.sides,
        flat and on_lattice,
    )


def stages_of(program: Program, multiplier: Multiplier) -> list[Stage]:
    """The hidden layers of a program, with the lanes of what is needed later."""
    found: list[Stage] = []
    for level in range(1, program.depth + 1):
        kept = [
            value
            for value, last in enumerate(program.last_use)
            if program.level(value) < level and last > level
        ]
        found += multiplier.stages(program.at(level), kept)
    return found


def naive_products(polynomial: Polynomial | LatticePolynomial) -> int:
    """Products of all terms by themselves, one factor after another: Σ (degree − 1)."""
    if isinstance(polynomial, LatticePolynomial):
        each = (sum(e for _, e in shape) for shape in polynomial.terms)
        return math.prod(polynomial.sides) * sum(max(d - 1, 0) for d in each)
    return sum(max(sum(e for _, e in factors) - 1, 0) for factors in polynomial.factors)
