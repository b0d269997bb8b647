"""Energy, specific heat, free energy and entropy a spin, from ln Z and its derivatives by β."""

from __future__ import annotations

from collections.abc import Iterator


def from_log_partition(
    log_z: float, first: float, second: float, beta: float, sites: int
) -> Iterator[tuple[str, float]]:
    """Name and value of each quantity.

    e = −(∂ ln Z/∂β)/N, c = β² (∂² ln Z/∂β²)/N, f = −ln Z/(βN), s = ln Z/N + βe.

    Examples
    --------
    >>> dict(from_log_partition(0.7, 0.0, 0.0, beta=1.0, sites=1))
    {'energy': -0.0, 'specific_heat': 0.0, 'free_energy': -0.7, 'entropy': 0.7}
    """
    energy = -first / sites
    yield "energy", energy
    yield "specific_heat", beta * (beta * second) / sites
    yield "free_energy", -log_z / (beta * sites)
    yield "entropy", log_z / sites + beta * energy
