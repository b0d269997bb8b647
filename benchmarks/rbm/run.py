"""Updates a second of a Boltzmann machine beside scikit-learn and rbms, in turns, on one thread.

    python benchmarks/rbm/run.py [--repeats 60]

An update is a batch of persistent contrastive divergence with one sweep, of binary machines of the same size on the
same rows. The bound is the five matrix products of such an update in single precision, and nothing else.
scikit-learn takes the type of its data: float64 is what it gets from most; float32 is told beside it.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path += [str(Path(__file__).parents[1])]

from results import paired, save
from sklearn.neural_network import BernoulliRBM

from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import Learner, Rule

SIZES = ((784, 500, 128), (1600, 400, 100))
RATE = 0.01

Update = Callable[[], object]


def lensmaker(v: torch.Tensor, hidden: int) -> Update:
    """One update of `Learner`."""
    machine = RestrictedBoltzmannMachine(v.shape[1], hidden)
    machine.initialise(seed=0, data=v)
    generator = torch.Generator().manual_seed(0)
    learner = Learner(machine, PersistentContrastiveDivergence(), Rule(), generator, len(v))
    return lambda: learner.update(v, RATE)


def scikit_learn(v: torch.Tensor, hidden: int, dtype: type) -> Update:
    """One inner update of `BernoulliRBM`."""
    rows, random = v.numpy().astype(dtype), np.random.RandomState(0)
    machine = BernoulliRBM(hidden, batch_size=len(v), learning_rate=RATE, n_iter=1, random_state=random)
    machine.fit(rows)
    return lambda: machine._fit(rows, random)


def rbms(v: torch.Tensor, hidden: int) -> Update:
    """One update of `rbms.training.pcd`, without its files, not centred."""
    from rbms.bernoulli_bernoulli.classes import BBRBM
    from rbms.training.pcd import fit_batch_pcd

    visible = v.shape[1]
    machine = BBRBM(torch.randn(visible, hidden) * 0.01, torch.zeros(visible), torch.zeros(hidden))
    for parameter in machine.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser = torch.optim.SGD(machine.parameters(), lr=RATE, maximize=True)
    state = {"chains": machine.init_chains(len(v))}
    weights = torch.ones(len(v), 1)

    @torch.no_grad()
    def update() -> None:
        optimiser.zero_grad(set_to_none=False)
        state["chains"], _ = fit_batch_pcd((v, weights), state["chains"], machine, 1, 1.0, centered=False)
        optimiser.step()

    return update


def products(v: torch.Tensor, hidden: int) -> Update:
    """The five matrix products."""
    W, h = torch.randn(v.shape[1], hidden), torch.rand(len(v), hidden)
    up, down, change = torch.empty_like(h), torch.empty_like(v), torch.zeros_like(W)

    def update() -> None:
        torch.mm(v, W, out=up)
        torch.mm(h, W.t(), out=down)
        torch.mm(v, W, out=up)
        change.addmm_(v.t(), h, beta=0.0, alpha=RATE)
        change.addmm_(v.t(), h, alpha=-RATE)

    return update


def main() -> None:
    """Time all, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=60)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    content: dict[str, object] = {"unit": "s for an update; ratios of the peer's time to lensmaker's"}
    for visible, hidden, batch in SIZES:
        v = (torch.rand(batch, visible, generator=torch.Generator().manual_seed(0)) < 0.3).float()
        contestants = {
            "lensmaker": lensmaker(v, hidden),
            "bound": products(v, hidden),
            "scikit_learn": scikit_learn(v, hidden, np.float64),
            "scikit_learn_float32": scikit_learn(v, hidden, np.float32),
        }
        if importlib.util.find_spec("rbms") is not None:
            contestants["rbms"] = rbms(v, hidden)
        else:
            print("rbms is left out: pip install --no-deps rbms")
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(repeats + 3):
            for name, update in contestants.items():
                begin = time.perf_counter()
                update()
                if turn >= 3:
                    times[name].append(time.perf_counter() - begin)
        own = times["lensmaker"]
        row = {
            name: {
                "seconds": round(min(each), 6),
                "ratio": {"fastest": round(min(each) / min(own), 2), **paired(each, own)},
            }
            for name, each in times.items()
        }
        content[f"{visible}_{hidden}_{batch}"] = row
        print(visible, hidden, batch, row, flush=True)
    save("rbm", content)


if __name__ == "__main__":
    main()
