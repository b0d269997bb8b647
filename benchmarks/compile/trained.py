"""A compiled network beside trained ones of the same size: the largest error, and the time to reach it.

    python benchmarks/compile/trained.py [--seeds 5]

The trained network has as many units in each hidden layer as the compiled one, and one more for each value that waits
there in a lane. It learns from 2048 points of the same kind as those that errors are taken at, half of them corners of
the domain, all of them in each step, in double precision: by Adam, then by L-BFGS with a strong Wolfe line search.
Seconds are those of the processor, for training alone, on one thread. Errors are divided by the largest |P| of the
domain.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

sys.path += [str(Path(__file__).parents[1])]

from results import save

from lensmaker.design.compile import Box, CompiledNetwork, compile_polynomial
from lensmaker.design.compile.check import points_of
from lensmaker.systems.polynomials import Polynomial

TARGETS = {
    "product_2": ("x1*x2", Box(-1, 1), 1.0),
    "product_4": ("x1*x2*x3*x4", Box(-1, 1), 1.0),
    "product_8": ("x1*x2*...*x8", Box(-1, 1), 1.0),
    "phi4_site": ("1.75*p**2 + 0.25*p**4 - p*q - p*r", Box(-2, 2), 19.0),
}
"""The polynomial, its domain, and the largest |P| there."""

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"gelu": nn.GELU, "tanh": nn.Tanh}
POINTS, ADAM, LBFGS, EVERY = 2048, 2000, 1000, 50
RATE = 0.01
LEVELS = (1e-1, 1e-2, 1e-3, 1e-4)
BUILDS = 5


def widths(network: CompiledNetwork) -> list[int]:
    """Units and waiting values of each hidden layer."""
    found = []
    for layer in network.layers:
        carried, units = layer.gates.weight.shape[1], layer.gates.weight.shape[0]
        waiting = int((layer.read.weight[:, :carried] != 0).any(1).sum())
        found.append(units + waiting)
    return found


def perceptron(inputs: int, hidden: list[int], activation: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Layers with biases, as PyTorch draws them."""
    layers: list[nn.Module] = []
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for before, after in zip([inputs, *hidden], hidden, strict=False):
            layers += [nn.Linear(before, after), activation()]
        return nn.Sequential(*layers, nn.Linear(hidden[-1], 1), nn.Flatten(0)).double()


def training(network: nn.Module, x: Tensor, y: Tensor) -> Iterator[None]:
    """Adam with a rate that falls as a cosine, then L-BFGS; a pause after every fifty steps."""

    def loss() -> Tensor:
        return nn.functional.mse_loss(network(x), y)

    adam = torch.optim.Adam(network.parameters(), lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, ADAM)
    for _ in range(ADAM // EVERY):
        for _ in range(EVERY):
            adam.zero_grad()
            loss().backward()
            adam.step()
            falling.step()
        yield
    newton = torch.optim.LBFGS(
        network.parameters(),
        max_iter=EVERY,
        history_size=50,
        tolerance_grad=1e-14,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        newton.zero_grad()
        found = loss()
        found.backward()
        return found

    for _ in range(LBFGS // EVERY):
        newton.step(closure)
        yield


def trained(
    network: nn.Module, seen: tuple[Tensor, Tensor], unseen: tuple[Tensor, Tensor], size: float
) -> tuple[list[tuple[float, float]], float]:
    """(seconds so far, relative error) at each pause, and the seconds of all."""
    path, spent, begin = [], 0.0, time.process_time()
    for _ in training(network, *seen):
        spent += time.process_time() - begin
        with torch.no_grad():
            path.append((spent, float((network(unseen[0]) - unseen[1]).abs().max()) / size))
        begin = time.process_time()
    return path, spent


def spread(values: list[float]) -> dict[str, float]:
    """The middle one, and the range."""
    low, middle, high = min(values), median(values), max(values)
    return {"median": _round(middle), "low": _round(low), "high": _round(high)}


def _round(value: float) -> float:
    return float(f"{value:.2g}")


def case(
    text: str, box: Box, size: float, activation: Callable[[], nn.Module], seeds: int
) -> dict[str, object]:
    """A row: both networks, and when the trained ones reached which error."""
    polynomial = Polynomial.parse(text)
    builds = []
    for _ in range(BUILDS):
        begin = time.process_time()
        network = compile_polynomial(polynomial, domain=box, activation=activation())
        builds.append(time.process_time() - begin)
    seen, unseen = (points_of(network, POINTS, seed) for seed in (1, 2))
    pairs = [(x, polynomial.evaluate(x)) for x in (seen, unseen)]
    with torch.no_grad():
        off = float((network(unseen) - pairs[1][1]).abs().max()) / size
    runs = [
        trained(perceptron(len(polynomial.variables), widths(network), activation, seed), *pairs, size)
        for seed in range(seeds)
    ]
    reached = {
        f"{level:g}": [next((s for s, e in path if e <= level), None) for path, _ in runs] for level in LEVELS
    }
    return {
        "hidden": widths(network),
        "compiled": {
            "error": _round(off),
            "bound": _round(network.ledger.bound / size),
            "first_seconds": _round(builds[0]),
            "seconds": spread(builds),
        },
        "trained": {
            "error": spread([path[-1][1] for path, _ in runs]),
            "seconds": spread([spent for _, spent in runs]),
            "reached": {
                level: {"runs": len(known), "seconds": _round(median(known)) if known else None}
                for level, found in reached.items()
                if (known := [s for s in found if s is not None]) is not None
            },
        },
    }


def main() -> None:
    """Train all, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    content: dict[str, object] = {
        "seeds": seeds,
        "unit": "errors over the largest |P|, seconds of the processor",
    }
    for target, (text, box, size) in TARGETS.items():
        for name, activation in ACTIVATIONS.items():
            row = case(text, box, size, activation, seeds)
            content[f"{target}_{name}"] = row
            print(target, name, row, flush=True)
            save("compile_trained", content)


if __name__ == "__main__":
    main()
