"""The time of lensmaker's field equations beside py-pde, on one grid with the same differences, in turns, on one core.

    python benchmarks/field_solve/run.py [case …]

Both take three-point differences on 256 × 256 points of a torus, Runge–Kutta pairs of orders 5 and 4, and one tolerance
of a step. py-pde's compiled stepper is used, so that what it takes to compile is told apart. Times are the
processor's: the machine does other work as well. Errors are those of the largest point, against a solution to 1e-10.
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

sys.path.append(str(Path(__file__).parents[1]))

import pde
from pde.solvers import RungeKuttaSolver
from results import paired, save

from lensmaker.core import Convergence
from lensmaker.systems.fields.equations import (
    FieldEquation,
    Grid,
    Method,
    Space,
    advection_diffusion,
    fisher_kpp,
    solve,
)

TURNS = 5
POINTS, LENGTH, TIME, TOLERANCE = 256, 64.0, 2.0, 1e-5
GRID = Grid.of_length((POINTS, POINTS), (LENGTH, LENGTH))
X, Y = GRID.coordinates
START = torch.exp(-((X - 32) ** 2 + (Y - 30) ** 2) / 18)
BENT = 0.5 + 0.3 * torch.sin(2 * torch.pi * X / LENGTH) * torch.cos(2 * torch.pi * Y / LENGTH)


@dataclass(frozen=True)
class Case:
    """One equation, for both; the methods that lensmaker has for it."""

    equation: FieldEquation
    peer: str
    constants: dict[str, Tensor]
    methods: tuple[Method, ...]


CASES = {
    "fisher_kpp": Case(fisher_kpp(GRID, diffusivity=0.5), "0.5*laplace(c) + c*(1-c)", {}, tuple(Method)),
    "advection_diffusion": Case(
        advection_diffusion(GRID, velocity=(0.7, -0.4), diffusivity=0.5),
        "0.5*laplace(c) - 0.7*d_dx(c) + 0.4*d_dy(c)",
        {},
        tuple(Method),
    ),
    "bent_diffusion": Case(
        advection_diffusion(GRID, diffusivity=BENT),
        "d*laplace(c)",
        {"d": BENT},
        (Method.RUNGE_KUTTA,),
    ),
}


def peer(case: Case) -> Callable[[], np.ndarray]:
    """A run of py-pde; the first one compiles."""
    grid = pde.CartesianGrid([[0, LENGTH]] * 2, [POINTS] * 2, periodic=True)
    constants = {n: pde.ScalarField(grid, v.numpy()) for n, v in case.constants.items()}
    equation = pde.PDE({"c": case.peer}, consts=constants)
    solver = RungeKuttaSolver(equation, adaptive=True, tolerance=TOLERANCE)
    state = pde.ScalarField(grid, START.numpy())
    stepper = solver.make_stepper(state, dt=1e-3)

    def run() -> np.ndarray:
        now = state.copy()
        stepper(now, 0, TIME)
        return np.asarray(now.data)

    return run


def own(case: Case, method: Method, tolerance: float = TOLERANCE) -> np.ndarray:
    found = solve(case.equation, START, [TIME], space=Space.DIFFERENCES_2, method=method, tolerance=tolerance)
    assert found.convergence is Convergence.CONVERGED
    return found.last[0, 0].numpy()


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def measured(name: str, case: Case) -> dict[str, Any]:
    exact = own(case, case.methods[-1], 1e-10)
    begin = time.process_time()
    run = peer(case)
    run()
    first = time.process_time() - begin
    times: dict[str, list[float]] = {m.name.lower(): [] for m in case.methods} | {"py_pde": []}
    errors: dict[str, float] = {}
    for method in case.methods:
        own(case, method)
    for _ in range(TURNS):
        for method in case.methods:
            seconds, found = timed(lambda method=method: own(case, method))
            times[method.name.lower()].append(seconds)
            errors[method.name.lower()] = float(np.abs(found - exact).max())
        seconds, found = timed(run)
        times["py_pde"].append(seconds)
        errors["py_pde"] = float(np.abs(found - exact).max())
    content = {
        who: {
            "cpu_seconds": round(min(spent), 3),
            "error": float(f"{errors[who]:.2g}"),
            "py_pde_over_it": paired(times["py_pde"], spent),
        }
        for who, spent in times.items()
    }
    content["py_pde"]["first_cpu_seconds"] = round(first, 1)
    print(name, content, flush=True)
    return content


def main(names: list[str]) -> None:
    """Time every case, print a line for each, and save the results."""
    torch.set_num_threads(1)
    cases = {name: measured(name, CASES[name]) for name in names or CASES}
    if set(cases) == set(CASES):
        save("field_solve", {"cases": cases, "tolerance": TOLERANCE, "points": POINTS**2})


if __name__ == "__main__":
    main(sys.argv[1:])
