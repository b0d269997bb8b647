"""How many forward+backward passes an inspection costs, beside torchlens, WeightWatcher and nngeom in the same run.

    python benchmarks/inspect/run.py [--own] [--without PEER] [case …]

The unit is one forward and backward pass of the same batch. torchlens traces the forward pass alone;
WeightWatcher looks at the weights alone; nngeom's `analyze` at the loss around the weights and at its curvature. None
of them predicts, corrects or names a layer at fault; nngeom takes some hundred passes, minutes for each case. Peak
memory is that of `memory.py`, in processes of their own; the statistical ray's cost is timed at three widths.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import itertools
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

import torch
from torch import nn

sys.path += [str(Path(__file__).parents[1])]

from inspect_networks import CASES, Case, loss_fn, perceptron
from memory import peaks
from results import RESULTS, ratio, save, seconds

import lensmaker
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Network
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.reading import read
from lensmaker.theories.statistical_ray.sizing import Sizing
from lensmaker.theories.statistical_ray.walk import walk

Work = Callable[[nn.Module, torch.Tensor, torch.Tensor], None]


def main() -> None:
    """Time every case, or those named, print a line for each, and save the results; `--own`: no peers, no saving."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", choices=[[], *(case.name for case in CASES)])
    parser.add_argument("--own", action="store_true", help="lensmaker alone; nothing is saved")
    parser.add_argument(
        "--without", action="append", default=[], choices=list(PEERS), help="a peer to leave out"
    )
    asked = parser.parse_args()
    peers = {name: work for name, work in PEERS.items() if not asked.own and name not in asked.without}
    saved = json.loads(RESULTS.read_text()).get("inspect", {}).get("cases", {}) if RESULTS.exists() else {}
    for case in [case for case in CASES if case.name in asked.cases or not asked.cases]:
        row = timed(case, peers)
        print(case.name, row, flush=True)
        saved[case.name] = {**row, "peak_memory": peaks(case.name)}
        if not asked.own:
            unit = "forward+backward passes of the same batch"
            save("inspect", {"unit": unit, "cases": saved, "ray_by_width": ray_by_width()})


def timed(case: Case, peers: Mapping[str, Work]) -> dict[str, object]:
    """Costs in passes, by the clock on the wall and by the processors' time, which a busy machine disturbs less."""
    torch.manual_seed(0)
    model, (x, y) = case.make()
    marks: list[tuple[str, float]] = []

    def one_pass() -> None:
        loss_fn(model(x), y).backward()

    def inspect() -> None:
        marks.clear()
        lensmaker.inspect(model, (x, y), loss_fn, progress=lambda s: marks.append((s, time.perf_counter())))
        marks.append(("end", time.perf_counter()))

    # The reference is timed before and after, so that a drift of the machine shows in its range.
    before = clocks(one_pass, repeats=3)
    own = clocks(inspect, repeats=2)
    beside = {name: quiet(work, model, x, y) for name, work in peers.items()}
    wall, cpu = zip(*before, *clocks(one_pass, repeats=3, warm=0), strict=True)
    row: dict[str, object] = {
        "pass_seconds": round(median(wall), 3),
        "lensmaker": ratio([w for w, _ in own], list(wall)),
        "lensmaker_cpu": ratio([c for _, c in own], list(cpu)),
        "stages": {
            name: round((end - start) / median(wall), 2)
            for (name, start), (_, end) in itertools.pairwise(marks)
        },
    }
    with one_core():
        alone = clocks(one_pass, repeats=2)
        row["lensmaker_one_core"] = ratio(
            [w for w, _ in clocks(inspect, repeats=2)],
            [w for w, _ in (*alone, *clocks(one_pass, repeats=2, warm=0))],
        )
    for name, times in beside.items():
        row[name] = ratio(times, list(wall)) if times else "does not run"
    return row


def clocks(work: Callable[[], object], repeats: int, warm: int = 1) -> list[tuple[float, float]]:
    """Wall and processor times of `repeats` runs after `warm` uncounted ones."""
    found = []
    for run in range(warm + repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        if run >= warm:
            found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return found


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """What runs inside has a single core, and one thread of torch."""
    threads, cores = torch.get_num_threads(), os.sched_getaffinity(0)
    torch.set_num_threads(1)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads)


def ray_by_width() -> dict[str, object]:
    """Seconds that the mean-field ray takes through perceptrons of several widths, readings included."""
    found = {}
    for width in (64, 1024, 4096):
        model, (x, y) = perceptron(width, layers=6, samples=16)
        network = Network(model, (x, y), loss_fn)
        train, sizing = network.probes(16), Sizing()
        gradients = network.boundary_gradients(train)

        def through(train=train, gradients=gradients, sizing=sizing) -> None:
            ensemble = Ensemble(sizing.pooled_replicas(train), True, stream("width", 0), 16)
            walk(train, gradients, ensemble, lambda passage: read(passage, 16, 16, pooled=True) and None)

        found[str(width)] = round(min(seconds(through, repeats=7)), 4)
    return {"unit": "s", "layers": 6, "seconds": found}


def trace(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """torchlens: every activation of one forward pass."""
    import torchlens

    torchlens.trace(copy.deepcopy(model), x)


def analyze(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """WeightWatcher: the spectra of the weights."""
    import weightwatcher

    weightwatcher.WeightWatcher(model=model).analyze()


def profile(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
    """nngeom: sharpness, slices and curvature of the loss around the weights."""
    import nngeom

    geometry = nngeom.Model(
        copy.deepcopy(model), loss_fn=lambda module, batch: loss_fn(module(batch[0]), batch[1])
    )
    nngeom.analyze(geometry, (x, y), make_figures=False)


PEERS: dict[str, Work] = {"torchlens": trace, "weightwatcher": analyze, "nngeom": profile}


def quiet(work: Work, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Times of a peer without its output; empty where it does not run on this network."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return seconds(lambda: work(model, x, y), repeats=1 if work is profile else 2, warm=0)
    except Exception as error:
        print(f"  {work.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
        return []
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    main()
