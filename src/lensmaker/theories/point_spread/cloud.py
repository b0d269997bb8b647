"""A cloud of sensitivity over the input's pixels, by its moments: what a channel listens to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import torch
from torch import Tensor


class Weighing(Enum):
    """How weights count on a path from the input; paths are then added."""

    SQUARED = "squared: the variance of gradients adds, as it does for weights of random signs"
    ABSOLUTE = "by size: an envelope, in which nothing cancels"
    SIGNED = "as they are: exact for a linear network; moments may be negative"

    def of(self, factor: Tensor) -> Tensor:
        """What factors of a gradient count."""
        if self is Weighing.SQUARED:
            return factor.square()
        return factor.abs() if self is Weighing.ABSOLUTE else factor


@dataclass(frozen=True)
class Cloud:
    r"""Moments of P_c(x), what the output o of channel c listens to, about origin + jump·o, in pixels.

    Attributes
    ----------
    mass, first, second
        Σ P, Σ P x and Σ P x xᵀ of each channel, float64 (C,), (C, d) and (C, d, d).
    origin, jump
        Place of output 0, and from one output to the next, (d,).
    """

    mass: Tensor
    first: Tensor
    second: Tensor
    origin: Tensor
    jump: Tensor

    @staticmethod
    def pixels(channels: int, dimension: int) -> Cloud:
        """What pixels listen to: themselves."""
        zero = torch.zeros(channels, dimension, dtype=torch.float64)
        return Cloud(
            torch.ones(channels, dtype=torch.float64),
            zero,
            torch.zeros(channels, dimension, dimension, dtype=torch.float64),
            zero[0],
            torch.ones(dimension, dtype=torch.float64),
        )

    @property
    def dimension(self) -> int:
        return len(self.jump)

    def scaled(self, factor: Tensor | float) -> Cloud:
        """Each channel's cloud times a number of its own."""
        f = torch.as_tensor(factor, dtype=torch.float64).expand(len(self.mass))
        return replace(
            self, mass=self.mass * f, first=self.first * f[:, None], second=self.second * f[:, None, None]
        )

    def about(self, origin: Tensor) -> Cloud:
        """The same cloud, its moments taken about another origin."""
        δ = self.origin - origin
        first = self.first + self.mass[:, None] * δ
        cross = self.first[:, :, None] * δ
        second = self.second + cross + cross.mT + self.mass[:, None, None] * (δ[:, None] * δ)
        return replace(self, first=first, second=second, origin=origin)

    def through(self, w0: Tensor, w1: Tensor, w2: Tensor, middle: Tensor, step: Tensor) -> Cloud:
        r"""What the outputs of a convolution listen to.

        Parameters
        ----------
        w0, w1, w2
            Moments of what its weights count, about the middle of the kernel and in positions of its input:
            (groups, out, in), (groups, out, in, d), (groups, out, in, d, d).
        middle
            Place of the middle of the kernel of output 0, in positions of the input.
        step
            From one output to the next, in positions.
        """
        groups, j = len(w0), self.jump
        m = self.mass.unflatten(0, (groups, -1))
        f = self.first.unflatten(0, (groups, -1))
        s = self.second.unflatten(0, (groups, -1))
        w1, w2 = w1 * j, w2 * (j[:, None] * j)
        mass = torch.einsum("goi,gi->go", w0, m)
        first = torch.einsum("goi,gia->goa", w0, f) + torch.einsum("goia,gi->goa", w1, m)
        cross = torch.einsum("goia,gib->goab", w1, f)
        second = (
            torch.einsum("goi,giab->goab", w0, s) + cross + cross.mT + torch.einsum("goiab,gi->goab", w2, m)
        )
        return Cloud(
            mass.flatten(0, 1), first.flatten(0, 1), second.flatten(0, 1), self.origin + j * middle, j * step
        )

    def smeared(self, variance: Tensor, middle: Tensor, step: Tensor) -> Cloud:
        """What windows listen to that take any of their positions alike; variance in positions², (d,)."""
        added = torch.diag(variance * self.jump**2)
        second = self.second + self.mass[:, None, None] * added
        return replace(self, second=second, origin=self.origin + self.jump * middle, jump=self.jump * step)

    @staticmethod
    def joined(clouds: list[Cloud]) -> Cloud:
        """The channels of several clouds behind one another."""
        moved = [c.about(clouds[0].origin) for c in clouds]
        return replace(
            clouds[0],
            mass=torch.cat([c.mass for c in moved]),
            first=torch.cat([c.first for c in moved]),
            second=torch.cat([c.second for c in moved]),
        )

    def plus(self, other: Cloud) -> Cloud:
        """Two paths to the same outputs."""
        moved = other.about(self.origin)
        return replace(
            self,
            mass=self.mass + moved.mass,
            first=self.first + moved.first,
            second=self.second + moved.second,
        )

    def spread(self) -> tuple[Tensor, Tensor]:
        """Centroid about the origin (d,) and covariance (d, d) of all channels together."""
        mass = self.mass.sum()
        mean = self.first.sum(0) / mass
        return mean, self.second.sum(0) / mass - mean[:, None] * mean
