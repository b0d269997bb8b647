"""Trainings of deep machines for one process or several: by torchrun this file leaves their files in a folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed

from lensmaker.systems.boltzmann import Binary, DeepBeliefNetwork, DeepBoltzmannMachine, Potts, Spin
from lensmaker.systems.boltzmann.deep import (
    BeliefLearner,
    DeepLearner,
    DeepPhase,
    DeepTraining,
    ExactDeepMoments,
    FineTuning,
    PersistentChains,
    Tuning,
    UpDown,
    WakeSleep,
    fine_tune,
    fit_deep,
    fit_stack,
    pretrain,
)
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Training, checkpoint, torchrun
from lensmaker.systems.boltzmann.training.run import History
from lensmaker.systems.boltzmann.units import Units
from lensmaker.systems.boltzmann.weights import Convolutional, Dense

ROWS = (torch.rand(101, 12, generator=torch.Generator().manual_seed(0)) < 0.4).double()
"""In batches of 20 the last row is left alone: one of two processes has nothing to learn from."""

SITES = torch.nn.functional.one_hot(ROWS[:, :4].long() + ROWS[:, 4:8].long(), 3).flatten(1).double()
"""Rows of four sites of three states."""

CENTRED, PENALISED = Rule(momentum=0.5, centering=True), Rule(momentum=0.5, l1=0.01, l2=0.01)
PLAN: dict[str, Any] = {"epochs": 2, "batch": 20, "learning_rate": 0.1}

Histories = Sequence[History]


def of_layers(phase: DeepPhase, rule: Rule, *hidden: Units, **others: Any) -> Callable[[Path], Histories]:
    """A deep machine of these hidden layers, from strong weights, so that chains remember where they were."""

    def work(folder: Path) -> Histories:
        machine = DeepBoltzmannMachine(12, *hidden, dtype=torch.float64)
        machine.initialise(seed=1, scale=0.5)
        training = DeepTraining(phase=phase, rule=rule, **(PLAN | others))
        return [fit_deep(machine, ROWS, training, held_out=ROWS[:30], path=folder / "deep.safetensors")]

    return work


def convolutional(folder: Path) -> Histories:
    """A single chain, and biases that are tied."""
    weights = [
        Convolutional((4, 3), (2, 2), filters=2, dtype=torch.float64),
        Dense(24, 3, dtype=torch.float64),
    ]
    machine = DeepBoltzmannMachine(12, 24, 3, weights=weights)
    machine.initialise(seed=1, scale=0.5)
    training = DeepTraining(phase=PersistentChains(chains=1), rule=CENTRED, **PLAN)
    return [fit_deep(machine, ROWS, training, path=folder / "deep.safetensors")]


def fine_tuned(tuning: Tuning, *layers: Units, rows: Tensor = ROWS) -> Callable[[Path], Histories]:
    """A belief network of these layers, from strong weights."""

    def work(folder: Path) -> Histories:
        network = DeepBeliefNetwork.of_layers(*layers, dtype=torch.float64)
        for k, machine in enumerate(network.stack):
            machine.initialise(seed=k, scale=0.5)
        training = FineTuning(tuning=tuning, rule=PENALISED, **PLAN)
        return [fine_tune(network, rows, training, path=folder / "network.safetensors")]

    return work


def stack(folder: Path) -> Histories:
    """Two machines, then the network that they are."""
    network = DeepBeliefNetwork.of_layers(12, 7, 5, dtype=torch.float64)
    found = fit_stack(network, ROWS, Training(rule=CENTRED, **PLAN), held_out=ROWS[:30], folder=folder)
    tuned = fine_tune(network, ROWS, FineTuning(**PLAN), path=folder / "network.safetensors")
    return [*found, tuned]


def pretrained(folder: Path) -> Histories:
    """Machines with copies of a layer, then the deep machine that they start."""
    machine = DeepBoltzmannMachine(12, 7, 5, dtype=torch.float64)
    found = pretrain(machine, ROWS, Training(**PLAN), folder=folder)
    return [*found, fit_deep(machine, ROWS, DeepTraining(**PLAN), path=folder / "deep.safetensors")]


class Case(NamedTuple):
    """A training, and the update before which it is stopped the first time: in an epoch, not at its beginning."""

    work: Callable[[Path], Histories]
    stop: int = 8


CASES = {
    "centred": Case(of_layers(PersistentChains(chains=9), CENTRED, Binary(7), Binary(5))),
    "three layers": Case(of_layers(PersistentChains(steps=2), PENALISED, Binary(7), Spin(5), Binary(4))),
    "exact": Case(of_layers(ExactDeepMoments(), CENTRED, Binary(7), Binary(5))),
    "patient": Case(
        of_layers(PersistentChains(), CENTRED, Binary(7), epochs=9, learning_rate=0.6, patience=1)
    ),
    "convolutional": Case(convolutional),
    "wake-sleep": Case(fine_tuned(WakeSleep(chains=9), Binary(12), Spin(7), Binary(5), Binary(4))),
    "up-down": Case(fine_tuned(UpDown(steps=2), Potts(4, q=3), Binary(7), Spin(5), Binary(4), rows=SITES)),
    "one chain": Case(fine_tuned(WakeSleep(chains=1), Binary(12), Binary(7), Binary(5))),
    "stack": Case(stack, 20),
    "pretrained": Case(pretrained, 32),
}


def learned(folder: Path, name: str) -> str:
    """Why each training of a case ended, and all that was read."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    histories = CASES[name].work(place)
    return "\n".join(f"{name}: {h.reason}, {h.updates} updates, {h.rows()}" for h in histories)


class Stop:
    """Interrupts before an update, of whatever learner."""

    def __init__(self) -> None:
        self.left = -1
        for kind in (RestrictedLearner, DeepLearner, BeliefLearner):
            kind.update = self._counted(kind.update)  # type: ignore[attr-defined]

    def _counted(self, update: Callable[..., None]) -> Callable[..., None]:
        def counted(learner: Any, v: Tensor, rate: float) -> None:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            update(learner, v, rate)

        return counted


def refuse(path: Path, *_: Any) -> None:
    """In the place of what writes files."""
    raise AssertionError(f"a process that does not lead writes {path}")


def main(folder: Path) -> None:
    """Leave all of it unfinished in `stopped`, and go on to its end with a copy of that, in `whole`."""
    stop = Stop()
    with torchrun() as shares:
        if not shares.several:
            raise SystemExit("start me by torchrun")
        if shares.rank:
            checkpoint.write = refuse
        for name, case in CASES.items():
            stop.left = case.stop
            try:
                learned(folder / "stopped", name)
            except KeyboardInterrupt:
                stop.left = -1
            else:
                raise AssertionError(f"{name} was not stopped")
            if shares.rank == 0:
                shutil.copytree(folder / "stopped" / name, folder / "whole" / name)
            distributed.barrier()
            told: list[Any] = [None] * shares.world
            distributed.all_gather_object(told, learned(folder / "whole", name))
            assert len(set(told)) == 1, told
            if shares.rank == 0:
                print(told[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
