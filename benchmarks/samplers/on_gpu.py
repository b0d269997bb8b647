"""Turns per nanosecond of the checkerboard on words, at T_c on one large lattice, where there is a GPU.

    python benchmarks/samplers/on_gpu.py [--device cuda] [--sides 4096 8192 16384]

NVIDIA's example code reports 766 turns per nanosecond. The limit of the memory is the rate at which a copy of a large
tensor reads and writes, over the bytes that a turn moves (`TorchCheckerboard` says which: 4.6, compiled).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path += [str(Path(__file__).parents[1])]

from results import save

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling.rules.torch_checkerboard import TorchCheckerboard

CRITICAL = 2 / np.log(1 + np.sqrt(2))
BYTES = {True: 4.6, False: 24.6}
REPORTED = 766.0


def main() -> None:
    """Time each side with and without compilation, print a line for each, and save the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sides", type=int, nargs="+", default=[4096, 8192, 16384])
    parser.add_argument("--sweeps", type=int, default=50)
    options = parser.parse_args()
    bandwidth = copied(options.device)
    cases: dict[str, object] = {}
    for side in options.sides:
        for compiled in (False, True):
            case = rate(options.device, side, compiled, options.sweeps, bandwidth)
            cases[f"{side}{'_compiled' if compiled else ''}"] = case
            print(side, "compiled" if compiled else "as it is", case, flush=True)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    content = {
        "unit": "turns per nanosecond",
        "device": name,
        "copy_GB_per_s": round(bandwidth),
        "cases": cases,
    }
    save("samplers_on_gpu", content)


def rate(device: str, side: int, compiled: bool, sweeps: int, bandwidth: float) -> dict[str, float]:
    """The fastest of three runs, and what part it is of NVIDIA's and of the memory's."""
    system = Canonical(ising(square(side)), float(CRITICAL))
    spins = np.ones((1, system.sites), np.int8)
    walk = TorchCheckerboard(device=device, compiled=compiled).start(system, spins, 1)
    walk.advance(5)
    found = sweeps * system.sites / seconds(device, lambda: walk.advance(sweeps)) / 1e9
    return {
        "turns_per_ns": round(found, 1),
        "of_nvidia": round(found / REPORTED, 2),
        "of_memory": round(found * BYTES[compiled] / bandwidth, 2),
    }


def copied(device: str) -> float:
    """GB/s that are read and written when 1 GiB is copied."""
    one = torch.ones(1 << 27, dtype=torch.int64, device=device)
    other = torch.empty_like(one)
    return 20 * one.nbytes / seconds(device, lambda: [other.copy_(one) for _ in range(10)]) / 1e9


def seconds(device: str, work: Callable[[], object]) -> float:
    """The shortest of three runs, to the end of the device's work."""
    found = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - start)
    return min(found)


if __name__ == "__main__":
    main()
