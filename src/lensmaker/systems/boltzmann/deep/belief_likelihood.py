"""ln P(v) of a deep belief network: a variational bound, and importance sampling."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.numerics.seeding import stream
from lensmaker.systems.boltzmann.deep.belief import DeepBeliefNetwork
from lensmaker.systems.boltzmann.deep.bound import Bound, told
from lensmaker.systems.boltzmann.likelihood import LogPartition
from lensmaker.systems.boltzmann.units import Units

EFFECTIVE = 20
"""Samples that must carry the weight of a row."""


def log_probability(units: Units, fields: Tensor, s: Tensor) -> Tensor:
    """Ln P(s) of a layer in fields, (n,)."""
    return (fields * s).sum(-1) - units.energy(s) - units.log_partition(fields)


@torch.no_grad()
def log_weights(network: DeepBeliefNetwork, v: Tensor, generator: torch.Generator) -> Tensor:
    """Ln P(v, h) + ln Z − ln q(h|v) for one way up of each row, (n,), double precision.

    Σ_k [ln P(s_k | s_{k+1}) − ln q(s_{k+1} | s_k)] − F(s_{L−1}), with Z and the free energy F of the top machine.
    """
    total = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    for k, machine in enumerate(network.lower):
        fields = network.recognition_field(k, v)
        h = machine.hidden.sample(fields, generator)
        total += log_probability(machine.visible, network.generative_field(k, h), v).double()
        total -= log_probability(machine.hidden, fields, h).double()
        v = h
    return total - network.top.free_energy(v).double()


def variational_bound(
    network: DeepBeliefNetwork,
    v: Tensor,
    log_partition: LogPartition | float,
    *,
    seed: int,
    samples: int = 20,
) -> Bound:
    """E_q[ln P(v, h) − ln q(h|v)] ≤ ln P(v), q the way up.

    Parameters
    ----------
    log_partition
        Of the top machine: exact, or estimated.
    samples
        Ways up of each row.

    Raises
    ------
    InputError
        If rows do not fit, or there are fewer than two samples.

    References
    ----------
    G. E. Hinton, S. Osindero, Y.-W. Teh, Neural Comput. 18, 1527 (2006).

    Examples
    --------
    >>> network = DeepBeliefNetwork.of_layers(3, 2, 2)
    >>> print(variational_bound(network, torch.zeros(4, 3), 4 * math.log(2), seed=0))  # 3 ln 2: nothing couples
    ln P(v) ≥ -2.079 ± 0.000 a row
    """
    w, log_z, error, state = _drawn(network, v, log_partition, seed, samples)
    errors = w.var(0) / samples
    bias = "Below ln P(v) by how far the way up is from what the network believes of the hidden layers."
    return Bound(w.mean(0) - log_z, _joint(errors, error), bias, state)


def importance_estimate(
    network: DeepBeliefNetwork,
    v: Tensor,
    log_partition: LogPartition | float,
    *,
    seed: int,
    samples: int = 1000,
) -> Bound:
    """Ln (1/K) Σ_k P(v, h_k)/q(h_k|v): its expectation is a lower bound that rises to ln P(v) with K.

    It says so where some row has (Σw)²/Σw² below twenty: there the estimate is too low, and its error too small.

    Parameters
    ----------
    log_partition
        Of the top machine: exact, or estimated.
    samples
        K, ways up of each row.

    Raises
    ------
    InputError
        If rows do not fit, or there are fewer than two samples.

    References
    ----------
    Y. Burda, R. Grosse, R. Salakhutdinov, Int. Conf. Learning Representations (2016), theorem 1.

    Examples
    --------
    >>> network = DeepBeliefNetwork.of_layers(3, 2, 2)
    >>> print(importance_estimate(network, torch.zeros(4, 3), 4 * math.log(2), seed=0))
    ln P(v) ≥ -2.079 ± 0.000 a row
    """
    w, log_z, error, state = _drawn(network, v, log_partition, seed, samples)
    rows = w.logsumexp(0) - math.log(samples)
    relative = (w - rows).exp()
    errors = relative.var(0) / samples
    if float((samples / relative.square().mean(0)).min()) < EFFECTIVE and state is Convergence.CONVERGED:
        state = Convergence.UNEVEN
    bias = (
        "Below ln P(v) in expectation, by about half the relative variance of the weights over their number."
    )
    return Bound(rows - log_z, _joint(errors, error), bias, state)


def _drawn(
    network: DeepBeliefNetwork, v: Tensor, log_partition: LogPartition | float, seed: int, samples: int
) -> tuple[Tensor, float, float, Convergence]:
    """Logarithms of weights, (samples, n), and ln Z with its error."""
    network.visible.check(v)
    if samples < 2:
        raise InputError("two samples or more", f"{samples}", "pass samples=20")
    generator = stream("ways up", seed, v.device)
    w = torch.stack([log_weights(network, v, generator) for _ in range(samples)])
    return w, *told(log_partition)


def _joint(errors: Tensor, error: float) -> float:
    """Of the mean over rows: squared errors of each, and that of ln Z, which they share."""
    return math.hypot(math.sqrt(float(errors.sum())) / len(errors), error)
