"""Ways to evaluate the φ⁴ Hamiltonian of a square torus: fields (rows, L, L) → (rows,)."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensmaker.design.compile import Box, compile_polynomial
from lensmaker.systems.polynomials import LatticePolynomial, phi4

MASS, COUPLING = -0.5, 0.25
DOMAIN = Box(-2, 2)

Evaluate = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Contestant:
    """One way.

    Attributes
    ----------
    name
        In `results.json`.
    build
        (side of the lattice, arithmetic) → what evaluates.
    """

    name: str
    build: Callable[[int, torch.dtype], Evaluate]


def polynomial(side: int) -> LatticePolynomial:
    """S = Σ [½ Σ (φ(r+μ) − φ(r))² + ½ m² φ² + g φ⁴]."""
    return phi4((side, side), mass=MASS, coupling=COUPLING)


def compiled(activation: nn.Module) -> Callable[[int, torch.dtype], Evaluate]:
    """The network, as convolutions."""

    def build(side: int, dtype: torch.dtype) -> Evaluate:
        return compile_polynomial(polynomial(side), domain=DOMAIN, dtype=dtype, activation=activation)

    return build


@dataclass(frozen=True)
class Rows:
    """A network of rows of numbers, asked for fields."""

    network: nn.Module

    def __call__(self, x: Tensor) -> Tensor:
        found: Tensor = self.network(x.flatten(1))
        return found


def listed(side: int, dtype: torch.dtype) -> Evaluate:
    """The network of the same polynomial as a list of terms: dense layers."""
    return Rows(compile_polynomial(polynomial(side).to_polynomial(), domain=DOMAIN, dtype=dtype))


def exact(side: int, dtype: torch.dtype) -> Evaluate:
    """Lensmaker's direct evaluation, which is in double precision whatever is asked."""
    return polynomial(side).evaluate


def by_hand(side: int, dtype: torch.dtype) -> Evaluate:
    """What one would write in torch for this Hamiltonian alone."""
    square, quartic = 2 + MASS / 2, COUPLING

    def evaluate(x: Tensor) -> Tensor:
        s = x * x
        density = s * (square + quartic * s) - x * (x.roll(-1, 1) + x.roll(-1, 2))
        return density.sum((1, 2))

    return evaluate


def expression(side: int) -> tuple[list[object], object]:
    """The symbols of all sites, row by row, and the sum of all terms in SymPy."""
    import sympy

    x = sympy.symbols(f"x0:{side * side}")
    terms = []
    for r in range(side):
        for c in range(side):
            one, right, below = x[r * side + c], x[r * side + (c + 1) % side], x[(r + 1) % side * side + c]
            terms += [(2 + MASS / 2) * one**2, COUPLING * one**4, -one * right, -one * below]
    return list(x), sympy.Add(*terms)


def on_a_deep_stack(work: Callable[[], object]) -> object:
    """What a piece of work gives that recurses as often as a sum has terms; Python refuses it on its usual stack."""
    found: list[object] = []
    usual, stack = sys.getrecursionlimit(), threading.stack_size(1 << 29)
    sys.setrecursionlimit(1_000_000)
    try:
        thread = threading.Thread(target=lambda: found.append(work()))
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(usual)
        threading.stack_size(stack)
    return found[0]


def lambdified(modules: str) -> Callable[[int, torch.dtype], Evaluate]:
    """`sympy.lambdify` of the whole expression; its arguments are the columns."""

    def build(side: int, dtype: torch.dtype) -> Evaluate:
        import sympy

        symbols, terms = expression(side)
        function = on_a_deep_stack(lambda: sympy.lambdify([symbols], terms, modules=modules))
        if modules == "numpy":
            return lambda x: torch.from_numpy(function(x.flatten(1).numpy().T))
        return lambda x: function(x.flatten(1).unbind(1))

    return build


def sympytorch_module(side: int, dtype: torch.dtype) -> Evaluate:
    """`sympytorch.SymPyModule` of the same expression."""
    import sympytorch

    symbols, terms = expression(side)
    module = sympytorch.SymPyModule(expressions=[terms]).to(dtype)
    names = [str(s) for s in symbols]
    return lambda x: module(**dict(zip(names, x.flatten(1).unbind(1), strict=True)))[:, 0]


def klay_circuit(side: int, dtype: torch.dtype) -> Evaluate:
    """An arithmetic circuit of klaycircuits in its semiring of real numbers.

    A product there takes each literal once, so each site has four; coefficients are literals, too.
    """
    import klay

    sites, circuit = side * side, klay.Circuit()
    literals = [circuit.literal_node(i + 1) for i in range(4 * sites + 3)]
    one, two, three, four = (literals[k * sites : (k + 1) * sites] for k in range(4))
    square, quartic, bond = literals[4 * sites :]
    terms = []
    for r in range(side):
        for c in range(side):
            i, right, below = r * side + c, r * side + (c + 1) % side, (r + 1) % side * side + c
            squared = circuit.and_node([one[i], two[i]])
            terms += [
                circuit.and_node([square, squared]),
                circuit.and_node([quartic, squared, circuit.and_node([three[i], four[i]])]),
                circuit.and_node([bond, one[i], one[right]]),
                circuit.and_node([bond, one[i], one[below]]),
            ]
    circuit.set_root(circuit.or_node(terms))
    module = circuit.to_torch_module(semiring="real", compile=False)
    weights = torch.tensor([2 + MASS / 2, COUPLING, -1.0], dtype=dtype)

    def evaluate(x: Tensor) -> Tensor:
        rows = x.flatten(1)
        found: Tensor = module(torch.cat([rows, rows, rows, rows, weights.expand(len(x), 3)], 1))
        return found[:, 0]

    return evaluate


def contestants() -> list[Contestant]:
    """All that are installed, lensmaker's network first."""
    found = [
        Contestant("compiled_gelu", compiled(nn.GELU())),
        Contestant("compiled_tanh", compiled(nn.Tanh())),
        Contestant("compiled_as_a_list", listed),
        Contestant("exact", exact),
        Contestant("torch_by_hand", by_hand),
        Contestant("lambdify_torch", lambdified("torch")),
        Contestant("lambdify_numpy", lambdified("numpy")),
    ]
    peers = {"sympytorch": sympytorch_module, "klay": klay_circuit}
    for name, build in peers.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name} is left out: see benchmarks/requirements.txt")
        else:
            found.append(Contestant(name, build))
    return found
