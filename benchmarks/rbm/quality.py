"""What a Boltzmann machine has learned after equal time, beside scikit-learn and rbms.

    python benchmarks/rbm/quality.py [--seconds 15]

Every package trains a machine of the same size on the same rows by persistent contrastive divergence with one sweep, at
each of two learning rates, for so many seconds of one processor; what is told is the better of the two. ln Z is
lensmaker's for all of them, by annealing up and down, down from what a thousand sweeps make of data; the likelihood is
that of rows that no one has learned from.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

sys.path += [str(Path(__file__).parents[1])]

from results import save
from sklearn.neural_network import BernoulliRBM

from lensmaker.data.mnist import mnist
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.files import from_sklearn
from lensmaker.systems.boltzmann.likelihood import log_partition
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rows, Rule
from lensmaker.systems.spins import Canonical, ising, square
from lensmaker.systems.spins.sampling import SwendsenWang, sample
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE

RATES = (0.02, 0.04)
NORMALISED = (0.1, 0.4)
"""Of rbms, which divides its gradients by their norms."""

HELD_OUT = 1000

Trainer = Callable[[torch.Tensor, int, int, float, float], RestrictedBoltzmannMachine]


def batches(rows: torch.Tensor, batch: int, seconds: float) -> Iterator[torch.Tensor]:
    """Rows in random order, until the time of this process is over."""
    table, epoch, begin = Rows(rows, len(rows)), 0, time.process_time()
    while True:
        for v in table.batches(batch, seed=0, epoch=epoch, skip=0, like=rows):
            if time.process_time() - begin > seconds:
                return
            if len(v) == batch:
                yield v
        epoch += 1


def own(operands: torch.dtype | None, centering: bool) -> Trainer:
    """Lensmaker's."""

    def train(
        rows: torch.Tensor, hidden: int, batch: int, rate: float, seconds: float
    ) -> RestrictedBoltzmannMachine:
        machine = RestrictedBoltzmannMachine(rows.shape[1], hidden)
        machine.initialise(seed=0, data=rows)
        generator, phase = torch.Generator().manual_seed(0), PersistentContrastiveDivergence()
        learner = RestrictedLearner(
            machine, phase, Rule(centering=centering), generator, batch, operands=operands
        )
        for v in batches(rows, batch, seconds):
            learner.update(v, rate)
        return machine

    return train


def scikit_learn(
    rows: torch.Tensor, hidden: int, batch: int, rate: float, seconds: float
) -> RestrictedBoltzmannMachine:
    """`BernoulliRBM`, in single precision, which suits it best, and shuffled."""
    random = np.random.RandomState(0)
    model = BernoulliRBM(hidden, batch_size=batch, learning_rate=rate, n_iter=0, random_state=random)
    model.fit(rows[:batch].numpy())
    for v in batches(rows, batch, seconds):
        model._fit(v.numpy(), random)
    return from_sklearn(model)


def rbms(
    rows: torch.Tensor, hidden: int, batch: int, rate: float, seconds: float
) -> RestrictedBoltzmannMachine:
    """rbms by its own start, centred gradient and optimiser, without its files."""
    from rbms.bernoulli_bernoulli.classes import BBRBM
    from rbms.training.pcd import fit_batch_pcd

    with torch.random.fork_rng():
        torch.manual_seed(0)
        table = SimpleNamespace(data=rows)
        machine = BBRBM.init_parameters(hidden, table, torch.device("cpu"), torch.float32)
        for parameter in machine.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimiser = torch.optim.SGD(machine.parameters(), lr=rate, maximize=True)
        chains, weights = machine.init_chains(batch), torch.ones(batch, 1)
        with torch.no_grad():
            for v in batches(rows, batch, seconds):
                optimiser.zero_grad(set_to_none=False)
                chains, _ = fit_batch_pcd((v, weights), chains, machine, 1, 1.0)
                optimiser.step()
    found = RestrictedBoltzmannMachine(rows.shape[1], hidden)
    with torch.no_grad():
        found.weights.parameter.copy_(machine.weight_matrix)
        found.visible_bias.copy_(machine.vbias)
        found.hidden_bias.copy_(machine.hbias)
    return found


def data() -> dict[str, tuple[torch.Tensor, int, int]]:
    """Rows, hidden units and rows of a batch: MNIST, and the Ising model at its critical temperature."""
    order = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
    digits = (mnist().x.flatten(1) > 0.5).float()[order]
    torus = Canonical(ising(square(40)), CRITICAL_TEMPERATURE)
    spins = sample(torus, 6000, rule=SwendsenWang(), chains=8, seed=0, thin=5)
    magnets = (torch.from_numpy(np.asarray(spins.spins)).flatten(0, -2).float() + 1) / 2
    shuffled = magnets[torch.randperm(len(magnets), generator=torch.Generator().manual_seed(0))]
    return {"mnist": (digits, 500, 128), "ising": (shuffled, 400, 100)}


def main() -> None:
    """Train all, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15)
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    trainers: dict[str, Trainer] = {
        "lensmaker": own(None, False),
        "lensmaker_centred": own(None, True),
        "lensmaker_bfloat16": own(torch.bfloat16, False),
        "scikit_learn": scikit_learn,
    }
    if importlib.util.find_spec("rbms") is not None:
        trainers["rbms"] = rbms
    content: dict[str, object] = {
        "unit": "nats a row held out, ± that of ln Z",
        "seconds": seconds,
    }
    for name, (rows, hidden, batch) in data().items():
        seen, unseen = rows[:-HELD_OUT], rows[-HELD_OUT:]
        for trainer, train in trainers.items():
            found = []
            for rate in NORMALISED if trainer == "rbms" else RATES:
                machine = train(seen, hidden, batch, rate, seconds)
                with torch.no_grad():
                    free = float(machine.free_energy(unseen).mean())
                start = machine.gibbs(seen[:64], 1000, torch.Generator().manual_seed(0))
                ln_z = log_partition(machine, seed=0, runs=64, steps=2000, data=seen, samples=start)
                found.append(
                    {
                        "log_likelihood": round(-free - ln_z.value, 2),
                        "error": round(ln_z.error, 2),
                        "up": round(-free - ln_z.forward, 2),
                        "down": round(-free - ln_z.backward, 2),
                        "converged": not ln_z.convergence.value,
                        "learning_rate": rate,
                    }
                )
                print(name, trainer, found[-1], flush=True)
            known = [each for each in found if each["converged"]] or found
            content[f"{name}_{trainer}"] = max(known, key=lambda each: each["log_likelihood"])
    save("rbm_quality", content)


if __name__ == "__main__":
    main()
