"""Mean field of the hidden layers of a deep machine: the product of units that is nearest to them, and its bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.systems.boltzmann.deep.machine import DeepBoltzmannMachine, Layers
from lensmaker.systems.boltzmann.training.shares import ALONE, Shares


@dataclass(frozen=True)
class Relaxation:
    """How mean fields are brought to rest.

    Attributes
    ----------
    damping
        What is left of the last fields, from 0 to below 1.
    tolerance
        The largest change of a mean at which they are at rest.
    most
        Iterations after which they are left as they are, and say so.
    """

    damping: float = 0.0
    tolerance: float = 1e-4
    most: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.damping < 1:
            raise InputError("a damping from 0 to below 1", f"{self.damping}", "pass damping=0.5")
        if not (math.isfinite(self.tolerance) and self.tolerance > 0):
            raise InputError("a tolerance above 0", f"{self.tolerance}", "pass tolerance=1e-4")
        if self.most < 1:
            raise InputError("one iteration or more", f"{self.most}", "pass most=100")


@dataclass(frozen=True, eq=False)
class MeanField:
    """q(h|v) = Π_i q_i: each hidden unit as it is in a field x.

    Attributes
    ----------
    fields, means
        x_k and ⟨s_k⟩ of the hidden layers, (n, size) each, the lowest first.
    iterations
        How many it took.
    change
        The largest change of a mean at the last one.
    convergence
        Whether that is within the tolerance.
    """

    fields: tuple[Tensor, ...]
    means: tuple[Tensor, ...]
    iterations: int
    change: float
    convergence: Convergence


@torch.no_grad()
def mean_field(
    machine: DeepBoltzmannMachine, v: Tensor, relaxation: Relaxation | None = None, shares: Shares = ALONE
) -> MeanField:
    """Coordinate ascent of the bound: all odd layers in the means of their neighbours, then all even hidden ones.

    The bound's slope in a field x is ⟨s⟩′(x) (b + W… − x): every step towards the field of the neighbours, damped or
    not, raises it. It begins by a pass upwards in which each layer but the top one feels the one below twice, in the
    place of the one above.

    Parameters
    ----------
    v
        Rows, (n, visible).
    shares
        The processes whose rows stop together, when those of all are at rest.

    Examples
    --------
    >>> machine = DeepBoltzmannMachine(3, 2)  # one hidden layer: exact at once
    >>> found = mean_field(machine, torch.ones(1, 3))
    >>> found.iterations, found.change, found.means[0].tolist()
    (1, 0.0, [[0.5, 0.5]])
    """
    rule, top = relaxation or Relaxation(), len(machine.links)
    means: Layers = [v]
    fields: Layers = [v]
    for k in range(1, top + 1):
        twice = 2.0 if k < top else 1.0
        below = means[-1] if twice == 1 else means[-1] * twice
        fields.append(machine.weights[k - 1].up(below, machine.biases[k]))
        means.append(machine.layers[k].mean(fields[k]))
    change, iterations = math.inf, 0
    while change > rule.tolerance and iterations < rule.most:
        change, iterations = 0.0, iterations + 1
        for k in (*range(1, top + 1, 2), *range(2, top + 1, 2)):
            fields[k] = machine.field(k, means).lerp(fields[k], rule.damping)
            fresh = machine.layers[k].mean(fields[k])
            largest = float((fresh - means[k]).abs().max()) if len(v) else 0.0
            change = max(change, largest) if math.isfinite(largest) else math.inf
            means[k] = fresh
        change = shares.largest(change, v)
    state = Convergence.CONVERGED if change <= rule.tolerance else Convergence.ITERATION_LIMIT
    return MeanField(tuple(fields[1:]), tuple(means[1:]), iterations, change, state)


def unnormalised_bound(machine: DeepBoltzmannMachine, v: Tensor, found: MeanField) -> Tensor:
    r"""ℒ(v) + ln Z of each row, (n,), with E_q[ln P(v, h) − ln q(h)] = ℒ(v) ≤ ln P(v) for any product q.

    b₀·v − e(v) + Σ_{k≥1} [(b_k − x_k)·⟨s_k⟩ + ln Z_k(x_k)] + Σ_k ⟨s_k⟩·W_k·⟨s_{k+1}⟩, with ⟨s₀⟩ = v: energies of
    the units themselves are in both terms and drop out.

    Examples
    --------
    >>> machine = DeepBoltzmannMachine(3, 2)
    >>> v = torch.zeros(1, 3)
    >>> round(unnormalised_bound(machine, v, mean_field(machine, v)).item(), 6)  # 2 ln 2
    1.386294
    """
    total = v @ machine.biases[0] - machine.visible.energy(v)
    below = v
    for k, (x, m) in enumerate(zip(found.fields, found.means, strict=True), start=1):
        pull = machine.weights[k - 1].up(below, machine.biases[k])
        total = total + ((pull - x) * m).sum(-1) + machine.layers[k].log_partition(x)
        below = m
    return total
