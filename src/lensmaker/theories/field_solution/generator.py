"""A layer as a medium: the generator whose flow over one unit of time is the layer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations import Medium
from lensmaker.theories.field_equation.layer_field import LayerField

Matrix = NDArray[np.float64]


def generator(field: LayerField) -> Medium:
    r"""The medium with e^{½g∂∂ + A∂ + V} = m₀ + m₁∂ + ½m₂∂∂ to second order: the cumulants of the kernel.

        one channel: V = ln m₀,   A = m₁/m₀,   g = m₂/m₀ − A Aᵀ

    Of several channels these are matrices, read off the logarithm of the block triangular matrix of m₀, m₁ and ½m₂.

    Raises
    ------
    InputError
        If m₀ has an eigenvalue that is zero or negative: such a branch of the dispersion is not real.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.theories.field_equation.theory import read
    >>> conv = torch.nn.Conv1d(1, 1, 3, padding=1, bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.0, 0.5, 0.5]]]))
    >>> medium = generator(read(record(conv, torch.ones(1, 1, 9)))[0])
    >>> medium.drift.item(), medium.metric.item(), medium.potential.item()
    (0.5, 0.25, 0.0)
    """
    d = field.kernel.dimension
    m0, m1, m2 = (_dense(field, m).numpy() for m in (field.m0, field.m1, field.m2))
    eigenvalues = np.linalg.eigvals(m0)
    scale = np.abs(eigenvalues).max()
    bad = (np.abs(eigenvalues.imag) <= 1e-9 * scale) & (eigenvalues.real <= 1e-9 * scale)
    if bad.any():
        raise InputError(
            "sums of weights m₀ with a real logarithm",
            f"{field.kernel.where} with the eigenvalue {float(eigenvalues[bad][0].real):.3g}",
            "its dispersion has a complex branch, and no real equation has such a flow: follow the layers themselves",
        )
    axes = np.eye(d)
    logs = [_logarithm(m0, m1 @ n, m2 @ n @ n) for n in axes]
    c = len(m0)
    drift, metric = np.zeros((d, c, c)), np.zeros((d, d, c, c))
    for i in range(d):
        drift[i], metric[i, i] = logs[i][1], 2 * logs[i][2]
        for j in range(i):
            n = axes[i] + axes[j]
            both = _logarithm(m0, m1 @ n, m2 @ n @ n)[2] - logs[i][2] - logs[j][2]
            metric[i, j] = metric[j, i] = both
    found = (metric, drift, logs[0][0])
    return Medium(*(torch.from_numpy(np.ascontiguousarray(x)) for x in found))


def step(field: LayerField) -> Medium:
    """The medium of f⁻¹(φ_{t+1}) = m₀ φ + m₁∂φ + ½ m₂∂∂φ: the moments themselves."""
    m0, m1, m2 = (_dense(field, m) for m in (field.m0, field.m1, field.m2))
    return Medium(m2.permute(2, 3, 0, 1).contiguous(), m1.permute(2, 0, 1).contiguous(), m0)


def _logarithm(m0: Matrix, m1: Matrix, m2: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """L₀, L₁ and L₂ of ln(m₀ + ε m₁ + ½ ε² m₂) = L₀ + ε L₁ + ε² L₂ + …"""
    if len(m0) == 1:
        a = m1 / m0
        return np.log(m0), a, (m2 / m0 - a * a) / 2
    from scipy.linalg import logm

    zero = np.zeros_like(m0)
    c = len(m0)
    found = np.real(logm(np.block([[m0, m1, m2 / 2], [zero, m0, m1], [zero, zero, m0]])))
    return found[:c, :c], found[:c, c : 2 * c], found[:c, 2 * c :]


def _dense(field: LayerField, moment: Tensor) -> Tensor:
    """(out, in/groups, …) with zeros between the groups."""
    groups = field.kernel.groups
    if groups == 1:
        return moment
    out, own = moment.shape[0] // groups, moment.shape[1]
    wide = torch.zeros(moment.shape[0], own * groups, *moment.shape[2:], dtype=moment.dtype)
    for n in range(groups):
        rows, columns = slice(n * out, (n + 1) * out), slice(n * own, (n + 1) * own)
        wide[rows, columns] = moment[rows]
    return wide
