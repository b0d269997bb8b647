"""The time of exact kernels beside neural-tangents, and how far the numbers of both are from float64.

    python benchmarks/kernels/run.py [--environment FOLDER] [case …]

neural-tangents runs in an environment of its own, which is created where there is none: FOLDER, or that of
$NEURAL_TANGENTS, or benchmarks/.neural-tangents. Its compiled kernel function has run once before it is timed;
of lensmaker the whole call is timed, with the recording of the network. The two take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path += [str(Path(__file__).parents[1])]

from cases import CASES, Case
from results import paired, save

import lensmaker

HERE = Path(__file__).parent
TURNS = 3


def main() -> None:
    """Time every case, print a line for each, and save the results."""
    parser = argparse.ArgumentParser()
    default = os.environ.get("NEURAL_TANGENTS", HERE.parent / ".neural-tangents")
    parser.add_argument("--environment", type=Path, default=Path(default))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    python = ready(options.environment)
    content: dict[str, object] = {}
    for case in CASES:
        if not options.names or case.name in options.names:
            content[case.name] = compare(case, python)
            print(case.name, content[case.name], flush=True)
            unit = "seconds for all pairs of inputs; ratios of neural-tangents to lensmaker, in turns"
            save("kernels", {"unit": unit, "cases": content})


def ready(environment: Path) -> Path:
    """The interpreter of the environment, made first where there is none."""
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
        requirements = HERE.parent / "requirements-kernels.txt"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
    return python


def compare(case: Case, python: Path) -> dict[str, object]:
    """Times of both in turns, their ratio, and their numbers against float64."""
    torch.manual_seed(0)
    model, x = case.make()
    with Peer(python, model, x, case.tangent) as peer:
        own, others = [], []
        lensmaker.kernels(model, x, ntk=case.tangent)
        for _ in range(TURNS):
            start = time.perf_counter()
            found = lensmaker.kernels(model, x, ntk=case.tangent)
            own.append(time.perf_counter() - start)
            others.append(peer.seconds())
        theirs = peer.kernels()
    exact = both(lensmaker.kernels(model, x.double(), ntk=case.tangent))
    few = x[: case.few].double()
    with Peer(python, model, few, case.tangent) as peer:
        agreed = off(peer.kernels(), both(lensmaker.kernels(model, few, ntk=case.tangent)))
    return {
        "inputs": list(x.shape),
        "lensmaker_seconds": [round(min(own), 3), round(max(own), 3)],
        "neural_tangents_seconds": [round(min(others), 3), round(max(others), 3)],
        "ratio": paired(others, own),
        "float32_error": {"lensmaker": off(both(found), exact), "neural_tangents": off(theirs, exact)},
        "float64_difference": agreed,
    }


class Peer:
    """The process of neural-tangents with one network and its inputs."""

    def __init__(self, python: Path, model: nn.Sequential, x: Tensor, tangent: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        inputs = Path(self.folder.name) / "inputs.npy"
        np.save(inputs, x.numpy() if x.ndim == 2 else x.movedim(1, -1).numpy())
        spec = {"layers": layers(model), "get": ["nngp", "ntk"] if tangent else ["nngp"]}
        self.process = subprocess.Popen(
            [python, HERE / "peer.py", inputs, json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Peer:
        self.ask("")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate()
        self.folder.cleanup()

    def ask(self, line: str) -> str:
        """Write a line, if there is one, and read the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if line:
            print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError("neural-tangents does not run: try peer.py by itself")
        return answer

    def seconds(self) -> float:
        """Run once."""
        return float(self.ask("run"))

    def kernels(self) -> dict[str, np.ndarray]:
        """What the last run found."""
        path = Path(self.folder.name) / "kernels.npz"
        self.ask(f"save {path}")
        return dict(np.load(path))


def layers(model: nn.Sequential) -> list[list[object]]:
    """The layers for stax, with the σ_w and σ_b of the weights as lensmaker measures them."""
    found: list[list[object]] = []
    for layer in model:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            weight, bias = layer.weight.detach().double(), layer.bias.detach().double()
            sigma_w = float((weight.square().mean() * weight[0].numel()).sqrt())
            kind = "dense" if isinstance(layer, nn.Linear) else "conv"
            found.append([kind, sigma_w, float(bias.square().mean().sqrt())])
        elif isinstance(layer, nn.ReLU):
            found.append(["relu"])
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            found.append(["pool"])
    return found


def both(kernels: lensmaker.Kernels) -> dict[str, np.ndarray]:
    """The matrices by their names."""
    named = {"nngp": kernels.nngp, "ntk": kernels.ntk}
    return {name: k.numpy() for name, k in named.items() if k is not None}


def off(found: dict[str, np.ndarray], exact: dict[str, np.ndarray]) -> float:
    """Largest relative error of an entry."""
    return max(float(f"{np.abs(found[name] / exact[name] - 1).max():.1e}") for name in exact)


if __name__ == "__main__":
    main()
