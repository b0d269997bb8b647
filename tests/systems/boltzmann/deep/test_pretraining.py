"""Copies of layers against machines that are written out, and where a deep machine starts from a stack."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import Convolutional, Dense, Gaussian, Potts, Spin
from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine as Restricted
from lensmaker.systems.boltzmann.deep import (
    Copies,
    DeepBoltzmannMachine,
    DeepTraining,
    ExactDeep,
    ExactDeepMoments,
    Given,
    fit_deep,
    pretrain,
)
from lensmaker.systems.boltzmann.deep.pretrain import _compose
from lensmaker.systems.boltzmann.phases import ExactMoments
from lensmaker.systems.boltzmann.training import RestrictedLearner, Rule, Training

DATA = (torch.rand(120, 5, generator=torch.Generator().manual_seed(0)) < 0.4).float()


@pytest.mark.parametrize("copies", [(2, 1), (1, 2), (2, 3)], ids=str)
def test_copies_are_a_machine_of_a_matrix_in_blocks(copies: tuple[int, int]) -> None:
    """The same energies; and an update of what is shared is the sum of those of all blocks."""
    low, high = copies
    generator = torch.Generator().manual_seed(0)
    W, a, b = (torch.randn(shape, generator=generator).double() for shape in ((3, 2), (3,), (2,)))
    inner = Dense(3, 2, dtype=torch.float64)
    one = Restricted(3 * low, 2 * high, Copies(inner, low, high))
    two = Restricted(3 * low, 2 * high, dtype=torch.float64)
    inner.parameter.data, two.weights.parameter.data = W.clone(), W.repeat(low, high)
    for m in (one, two):
        m.visible_bias.data, m.hidden_bias.data = a.repeat(low), b.repeat(high)
    v, h = (layer.configurations() for layer in (one.visible, one.hidden))
    assert torch.allclose(one.energy(v[-4:], h[:4]), two.energy(v[-4:], h[:4]), rtol=1e-12)
    assert torch.allclose(one.free_energy(v), two.free_energy(v), rtol=1e-12)
    assert torch.allclose(one.hidden_free_energy(h), two.hidden_free_energy(h), rtol=1e-12)
    data = (torch.rand(30, 3, generator=generator) < 0.4).double().repeat(1, low)
    for m in (one, two):
        RestrictedLearner(m, ExactMoments(), Rule(), torch.Generator(), len(data)).update(data, 0.01)
    blocks = (two.weights.parameter.detach() - W.repeat(low, high)).view(low, 3, high, 2)
    assert torch.allclose(inner.parameter.detach() - W, blocks.sum((0, 2)), rtol=1e-9)
    for found, start, written, count in (
        (one.visible_bias, a, two.visible_bias, low),
        (one.hidden_bias, b, two.hidden_bias, high),
    ):
        change = (written.detach() - start.repeat(count)).view(count, -1).sum(0)
        assert torch.allclose(found.detach() - start.repeat(count), change.repeat(count), rtol=1e-9)


@pytest.mark.parametrize("copies", [(2, 1), (1, 2), (2, 3)], ids=str)
def test_centred_learning_of_copies_does_not_know_what_states_are_called(copies: tuple[int, int]) -> None:
    low, high = copies
    generator = torch.Generator().manual_seed(0)
    W = 0.5 * torch.randn(3, 2, generator=generator).double()
    data = (torch.rand(50, 3, generator=generator) < 0.3).double().repeat(1, low)
    found = []
    for sign, rows in ((1, data), (-1, 1 - data)):
        m = Restricted(3 * low, 2 * high, Copies(Dense(3, 2, dtype=torch.float64), low, high))
        m.weights.parameter.data.copy_(sign * W)
        if sign < 0:  # v → 1 − v
            m.hidden_bias.data = low * W.sum(0).repeat(high)
        learner = RestrictedLearner(
            m, ExactMoments(), Rule(centering=True, slide=1.0), torch.Generator(), len(rows)
        )
        for _ in range(10):
            learner.update(rows, 0.05)
        found.append(m.weights.parameter.detach())
    assert torch.allclose(found[0], -found[1], rtol=1e-9)


def test_a_stack_becomes_a_machine() -> None:
    """Each number by hand: halves in between, means of biases."""
    m = DeepBoltzmannMachine(5, 4, 3, 2)
    captured: list[Restricted] = []
    generator = torch.Generator().manual_seed(0)
    for low, high, share in ((5, 4, (2, 1)), (4, 3, (1, 1)), (3, 2, (1, 2))):
        inner = Dense(low, high)
        made = Restricted(
            low * share[0], high * share[1], Copies(inner, *share) if share != (1, 1) else inner
        )
        inner.parameter.data = torch.randn(low, high, generator=generator)
        made.visible_bias.data = torch.randn(low, generator=generator).repeat(share[0])
        made.hidden_bias.data = torch.randn(high, generator=generator).repeat(share[1])
        captured.append(made)
    _compose(m, captured)
    one, two, three = captured
    for w, source, factor in zip(m.weights, captured, (1.0, 0.5, 1.0), strict=True):
        assert torch.equal(w.parameter, factor * source.weights.parameter)
    wanted = [
        one.visible_bias[:5],
        (one.hidden_bias + two.visible_bias) / 2,
        (two.hidden_bias + three.visible_bias) / 2,
        three.hidden_bias[:2],
    ]
    for bias, want in zip(m.biases, wanted, strict=True):
        assert torch.allclose(bias, want)


def clusters(visible: int | Gaussian | Potts) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    side = 2.0 * (torch.rand(200, 1, generator=generator) < 0.5).float() - 1
    fields = side * 2.5 * torch.tensor([1.0, -1, 1, -1, 1, -1])
    if isinstance(visible, int):
        return (torch.rand(200, visible, generator=generator) < torch.sigmoid(fields[:, :visible])).float()
    return visible.sample(fields[:, : visible.size], generator)


@pytest.mark.parametrize(
    ("visible", "above"),
    [
        (5, (3,)),
        (Potts(2, q=3), (3, Spin(3), 2)),
        pytest.param(Gaussian(4, variance=0.5), (3,), marks=pytest.mark.slow),
        pytest.param(Potts(2, q=3), (3,), marks=pytest.mark.slow),
        pytest.param(5, (3, Spin(3), 2), marks=pytest.mark.slow),
        pytest.param(Gaussian(4, variance=0.5), (3, Spin(3), 2), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_it_is_a_start(visible: int | Gaussian | Potts, above: tuple[int | Spin, ...]) -> None:
    """The exact likelihood against that of independent units, after a little training by the exact gradient.

    At once it is better for two layers alone: of eight seeds each, deeper ones began worse for one to four.
    """
    data = clusters(visible)
    m = DeepBoltzmannMachine(visible, *above)
    m.initialise(seed=0, scale=0.0, data=data)
    start = float(ExactDeep(m).log_likelihood(data[:40]).mean())
    rule = Rule(centering=True)
    histories = pretrain(m, data, Training(epochs=100, batch=20, learning_rate=0.1, rule=rule), scale=0.1)
    assert len(histories) == len(above)
    if len(above) == 1:
        assert float(ExactDeep(m).log_likelihood(data[:40]).mean()) > start + 0.4
    exact = DeepTraining(epochs=30, batch=20, learning_rate=0.05, rule=rule, phase=ExactDeepMoments())
    fit_deep(m, data, exact)
    assert float(ExactDeep(m).log_likelihood(data[:40]).mean()) > start + 0.5


@pytest.mark.parametrize("given", Given)
def test_it_goes_on_bit_for_bit(given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(epochs=3, batch=9, rule=Rule(momentum=0.5, centering=True))
    whole, again = (DeepBoltzmannMachine(5, 4, 3, 2) for _ in range(2))
    pretrain(whole, DATA, training, given=given)
    real, calls = RestrictedLearner.update, iter(range(10**6))

    def cut(self: RestrictedLearner, v: torch.Tensor, rate: float) -> None:
        if next(calls) == 60:  # of 3 × 14 each
            raise KeyboardInterrupt
        real(self, v, rate)

    monkeypatch.setattr(RestrictedLearner, "update", cut)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        pretrain(DeepBoltzmannMachine(5, 4, 3, 2), DATA, training, given=given, folder=tmp_path)
    monkeypatch.setattr(RestrictedLearner, "update", real)
    pretrain(again, DATA, training, given=given, folder=tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), whole.parameters(), strict=True))
    assert len(list(tmp_path.iterdir())) == 3


def test_what_cannot_be_is_one_sentence() -> None:
    torus = [Convolutional((5,), (2,), filters=1), Dense(5, 2)]
    with pytest.raises(InputError, match="matrices of weights, but got convolutional, dense weights"):
        pretrain(DeepBoltzmannMachine(5, 5, 2, weights=torus), DATA)
    with pytest.raises(InputError, match="weights without a symmetry, but got convolutional"):
        Copies(torus[0], 2, 1)
    with pytest.raises(InputError, match="data of 5 numbers a row"):
        pretrain(DeepBoltzmannMachine(5, 4, 3), DATA[:, :4])
    with pytest.raises(InputError, match="data of 0, 1"):
        pretrain(DeepBoltzmannMachine(5, 4, 3), DATA * 0.5)
