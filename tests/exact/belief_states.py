"""Deep belief networks by brute force: the joint distribution, the way up, and dreams, as tables of all states."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch

from exact.deep_states import Array, matrix, states
from lensmaker.systems.boltzmann import Binary, Potts, RestrictedBoltzmannMachine, Spin, Units
from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork

LAYERS: dict[str, tuple[Units | int, ...]] = {
    "binary": (4, 3, 3),
    "spin": (Spin(3), Spin(3), Spin(2)),
    "mixed": (3, Spin(3), 2, Spin(2)),
    "potts": (Potts(2, q=3), Binary(3), Potts(1, q=3)),
    "single": (4, 3),
    "unbiased": (Spin(3), Spin(3), Spin(2)),
}


def belief(kind: str, scale: float = 0.8, *, untied: bool = True) -> DeepBeliefNetwork:
    made = DeepBeliefNetwork.of_layers(*LAYERS[kind], biased=kind != "unbiased", dtype=torch.float64)
    if untied:
        made.untie()
    generator = torch.Generator().manual_seed(7)
    for parameter in made.parameters():
        if parameter.requires_grad:
            parameter.data = scale * torch.randn(parameter.shape, generator=generator).double()
    return made


def numbers(parameter: torch.Tensor) -> Array:
    return parameter.detach().double().numpy()


def conditional(units: Units, fields: Array) -> Array:
    """ln P(s | field) for each row of fields and each state, (n, states)."""
    found = fields @ states(units).T
    return found - np.logaddexp.reduce(found, 1, keepdims=True)


@dataclass(frozen=True)
class BeliefTable:
    """All configurations of all layers as numbers of states, (count,) for each layer; logarithms of P and of q(h|v)."""

    at: tuple[Array, ...]
    layers: tuple[Array, ...]
    log_p: Array
    log_q: Array

    def log_likelihood(self) -> Array:
        """Of each visible state."""
        count = int(self.at[0].max()) + 1
        return np.array([np.logaddexp.reduce(self.log_p[self.at[0] == v]) for v in range(count)])

    def bound(self) -> Array:
        """E_q[ln P(v, h) − ln q(h|v)] of each visible state; the top layer's q is exact, and so drops out."""
        count = int(self.at[0].max()) + 1
        terms = np.exp(self.log_q) * (self.log_p - self.log_q)
        return np.array([terms[self.at[0] == v].sum() for v in range(count)])


def top_joint(machine: RestrictedBoltzmannMachine) -> Array:
    """ln P(s, h) of a restricted machine, (states, states)."""
    v, h = states(machine.visible), states(machine.hidden)
    a, b = numbers(machine.visible_bias), numbers(machine.hidden_bias)
    found = (v @ a)[:, None] + (h @ b)[None] + v @ matrix(machine.weights) @ h.T
    return found - np.logaddexp.reduce(found.ravel())


def table(network: DeepBeliefNetwork) -> BeliefTable:
    units = [network.stack[0].visible, *(m.hidden for m in network.stack)]
    own = [states(u) for u in units]
    at = np.array(list(itertools.product(*(range(len(s)) for s in own)))).T
    top = top_joint(network.top)
    log_p = top[at[-2], at[-1]]
    log_q = (top - np.logaddexp.reduce(top, 1, keepdims=True))[at[-2], at[-1]]
    for k, machine in enumerate(network.stack[:-1]):
        down = conditional(
            machine.visible, numbers(machine.visible_bias) + own[k + 1] @ matrix(machine.weights).T
        )
        up = conditional(machine.hidden, numbers(machine.hidden_bias) + own[k] @ matrix(network.upwards(k)))
        log_p = log_p + down[at[k + 1], at[k]]
        log_q = log_q + up[at[k], at[k + 1]]
    return BeliefTable(tuple(at), tuple(s[i] for s, i in zip(own, at, strict=True)), log_p, log_q)


def dreams(network: DeepBeliefNetwork, data: Array, sweeps: int | None) -> Array:
    """Probabilities of all configurations in dreams: after sweeps of the top machine from the way up, or for ever.

    `data` are probabilities of the visible states.
    """
    all_of = table(network)
    if sweeps is None:
        return np.exp(all_of.log_p)
    top = top_joint(network.top)
    up = np.exp(top - np.logaddexp.reduce(top, 1, keepdims=True))  # P(h|s)
    down = np.exp(top - np.logaddexp.reduce(top, 0, keepdims=True))  # P(s|h)
    awake = data[all_of.at[0]] * np.exp(all_of.log_q)
    h = np.bincount(all_of.at[-1], awake, minlength=top.shape[1])
    for _ in range(sweeps):
        s = down @ h
        h = s @ up
    return s[all_of.at[-2]] * np.exp(all_of.log_p - np.logaddexp.reduce(top, 1)[all_of.at[-2]])
