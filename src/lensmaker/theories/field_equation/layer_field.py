"""The fields of one layer: gain, drift, metric, potential, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.kernel_moments import moment_of_taps, symbol_of_taps, waves
from lensmaker.theories.field_equation.effective_kernel import EffectiveKernel

NO_SUM = 1e-7
"""Of the sizes of its taps: a sum of weights below that is rounding, and cannot be divided by."""


@dataclass(frozen=True)
class LayerField:
    r"""What a layer is as a differential operator: Nφ + N A^i ∂_i φ + ½ N g^{ij} ∂_i∂_j φ + …, lengths in pixels.

    Of many channels N, A and g are matrices between channels, m₀, m₀⁻¹m₁, m₀⁻¹m₂: `m0`, `m1`, `m2` and `Connection`
    have them. One field that stands for all is the mean of the normalised kernels w_{oi}/m₀_{oi} of all pairs of
    channels, weighted by m₀², which is the kernel itself where there is but one:

        Ĝ(z) = Σ_{oi} m₀_{oi} w_{oi}(z) / Σ m₀²,   N² = Σ m₀²/out,   A^i = Σ Ĝ z^i,   g^{ij} = Σ Ĝ z^i z^j

    In a step of the layer a bump moves by −A and its covariance grows by c = g − AAᵀ. A negative eigenvalue of g makes
    the operator of second order ill-posed; one of c makes short waves grow over long ones: anti-diffusion.

    Parameters
    ----------
    kernel
        The effective kernel.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.theories.field_equation.effective_kernel import effective_kernels
    >>> conv = torch.nn.Conv1d(1, 1, 3, bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.0, 1.5, 0.5]]]))
    >>> field = LayerField(effective_kernels(record(conv, torch.ones(1, 1, 9)))[0])
    >>> field.gain, field.drift.tolist(), field.metric.tolist(), field.covariance.tolist()
    (2.0, [0.25], [[0.25]], [[0.1875]])
    """

    kernel: EffectiveKernel

    @cached_property
    def _sums(self) -> Tensor:
        """G1, (T,)."""
        return self.kernel.gram.sum(1)

    @property
    def is_silent(self) -> bool:
        """Whether all weights are zero."""
        return not bool(self.kernel.gram.diagonal().any())

    @cached_property
    def has_sum(self) -> bool:
        """Whether the sums of weights m₀ are not all zero, so that there is a kernel of integral one."""
        size = self.kernel.gram.diagonal().clamp_min(0).sqrt().sum()
        return float(self._sums.sum().clamp_min(0).sqrt()) > NO_SUM * float(size)

    @cached_property
    def gain(self) -> float:
        """N: root mean square, over channels that come out, of the sums of weights; of one channel the sum itself."""
        if self.kernel.inputs == self.kernel.outputs == 1:
            return float(self.kernel.taps.sum())
        return math.sqrt(max(float(self._sums.sum()), 0.0) / self.kernel.outputs)

    @cached_property
    def profile(self) -> Tensor:
        """Ĝ at the sites of the kernel, (T,), of sum one.

        Raises
        ------
        InputError
            If the sums of weights are zero.
        """
        if not self.has_sum:
            raise InputError(
                "a kernel whose weights do not sum to zero",
                f"{self.kernel.where} with m₀ = 0",
                "it cannot be normalised, and has no drift or metric of its own: read m1 and m2 instead",
            )
        return self._sums / self._sums.sum()

    @cached_property
    def drift(self) -> Tensor:
        """A, (d,), pixels: the odd part of the kernel."""
        return moment_of_taps(self.profile, self.kernel.sites, 1)

    @cached_property
    def metric(self) -> Tensor:
        """g, (d, d), pixels²: the even part of the kernel to second order."""
        return moment_of_taps(self.profile, self.kernel.sites, 2)

    @cached_property
    def covariance(self) -> Tensor:
        """The metric about the mean, c = g − AAᵀ, (d, d), pixels²: what a bump's covariance grows by."""
        return self.metric - self.drift[:, None] * self.drift[None]

    @cached_property
    def drift_spread(self) -> Tensor:
        """Root mean square by which pairs of channels drift apart from A, (d,), pixels."""
        z, total = self.kernel.sites, self._sums.sum()
        squares = torch.einsum("za,zy,ya->a", z, self.kernel.gram, z) / total
        return (squares - self.drift**2).clamp_min(0).sqrt()

    @cached_property
    def axes(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues of the metric, ascending, pixels² (d,), and its principal axes as columns (d, d)."""
        values, vectors = torch.linalg.eigh(self.metric)
        return values, vectors

    @property
    def is_indefinite(self) -> bool:
        """Whether the metric has a negative eigenvalue, beyond rounding."""
        scale = float((self.profile.abs() * self.kernel.sites.square().sum(1)).sum())
        return float(self.axes[0][0]) < -NO_SUM * scale

    @cached_property
    def gauge(self) -> Tensor:
        """The gauge field a = g⁻¹A, (d,), 1/pixel: ½(∂ + a)ᵀ g (∂ + a) = ½∂g∂ + A∂ + ½aᵀga.

        Raises
        ------
        InputError
            If the metric is singular along the drift.
        """
        solved = torch.linalg.pinv(self.metric, hermitian=True) @ self.drift
        if not torch.allclose(self.metric @ solved, self.drift, rtol=1e-6, atol=1e-9):
            raise InputError(
                "a metric that can be inverted where there is drift",
                f"{self.kernel.where} with eigenvalues {[round(float(v), 6) for v in self.axes[0]]}",
                "use drift and metric as they are",
            )
        return solved

    @cached_property
    def potential(self) -> float:
        """N − 1/f′: the slope of Nφ − f⁻¹(φ) where φ = f(0), what norms and activation leave over."""
        slope = SLOPES.get(self.kernel.activation, 1.0)
        return self.gain - 1.0 / slope if slope else math.nan

    # -- fields of pairs of channels ----------------------------------------------------------------

    @cached_property
    def m0(self) -> Tensor:
        """Σ_z w(z), (out, in/groups)."""
        return moment_of_taps(self.kernel.taps, self.kernel.sites, 0)

    @cached_property
    def m1(self) -> Tensor:
        """Σ_z w(z) z, (out, in/groups, d)."""
        return moment_of_taps(self.kernel.taps, self.kernel.sites, 1)

    @cached_property
    def m2(self) -> Tensor:
        """Σ_z w(z) z zᵀ, (out, in/groups, d, d)."""
        return moment_of_taps(self.kernel.taps, self.kernel.sites, 2)

    def moment(self, order: int) -> Tensor:
        """The moment of any order, (out, in/groups, d, …, d)."""
        return moment_of_taps(self.kernel.taps, self.kernel.sites, order)

    # -- waves --------------------------------------------------------------------------------------

    def symbol(self, k: Tensor) -> Tensor:
        """K(k) of each pair of channels at wave vectors (n, d) in radians a pixel: (out, in/groups, n)."""
        return symbol_of_taps(self.kernel.taps, self.kernel.sites, k)

    def scalar_symbol(self, k: Tensor) -> Tensor:
        """N Σ Ĝ e^{ik·z} at wave vectors (n, d): (n,), complex."""
        return self.gain * symbol_of_taps(self.profile, self.kernel.sites, k)

    def size_of(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """√(u* G u) of functions u on the taps, (n, T): the Frobenius norm over pairs of channels."""
        gram = self.kernel.gram
        square = ((real @ gram) * real).sum(-1) + ((imaginary @ gram) * imaginary).sum(-1)
        return square.clamp_min(0).sqrt()

    def modulation_transfer(self, k: Tensor) -> Tensor:
        """|K(k)|/|K(0)|, (n,), norms over all pairs of channels; infinite where m₀ = 0.

        Examples
        --------
        >>> from lensmaker.systems.networks import record
        >>> from lensmaker.theories.field_equation.effective_kernel import effective_kernels
        >>> pool = torch.nn.Conv1d(4, 4, 2, groups=4)
        >>> _ = torch.nn.init.ones_(pool.weight)
        >>> field = LayerField(effective_kernels(record(pool, torch.ones(1, 4, 9)))[0])
        >>> field.modulation_transfer(torch.tensor([[0.0], [2 * torch.pi / 3]])).round(decimals=6).tolist()  # cos k/2
        [1.0, 0.5]
        """
        at_rest = self.size_of(*waves(self.kernel.sites, torch.zeros(1, self.kernel.dimension)))
        found = self.size_of(*waves(self.kernel.sites, k))
        return found / at_rest if self.has_sum else torch.full_like(found, math.inf)


SLOPES = {
    "sigmoid": 0.25,
    "gelu": 0.5,
    "silu": 0.5,
    "mish": 0.6,
    "softplus": 0.5,
    "logsigmoid": 0.5,
    "hardsigmoid": 1 / 6,
    "hardswish": 0.5,
    "erf": 2 / math.sqrt(math.pi),
    "cos": 0.0,
    "hardshrink": 0.0,
    "softshrink": 0.0,
    "tanhshrink": 0.0,
}
"""f′(0⁺) of functions that do not have slope one there."""
