"""One JSON file of results for all benchmarks; the docs quote it."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results.json"


def seconds(work: Callable[[], object], repeats: int = 3, warm: int = 1) -> list[float]:
    """Wall times of `repeats` runs after `warm` uncounted ones."""
    times = []
    for run in range(warm + repeats):
        start = time.perf_counter()
        work()
        if run >= warm:
            times.append(time.perf_counter() - start)
    return times


def ratio(times: list[float], reference: list[float]) -> dict[str, float]:
    """Median ratio of two lists of times, with its range."""
    middle = median(reference)
    return {
        "median": round(median(times) / middle, 2),
        "low": round(min(times) / max(reference), 2),
        "high": round(max(times) / min(reference), 2),
    }


def paired(times: list[float], reference: list[float]) -> dict[str, float]:
    """Median and range of the ratios of times that were taken in turns: what slows both cancels."""
    ratios = [t / r for t, r in zip(times, reference, strict=True)]
    return {
        "median": round(median(ratios), 2),
        "low": round(min(ratios), 2),
        "high": round(max(ratios), 2),
    }


def save(benchmark: str, content: dict[str, Any]) -> None:
    """Put one benchmark's results into the common file, with the machine they were taken on."""
    everything = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    machine = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    everything[benchmark] = {"machine": machine, **content}
    RESULTS.write_text(json.dumps(everything, indent=2, sort_keys=True) + "\n")
