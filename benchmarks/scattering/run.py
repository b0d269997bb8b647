"""What lensmaker finds of an equation behind trajectories, beside PySINDy and a PDE-Net, in turns, on one core.

    pip install --no-deps pysindy==2.1.0 derivative==0.6.3
    python benchmarks/scattering/run.py [case …]

Waves through a medium of advection, diffusion and decay on 64 points, without noise and with it; and Burgers' data of
16 points from neuraloperator 0.3.0. All are given the same looks, and are told which terms there may be: u, u_x, u_xx
and, for Burgers, u u_x (PySINDy u u_xx too). PySINDy has its library of derivatives (spectral in space, differences of
fourth order in time) and that of the weak form, both with no term dropped; PDE-Net is written here after its paper.
Errors are relative, of the coefficients that are there, the largest of them; terms that are not there have the size
that is told.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from threadpoolctl import threadpool_limits

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parent))

import pysindy
from pde_net import learned
from results import paired, save

from lensmaker.data import burgers
from lensmaker.instruments.scattering import InferredEquation, InferredSymbol, Term
from lensmaker.systems.fields.equations import Grid, advection_diffusion
from lensmaker.systems.fields.recording import Recording, recorded, white_starts

TURNS = 2
DRAW = np.random.uniform
LINEAR = {"u": -0.1, "u_x": -0.3, "u_xx": 0.2}
BURGERS = {"u u_x": -1.0, "u_xx": 0.01}


@dataclass(frozen=True)
class Case:
    """Looks, the coefficients behind them, and whether u u_x may be there."""

    recording: Recording
    truth: Mapping[str, float]
    nonlinear: bool = False


def waves(noise: float) -> Case:
    generator = torch.Generator().manual_seed(0)
    grid = Grid((64,), (0.25,))
    medium = advection_diffusion(grid, velocity=(0.3,), diffusivity=0.2, potential=-0.1)
    clean = recorded(medium, white_starts(grid, 20, generator, smooth=3.0), 0.1, 21)
    return Case(clean.noisy(noise, generator) if noise else clean, LINEAR)


def of_burgers() -> Case:
    data = burgers()
    size = torch.fft.rfft(data.fields[:, 0]).abs()
    fields = data.fields[size[:, 7] < 1e-3 * size.amax(1)][:20, :6]
    return Case(Recording(Grid((16,), (data.spacing,)), data.interval, fields), BURGERS, nonlinear=True)


CASES: dict[str, Callable[[], Case]] = {
    "waves": lambda: waves(0.0),
    "waves_noise_0.01": lambda: waves(0.01),
    "waves_noise_0.1": lambda: waves(0.1),
    "burgers": of_burgers,
}


def by_lensmaker(case: Case) -> dict[str, float]:
    if case.nonlinear:
        found = InferredEquation().fit(case.recording).terms
        values = {t: e.value for t, e in found.items()}
        names = {"u u_x": Term.SELF_ADVECTION, "u": Term.POTENTIAL, "u_x": Term.DRIFT, "u_xx": Term.METRIC}
        return {n: values[t] / (2 if n == "u_xx" else 1) for n, t in names.items()}
    V, A, g = InferredSymbol().read(case.recording).values[:, 0]
    return {"u": float(V), "u_x": float(A), "u_xx": float(g) / 2}


def by_pysindy(case: Case, weak: bool) -> dict[str, float]:
    recording = case.recording
    x = np.arange(recording.grid.points) * recording.grid.spacing[0]
    t = np.arange(recording.looks) * recording.interval
    data = [f.numpy().T[:, :, None] for f in recording.fields]
    if weak:
        X, T = np.meshgrid(x, t, indexing="ij")
        library = pysindy.WeakPDELibrary(
            pysindy.PolynomialLibrary(1, include_bias=False), derivative_order=2, K=100,
            H_xt=[np.ptp(x) / 5, np.ptp(t) / 5 if len(t) > 10 else np.ptp(t) / 2.5],
            spatiotemporal_grid=np.stack([X, T], -1), include_interaction=case.nonlinear, is_uniform=True,
        )  # fmt: skip
        model = pysindy.SINDy(pysindy.STLSQ(threshold=0.0, alpha=1e-12), library)
        model.fit(data, t=t)
    else:
        library = pysindy.PDELibrary(
            pysindy.PolynomialLibrary(1, include_bias=False), derivative_order=2, spatial_grid=x,
            include_interaction=case.nonlinear, differentiation_method=pysindy.SpectralDerivative,
        )  # fmt: skip
        model = pysindy.SINDy(
            pysindy.STLSQ(threshold=0.0, alpha=1e-12), library,
            pysindy.FiniteDifference(order=4, axis=1),
        )  # fmt: skip
        model.fit(data, t=t)
    names = {"x0": "u", "x0_1": "u_x", "x0_11": "u_xx", "x0x0_1": "u u_x", "x0x0_11": "u u_xx"}
    pairs = zip(model.get_feature_names(), model.coefficients()[0], strict=True)
    return {names.get(n.replace(" ", ""), n): float(c) for n, c in pairs}


def by_pde_net(case: Case) -> dict[str, float]:
    recording = case.recording
    found = learned(recording.fields, recording.grid.spacing[0], recording.interval, case.nonlinear)
    return {
        "u": found.potential,
        "u_x": found.drift,
        "u_xx": found.diffusivity,
        "u u_x": found.self_advection,
    }


def uniform(*limits: Any, size: Any = None) -> Any:
    """numpy's, with a number for an array of one: the weak library of PySINDy 2.1 needs it with numpy 2.4."""
    low, high = (np.asarray(x).reshape(-1)[0] for x in limits)
    return DRAW(low, high) if size == 1 else DRAW(*limits, size=size)


WORK: dict[str, Callable[[Case], dict[str, float]]] = {
    "lensmaker": by_lensmaker,
    "pysindy": lambda case: by_pysindy(case, weak=False),
    "pysindy_weak": lambda case: by_pysindy(case, weak=True),
    "pde_net": by_pde_net,
}


def measured(name: str, case: Case) -> dict[str, Any]:
    times: dict[str, list[float]] = {who: [] for who in WORK}
    found: dict[str, dict[str, float]] = {}
    for _ in range(TURNS):
        for who, work in WORK.items():
            start = time.perf_counter()
            with warnings.catch_warnings(), patch("numpy.random.uniform", uniform):
                warnings.simplefilter("ignore")
                np.random.seed(0)  # noqa: NPY002 - the weak library draws its domains so
                found[who] = work(case)
            times[who].append(time.perf_counter() - start)
    rows = {}
    for who, values in found.items():
        error = max(abs(values[term] - c) / abs(c) for term, c in case.truth.items())
        false = max((abs(v) for term, v in values.items() if term not in case.truth), default=0.0)
        rows[who] = {
            "coefficients": {term: float(f"{values[term]:.8g}") for term in case.truth},
            "error": float(f"{error:.2g}"),
            "largest_false_term": float(f"{false:.2g}"),
            "seconds": round(min(times[who]), 3),
            "ratio": paired(times[who], times["lensmaker"]),
        }
        print(
            f"{name}, {who}: error {error:.2g}, false {false:.2g}, {min(times[who]):.2f} s",
            rows[who]["coefficients"],
            flush=True,
        )
    return rows


def main(names: list[str]) -> None:
    """Run every case, print a line for each contestant, and save the results."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        cases = {name: measured(name, CASES[name]()) for name in names or CASES}
    if set(cases) == set(CASES):
        save("scattering", {"cases": cases})


if __name__ == "__main__":
    main(sys.argv[1:])
