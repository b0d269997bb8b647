"""The connection between channels: matrices A_i = m₀⁻¹m₁ⁱ, their curvature, and the branches that they have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.theories.field_equation.layer_field import LayerField

WORST = 1e8
"""Condition number of m₀ from which its inverse is not told."""


@dataclass(frozen=True)
class Connection:
    r"""A_i = m₀⁻¹ m₁ⁱ and g_{ij} = m₀⁻¹ m₂^{ij}, matrices between channels.

    K(k) = m₀ (1 + i k_i A_i − ½ k_i k_j g_{ij} + …). Fields that are the same everywhere have the curvature

        F_xy = ∂_x A_y − ∂_y A_x + [A_x, A_y] = [A_x, A_y]

    which vanishes for one channel, and for channels that do not mix.

    Attributes
    ----------
    drift
        A, (groups, d, C, C), pixels.
    metric
        g, (groups, d, d, C, C), pixels².
    """

    drift: Tensor
    metric: Tensor

    @property
    def curvature(self) -> float:
        """The largest |[A_i, A_j]| of any plane, Frobenius norm over the root of the number of channels, pixels²."""
        groups, d, channels, _ = self.drift.shape
        largest = 0.0
        for i in range(d):
            for j in range(i):
                a, b = self.drift[:, i], self.drift[:, j]
                largest = max(largest, float((a @ b - b @ a).norm()))
        return largest / math.sqrt(groups * channels)

    @property
    def relative_curvature(self) -> float:
        """The largest |[A_i, A_j]|/(√2 |A_i| |A_j|), between 0 and 1 by the inequality of Böttcher and Wenzel."""
        largest = 0.0
        for i in range(self.drift.shape[1]):
            for j in range(i):
                a, b = self.drift[:, i], self.drift[:, j]
                size = (a.flatten(1).norm(dim=1) * b.flatten(1).norm(dim=1)).max()
                if float(size):
                    commutator = (a @ b - b @ a).flatten(1).norm(dim=1)
                    largest = max(largest, float(commutator.max() / (math.sqrt(2) * size)))
        return largest

    def branches(self, axis: int = 0) -> Branches:
        """The branches along an axis: m₁v = λm₀v, each a combination of channels that moves as one.

        To second order the symbol of branch n is 1 + ikλ_n − ½k²(g)_{nn}: its velocity is −Re λ_n, and its width
        grows by c_n = g_{nn} − λ_n². Where two velocities are equal, the widths of these branches are those along
        the eigenvectors found, which are then not unique.
        """
        values, vectors = torch.linalg.eig(self.drift[:, axis])
        metric = self.metric[:, axis, axis].to(vectors.dtype)
        diagonal = torch.diagonal(torch.linalg.solve(vectors, metric @ vectors), dim1=-2, dim2=-1)
        growth = diagonal - values**2
        return Branches(-values.real.flatten(), values.imag.flatten(), growth.real.flatten())


@dataclass(frozen=True)
class Branches:
    """Combinations of channels that move as one along an axis.

    Attributes
    ----------
    velocities
        By how many pixels a layer moves each, (C,).
    rates
        Im λ: a branch with a rate that is not zero grows like e^{−k·rate} on waves of one direction: it is unstable
        at one sign of k, (C,), pixels.
    growth
        By how much the squared width of each grows, (C,), pixels²; negative: anti-diffusion.
    """

    velocities: Tensor
    rates: Tensor
    growth: Tensor

    @property
    def spread(self) -> float:
        """Standard deviation of the velocities, pixels a layer."""
        return float(self.velocities.std(correction=0))


def connection(field: LayerField) -> Connection:
    """The connection of a layer.

    Raises
    ------
    InputError
        If the layer has not as many channels out as in, or m₀ cannot be inverted.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.theories.field_equation.effective_kernel import effective_kernels
    >>> conv = torch.nn.Conv1d(2, 2, 3, bias=False)
    >>> left, right = torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 0, 1])
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.stack([torch.stack([left, 0 * left]), torch.stack([0 * left, right])]))
    >>> field = LayerField(effective_kernels(record(conv, torch.ones(1, 2, 9)))[0])
    >>> connection(field).branches().velocities.tolist()
    [1.0, -1.0]
    """
    kernel = field.kernel
    out, inputs = kernel.outputs // kernel.groups, kernel.inputs // kernel.groups
    if out != inputs:
        raise InputError(
            "as many channels out as in",
            f"{kernel.where} from {kernel.inputs} to {kernel.outputs}",
            "only a square m₀ has an inverse: read m0, m1 and m2 instead",
        )
    blocks = (kernel.groups, out, out)
    m0 = field.m0.reshape(blocks)
    values = torch.linalg.svdvals(m0)
    if float(values[:, -1].min()) * WORST <= float(values[:, 0].max()):
        raise InputError(
            "an m₀ that can be inverted",
            f"{kernel.where} where its singular values go down to {float(values[:, -1].min()):.1e}",
            "read m0, m1 and m2 instead",
        )
    d = kernel.dimension
    m1 = field.m1.reshape(*blocks, d).permute(0, 3, 1, 2)
    m2 = field.m2.reshape(*blocks, d, d).permute(0, 3, 4, 1, 2)
    return Connection(torch.linalg.solve(m0[:, None], m1), torch.linalg.solve(m0[:, None, None], m2))


def curvature(field: LayerField) -> float:
    """That of the connection; zero without one, where channels do not mix, there is no plane, or nothing is moved.

    Raises
    ------
    InputError
        As `connection` does.
    """
    kernel = field.kernel
    if kernel.dimension == 1 or kernel.is_local or kernel.groups == kernel.inputs == kernel.outputs:
        return 0.0
    return connection(field).curvature
