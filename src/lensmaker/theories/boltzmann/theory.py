"""The contract of a theory of Boltzmann machines: what it cannot treat it says, and what it can it solves."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from typing import NamedTuple

import torch

from lensmaker.core import INSIDE, Prediction, Regime, Table
from lensmaker.systems.boltzmann.machine import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.subject import Subject
from lensmaker.theories.base import Theory


class Value(NamedTuple):
    """A number and its error."""

    value: float
    error: float


class Solution(NamedTuple):
    """What a theory finds of the joint distribution of both layers: ln Z, ⟨E⟩ and S = ln Z + ⟨E⟩."""

    log_partition: Value
    energy: Value
    entropy: Value
    regime: Regime = INSIDE


class BoltzmannTheory(Theory):
    """Base of the theories of Boltzmann machines: a subclass says where it has no answer, and supplies `solve`."""

    quantities = ("log_partition", "log_likelihood", "machine_energy", "machine_entropy")

    @abstractmethod
    def refusal(self, machine: RestrictedBoltzmannMachine) -> str:
        """Why it has no value at all for the machine, as a clause; empty where it has."""

    @abstractmethod
    def solve(self, machine: RestrictedBoltzmannMachine) -> Solution:
        """What it finds of a machine that it does not refuse, in double precision."""

    def predict(self, system: Subject) -> Table[Prediction]:
        """Its predictions; not a number, and why, where it has none. Without rows there is no likelihood."""
        names = [n for n in self.quantities if n != "log_likelihood" or system.rows is not None]
        if reason := self.refusal(system.machine):
            outside = Regime(reason)
            return Table(self.prediction(n, system.where, math.nan, regime=outside) for n in names)
        machine = copy.deepcopy(system.machine).double().requires_grad_(False)
        found = self.solve(machine)
        values = {
            "log_partition": found.log_partition,
            "machine_energy": found.energy,
            "machine_entropy": found.entropy,
        }
        if system.rows is not None:
            with torch.no_grad():
                F = float(machine.free_energy(system.rows.double()).mean())
            values["log_likelihood"] = Value(-F - found.log_partition.value, found.log_partition.error)
        return Table(self.prediction(n, system.where, *values[n], regime=found.regime) for n in names)
