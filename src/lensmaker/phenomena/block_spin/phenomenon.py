"""Block spins in machines that learn from Ising samples: the run from samples to findings."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from lensmaker.core import Reference, Table
from lensmaker.core.bibliography import MEHTA_2014
from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.base import Outcome, Phenomenon
from lensmaker.phenomena.block_spin.claims import Findings
from lensmaker.phenomena.block_spin.facts import Fact, agreement_fact, field_facts, majority_agreement
from lensmaker.phenomena.block_spin.plan import Plan, Variant
from lensmaker.phenomena.block_spin.reconstruction import by_majority, decoded
from lensmaker.phenomena.block_spin.training import Folder, prepared
from lensmaker.phenomena.folder import publish
from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork
from lensmaker.systems.boltzmann.field_stack import FieldStack
from lensmaker.systems.spins import square
from lensmaker.theories.boltzmann.random_fields import RandomFields

SHOWN = 8
"""Configurations whose reconstructions are drawn."""


@dataclass(frozen=True)
class BlockSpin(Phenomenon):
    """Stacks of restricted machines on Ising samples just above T_c, with four controls of the same size.

    Parameters
    ----------
    plan
        What is trained.
    """

    plan: Plan = field(default_factory=Plan)

    name = "block-spin"
    summary = (
        "Whether block spins emerge in a stack of restricted Boltzmann machines that learns Ising samples."
    )
    references: ClassVar[tuple[Reference, ...]] = (MEHTA_2014,)

    @classmethod
    def quick(cls) -> BlockSpin:
        return cls(
            Plan(side=16, samples=3_000, held_out=500, layers=(64, 16, 4), epochs=40, seeds=4, window=5)
        )

    def run(self, folder: Path, progress: Progress | None = None) -> Outcome:
        kept = Folder(folder, self.plan)
        spins = kept.samples(progress).spins
        rows, unseen = spins[: self.plan.samples], spins[self.plan.samples :]
        facts: list[Fact] = []
        pictures: dict[str, Any] = {}
        for variant, seed in self.plan.trainings:
            network = kept.machine(variant, seed, rows, progress)
            facts += field_facts(self.plan, variant, seed, network)
            facts.append(agreement_fact(variant, seed, network, prepared(variant, unseen)))
            if seed == 0:
                pictures[variant.value] = self._fields(network)
            if (variant, seed) == (Variant.ISING, 0):
                pictures["reconstructions"] = self._reconstructions(network, unseen[:SHOWN])
        majority = majority_agreement(self.plan, unseen, self._coins)
        predicted = {
            (p.quantity.name, dict(p.where.coordinates)["layer"]): p.value
            for p in RandomFields(self.plan.window).predict(FieldStack(network, square(self.plan.side)))
            if len(p.where.coordinates) == 1
        }
        findings = Findings(self.plan, facts, lambda name, layer: predicted[name, layer], majority)
        told = [asdict(replace(f)) | {"variant": f.variant.value} for f in facts]
        told.append(
            {"variant": "majority rule", "seed": 0, "layer": 0, "name": "sign_agreement"} | majority._asdict()
        )
        outcome = Outcome(Table(findings.all()), told, pictures)
        publish(folder, outcome.findings, outcome.facts)
        return outcome

    @property
    def _coins(self) -> torch.Generator:
        return stream("ties of the majority rule", 0)

    def _fields(self, network: DeepBeliefNetwork) -> list[Any]:
        return [layer.numpy() for layer in FieldStack(network, square(self.plan.side)).fields]

    def _reconstructions(self, network: DeepBeliefNetwork, spins: torch.Tensor) -> dict[str, Any]:
        plan, bits = self.plan, (spins > 0).to(torch.int8)
        rows = {
            "spins": spins,
            "machine": decoded(network, bits),
            "majority": by_majority(spins, square(plan.side), plan.block, self._coins),
        }
        return {name: np.asarray(s).reshape(-1, plan.side, plan.side) for name, s in rows.items()}
