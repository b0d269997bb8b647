"""Updates a second of a Boltzmann machine beside scikit-learn and rbms, in turns, on one thread.

    python benchmarks/rbm/run.py [--repeats 60]

An update is a batch of persistent contrastive divergence with one sweep, of binary machines of the same size on the
same rows. The bound is the five matrix products of such an update in single precision, and nothing else.
scikit-learn takes the type of its data: float64 is what it gets from most; float32 is told beside it. rbms centres its
gradient unless told not to: both ways are beside lensmaker's own. Whole trainings, each by the loop that a user calls,
with the files it writes, are told apart.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

sys.path += [str(Path(__file__).parents[1])]

from results import paired, save
from sklearn.neural_network import BernoulliRBM

from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Training, fit

SIZES = ((784, 500, 128), (1600, 400, 100))
RATE = 0.01

Update = Callable[[], object]


def lensmaker(v: torch.Tensor, hidden: int, **options: Any) -> Update:
    """One update of `RestrictedLearner`."""
    machine = RestrictedBoltzmannMachine(v.shape[1], hidden)
    machine.initialise(seed=0, data=v)
    generator = torch.Generator().manual_seed(0)
    rule = Rule(centering=options.pop("centering", False))
    phase = PersistentContrastiveDivergence()
    learner = RestrictedLearner(machine, phase, rule, generator, len(v), **options)
    return lambda: learner.update(v, RATE)


def scikit_learn(v: torch.Tensor, hidden: int, dtype: type) -> Update:
    """One inner update of `BernoulliRBM`."""
    rows, random = v.numpy().astype(dtype), np.random.RandomState(0)
    machine = BernoulliRBM(hidden, batch_size=len(v), learning_rate=RATE, n_iter=1, random_state=random)
    machine.fit(rows)
    return lambda: machine._fit(rows, random)


def rbms(v: torch.Tensor, hidden: int, *, centred: bool) -> Update:
    """One update of `rbms.training.pcd`, without its files."""
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
        state["chains"], _ = fit_batch_pcd((v, weights), state["chains"], machine, 1, 1.0, centered=centred)
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


def trainings(
    visible: int, hidden: int, batch: int, updates: int = 100, repeats: int = 3
) -> dict[str, object]:
    """Seconds for an update of a training from data to file, by each one's own loop and with its defaults."""
    rows = (torch.rand(20 * batch, visible, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    epochs = updates * batch // len(rows)

    def own(folder: Path) -> None:
        machine = RestrictedBoltzmannMachine(visible, hidden)
        machine.initialise(seed=0, data=rows)
        plan = Training(epochs=epochs, batch=batch, learning_rate=RATE, rule=Rule(centering=True))
        fit(machine, rows, plan, path=folder / "machine.safetensors")

    def scikit(folder: Path) -> None:
        model = BernoulliRBM(hidden, batch_size=batch, learning_rate=RATE, n_iter=epochs, random_state=0)
        model.fit(rows.numpy().astype(np.float64))
        joblib.dump(model, folder / "machine.joblib")

    def peer(folder: Path) -> None:
        import rbms.training.pcd as pcd
        from rbms.dataset.dataset_class import RBMDataset

        each = np.arange(len(rows))
        data = RBMDataset(rows.numpy(), each, np.ones(len(rows)), each, "rows", is_binary=True, device="cpu")
        options = pcd.default_args | {
            "filename": str(folder / "machine.h5"),
            "num_hiddens": hidden,
            "num_updates": updates,
            "batch_size": batch,
            "num_chains": batch,
            "gibbs_steps": 1,
            "learning_rate": RATE,
            "device": torch.device("cpu"),
            "dtype": torch.float32,
            "train_size": 1.0,
            "test_size": None,
            "seed": 0,
            "training_type": "pcd",
            "log": False,
        }
        with contextlib.redirect_stderr(io.StringIO()):
            pcd.train(data, data, "BBRBM", options, torch.float32, np.array([updates]))

    loops = {"lensmaker": own, "scikit_learn": scikit}
    if importlib.util.find_spec("rbms") is not None:
        loops["rbms"] = peer
    times: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(repeats):
        for name, loop in loops.items():
            with tempfile.TemporaryDirectory() as folder:
                begin = time.perf_counter()
                loop(Path(folder))
                times[name].append((time.perf_counter() - begin) / updates)
    return compared(times, "lensmaker")


def contestants(v: torch.Tensor, hidden: int) -> dict[str, Update]:
    """All that an update is timed of."""
    found = {
        "lensmaker": lensmaker(v, hidden),
        "lensmaker_centred": lensmaker(v, hidden, centering=True),
        "bound": products(v, hidden),
        "scikit_learn": scikit_learn(v, hidden, np.float64),
        "scikit_learn_float32": scikit_learn(v, hidden, np.float32),
    }
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        found["lensmaker_bfloat16"] = lensmaker(v, hidden, operands=torch.bfloat16)
    if importlib.util.find_spec("rbms") is not None:
        found |= {"rbms": rbms(v, hidden, centred=True), "rbms_uncentred": rbms(v, hidden, centred=False)}
    else:
        print("rbms is left out: pip install --no-deps rbms")
    return found


def compared(times: dict[str, list[float]], own: str) -> dict[str, object]:
    """Ratios of all times to one's own, turn by turn."""
    base = times[own]
    return {
        name: {
            "seconds": round(min(each), 6),
            "ratio": {"fastest": round(min(each) / min(base), 2), **paired(each, base)},
        }
        for name, each in times.items()
    }


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
        updates = contestants(v, hidden)
        times: dict[str, list[float]] = {name: [] for name in updates}
        for turn in range(repeats + 3):
            for name, update in updates.items():
                begin = time.perf_counter()
                update()
                if turn >= 3:
                    times[name].append(time.perf_counter() - begin)
        centred = compared(times, "lensmaker_centred")
        row = compared(times, "lensmaker")
        if "rbms" in row:  # like beside like
            row["rbms"] = centred["rbms"]
        row |= {f"training_{name}": each for name, each in trainings(visible, hidden, batch).items()}
        content[f"{visible}_{hidden}_{batch}"] = row
        for name, each in row.items():
            print(visible, hidden, batch, name, each, flush=True)
    save("rbm", content)


if __name__ == "__main__":
    main()
