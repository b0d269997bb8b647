"""A machine of units with two states, written with spins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.units import Spin
from lensmaker.systems.boltzmann.weights import Dense

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SpinForm:
    """−E = c + a·s + b·t + s·W·t with s, t = ±1, in double precision.

    Attributes
    ----------
    weights, visible, hidden
        W, a and b: (visible, hidden), (visible,) and (hidden,).
    constant
        c: what units of 0 and 1 leave behind.
    """

    weights: Values
    visible: Values
    hidden: Values
    constant: float

    @property
    def exchanged(self) -> SpinForm:
        """With the layers exchanged."""
        return SpinForm(self.weights.T, self.hidden, self.visible, self.constant)

    def log_sum(self, s: Values) -> Values:
        """Ln Σ_t e^{−E} = c + a·s + Σ_j ln 2 cosh(b_j + Σ_i W_ij s_i), (…, visible) → (…)."""
        x = np.abs(self.hidden + s @ self.weights)
        return np.asarray(self.constant + s @ self.visible + (x + np.log1p(np.exp(-2 * x))).sum(-1))

    def machine(self) -> RestrictedBoltzmannMachine:
        """The machine with these parameters, c apart."""
        made = RestrictedBoltzmannMachine(
            Spin(len(self.visible)), Spin(len(self.hidden)), dtype=torch.float64
        )
        with torch.no_grad():
            made.weights.parameter.copy_(torch.from_numpy(self.weights))
            made.visible_bias.copy_(torch.from_numpy(self.visible))
            made.hidden_bias.copy_(torch.from_numpy(self.hidden))
        return made


@torch.no_grad()
def spin_form(machine: RestrictedBoltzmannMachine) -> SpinForm:
    """The same distribution, in spins that are −1 in the lower state of a unit and 1 in the higher one.

    With v = m + d s in a layer, W' = d_v d_h W, a' = d_v (a + m_h W 1), b' = d_h (b + m_v Wᵀ 1).

    Raises
    ------
    InputError
        If a layer is not of pairs of states.

    Examples
    --------
    >>> machine = RestrictedBoltzmannMachine(2, 1, dtype=torch.float64)
    >>> machine.weights.parameter.data = torch.tensor([[4.0], [8.0]])
    >>> found = spin_form(machine)
    >>> found.weights.ravel().tolist(), found.visible.tolist(), found.hidden.tolist(), found.constant
    ([1.0, 2.0], [1.0, 2.0], [3.0], 3.0)
    """
    for units in (machine.visible, machine.hidden):
        if len(units.states) != 2:
            raise InputError("layers of pairs of states", f"{units}", "make them Spin or Binary units")
    a = machine.visible_bias.double().cpu().numpy()
    b = machine.hidden_bias.double().cpu().numpy()
    W = _matrix(machine)
    (m_v, d_v), (m_h, d_h) = (_middle(units.states) for units in (machine.visible, machine.hidden))
    constant = m_v * a.sum() + m_h * b.sum() + m_v * m_h * W.sum()
    return SpinForm(d_v * d_h * W, d_v * (a + m_h * W.sum(1)), d_h * (b + m_v * W.sum(0)), float(constant))


def _matrix(machine: RestrictedBoltzmannMachine) -> Values:
    """W_ij, also of weights that are tied."""
    if isinstance(machine.weights, Dense):
        return np.asarray(machine.weights.parameter.double().cpu().numpy())
    bias = torch.zeros_like(machine.hidden_bias)
    eye = torch.eye(machine.visible.size, dtype=bias.dtype, device=bias.device)
    return np.asarray(machine.weights.up(eye, bias).double().cpu().numpy())


def _middle(states: tuple[float, ...]) -> tuple[float, float]:
    """The middle of two states, and half of what is between them."""
    low, high = states
    return (high + low) / 2, (high - low) / 2
