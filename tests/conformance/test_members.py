"""What every theory, instrument and aberration must keep to: one row of the table for each member."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lensmaker.core import QUANTITIES, Reference, Training
from lensmaker.design.diagnose import ABERRATIONS
from lensmaker.design.evidence import Evidence
from lensmaker.instruments import INSTRUMENTS
from lensmaker.instruments.attention import AttentionEntropy
from lensmaker.instruments.boltzmann.machine_ensemble import MachineEnsemble
from lensmaker.instruments.boltzmann.rbm_flow import RBMFlow
from lensmaker.instruments.boltzmann.receptive_fields import ReceptiveFields
from lensmaker.instruments.boltzmann.thermometer import Thermometer
from lensmaker.instruments.boltzmann.variational_map import VariationalMap
from lensmaker.instruments.convolutions.field_law_error import FieldLawError
from lensmaker.instruments.convolutions.input_spectrum import InputSpectrum
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.instruments.couplings import (
    MaximumLikelihood,
    MinimumProbabilityFlow,
    Observed,
    PseudoLikelihood,
    observe,
)
from lensmaker.instruments.fields.field_spectrum import FieldSpectrum
from lensmaker.instruments.gate_errors import GateErrors
from lensmaker.instruments.gradients import Gradients
from lensmaker.instruments.information import Ascent, InfoNCE, MutualInformation
from lensmaker.instruments.jacobian import Jacobian
from lensmaker.instruments.markov import KeptInformation
from lensmaker.instruments.polynomials import LearnedHamiltonian, LearnedPolynomial
from lensmaker.instruments.renormalization import MonteCarloRG, RenormalisedCouplings
from lensmaker.instruments.saturation import Saturation
from lensmaker.instruments.signals import Signals
from lensmaker.instruments.spectra import Spectra
from lensmaker.instruments.spins.critical_exponents import CriticalExponents
from lensmaker.instruments.spins.ensemble import Ensemble
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.boltzmann.field_stack import FieldStack
from lensmaker.systems.boltzmann.likelihood import Annealing
from lensmaker.systems.boltzmann.machine_flow import MachineFlow
from lensmaker.systems.boltzmann.subject import Subject
from lensmaker.systems.fields import AveragedFields, BlockAverage, GaussianField
from lensmaker.systems.markov import MarkovChain, Seen, truncated
from lensmaker.systems.networks import Network
from lensmaker.systems.networks.prescription import prescribe
from lensmaker.systems.polynomials import Gate, Polynomial, Tabulated
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.coarse_graining import MajorityRule
from lensmaker.systems.spins.formula import from_formula
from lensmaker.systems.spins.glasses import gaussian_glass
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, complete, square, triangular
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.systems.spins.sampling import HeatBath, Samples, sample
from lensmaker.systems.spins.surroundings import Surroundings
from lensmaker.theories import SPIN_THEORIES, THEORIES
from lensmaker.theories.boltzmann.exact_sum import ExactBoltzmann
from lensmaker.theories.boltzmann.plefka import Plefka
from lensmaker.theories.boltzmann.random_fields import RandomFields
from lensmaker.theories.criticality import ActivationLayer, Criticality
from lensmaker.theories.field_equation.theory import FieldEquation
from lensmaker.theories.fields.block_averages import BlockAverages
from lensmaker.theories.fields.naive_scaling import NaiveScaling
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.kernel_recursion.theory import KernelRecursion
from lensmaker.theories.markov.distillation import Distillation
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.point_spread.theory import PointSpread
from lensmaker.theories.polynomial_networks.gates import ProductGate, best_gate
from lensmaker.theories.polynomial_networks.linear_flattening import LinearChain, LinearFlattening
from lensmaker.theories.polynomial_networks.theory import PolynomialNetworks
from lensmaker.theories.random_weights import RandomWeights
from lensmaker.theories.spins.bethe import Bethe
from lensmaker.theories.spins.block_information import BlockInformation
from lensmaker.theories.spins.critical_point import CriticalPoint
from lensmaker.theories.spins.decimation import Decimation
from lensmaker.theories.spins.elimination import Elimination
from lensmaker.theories.spins.enumeration import Enumeration
from lensmaker.theories.spins.ferdinand_fisher import FerdinandFisher
from lensmaker.theories.spins.kaufman import Kaufman
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE, Onsager
from lensmaker.theories.spins.strip import Strip
from lensmaker.theories.spins.weak_couplings import TAP, NaiveMeanField
from lensmaker.theories.variational_rg.kadanoff import Kadanoff
from lensmaker.theories.variational_rg.theory import VariationalRG

ROOT = Path(__file__).parent.parent.parent


class Patient(nn.Module):
    """A bit of everything, in training mode: dropout draws, batch norm moves its statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 8)
        self.attn = nn.MultiheadAttention(8, 2, dropout=0.2, batch_first=True)
        self.norm = nn.BatchNorm1d(8)
        self.drop, self.head = nn.Dropout(0.3), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.tanh(self.embed(x))
        x = (x + self.attn(x, x, x)[0]).mean(1)
        x = x + 0.0 * (random.random() + np.random.random() + torch.rand(()))  # noqa: NPY002
        return self.head(self.drop(self.norm(x).relu()))


def network(seed: int = 0) -> Network:
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(6, 5, 6, generator=generator), torch.randint(3, (6,), generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        model = Patient()
    model.embed.weight.grad = torch.ones(8, 6)
    model.head.weight.requires_grad_(False)
    return Network(model, (x, y), nn.functional.cross_entropy, seed=seed)


def images() -> Network:
    generator = torch.Generator().manual_seed(1)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        model = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 2)
        )
    return Network(model, torch.randn(4, 3, 12, 12, generator=generator))


def torus_of_samples() -> Samples:
    return sample(Canonical(ising(square(4)), 3.0), 200, rule=HeatBath(), seed=0)


def tori_of_samples() -> list[Samples]:
    at_T_c = [Canonical(ising(square(L)), CRITICAL_TEMPERATURE) for L in (4, 6, 8)]
    return [sample(system, 200, rule=HeatBath(), seed=0) for system in at_T_c]


def spins() -> Observed:
    drawn = np.random.default_rng(3).choice(np.array([-1, 1], np.int8), (200, 9))
    return observe(drawn, ising(square(3), h=0.1))


def machine() -> Subject:
    made = RestrictedBoltzmannMachine(8, 5)
    made.initialise(seed=0, scale=0.3)
    return Subject(made, made.random(20, torch.Generator().manual_seed(0)))


def fields() -> FieldStack:
    machines = [RestrictedBoltzmannMachine(*sizes) for sizes in ((36, 8), (8, 4))]
    for seed, made in enumerate(machines):
        made.initialise(seed=seed)
    return FieldStack(machines, square(6))


def machine_flow() -> MachineFlow:
    made = RestrictedBoltzmannMachine(16, 5)
    made.initialise(seed=0, scale=0.3)
    return MachineFlow(made, [torus_of_samples()])


def rbm_flow() -> RBMFlow:
    scale = [0.5, 1.0, 2.0, 4.0, 8.0]
    energy = Thermometer("energy", scale, [-2.0, -1.9, -1.7, -0.6, -0.2], [0.0] * 5)
    magnetisation = Thermometer("magnetisation", scale, [1.0, 0.9, 0.8, 0.4, 0.2], [0.0] * 5)
    return RBMFlow((energy, magnetisation), doublings=2)


def markov_chain() -> MarkovChain:
    flip = [[0.9, 0.1, 0.0], [0.1, 0.6, 0.3]]
    return MarkovChain.of([0.5, 0.5], [flip])


def letters() -> Seen:
    chain = markov_chain()
    return Seen(truncated(chain, 2), chain.sample(400, torch.Generator().manual_seed(0)))


def block_average() -> BlockAverage:
    return BlockAverage(GaussianField(36, (0.3, 1.0)), 3)


def averaged_fields() -> AveragedFields:
    return block_average().sample(20, torch.Generator().manual_seed(0))


def tabulated() -> Tabulated:
    x = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
    return Tabulated.of(x, x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] - x[:, 0], sides=(2, 2))


def coarsening() -> Coarsening:
    made = RestrictedBoltzmannMachine(9, 4)
    made.initialise(seed=0, scale=0.3)
    system = Canonical(ising(square(3)), 3.0)
    return Coarsening(made, system, sample(system, 400, rule=HeatBath(), seed=0))


@dataclass(frozen=True)
class Row:
    """How a member is made and what it studies; `silent` are declared quantities that this system lacks."""

    make: Callable[[], Any]
    system: Callable[[], Any]
    silent: frozenset[str] = frozenset()


TABLE: dict[type, Row] = {
    MeanField: Row(MeanField, network),
    FiniteWidth: Row(FiniteWidth, network),
    RandomWeights: Row(RandomWeights, network),
    Criticality: Row(Criticality, lambda: ActivationLayer("tanh", 1.5, 0.2)),
    KernelRecursion: Row(KernelRecursion, network),
    Enumeration: Row(Enumeration, lambda: Canonical(ising(square(3), h=0.1), 2.5)),
    Elimination: Row(Elimination, lambda: Canonical(blume_capel(square(8, 3), D=0.3), 2.5)),
    Strip: Row(Strip, lambda: Canonical(potts(square(60, 4), 3), 2.5)),
    Kaufman: Row(Kaufman, lambda: Canonical(ising(square(8)), 2.5)),
    Onsager: Row(Onsager, lambda: Canonical(ising(square(64)), 2.0)),
    FerdinandFisher: Row(FerdinandFisher, lambda: Canonical(ising(square(16)), CRITICAL_TEMPERATURE)),
    CriticalPoint: Row(CriticalPoint, lambda: Canonical(ising(square(64)), CRITICAL_TEMPERATURE)),
    Decimation: Row(Decimation, lambda: Canonical(ising(chain(16)), 1.0)),
    BlockInformation: Row(BlockInformation, lambda: Canonical(ising(square(12, 4)), 2.5)),
    Bethe: Row(Bethe, lambda: Canonical(ising(chain(9, periodic=False), h=0.2), 1.0)),
    NaiveMeanField: Row(NaiveMeanField, lambda: Canonical(ising(complete(50), J=0.02), 0.5)),
    TAP: Row(TAP, lambda: Canonical(gaussian_glass(complete(50), seed=0, J=0.14), 2.0)),
    ExactBoltzmann: Row(ExactBoltzmann, machine),
    Plefka: Row(Plefka, machine),
    Signals: Row(Signals, network),
    Saturation: Row(Saturation, network),
    AttentionEntropy: Row(AttentionEntropy, network),
    Gradients: Row(Gradients, network),
    Jacobian: Row(Jacobian, network, frozenset({"jacobian_max"})),
    Spectra: Row(Spectra, network),
    Ensemble: Row(Ensemble, torus_of_samples),
    CriticalExponents: Row(CriticalExponents, tori_of_samples),
    MaximumLikelihood: Row(MaximumLikelihood, spins),
    PseudoLikelihood: Row(PseudoLikelihood, spins),
    MinimumProbabilityFlow: Row(MinimumProbabilityFlow, spins),
    RandomFields: Row(lambda: RandomFields(3), fields),
    ReceptiveFields: Row(lambda: ReceptiveFields(3), fields),
    RBMFlow: Row(rbm_flow, machine_flow),
    MutualInformation: Row(
        lambda: MutualInformation(Surroundings(2, 0, 1), estimator=InfoNCE(ascent=Ascent(32, 20))),
        torus_of_samples,
    ),
    MachineEnsemble: Row(lambda: MachineEnsemble(Annealing(16, 20), columns=4, sweeps=40), machine),
    MonteCarloRG: Row(lambda: MonteCarloRG(MajorityRule()), torus_of_samples),
    RenormalisedCouplings: Row(lambda: RenormalisedCouplings(MajorityRule()), torus_of_samples),
    VariationalRG: Row(VariationalRG, coarsening),
    Kadanoff: Row(Kadanoff, lambda: Canonical(ising(square(8)), CRITICAL_TEMPERATURE)),
    VariationalMap: Row(VariationalMap, coarsening),
    Distillation: Row(Distillation, lambda: truncated(markov_chain(), 2)),
    KeptInformation: Row(KeptInformation, letters),
    PolynomialNetworks: Row(PolynomialNetworks, lambda: Polynomial.parse("2*x1*x2*x3*x4 - x1**3")),
    LinearFlattening: Row(LinearFlattening, lambda: LinearChain(64, rank=4, density=0.1)),
    ProductGate: Row(ProductGate, lambda: best_gate(nn.Tanh())),
    GateErrors: Row(lambda: GateErrors(51), lambda: Gate(nn.Softplus(), 0.0, 0.01, 0.25)),
    BlockAverages: Row(BlockAverages, block_average),
    NaiveScaling: Row(NaiveScaling, block_average),
    FieldSpectrum: Row(lambda: FieldSpectrum(q_max=2.0), averaged_fields),
    LearnedPolynomial: Row(lambda: LearnedPolynomial(shuffles=20), tabulated),
    LearnedHamiltonian: Row(lambda: LearnedHamiltonian(shuffles=20), spins),
    FieldEquation: Row(FieldEquation, images),
    PointSpread: Row(PointSpread, images),
    InputSpectrum: Row(InputSpectrum, images),
    FieldLawError: Row(FieldLawError, images),
    PointSpreadGradients: Row(PointSpreadGradients, images),
}

SPIN_SYSTEMS = {
    "torus": Canonical(ising(square(6)), 2.3),
    "infinitely hot": Canonical(ising(square(3)), float("inf")),
    "cold": Canonical(ising(square(6)), 0.05),
    "free spins": Canonical(ising(square(3), J=0.0), 1.0),
    "without terms": Canonical(hamiltonian(4, {}, {}), 1.0),
    "antiferromagnet in a field": Canonical(ising(triangular(4), -1.0, 0.5), 1.0),
    "chain": Canonical(ising(chain(12)), 0.7),
    "glass": Canonical(gaussian_glass(complete(12), seed=0), 1.0),
    "plaquettes": Canonical(from_formula("-K*s[i]*s[j]*s[k]*s[l]", square(4), K=1.0), 1.0),
    "large": Canonical(ising(square(128)), 2.0),
    "potts": Canonical(potts(square(6), 3), 1.0),
    "blume-capel": Canonical(blume_capel(chain(9)), 1.0),
}

MEMBERS = (*THEORIES, *INSTRUMENTS, *ABERRATIONS)
KNOWN = {q.name for q in QUANTITIES}


def by_name(members: Any) -> Any:
    return pytest.mark.parametrize("member", members, ids=lambda m: m.name)


def read(row: Row, system: Any) -> list[Any]:
    member = row.make()
    return list(member.predict(system) if hasattr(member, "predict") else member.measure(system))


# -- declared facts ---------------------------------------------------------------------------------


def test_names_are_unique_and_spelt_alike() -> None:
    names = [m.name for m in MEMBERS]
    assert len(set(names)) == len(names)
    assert [n for n in names if not re.fullmatch(r"[a-z][a-z_]*", n)] == []


def test_each_theory_and_instrument_has_a_row() -> None:
    assert set(TABLE) == {*THEORIES, *INSTRUMENTS}


@by_name(MEMBERS)
def test_the_summary_is_one_sentence(member: Any) -> None:
    assert re.fullmatch(r"[A-Z][^.\n]{10,120}\.", member.summary)


@by_name(MEMBERS)
def test_quantities_are_in_the_glossary(member: Any) -> None:
    declared = [member.quantity] if member in ABERRATIONS else member.quantities
    assert declared
    assert len(set(declared)) == len(declared)
    assert set(declared) <= KNOWN


@by_name(MEMBERS)
def test_references(member: Any) -> None:
    assert member.references
    keys = [r.key for r in member.references]
    assert len(set(keys)) == len(keys)
    for r in member.references:
        assert isinstance(r, Reference)
        assert re.fullmatch(r"[a-z]+(19|20)\d\d[a-z]{0,2}", r.key)
        assert str(r.year) in r.key
        assert r.venue or r.identifier


def test_a_key_means_the_same_entry_everywhere() -> None:
    entries: dict[str, set[Reference]] = {}
    for member in MEMBERS:
        for r in member.references:
            entries.setdefault(r.key, set()).add(r)
    assert {key: rivals for key, rivals in entries.items() if len(rivals) > 1} == {}


@by_name(THEORIES)
def test_assumptions_are_clauses(member: Any) -> None:
    assert member.assumptions
    assert [a for a in member.assumptions if not re.fullmatch(r"[^A-Z].+[^.]", a)] == []


@by_name(THEORIES)
def test_each_theory_has_a_page(member: Any) -> None:
    page = (ROOT / "docs" / "theory" / f"{member.name}.md").read_text(encoding="utf-8")
    assert page.startswith("# ")
    for r in member.references:
        assert r.identifier.removeprefix("arXiv:") in page or r.title in page, r


@by_name(ABERRATIONS)
def test_each_aberration_has_a_page_and_is_in_the_list(member: Any) -> None:
    folder = ROOT / "docs" / "aberrations"
    page = (folder / f"{member.name}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == [
        "What it looks like",
        "Why it happens, and what it harms",
        "The number that reveals it",
        "The correction",
        "Where it misleads",
    ]
    assert f"[{member.name}]({member.name}.md)" in (folder / "index.md").read_text(encoding="utf-8")


@by_name(ABERRATIONS)
def test_what_explains_an_aberration_is_one(member: Any) -> None:
    assert set(member.explained_by) <= {a.name for a in ABERRATIONS}


# -- behaviour --------------------------------------------------------------------------------------

by_row = by_name(list(TABLE))


@by_row
def test_it_says_what_it_declares_and_signs_it(member: Any) -> None:
    row = TABLE[member]
    found = read(row, row.system())
    assert {f.quantity.name for f in found} == set(member.quantities) - row.silent
    assert {getattr(f, "theory", None) or f.instrument for f in found} == {member.name}
    assert all(f.error >= 0 or f.error != f.error for f in found)


@by_name(SPIN_THEORIES)
def test_a_theory_of_spins_is_inside_its_regime_on_the_system_of_its_row(member: Any) -> None:
    row = TABLE[member]
    assert [f for f in read(row, row.system()) if not f.regime or f.value != f.value] == []


@by_name(SPIN_THEORIES)
@pytest.mark.parametrize("name", SPIN_SYSTEMS)
def test_a_theory_of_spins_answers_for_any_system_or_says_why_not(member: Any, name: str) -> None:
    """Each of its quantities, never an exception, and nothing but a number inside of its regime."""
    found = TABLE[member].make().predict(SPIN_SYSTEMS[name])
    if name not in ("potts", "blume-capel"):
        assert {f.quantity.name for f in found} == set(member.quantities)
    assert [f for f in found if f.regime and f.value != f.value] == []


@by_row
def test_no_place_is_read_twice(member: Any) -> None:
    row = TABLE[member]
    keys = [(f.quantity.name, f.where) for f in read(row, row.system())]
    assert len(set(keys)) == len(keys)


@by_row
def test_the_same_seed_gives_the_same_numbers(member: Any) -> None:
    """Whatever the global random states are."""
    row = TABLE[member]
    first = read(row, row.system())
    random.random(), np.random.random(), torch.rand(())  # noqa: NPY002
    assert repr(read(row, row.system())) == repr(first)


def test_the_patient_is_undisturbed() -> None:
    """Bitwise, global random states included.

    In an interpreter of its own: the type checker of the tests draws from Python's random numbers.
    """
    code = "import json; from conformance.test_members import disturbances; print(json.dumps(disturbances()))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    of_networks = {*ABERRATIONS, *(m for m, row in TABLE.items() if row.system in (network, images))}
    assert set(found) == {m.name for m in of_networks}
    assert {name: changed for name, changed in found.items() if changed} == {}


def disturbances() -> dict[str, list[str]]:
    """Name of each member that studies networks → what it leaves changed."""
    found = {}
    for member, row in TABLE.items():
        if row.system in (network, images):
            system = row.system()
            before = state(system.model)
            read(row, system)
            found[member.name] = _changed(before, state(system.model))
    system = network()
    measurements, predictions = Jacobian().measure(system), MeanField().predict(system)
    train = system.whole
    evidence = Evidence(system, train, prescribe(train), predictions, measurements, Training.FRESH)
    for aberration in ABERRATIONS:
        before = state(system.model)
        aberration().look(evidence)
        found[aberration.name] = _changed(before, state(system.model))
    return found


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [name for name, value in after.items() if value != before[name]]


def state(model: nn.Module) -> dict[str, Any]:
    """Everything that an inspection might change, bit by bit."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {
        "bits": {n: (id(t), t.data_ptr(), t.detach().numpy().tobytes()) for n, t in tensors.items()},
        "versions": {n: p._version for n, p in model.named_parameters()},
        "asks": {n: t.requires_grad for n, t in tensors.items()},
        "gradients": {n: None if t.grad is None else t.grad.numpy().tobytes() for n, t in tensors.items()},
        "modes": {n: m.training for n, m in model.named_modules()},
        "hooks": {n: (len(m._forward_hooks), len(m._backward_hooks)) for n, m in model.named_modules()},
        "random": random.getstate(),
        "numpy": np.random.get_state()[1].tobytes(),  # noqa: NPY002
        "torch": torch.get_rng_state().numpy().tobytes(),
        "grad mode": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
    }
