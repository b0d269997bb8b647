"""Hamiltonians of classes → the network that is their Bayes classifier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.design.compile.bits import bits_parts, listed
from lensmaker.design.compile.check import Checked, points_of
from lensmaker.design.compile.classes import ClassHamiltonians
from lensmaker.design.compile.compiler import check_options, parts_of
from lensmaker.design.compile.domains import Bits, Box, Spins
from lensmaker.design.compile.ledger import Reached
from lensmaker.design.compile.network import Layered, Parts
from lensmaker.design.compile.sources import Source
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian

SOFTMAX = 8
"""Units of roundoff, beyond one for each class, by which a softmax in floating point may be off."""


def bayes_classifier(
    hamiltonians: Sequence[Source | Canonical[Hamiltonian]],
    priors: Sequence[float] | None = None,
    log_partitions: Sequence[float] | None = None,
    *,
    activation: nn.Module | None = None,
    accuracy: float | None = None,
    domain: Box | Bits | Spins | None = None,
    dtype: torch.dtype = torch.float64,
    lattice: Sequence[int] | None = None,
) -> CompiledClassifier:
    r"""One network whose outputs are the logits −H_y(x) − μ_y of the exact posterior, μ_y = ln Z_y − ln p(y).

    Products that several classes have are made once. The bound of a logit δ_y is certified, and with it that of the
    posterior: no p(y|x) is off by more than tanh((δ_y + max_{k≠y} δ_k)/4) ≤ δ/2.

    Parameters
    ----------
    hamiltonians
        H_y of each class: what `compile_polynomial` takes, or a spin system at a temperature, whose H_y is H/T.
    priors
        p(y); alike by default.
    log_partitions
        ln Z_y; by default the exact ones where they are known: of quadratic H_y, of rings of neighbours, of up to 20
        bits or spins, and of spin systems with an exact solution.
    activation, domain, dtype, lattice
        As for `compile_polynomial`. With `Spins()` or `Bits()`, and with nn.Hardswish(), which is quadratic where gates
        use it, products are exact to rounding.
    accuracy
        Of the logits.

    Raises
    ------
    InputError
        If classes have other variables, priors are no distribution, ln Z is not known, or a Hamiltonian cannot be
        compiled.

    Examples
    --------
    >>> from lensmaker.systems.spins import ising, square
    >>> magnet = ising(square(4))
    >>> network = bayes_classifier([Canonical(magnet, 2.0), Canonical(magnet, 3.0)], domain=Spins())
    >>> network.ledger.neurons, network.posterior_bound < 1e-12  # one unit for each bond, for both classes
    (32, True)
    >>> up = torch.ones(16, dtype=torch.float64)
    >>> round(network.posterior(up)[0].item(), 4)
    0.8189
    """
    check_options(accuracy, dtype, domain)
    classes = ClassHamiltonians.of(hamiltonians, priors, log_partitions, domain=domain, lattice=lattice)
    if not max(map(abs, classes.mu)) <= torch.finfo(dtype).max / 2:
        raise InputError(
            f"ln Z that {str(dtype).removeprefix('torch.')} has",
            f"{max(classes.mu, key=abs):.2g} less ln p",
            "shift all ln Z by one number",
        )
    if isinstance(domain, Bits | Spins):
        energies = tuple(listed(energy) for energy in classes.energies)
        classes = replace(classes, energies=energies, flat=False)
        parts = bits_parts(energies, accuracy, dtype, activation, domain)
    else:
        box = Box() if domain is None else domain
        parts = parts_of(classes.energies, activation, accuracy, box, dtype, flat=classes.flat)
    return CompiledClassifier(parts, classes)


class CompiledClassifier(Layered):
    """The network of a Bayes classifier: (…, n) → (…, classes), on a lattice (…, *sides) → (…, classes).

    Its outputs are logits; weights and `mu` are parameters, to be trained or exported as any others.

    Attributes
    ----------
    classes
        What it was made from; `classes.posterior(x)` is the exact posterior, evaluated directly.
    mu
        μ_y = ln Z_y − ln p(y).
    logit_bounds
        Certified: how far each logit may be from −H_y − μ_y on the domain.
    reached
        Whether the largest of them is within the accuracy that was asked for.
    """

    def __init__(self, parts: Parts, classes: ClassHamiltonians) -> None:
        super().__init__(
            parts.stages,
            parts.outputs,
            parts.scales,
            parts.limits,
            parts.activation,
            parts.ledger,
            dtype=parts.dtype,
            sides=parts.sides,
            flat=parts.flat,
        )
        self.classes = classes
        self.mu = nn.Parameter(torch.tensor(classes.mu, dtype=parts.dtype))
        unit = torch.finfo(parts.dtype).eps / 2
        self.logit_bounds = tuple(
            bound + 3 * unit * (_size(energy, parts) + abs(mu))
            for bound, energy, mu in zip(parts.bounds, classes.energies, classes.mu, strict=True)
        )
        accuracy = parts.ledger.accuracy
        self.reached = Reached.BEST
        if accuracy is not None:
            self.reached = Reached.REACHED if max(self.logit_bounds) <= accuracy else Reached.BELOW_FLOOR

    @property
    def posterior_bound(self) -> float:
        """Certified: how far any p(y|x) of `posterior` may be from the exact one on the domain.

        A shift of logits by up to δ_y changes ln[p/(1 − p)] of a class by at most δ_y + max_{k≠y} δ_k, and a change of
        that by 2δ changes p by at most tanh(δ/2).
        """
        first, second = sorted(self.logit_bounds)[-2:]
        unit = torch.finfo(self.scale.dtype).eps / 2
        return math.tanh((first + second) / 4) + (len(self.logit_bounds) + SOFTMAX) * unit

    @property
    def risk_bound(self) -> float:
        """Certified: nats by which the mean of −ln p(y|x) is above that of the exact posterior, at most δ²/2.

        That is KL(p ‖ p̃) = ln⟨e^Δ⟩ − ⟨Δ⟩ over the exact posterior, Δ being errors of logits, which is at most an eighth
        of the square of their range, 2δ (Hoeffding).
        """
        return max(self.logit_bounds) ** 2 / 2

    def forward(self, x: Tensor) -> Tensor:
        """Logits, −H_y(x) − μ_y."""
        return -self.values(x) - self.mu

    def posterior(self, x: Tensor) -> Tensor:
        """p(y|x) = softmax(−H_y(x) − μ_y)."""
        found: Tensor = self(x)
        return found.softmax(-1)


def check_classifier(
    network: CompiledClassifier, x: Tensor | None = None, *, points: int = 2000, seed: int = 0
) -> tuple[Checked, Checked]:
    """The largest errors of logits and of posteriors beside what is certified.

    Parameters
    ----------
    x
        Where; by default random points of the domain, half of them at its corners.

    Raises
    ------
    InputError
        If there is no point.

    Examples
    --------
    >>> from lensmaker.systems.polynomials import gaussian
    >>> network = bayes_classifier([gaussian(0, 1), gaussian(1, 2)], domain=Box(-8, 8))
    >>> logits, posterior = check_classifier(network)
    >>> logits.measured < logits.bound, posterior.measured < posterior.bound < 1e-8
    (True, True)
    """
    x = points_of(network, points, seed) if x is None else x
    if not x.numel():
        raise InputError("a point or more", "none", "leave x out")
    exact = network.classes.logits(x)
    with torch.no_grad():
        found = network(x).double()
    p = (found.softmax(-1) - exact.softmax(-1)).abs().max()
    rows = found.shape[:-1].numel()
    predicted = network.ledger.predicted
    return (
        Checked(predicted, max(network.logit_bounds), float((found - exact).abs().max()), rows),
        Checked(math.tanh(predicted / 2), network.posterior_bound, float(p), rows),
    )


def _size(energy: Polynomial | LatticePolynomial, parts: Parts) -> float:
    """The largest |H| that the coefficients allow on the domain."""
    largest = [max(abs(a), abs(b)) for a, b in zip(*parts.limits, strict=True)]
    if isinstance(energy, LatticePolynomial):
        each = largest[0] if len(set(largest)) == 1 else max(largest)
        found = sum(abs(c) * each ** sum(e for _, e in shape) for shape, c in energy.terms.items())
        return found * energy.sites
    terms = zip(energy.factors, energy.coefficients.tolist(), strict=True)
    return sum(abs(c) * math.prod(largest[i] ** e for i, e in factors) for factors, c in terms)
