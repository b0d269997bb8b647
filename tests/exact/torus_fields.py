"""Statistics of one field on a torus, site by site, from their definitions."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray


def statistics(w: NDArray[np.float64], window: int) -> dict[str, float]:
    """Participation, share and sign coherence of the window, neighbours, of a field (rows, columns)."""
    rows, columns = w.shape
    y, x = max(product(range(rows), range(columns)), key=lambda site: abs(w[site]))
    half = window // 2
    total = sum(w[site] ** 2 for site in np.ndindex(rows, columns))
    inside = [
        w[(y + i) % rows, (x + j) % columns] for i in range(-half, half + 1) for j in range(-half, half + 1)
    ]
    bonds = sum(
        w[r, c] * (w[(r + 1) % rows, c] + w[r, (c + 1) % columns]) for r, c in np.ndindex(rows, columns)
    )
    return {
        "field_participation": total**2 / sum(w[site] ** 4 for site in np.ndindex(rows, columns)),
        "window_fraction": sum(u * u for u in inside) / total,
        "sign_coherence": abs(sum(inside)) / sum(abs(u) for u in inside),
        "neighbour_correlation": bonds / (2 * total),
    }


def profile(w: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Mean share of w² and mean distance of the sites whose distance from the largest |w| rounds to 0, 1, 2 …"""
    rows, columns = w.shape
    y, x = max(product(range(rows), range(columns)), key=lambda site: abs(w[site]))
    total = sum(w[site] ** 2 for site in np.ndindex(rows, columns))
    shells: dict[int, list[tuple[float, float]]] = {}
    for r, c in np.ndindex(rows, columns):
        down = min(abs(r - y), rows - abs(r - y))
        across = min(abs(c - x), columns - abs(c - x))
        d = math.sqrt(down**2 + across**2)
        shells.setdefault(round(d), []).append((w[r, c] ** 2 / total, d))
    return [sum(s for s, _ in shells[k]) / len(shells[k]) for k in sorted(shells)], [
        sum(d for _, d in shells[k]) / len(shells[k]) for k in sorted(shells)
    ]
