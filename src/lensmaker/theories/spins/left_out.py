"""What an expansion of F by powers of the couplings leaves out, at given magnetisations: the size of its error."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import minres
from scipy.stats import foldnorm

from lensmaker.theories.spins.pairs import Pairs

Values = NDArray[np.float64]


class Rest(NamedTuple):
    """Terms that are left out, of the whole system: of the energy and of the free energy."""

    energy: float
    free_energy: float


def second_order(pairs: Pairs, m: Values, beta: float) -> Rest:
    """Onsager's reaction term: what mean field leaves out first."""
    free = 1 - m**2
    f = -beta / 2 * float((pairs.coupling**2 * free[pairs.first] * free[pairs.last]).sum())
    return Rest(2 * f, f)  # E = ∂(βF)/∂β, at an F that is stationary in m


def bonds_beyond(pairs: Pairs, m: Values, beta: float) -> Rest:
    """All that two spins of a bond do to each other beyond the second order of β.

    Their correlation c solves [(1 + c)² − (m + m′)²] = e^{4βJ} [(1 − c)² − (m − m′)²], and
    F = −J c − T S(m, m′, c), as in Bethe's approximation.
    """
    K, a, b = beta * pairs.coupling, m[pairs.first], m[pairs.last]
    u = np.exp(4 * np.clip(K, -50, 50))
    rest = (1 - u) - (a + b) ** 2 + u * (a - b) ** 2
    c = -rest / ((1 + u) + np.sqrt(np.maximum((1 + u) ** 2 - (1 - u) * rest, 0)))
    pair = np.stack([1 + x * a + y * b + x * y * c for x in (1, -1) for y in (1, -1)]) / 4
    alone = [_entropy(np.stack([1 + x, 1 - x]) / 2) for x in (a, b)]
    energy = -pairs.coupling * (c - a * b)
    free = energy - (_entropy(pair) - alone[0] - alone[1]) / beta
    known = second_order(pairs, m, beta)
    return Rest(float(energy.sum()) - known.energy, float(free.sum()) - known.free_energy)


def loops(pairs: Pairs, m: Values, beta: float) -> tuple[Rest, Rest]:
    """Triangles, and squares, each to its first order: −T tr′ A^k/(2k) over walks that do not turn back.

    A_ij = βJ_ij √(1 − m_i²) √(1 − m_j²). A. Georges, J. S. Yedidia, J. Phys. A 24, 2173 (1991).
    """
    root = diags(np.sqrt(1 - m**2))
    A = (beta * (root @ matrix_of(pairs) @ root)).tocsr()
    A2, squares = A @ A, A.multiply(A)
    degree = np.asarray(squares.sum(1)).ravel()
    triangles = float(A2.multiply(A).sum()) / 6
    turning = 2 * float(degree @ degree) - float(squares.multiply(squares).sum())
    rings = (float(A2.multiply(A2).sum()) - turning) / 8
    return Rest(-3 * triangles / beta, -triangles / beta), Rest(-4 * rings / beta, -rings / beta)


def other_state(here: dict[str, float], there: dict[str, float], beta: float) -> tuple[Rest, float]:
    """What a second state adds to the values of the whole system, and of |m|, by its weight beside the first.

    With ΔF = F₂ − F₁ and p = 1/(1 + e^{βΔF}): p (E₂ − E₁) of the energy, −T ln(1 + e^{−βΔF}) of F and p (|m₂| − |m₁|);
    without a field, where the two are each other's image, T ln 2 of F alone.
    """
    gap = beta * (there["free_energy"] - here["free_energy"])
    p = float(np.exp(-np.logaddexp(0.0, gap)))
    rest = Rest(p * (there["energy"] - here["energy"]), -float(np.logaddexp(0.0, -gap)) / beta)
    return rest, p * (there["magnetisation"] - here["magnetisation"])


def fluctuation(pairs: Pairs, m: Values, beta: float) -> float:
    """By how much ⟨|Σs|⟩/N of finitely many spins is above |⟨Σs⟩|/N, if Σs is normal.

    Its variance is 1ᵀC1, with C⁻¹_ij = δ_ij [1/(1 − m_i²) + β² Σ_k J_ik² (1 − m_k²)] − βJ_ij; infinite where that has
    negative eigenvalues.
    """
    J, free = matrix_of(pairs), np.maximum(1 - m**2, 1e-12)
    inverse = diags(1 / free + beta**2 * (J.multiply(J) @ free)) - beta * J
    ones = np.ones(pairs.sites)
    response, _ = minres(inverse, ones, rtol=1e-6)
    variance = float(ones @ response) / pairs.sites**2
    if not variance > 0:
        return math.inf
    mean, spread = abs(float(m.mean())), float(np.sqrt(variance))
    return float(foldnorm.mean(mean / spread, scale=spread)) - mean


def parameter(pairs: Pairs, m: Values, beta: float) -> float:
    """The largest β² Σ_j J_ij² (1 − m_j²)² of a site."""
    squares = matrix_of(pairs).multiply(matrix_of(pairs))
    return float((beta**2 * (squares @ (1 - m**2) ** 2)).max(initial=0.0))


def matrix_of(pairs: Pairs) -> csr_matrix:
    """J_ij, symmetric and sparse."""
    both = np.concatenate([pairs.first, pairs.last]), np.concatenate([pairs.last, pairs.first])
    return csr_matrix((np.tile(pairs.coupling, 2), both), shape=(pairs.sites,) * 2)


def _entropy(p: Values) -> Values:
    """−Σ p ln p over the first axis."""
    return np.asarray(-(p * np.log(np.clip(p, 1e-300, None))).sum(0))
