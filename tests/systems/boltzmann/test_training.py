"""Gradients against exact ones, and learning against a known distribution."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import (
    Convolutional,
    Exact,
    RestrictedBoltzmannMachine,
)
from lensmaker.systems.boltzmann.phases import (
    PHASES,
    ContrastiveDivergence,
    ExactMoments,
    ModelPhase,
    PersistentContrastiveDivergence,
    TemperedChains,
)
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Schedule, Training, fit
from lensmaker.systems.boltzmann.weights import Rounded
from systems.boltzmann.kinds import MACHINES, machine, some_data


def log_likelihood(m: RestrictedBoltzmannMachine, data: Tensor) -> float:
    return float(Exact(m).log_likelihood(data).mean())


BOTH_WAYS = pytest.mark.parametrize(
    ("kind", "centering"), [(k, c) for k in MACHINES for c in (False, True) if not (c and k == "unbiased")]
)


def test_machines_without_biases_are_not_centred() -> None:
    m = machine("unbiased")
    with pytest.raises(InputError, match="biases where learning is centred"):
        fit(m, some_data(m), Training(rule=Rule(centering=True)))


@BOTH_WAYS
def test_the_exact_update_goes_up_the_slope_of_the_likelihood(kind: str, centering: bool) -> None:
    """By differences of the likelihood along the change: centred, it is another direction, that rises as well."""
    m = machine(kind).double()
    data = some_data(m).double()
    rule, generator = Rule(centering=centering), torch.Generator().manual_seed(0)
    learner = RestrictedLearner(m, ExactMoments(), rule, generator, len(data))
    before = {n: p.detach().clone() for n, p in m.named_parameters()}
    learner.update(data, 1.0)
    change = {n: p.detach() - before[n] for n, p in m.named_parameters()}

    def at(step: float) -> float:
        for n, p in m.named_parameters():
            p.data = before[n] + step * change[n]
        return log_likelihood(m, data)

    slope = (at(1e-4) - at(-1e-4)) / 2e-4
    size = sum(float(c.square().sum()) for c in change.values())
    if kind == "convolutional":  # a bias of many sites is one number
        size = float(change["weights.parameter"].square().sum()) + sum(
            float(m.weights.alike(layer, change[f"{layer}_bias"])[:, 0].square().sum())
            for layer in ("visible", "hidden")
        )
    if centering:
        assert slope > 0
    else:
        assert slope == pytest.approx(size, rel=1e-5)


def test_centred_learning_does_not_know_what_the_states_are_called() -> None:
    """0 and 1 exchanged, with the parameters that this asks for: the machines stay each other's mirror."""
    generator = torch.Generator().manual_seed(0)
    data = (torch.rand(200, 6, generator=generator) < torch.tensor([0.1, 0.9, 0.5, 0.2, 0.8, 0.6])).double()
    one, two = (RestrictedBoltzmannMachine(6, 4, dtype=torch.float64) for _ in range(2))
    W = 0.3 * torch.randn(6, 4, generator=generator).double()
    one.weights.parameter.data = W.clone()
    two.weights.parameter.data = -W  # v → 1 − v
    two.hidden_bias.data = W.sum(0)
    for m, rows in ((one, data), (two, 1 - data)):
        learner = RestrictedLearner(
            m, ExactMoments(), Rule(centering=True, slide=1.0), torch.Generator(), 200
        )
        for _ in range(20):
            learner.update(rows, 0.2)
    assert torch.allclose(Exact(one).log_likelihood(data), Exact(two).log_likelihood(1 - data), rtol=1e-9)


@pytest.mark.parametrize("layer", ["visible", "hidden"])
def test_centred_learning_of_tied_weights_does_not_know_it_either(layer: str) -> None:
    """A bias of many sites is one number, and what centering takes from it counts once."""
    generator = torch.Generator().manual_seed(0)
    data = (torch.rand(100, 6, generator=generator) < 0.3).double()
    kernel = 0.3 * torch.randn(2, 1, 3, generator=generator).double()
    one, two = (
        RestrictedBoltzmannMachine(6, 12, Convolutional((6,), (3,), filters=2, dtype=torch.float64))
        for _ in range(2)
    )
    one.weights.parameter.data, two.weights.parameter.data = kernel.clone(), -kernel
    if layer == "visible":
        two.hidden_bias.data = kernel.sum((1, 2)).repeat_interleave(6)
    else:
        two.visible_bias.data += kernel.sum()
    mirrored = 1 - data if layer == "visible" else data
    assert torch.allclose(Exact(one).log_likelihood(data), Exact(two).log_likelihood(mirrored))
    for m, rows in ((one, data), (two, mirrored)):
        rule = Rule(centering=True, slide=1.0)
        learner = RestrictedLearner(m, ExactMoments(), rule, torch.Generator(), 100)
        for _ in range(20):
            learner.update(rows, 0.02)
        kinds = m.weights.alike("hidden", m.hidden_bias)
        assert torch.allclose(kinds, kinds[:, :1].expand_as(kinds), rtol=1e-12)
    assert torch.allclose(Exact(one).log_likelihood(data), Exact(two).log_likelihood(mirrored), rtol=1e-9)


@pytest.mark.parametrize(
    "phase",
    [
        PersistentContrastiveDivergence(steps=20, chains=4000),
        TemperedChains(chains=2000, levels=4, steps=20),
        ContrastiveDivergence(steps=40),
    ],
    ids=lambda p: p.name,
)
@pytest.mark.parametrize("kind", ["binary", "spin", "potts", "convolutional"])
def test_long_chains_estimate_the_exact_gradient(phase: ModelPhase, kind: str) -> None:
    """Each entry within 5 standard errors of some thousand samples."""
    m = machine(kind)
    for parameter in m.parameters():
        parameter.requires_grad_(False)
    data, changes = some_data(m, 4000), []
    for estimator in (phase, ExactMoments()):
        learner = RestrictedLearner(m, estimator, Rule(), torch.Generator().manual_seed(1), len(data))
        table = learner._table(data, len(data))
        changes.append([part.clone() for part in learner._slope(table, len(data))])
    sites = 6 if kind == "convolutional" else 1
    for found, want in zip(*changes, strict=True):
        assert float((found - want).abs().max()) < 5 * math.sqrt(sites / 2000)


def test_every_estimator_says_what_it_is_off_by() -> None:
    assert len({p.name for p in PHASES}) == len(PHASES) == 4
    for phase in PHASES:
        assert phase.bias
        assert phase.references


def test_a_machine_learns_the_distribution_of_bars() -> None:
    """Bars of 3 × 3, fourteen patterns: the likelihood comes near that of the data, −ln 14 = −2.64."""
    patterns = {tuple(np.repeat([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    patterns |= {tuple(np.tile([int(b) for b in f"{k:03b}"], 3)) for k in range(8)}
    data = torch.tensor(sorted(patterns), dtype=torch.float32)
    assert len(data) == 14
    m = RestrictedBoltzmannMachine(9, 8)
    m.initialise(seed=1, scale=0.1, data=data)
    start = log_likelihood(m, data)
    training = Training(
        epochs=1500,
        batch=14,
        learning_rate=Schedule(0.3, 0.02),
        phase=PersistentContrastiveDivergence(chains=100, steps=2),
        rule=Rule(momentum=0.5, centering=True),
    )
    history = fit(m, data, training)
    assert log_likelihood(m, data) > -3.3 > start
    assert history.reason == "all epochs are done"
    assert history.updates == 1500


def test_penalties_and_momentum() -> None:
    m = RestrictedBoltzmannMachine(4, 3, dtype=torch.float64)
    m.weights.parameter.data = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).double()
    W = m.weights.parameter.detach().clone()
    data = some_data(m, 10).double()
    plain, decayed = (RestrictedBoltzmannMachine(4, 3, dtype=torch.float64) for _ in range(2))
    for other, rule in ((plain, Rule()), (decayed, Rule(l1=0.3, l2=0.2))):
        other.load_state_dict(m.state_dict())
        RestrictedLearner(other, ExactMoments(), rule, torch.Generator(), 10).update(data, 0.1)
    difference = decayed.weights.parameter - plain.weights.parameter
    assert torch.allclose(difference.detach(), -0.1 * (0.3 * W.sign() + 0.2 * W), rtol=1e-9)
    learner = RestrictedLearner(m, ExactMoments(), Rule(momentum=0.9), torch.Generator(), 10)
    learner.update(data, 0.1)
    assert learner.change is not None
    first = learner.change.weights.clone()
    learner.rule = Rule(momentum=0.9)
    at = m.weights.parameter.detach().clone()
    learner.update(data, 1e-30)
    assert torch.allclose(m.weights.parameter.detach() - at, 0.9 * first, rtol=1e-9)


@pytest.mark.parametrize("centering", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
@pytest.mark.parametrize("phase", [p() for p in PHASES if p is not ExactMoments], ids=lambda p: p.name)
def test_a_change_made_in_place_is_that_of_the_slope(
    phase: ModelPhase, momentum: float, centering: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways to an update, with penalties, and with batches of two sizes."""
    found, rule = [], Rule(momentum=momentum, centering=centering, l1=0.01, l2=0.1)
    data = some_data(machine("binary"), 20).double()
    for by_slope in (False, True):
        m = copy.deepcopy(machine("binary")).double()
        monkeypatch.setattr(RestrictedLearner, "_needs_slope", by_slope)
        learner = RestrictedLearner(m, phase, rule, torch.Generator().manual_seed(3), 12)
        for batch in (data[:12], data[12:], data[:12]):
            learner.update(batch, 0.1)
        found.append([p.detach() for p in m.parameters()])
    for one, two in zip(*found, strict=True):
        assert torch.allclose(one, two, rtol=1e-12, atol=1e-12)


def test_rounded_operands_learn_nearly_the_same() -> None:
    """The mean change of 50 batches: bfloat16 rounds terms by up to 2⁻⁸, and W keeps its precision."""
    changes = []
    for operands in (None, torch.bfloat16):
        m = copy.deepcopy(machine("binary"))
        before = m.weights.parameter.detach().clone()
        learner = RestrictedLearner(
            m, ContrastiveDivergence(), Rule(), torch.Generator().manual_seed(3), 500, operands
        )
        data = some_data(m, 500)
        for _ in range(50):
            learner.update(data, 1e-3)
        changes.append(m.weights.parameter.detach() - before)
        assert m.weights.parameter.dtype == torch.float32
    assert not torch.equal(*changes)
    assert float((changes[0] - changes[1]).norm() / changes[0].norm()) < 0.1


def test_rounded_factors_are_those_of_the_weights_as_they_are() -> None:
    m, v = machine("binary"), some_data(machine("binary"), 20)
    low = Rounded(m.weights, torch.bfloat16)
    for _ in range(2):
        with torch.no_grad():
            m.weights.parameter.add_(1.0)
        wide = m.weights.parameter.detach().bfloat16().double()
        assert torch.allclose(
            low.up(v, m.hidden_bias).double(), v.double() @ wide + m.hidden_bias, rtol=2**-7
        )
        h = torch.ones(20, m.hidden.size)
        assert torch.allclose(
            low.down(h, m.visible_bias).double(), h.double() @ wide.t() + m.visible_bias, rtol=2**-7
        )


@pytest.mark.parametrize("phase", [p() for p in PHASES if p is not ExactMoments], ids=lambda p: p.name)
def test_a_slope_is_the_difference_of_means_over_rows(phase: ModelPhase) -> None:
    m = copy.deepcopy(machine("binary")).double()
    data = some_data(m, 20).double()
    learner = RestrictedLearner(m, phase, Rule(), torch.Generator().manual_seed(3), 12)
    with torch.no_grad():
        table = learner._table(data, len(data))
        slope, rows = learner._slope(table, len(data)), table.visible
        assert torch.equal(rows[:20], data)
        given = rows[20:]
        below, above = (m.hidden.mean(m.hidden_field(part)) for part in (given, data))
    want = (
        data.mean(0) - given.mean(0),
        above.mean(0) - below.mean(0),
        data.t() @ above / len(data) - given.t() @ below / len(given),
    )
    for found, expected in zip(slope, want, strict=True):
        assert torch.allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_rounded_operands_that_cannot_be_are_refused() -> None:
    m = machine("convolutional")
    with pytest.raises(InputError, match="dense weights for rounded operands"):
        fit(m, some_data(m, 10), Training(operands=torch.bfloat16))
    m = machine("binary")
    with pytest.raises(InputError, match="operands of bfloat16 or float16"):
        fit(m, some_data(m, 10), Training(operands=torch.int8))


@BOTH_WAYS
def test_nothing_is_read_of_buffers_that_were_never_written(
    kind: str, centering: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(self: Tensor, shape: tuple[int, ...]) -> Tensor:
        return self.new_full(shape, math.nan)

    monkeypatch.setattr(Tensor, "new_empty", poisoned)
    m = machine(kind)
    learner = RestrictedLearner(
        m, PersistentContrastiveDivergence(), Rule(centering=centering), torch.Generator(), 8
    )
    for _ in range(2):
        learner.update(some_data(m, 8), 0.01)
    assert all(bool(torch.isfinite(p).all()) for p in m.parameters())
