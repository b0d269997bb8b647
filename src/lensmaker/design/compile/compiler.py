"""Polynomial → network: the program of products, the accuracy of each, and the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.compile.bits import compile_bits
from lensmaker.design.compile.bounds import output_error
from lensmaker.design.compile.choice import Chosen, choose
from lensmaker.design.compile.domains import Bits, Box
from lensmaker.design.compile.ledger import Ledger, Reached
from lensmaker.design.compile.multipliers import Multiplier
from lensmaker.design.compile.network import CompiledNetwork
from lensmaker.design.compile.program import Program
from lensmaker.design.compile.sharing import share
from lensmaker.design.compile.sources import Source, polynomial_of
from lensmaker.design.compile.stages import Read, Stage
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial

_GELU = nn.GELU()


def compile_polynomial(
    source: Source,
    *,
    activation: nn.Module | None = None,
    accuracy: float | None = None,
    domain: Box | Bits | None = None,
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
        Where it is to hold: `Box(-1, 1)` by default, or `Bits()`.
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
    check_options(accuracy, dtype)
    if isinstance(domain, Bits):
        return compile_bits(source, accuracy=accuracy, dtype=dtype, activation=activation)
    box = Box() if domain is None else domain
    polynomial = polynomial_of(source, lattice)
    program = program_of(polynomial, box)
    chosen = choose(program, _GELU if activation is None else activation, accuracy, dtype)
    return build(program, polynomial, chosen, box, accuracy, dtype, flat=polynomial is not source)


def check_options(accuracy: float | None, dtype: torch.dtype) -> None:
    """Refuse an accuracy that is none, and arithmetic that networks are not made of.

    Raises
    ------
    InputError
        If either is so.
    """
    if accuracy is not None and not 0 < accuracy < math.inf:
        raise InputError("an accuracy above 0", f"{accuracy}", "pass accuracy=1e-6, or None for the best")
    if dtype not in (torch.float32, torch.float64):
        raise InputError("torch.float32 or torch.float64", f"{dtype}", "pass dtype=torch.float64")


def program_of(polynomial: Polynomial | LatticePolynomial, box: Box) -> Program:
    """The products of a polynomial, with inputs scaled into ±1.

    Raises
    ------
    InputError
        If the domain does not fit, or values on it are no floating-point numbers.
    """
    if isinstance(polynomial, LatticePolynomial):
        if len(polynomial.sides) > 3:
            raise InputError(
                "a lattice of up to three axes", f"{len(polynomial.sides)}", "leave lattice=… out"
            )
        terms = [([((0, s), e) for s, e in shape], c) for shape, c in polynomial.terms.items()]
        program = share(terms, box.sizes(1), sides=polynomial.sides)
    else:
        parts = zip(polynomial.factors, polynomial.coefficients.tolist(), strict=True)
        listed = [([((i, ()), e) for i, e in factors], c) for factors, c in parts]
        program = share(listed, box.sizes(len(polynomial.variables)))
    if not all(math.isfinite(w) for w in (program.constant, *(w for _, w in program.output))):
        raise InputError(
            "a polynomial that is finite on its domain", "one that overflows", "make the domain smaller"
        )
    return program


def build(
    program: Program,
    polynomial: Polynomial | LatticePolynomial,
    chosen: Chosen,
    box: Box,
    accuracy: float | None,
    dtype: torch.dtype,
    *,
    flat: bool,
) -> CompiledNetwork:
    """The network of a program whose products are made as chosen."""
    stages = stages_of(program, chosen.multiplier)
    unit = torch.finfo(dtype).eps / 2
    bound = output_error(program, chosen.multiplier.bound, unit)
    reached = Reached.BEST
    if accuracy is not None:
        reached = Reached.REACHED if bound <= accuracy else Reached.BELOW_FLOOR
    on_lattice = isinstance(polynomial, LatticePolynomial)
    sites = math.prod(program.sides)
    carried = [program.inputs, *(len(s.reads) for s in stages)]
    windows = [math.prod(2 * r + 1 for r in s.reach(len(program.sides))) for s in stages]
    entries = [
        s.entries(c, w) + len(s.units) + len(s.reads)
        for s, c, w in zip(stages, carried, windows, strict=False)
    ]
    ledger = Ledger(
        variables=("φ",) if isinstance(polynomial, LatticePolynomial) else polynomial.variables,
        activation=type(chosen.multiplier.activation).__name__,
        dtype=str(dtype).removeprefix("torch."),
        method=chosen.method,
        terms=len(polynomial.terms) * sites
        if isinstance(polynomial, LatticePolynomial)
        else polynomial.terms,
        degree=polynomial.degree,
        products=len(program.products) * sites,
        squares=program.squares * sites,
        shared=program.shared * sites,
        neurons=sum(len(s.units) for s in stages) * sites,
        naive_neurons=naive_products(polynomial) * chosen.per_product,
        depth=len(stages),
        parameters=sum(entries) + carried[-1] + 1,
        lanes=sum(label == read.label for s in stages for read in s.reads for label in read.carried) * sites,
        gate_predicted=chosen.multiplier.usual(1.0, 2),
        gate_bound=chosen.multiplier.bound(1.0, 2),
        predicted=output_error(program, chosen.multiplier.usual, unit / 4),
        bound=bound,
        floor=chosen.floor,
        accuracy=accuracy,
        reached=reached,
    )
    output = Read((-1, ""), {(value, ""): w for (value, _), w in program.output}, constant=program.constant)
    limits = box.limits(1 if on_lattice else program.inputs)
    return CompiledNetwork(
        stages,
        output,
        program.scales,
        limits,
        chosen.multiplier.activation,
        ledger,
        dtype=dtype,
        sides=program.sides,
        flat=flat and on_lattice,
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
