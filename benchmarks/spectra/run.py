"""The time of lensmaker's spectra of all weights beside WeightWatcher's `analyze()`, in turns.

    python benchmarks/spectra/run.py [case …]

Of lensmaker, the spectra with rank and spikes; and all that the instrument does: the recording of the network and
the true norms of its convolutions, which WeightWatcher does not have. WeightWatcher finds the layers by itself; how
many weights each has looked at is saved too.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "inspect")]

from inspect_networks import Tokens, deep, mobilenet
from results import paired, save

from lensmaker.instruments.spectra import Spectra, spectra_of
from lensmaker.systems.networks import Network

TURNS = 3


def mlp() -> tuple[nn.Module, Tensor]:
    """Two hundred layers of 512 × 512."""
    model, (x, _) = deep()
    return model, x[:2]


def mobile() -> tuple[nn.Module, Tensor]:
    """MobileNetV2, untrained, on two photographs."""
    model, (x, _) = mobilenet()
    return model.eval(), x[:2]


def transformer() -> tuple[nn.Module, Tensor]:
    """Twelve layers of width 768, as many as GPT-2 small has."""
    return Tokens(768), torch.randn(2, 16, 768)


CASES: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "mlp_200": mlp,
    "mobilenet_v2": mobile,
    "transformer_12_768": transformer,
}


def main(names: list[str]) -> None:
    """Time every case, print a line for each, and save the results."""
    content: dict[str, object] = {}
    for name, make in CASES.items():
        if names and name not in names:
            continue
        torch.manual_seed(0)
        model, x = make()
        own, full, theirs = [], [], []
        Spectra().measure(Network(model, x))
        for _ in range(TURNS):
            start = time.perf_counter()
            network = Network(model, x)
            _ = network.whole
            recorded = time.perf_counter()
            spectra = spectra_of(network)
            read = time.perf_counter()
            table = Spectra().measure(network, spectra)
            middle = time.perf_counter()
            layers = analyzed(model)
            own.append(read - recorded)
            full.append(middle - start)
            theirs.append(time.perf_counter() - middle)
        content[name] = {
            "lensmaker_seconds": [round(min(own), 3), round(max(own), 3)],
            "weightwatcher_seconds": [round(min(theirs), 3), round(max(theirs), 3)],
            "ratio": paired(theirs, own),
            "ratio_of_all": paired(theirs, full),
            "weights": {"lensmaker": len({m.where for m in table}), "weightwatcher": layers},
        }
        print(name, content[name], flush=True)
        save("spectra", {"unit": "ratios of WeightWatcher to lensmaker, in turns", "cases": content})


def analyzed(model: nn.Module) -> int:
    """Run WeightWatcher without its output; the number of layers that it looked at."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            import weightwatcher

            return len(weightwatcher.WeightWatcher(model=model).analyze())
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    main(sys.argv[1:])
