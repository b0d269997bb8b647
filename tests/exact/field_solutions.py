"""Closed solutions of field equations, in numpy alone: no grid operators, no Fourier transforms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def heat_bump(x: Floats, t: float, width: float, diffusivity: float, velocity: float = 0.0) -> Floats:
    """A Gaussian of variance width² under ∂_t φ = D φ″ − u φ′: its centre moves by ut, its variance grows by 2Dt."""
    variance = width**2 + 2 * diffusivity * t
    return width / np.sqrt(variance) * np.exp(-((x - velocity * t) ** 2) / (2 * variance))


def tensor_bump(x: Floats, y: Floats, t: float, start: Floats, diffusion: Floats, velocity: Floats) -> Floats:
    """In two dimensions, with covariance S + 2Dt of matrices."""
    covariance = start + 2 * diffusion * t
    inverse = np.linalg.inv(covariance)
    u, v = x - velocity[0] * t, y - velocity[1] * t
    power = inverse[0, 0] * u**2 + 2 * inverse[0, 1] * u * v + inverse[1, 1] * v**2
    return np.sqrt(np.linalg.det(start) / np.linalg.det(covariance)) * np.exp(-power / 2)


def d_alembert(x: Floats, t: float, width: float, speed: float) -> Floats:
    """A Gaussian at rest under u″ = c² u_xx parts in two halves."""

    def bump(at: Floats) -> Floats:
        return np.exp(-(at**2) / (2 * width**2))

    return (bump(x - speed * t) + bump(x + speed * t)) / 2


def kpp_front(x: Floats, t: float) -> Floats:
    """Ablowitz and Zeppetella's front of φ_t = φ″ + φ(1 − φ), which has the speed 5/√6."""
    return (1 + np.exp((x - 5 / np.sqrt(6) * t) / np.sqrt(6))) ** -2


def wall(x: Floats) -> Floats:
    """The wall at rest of φ_t = φ″ + φ − φ³."""
    return np.tanh(x / np.sqrt(2))


def moving_wall(x: Floats, t: float, tilt: float) -> Floats:
    """The front between 0 and 1 of φ_t = φ″ + φ (1 − φ)(φ − a) (Nagumo): speed (1 − 2a)/√2 to the right."""
    return 1 / (1 + np.exp((x - (1 - 2 * tilt) / np.sqrt(2) * t) / np.sqrt(2)))


def free_packet(x: Floats, t: float, width: float, momentum: float) -> NDArray[np.complex128]:
    """ψ of i ψ_t = −ψ″/2 from e^{ikx − x²/2s²}: ψ = s/√(s² + it) exp(ikx − ik²t/2 − (x − kt)²/2(s² + it))."""
    spread = width**2 + 1j * t
    phase = 1j * momentum * x - 1j * momentum**2 * t / 2
    return width / np.sqrt(spread) * np.exp(phase - (x - momentum * t) ** 2 / (2 * spread))


def ornstein_uhlenbeck(x: Floats, t: float, mean: float, variance: float) -> Floats:
    """The density under p_t = ∂(x p) + ½ p″: mean m e^{−t}, variance ½ + (v − ½) e^{−2t}."""
    m, v = mean * np.exp(-t), 0.5 + (variance - 0.5) * np.exp(-2 * t)
    return np.exp(-((x - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
