"""Stacks of machines that learn from Ising samples and from the controls, kept in a folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.core.tables import jsonable
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.block_spin.plan import Plan, Variant
from lensmaker.phenomena.kept import read_json, write_json
from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork, Given, fit_stack
from lensmaker.systems.boltzmann.phases import ContrastiveDivergence
from lensmaker.systems.boltzmann.training import Rule, Training
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square

SCALE = 0.01
"""Of the weights at the start."""


class Folder:
    """Where samples and machines of a plan are kept, and found again.

    Parameters
    ----------
    path
        A folder; it is marked with the plan.

    Raises
    ------
    InputError
        If it is missing or not writable, or holds another plan or a damaged one.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        if not path.is_dir():
            raise InputError("a folder that exists", f"{path}", f"make {path} first")
        mark, wanted = path / "plan.json", jsonable(asdict(plan))
        if mark.exists():
            if read_json(mark, "remove that file, if the folder is of this plan") != wanted:
                fix = "name another folder, or remove it to start again"
                raise InputError("the folder of this plan", f"{path} of another one", fix)
        else:
            write_json(mark, wanted)
        self.path, self.plan = path, plan

    def samples(self, progress: Progress | None = None) -> Samples:
        """Independent configurations at K, those held out after the others."""
        plan, path = self.plan, self.path / "samples.zarr"
        system = Canonical(ising(square(plan.side)), 1 / plan.coupling)
        return sample(system, plan.samples + plan.held_out, seed=0, path=path, progress=progress)

    def machine(
        self, variant: Variant, seed: int, rows: Tensor, progress: Progress | None = None
    ) -> DeepBeliefNetwork:
        """The stack of a variant, from its files as far as they go, and trained to the end.

        Parameters
        ----------
        rows
            Configurations at K of ±1, (samples, sites).

        Raises
        ------
        InputError
            If a training diverges.
        """
        plan = self.plan
        network = DeepBeliefNetwork.of_layers(plan.side**2, *plan.layers)
        data = prepared(variant, rows)
        if variant is Variant.UNTRAINED:
            for k, machine in enumerate(network.stack):
                machine.initialise(seed=seed + k, scale=SCALE)
            return network
        folder = self.path / f"{variant.name.lower()}-{seed}"
        folder.mkdir(exist_ok=True)
        penalty = 0.0 if variant is Variant.NO_PENALTY else plan.penalty
        training = Training(
            epochs=plan.epochs,
            batch=plan.batch,
            learning_rate=plan.learning_rate,
            phase=ContrastiveDivergence(),
            rule=Rule(momentum=plan.momentum, l1=penalty),
            seed=seed,
        )
        told = None if progress is None else named(progress, f"{variant.value}, seed {seed}, ")
        histories = fit_stack(
            network, data, training, given=Given.MEANS, scale=SCALE, folder=folder, progress=told
        )
        if histories[-1].diverged:
            raise InputError("a training that stays finite", histories[-1].reason, "lower learning_rate")
        return network


def prepared(variant: Variant, spins: Tensor) -> Tensor:
    """What a variant sees of configurations of ±1: bits, (n, sites), where they are shuffled or drawn anew."""
    if variant is Variant.NO_COUPLING:
        generator = stream("spins without coupling", 0)
        return torch.randint(2, spins.shape, generator=generator, dtype=torch.int8)
    bits = (spins > 0).to(torch.int8)
    return bits[:, shuffling(spins.shape[1])] if variant is Variant.SHUFFLED else bits


def shuffling(sites: int) -> Tensor:
    """Where the spin of each place comes from in the control of shuffled sites."""
    return torch.randperm(sites, generator=stream("shuffled sites", 0))


def named(progress: Progress, name: str) -> Progress:
    """Progress of a part, with its name before what is done."""
    return lambda what, done, of: progress(name + what, done, of)
