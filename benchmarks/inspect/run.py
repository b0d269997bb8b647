"""How many forward+backward passes an inspection costs, beside torchlens and WeightWatcher in the same run.

    python benchmarks/inspect/run.py [case …]

The unit is one forward and backward pass of the same batch. torchlens traces the forward pass alone;
WeightWatcher looks at the weights alone. Neither predicts, corrects or names a layer at fault.
"""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import nn

sys.path += [str(Path(__file__).parents[1])]

from inspect_networks import CASES, loss_fn
from results import ratio, save, seconds

import lensmaker


def main(names: list[str]) -> None:
    """Time every case, print a line for each, and save the results."""
    content: dict[str, object] = {}
    for case in CASES:
        if names and case.name not in names:
            continue
        torch.manual_seed(0)
        model, (x, y) = case.make()

        def one_pass(model: nn.Module = model, x: torch.Tensor = x, y: torch.Tensor = y) -> None:
            loss_fn(model(x), y).backward()

        marks: list[tuple[str, float]] = []

        def inspect(model: nn.Module = model, x: torch.Tensor = x, y: torch.Tensor = y, marks=marks) -> None:
            marks.clear()
            lensmaker.inspect(
                model, (x, y), loss_fn, progress=lambda s: marks.append((s, time.perf_counter()))
            )
            marks.append(("end", time.perf_counter()))

        # The reference is timed before and after, so that a drift of the machine shows in its range.
        before = seconds(one_pass, repeats=3)
        own = seconds(inspect, repeats=2, warm=1)
        peers = {name: quiet(work, model, x) for name, work in PEERS.items()}
        reference = before + seconds(one_pass, repeats=3, warm=0)
        row: dict[str, object] = {
            "pass_seconds": round(median(reference), 3),
            "lensmaker": ratio(own, reference),
        }
        row["stages"] = {
            name: round((end - start) / median(reference), 2)
            for (name, start), (_, end) in itertools.pairwise(marks)
        }
        for name, times in peers.items():
            row[name] = ratio(times, reference) if times else "does not run"
        content[case.name] = row
        print(case.name, row, flush=True)
        save("inspect", {"unit": "forward+backward passes of the same batch", "cases": content})


def trace(model: nn.Module, x: torch.Tensor) -> None:
    """torchlens: every activation of one forward pass."""
    import torchlens

    torchlens.trace(copy.deepcopy(model), x)


def analyze(model: nn.Module, x: torch.Tensor) -> None:
    """WeightWatcher: the spectra of the weights."""
    import weightwatcher

    weightwatcher.WeightWatcher(model=model).analyze()


PEERS: dict[str, Callable[[nn.Module, torch.Tensor], None]] = {"torchlens": trace, "weightwatcher": analyze}


def quiet(work: Callable[[nn.Module, torch.Tensor], None], model: nn.Module, x: torch.Tensor) -> list[float]:
    """Times of a peer without its output; empty where it does not run on this network."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return seconds(lambda: work(model, x), repeats=2, warm=0)
    except Exception as error:
        print(f"  {work.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
        return []
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    main(sys.argv[1:])
