"""Samples, machines and what was read off each of them, kept in a folder."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.core.progress import Progress
from lensmaker.instruments.boltzmann.rbm_flow import RBMFlow
from lensmaker.instruments.boltzmann.thermometer import Thermometer
from lensmaker.numerics.seeding import stream_seed
from lensmaker.phenomena.folder import mark, put, taken
from lensmaker.phenomena.rbm_flow.plan import T_C, Data, Plan, Setting
from lensmaker.phenomena.rbm_flow.reading import Reading
from lensmaker.phenomena.thermometers import energy_thermometer
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.files import save
from lensmaker.systems.boltzmann.machine_flow import MachineFlow
from lensmaker.systems.boltzmann.phases import ContrastiveDivergence
from lensmaker.systems.boltzmann.training import Schedule, Training, fit
from lensmaker.systems.spins import Canonical, Samples, ising, sample, square
from lensmaker.systems.spins.energies import energies
from lensmaker.systems.spins.sampling import Wolff

SCALE = 0.01
"""Of the weights at the start."""

STARTS = (1.0, T_C, 6.0)
"""Temperatures of the configurations that are iterated."""

MAGNETS = (1.4, 1.6, 1.8, 1.95, 2.1, 2.2, T_C)
"""Temperatures of the thermometer of |m|, which is blind above the last."""


class Folder:
    """Where samples, machines and readings of a plan are kept, and found again.

    Parameters
    ----------
    path
        A folder; it is marked with the plan.

    Raises
    ------
    InputError
        If it is missing, or holds another plan.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        mark(path, plan)
        self.path, self.plan = path, plan
        self.model = ising(square(plan.side))
        self._rows: dict[tuple[Data, int], tuple[Tensor, float]] = {}
        for folder in ("samples", "machines"):
            (path / folder).mkdir(exist_ok=True)

    def reading(self, setting: Setting, seed: int, progress: Progress | None = None) -> Reading:
        """Of the machine of a setting, from its file, or trained and iterated.

        Raises
        ------
        InputError
            If the training diverges, or a file is damaged.
        """
        file = self.path / "machines" / f"{_slug(setting)}-{seed}.json"
        if file.exists():
            return Reading.from_dict(taken(file))
        rows, of_data = self.rows(setting.data, seed)
        machine = self._learned(setting, seed, rows, progress)
        save(machine, file.with_suffix(".safetensors"))
        reading = self._iterated(machine, seed, of_data)
        put(file, reading.to_dict())
        return reading

    def rows(self, data: Data, seed: int) -> tuple[Tensor, float]:
        """Configurations to learn from, (rows, sites), and the temperature that their mean energy tells."""
        if any(known != seed for _, known in self._rows):
            self._rows.clear()  # those of one seed are needed together
        if (data, seed) not in self._rows:
            each = self.plan.rows // len(data.temperatures)
            parts = [
                self._magnet(f"{seed}-{data.name}", T, each) if T else self._frozen(each)
                for T in data.temperatures
            ]
            rows = torch.cat(parts)
            mean = float(energies(self.model, rows.numpy()).mean()) / self.model.sites
            self._rows[data, seed] = rows, self.thermometers[0].read(mean).temperature
        return self._rows[data, seed]

    @cached_property
    def thermometers(self) -> tuple[Thermometer, Thermometer]:
        """Of the energy, exact; of |m|, by samples."""
        calibrated = [self._samples("magnet", T, self.plan.calibration) for T in MAGNETS]
        magnetic = Thermometer.from_samples(calibrated, "magnetisation", highest=T_C)
        return energy_thermometer(self.model), magnetic

    @cached_property
    def starts(self) -> list[Samples]:
        """Cold, critical and hot configurations that are iterated."""
        return [self._samples("start", T, self.plan.configurations) for T in STARTS]

    def _learned(
        self, setting: Setting, seed: int, rows: Tensor, progress: Progress | None
    ) -> RestrictedBoltzmannMachine:
        plan = self.plan
        machine = RestrictedBoltzmannMachine(Spin(plan.side**2), Spin(setting.hidden))
        machine.initialise(seed=seed, scale=SCALE)
        phase, rate = ContrastiveDivergence(setting.cd), Schedule(*plan.rates)
        training = Training(setting.epochs, plan.batch, rate, seed=seed, phase=phase)
        history = fit(machine, rows, training, progress=progress)
        if history.diverged:
            raise InputError("a training that stays finite", f"{setting}: {history.reason}", "lower rates")
        return machine

    def _iterated(self, machine: RestrictedBoltzmannMachine, seed: int, of_data: float) -> Reading:
        """The fixed point, or what a flow that is longer by `patience` doublings says of it."""
        flow = MachineFlow(machine, self.starts)
        doublings = self.plan.doublings
        reading = Reading.of(RBMFlow(self.thermometers, doublings, seed).measure(flow), of_data)
        if reading.is_settled or not self.plan.patience:
            return reading
        anew = RBMFlow(self.thermometers, doublings + self.plan.patience, stream_seed("another flow", seed))
        return Reading.of(anew.measure(flow), of_data)

    def _magnet(self, purpose: str, T: float, n: int) -> Tensor:
        return self._samples(purpose, T, n).spins

    def _samples(self, purpose: str, T: float, n: int) -> Samples:
        """Of the torus at a temperature, drawn for one purpose."""
        name = f"{purpose} at T = {T:.6g}"
        path = self.path / "samples" / f"{_plain(name)}.zarr"
        seed = stream_seed(name, 0)
        return sample(Canonical(self.model, T), n, rule=Wolff(), seed=seed, path=path)

    def _frozen(self, n: int) -> Tensor:
        """All spins alike, every other row up and every other row down."""
        spins = torch.ones(n, self.model.sites, dtype=torch.int8)
        spins[::2] = -1
        return spins


def _slug(setting: Setting) -> str:
    return _plain(f"{setting.data.name}-{setting.hidden}-{setting.epochs}-{setting.cd}")


def _plain(name: str) -> str:
    """A name without what file systems mind."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else " " for c in name)
    return "-".join(kept.split())
