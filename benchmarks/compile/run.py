"""Evaluation of the φ⁴ Hamiltonian on 32 × 32 by a compiled network and by others, in turns, on one thread.

    python benchmarks/compile/run.py [--turns 15]

All take fields (rows, 32, 32) and give (rows,): what they do to bring the fields into their own form is in their
time, which is that of the processor. A ratio is the time of another over that of the network with GELU in the same
turn. An error is the largest one over fields in [−2, 2], corners among them, beside double precision by hand. Memory is
the most that a call holds at once, by torch's allocator, over the number of sites and fields. `page.py` puts the tables
into the documentation.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

sys.path += [str(Path(__file__).parents[1])]

from contestants import Contestant, Evaluate, by_hand, contestants
from memory import peak
from results import paired, save

from lensmaker.design.compile import CompiledNetwork

SIDE, BATCHES, OWN = 32, (1, 32, 256), "compiled_gelu"
LEAST = 2e-3
"""Seconds of a turn: what is faster is run several times."""

MEMORY_SIDES, MEMORY_ROWS = (16, 32, 64), 32
WATCHED = ("compiled_gelu", "compiled_as_a_list", "exact", "torch_by_hand", "klay")
"""Those whose memory is torch's: the others keep thousands of small objects, or arrays of numpy."""

DENSE = ("compiled_as_a_list",)
"""Not asked for the largest torus: its weights grow as the square of the sites."""


def fields(rows: int, side: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """Random ones in [−2, 2]; of every second all sites are at a corner."""
    x = torch.rand(rows, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x[1::2] = x[1::2].round()
    return (4 * x - 2).to(dtype)


def error(evaluate: Evaluate, dtype: torch.dtype) -> float:
    """The largest one over 64 fields."""
    x = fields(64, SIDE, dtype, seed=1)
    truth = by_hand(SIDE, torch.float64)(x.double())
    return float((evaluate(x).double() - truth).abs().max())


def calls(evaluate: Evaluate, x: Tensor) -> int:
    """So many that they take the least time of a turn."""
    evaluate(x)
    begin = time.process_time()
    evaluate(x)
    return max(1, round(LEAST / (time.process_time() - begin)))


def timed(built: dict[str, Evaluate], x: Tensor, turns: int) -> dict[str, dict[str, object]]:
    """Seconds of a call, the middle one of all turns, and the ratio to lensmaker's."""
    many = {name: calls(evaluate, x) for name, evaluate in built.items()}
    times: dict[str, list[float]] = {name: [] for name in built}
    for _ in range(turns):
        for name, evaluate in built.items():
            begin = time.process_time()
            for _ in range(many[name]):
                evaluate(x)
            times[name].append((time.process_time() - begin) / many[name])
    return {
        name: {"seconds": float(f"{median(each):.4g}"), "ratio": paired(each, times[OWN])}
        for name, each in times.items()
    }


def build(all_of_them: list[Contestant], dtype: torch.dtype) -> tuple[dict[str, Evaluate], dict[str, float]]:
    """What evaluates, and the seconds that it took to make."""
    built, seconds = {}, {}
    for one in all_of_them:
        begin = time.process_time()
        built[one.name] = one.build(SIDE, dtype)
        seconds[one.name] = round(time.process_time() - begin, 4)
    return built, seconds


def memory(all_of_them: list[Contestant]) -> dict[str, dict[str, dict[str, float]]]:
    """By the side of the torus, in double precision: bytes of a call, a site and a field, and numbers that are kept."""
    bytes_per_site: dict[str, dict[str, float]] = {}
    parameters: dict[str, dict[str, float]] = {}
    for one in all_of_them:
        if one.name not in WATCHED:
            continue
        for side in MEMORY_SIDES:
            if one.name in DENSE and side > SIDE:
                continue
            evaluate, x = one.build(side, torch.float64), fields(MEMORY_ROWS, side, torch.float64)
            most = peak(partial(evaluate, x))
            bytes_per_site.setdefault(one.name, {})[str(side)] = round(most / (side * side * MEMORY_ROWS), 1)
            network = getattr(evaluate, "network", evaluate)
            if isinstance(network, CompiledNetwork):
                parameters.setdefault(one.name, {})[str(side)] = network.ledger.parameters
        print("memory", one.name, bytes_per_site[one.name], parameters.get(one.name), flush=True)
    return {"bytes_per_site": bytes_per_site, "parameters": parameters}


@torch.no_grad()
def main() -> None:
    """Time all, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=15)
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    all_of_them = contestants()
    content: dict[str, object] = {
        "side": SIDE,
        "turns": turns,
        "unit": "s of the processor for a call; ratios of a contestant's time to that of the network with GELU",
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("sympy", "numpy", "sympytorch", "klaycircuits")
            if any(name == d.name for d in importlib.metadata.distributions())
        },
    }
    for dtype in (torch.float64, torch.float32):
        name = str(dtype).removeprefix("torch.")
        built, seconds = build(all_of_them, dtype)
        content[name] = {
            "build": seconds,
            "error": {one: float(f"{error(evaluate, dtype):.2g}") for one, evaluate in built.items()},
            **{str(rows): timed(built, fields(rows, SIDE, dtype), turns) for rows in BATCHES},
        }
        print(name, content[name], flush=True)
    save("compile", content | memory(all_of_them))


if __name__ == "__main__":
    main()
