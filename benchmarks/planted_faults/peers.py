"""What WeightWatcher and nngeom say of a network: the layers they warn of, and the one that is their extreme.

WeightWatcher warns of layers; nngeom has numbers for each layer (the empirical Fisher's diagonal, summed) and names
none. Both are therefore also read as generously as can be: the layer whose number is farthest, in its logarithm, from
the median of all is taken as named.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Opinion:
    """Paths of the layers that a peer warns of, and that of its most extreme number; "" where it has none."""

    warned: tuple[str, ...]
    extreme: str


def weightwatcher(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Opinion:
    """Its table with its own warnings; α is the number."""
    import weightwatcher as peer

    table = peer.WeightWatcher(model=model).analyze()
    warned = tuple(table.longname[table.warning != ""])
    return Opinion(warned, _extreme(dict(zip(table.longname, table.alpha, strict=True))))


def nngeom(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Opinion:
    """The Fisher information of each parameter; no warnings."""
    import nngeom as peer

    wrapped = peer.Model(model, loss_fn=lambda net, xy: F.cross_entropy(net(xy[0]), xy[1]))
    numbers = peer.fisher_layer_importance(wrapped, [batch])
    weights = {n.rpartition(".")[0]: v for n, v in numbers.items() if n.endswith("weight")}
    return Opinion((), _extreme(weights))


Peer = Callable[[nn.Module, tuple[Tensor, Tensor]], Opinion]
PEERS: dict[str, Peer] = {"weightwatcher": weightwatcher, "nngeom": nngeom}


def opinions(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Iterator[tuple[str, Opinion]]:
    """What each peer says; of one that does not run, nothing."""
    logging.disable(logging.CRITICAL)
    try:
        for name, peer in PEERS.items():
            with (
                warnings.catch_warnings(),
                contextlib.redirect_stdout(io.StringIO()),
                torch.random.fork_rng(),
            ):
                warnings.simplefilter("ignore")
                try:
                    opinion = peer(copy.deepcopy(model), batch)  # some of them move running statistics
                except Exception:  # whatever a peer raises on a network with a fault
                    opinion = Opinion((), "")
            yield name, opinion
    finally:
        logging.disable(logging.NOTSET)


def _extreme(numbers: Mapping[str, float]) -> str:
    logs = {path: math.log(x) for path, x in numbers.items() if 0 < x < math.inf}
    if not logs:
        return ""
    middle = median(logs.values())
    return max(logs, key=lambda path: abs(logs[path] - middle))
