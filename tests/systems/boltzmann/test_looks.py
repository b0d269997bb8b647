"""Log-likelihoods of rows, and the looks of the monitor: against enumeration, undisturbing, and taken up again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.systems.boltzmann import Binary, Exact, Gaussian, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.likelihood import Annealing, Integration, Method, Summation, log_likelihood
from lensmaker.systems.boltzmann.likelihood import log_likelihood as module
from lensmaker.systems.boltzmann.phases import ContrastiveDivergence, ModelPhase, TemperedChains
from lensmaker.systems.boltzmann.phases import PersistentContrastiveDivergence as Persistent
from lensmaker.systems.boltzmann.training import (
    LikelihoodMonitor,
    Looks,
    RestrictedLearner,
    Training,
    fit,
    mixing_time,
)
from lensmaker.systems.boltzmann.training.mixing import _directions
from systems.boltzmann.machines import bars, random_machine, trained

# -- log-likelihoods ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [None, Annealing(64, 100), Integration(17, 16, 300)], ids=str)
def test_the_log_likelihood_of_rows_is_that_of_enumeration(method: Method | None) -> None:
    """To 4 errors of ln Z; that of the rows is their standard deviation over √n."""
    m, data = trained(1, "bars", 1.0)
    told: list[tuple[str, int, int]] = []
    found = log_likelihood(m, data, seed=0, method=method, progress=lambda *x: told.append(x))
    each = Exact(m).log_likelihood(data)
    assert abs(found.value - float(each.mean())) < 4 * found.error + 1e-5
    assert found.spread == pytest.approx(float(each.std()), rel=1e-4)
    assert found.row_error == pytest.approx(found.spread / math.sqrt(20))
    assert found.total_error == pytest.approx(math.hypot(found.error, found.row_error))
    assert found.convergence is Convergence.CONVERGED
    low, high = found.interval()
    assert low <= found.value <= high
    assert high - low == pytest.approx(np.subtract(*found.log_partition.interval()[::-1]))
    assert bool(told) == (method is not None)
    assert "by the 20 rows" in str(found)


def test_rows_are_read_in_blocks_without_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    m = random_machine(0, 1.0).double()
    data = torch.rand(1000, 12, generator=torch.Generator().manual_seed(0)) < 0.5
    whole = log_likelihood(m, data.numpy(), seed=0)
    monkeypatch.setitem(module.__globals__, "BLOCK", 140)
    parts = log_likelihood(m, data.float(), seed=0)
    assert parts.value == pytest.approx(whole.value, rel=1e-12)
    assert parts.spread == pytest.approx(whole.spread, rel=1e-12)


def test_one_row_has_no_error_of_rows() -> None:
    found = log_likelihood(random_machine(0, 1.0), torch.zeros(1, 12), seed=0, method=Summation())
    assert math.isnan(found.row_error)


@pytest.mark.parametrize(
    ("rows", "message"),
    [(torch.full((3, 12), 0.5), "data of 0, 1"), (torch.zeros(3, 5), "data of 12 numbers a row")],
)
def test_rows_that_do_not_fit_are_refused(rows: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        log_likelihood(random_machine(0, 1.0), rows, seed=0)


# -- mixing ---------------------------------------------------------------------------------------


def test_the_mixing_time_of_one_pair_is_known() -> None:
    """One spin coupled to one: v′ = v with P = (1 + tanh² w)/2, so that ρ(t) = tanh^{2t} w and τ = ½ + x/(1 − x).

    F and the mean of v alike; |z| < 4.
    """
    m = RestrictedBoltzmannMachine(Spin(1), Spin(1))
    m.weights.parameter.data.fill_(1.0)
    m.visible_bias.data.fill_(0.0)
    x = math.tanh(1.0) ** 2
    found = mixing_time(m, torch.ones(1000, 1), sweeps=1000, generator=torch.Generator().manual_seed(0))
    assert found.convergence is Convergence.CONVERGED
    assert abs(found.value - (0.5 + x / (1 - x))) < 4 * found.error
    assert found.error < 0.01 * found.value
    assert "sweeps, of the" in str(found)


def test_a_series_that_is_too_short_says_so() -> None:
    m = RestrictedBoltzmannMachine(Spin(20), Spin(8), biased=False)
    m.weights.parameter.data.fill_(1.0)
    start = torch.ones(8, 20)
    start[::2] *= -1
    found = mixing_time(m, start, sweeps=100, generator=torch.Generator().manual_seed(0))
    assert found.convergence is Convergence.SERIES_TOO_SHORT
    assert math.isinf(found.error)
    assert "or more" in str(found)


def test_chains_that_all_stand_still_say_so() -> None:
    m = RestrictedBoltzmannMachine(Spin(4), Spin(2))
    m.visible_bias.data.fill_(100.0)
    found = mixing_time(m, torch.ones(8, 4), sweeps=20, generator=torch.Generator().manual_seed(0))
    assert found.convergence is Convergence.NEVER_VARIED
    assert math.isinf(found.error)


def test_the_leading_directions_are_those_of_the_singular_vectors() -> None:
    m = RestrictedBoltzmannMachine(20, 12)
    W = torch.randn(20, 12, generator=torch.Generator().manual_seed(0))
    U, S, V = torch.linalg.svd(W)
    S[:3] = torch.tensor([30.0, 20.0, 10.0])
    m.weights.parameter.data = U[:, :12] @ torch.diag(S) @ V
    m.requires_grad_(False)
    found = _directions(m, torch.Generator().manual_seed(1))
    assert torch.allclose((found * U[:, :3]).sum(0).abs(), torch.ones(3), atol=1e-4)


# -- the monitor ----------------------------------------------------------------------------------

DATA = bars().repeat(10, 1)
LOOKS = Looks(log_likelihood=2, mixing=3, runs=32, steps=60, chains=8, sweeps=40)


def wide(data: Tensor = DATA) -> RestrictedBoltzmannMachine:
    """Too wide for the sum: 18 hidden units and 20 visible ones, eight of which are no data's."""
    m = RestrictedBoltzmannMachine(Binary(20), Binary(18))
    m.initialise(seed=0, scale=0.1, data=torch.nn.functional.pad(data, (0, 8)))
    return m


PADDED = torch.nn.functional.pad(DATA, (0, 8))


@pytest.mark.parametrize(
    "phase",
    [
        Persistent(),
        pytest.param(TemperedChains(chains=10, levels=4), marks=pytest.mark.slow),
        pytest.param(ContrastiveDivergence(), marks=pytest.mark.slow),
    ],
    ids=lambda p: p.name,
)
def test_looks_come_when_they_should_and_hold_the_exact_value(phase: ModelPhase) -> None:
    """After epochs 2, 4, 6, 8 and 3, 6, 9; the last interval has the exact value, widened to a false alarm of 1e-4."""
    m = wide()
    training = Training(epochs=9, batch=20, learning_rate=0.1, phase=phase, looks=LOOKS)
    readings = fit(m, PADDED[:150], training, held_out=PADDED[150:]).readings
    assert [r.epoch for r in readings if not math.isnan(r.log_likelihood)] == [2, 4, 6, 8]
    assert [r.epoch for r in readings if not math.isnan(r.mixing_time)] == [3, 6, 9]
    again = wide()
    fit(
        again,
        PADDED[:150],
        Training(epochs=8, batch=20, learning_rate=0.1, phase=phase),
        held_out=PADDED[150:],
    )
    exact, last = Exact(again), readings[7]
    want = float(exact.log_likelihood(PADDED[:150]).mean())
    assert math.isfinite(last.log_likelihood_error)
    assert last.log_likelihood_low < last.log_likelihood < last.log_likelihood_high
    assert abs(last.log_likelihood - want) < 4 * last.log_likelihood_error + 1e-4
    other = float(exact.log_likelihood(PADDED[150:]).mean())
    assert last.held_out_log_likelihood - other == pytest.approx(last.log_likelihood - want, abs=1e-4)


def test_who_is_looked_at_does_not_know() -> None:
    """The same machine bit for bit, with looks and without."""
    one, two = wide(), wide()
    fit(one, PADDED, Training(epochs=4, batch=20, looks=LOOKS))
    fit(two, PADDED, Training(epochs=4, batch=20))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


@pytest.mark.slow
def test_looks_of_a_training_taken_up_again_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(epochs=6, batch=20, learning_rate=0.1, looks=LOOKS)
    rows = str(fit(wide(), PADDED, training).rows())
    real, calls, path = RestrictedLearner.update, iter(range(10**6)), tmp_path / "m.safetensors"

    def cut(self: RestrictedLearner, v: Tensor, rate: float) -> None:
        if next(calls) == 33:
            raise KeyboardInterrupt
        real(self, v, rate)

    monkeypatch.setattr(RestrictedLearner, "update", cut)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        fit(wide(), PADDED, training, path=path)
    monkeypatch.setattr(RestrictedLearner, "update", real)
    assert str(fit(wide(), PADDED, training, path=path).rows()) == rows
    other = Training(epochs=6, batch=20, learning_rate=0.1, looks=Looks(log_likelihood=1))
    with pytest.raises(InputError, match="of another machine, data or option"):
        fit(wide(), PADDED, other, path=path)


def test_it_stops_by_the_log_likelihood_where_there_is_one() -> None:
    """Few rows are learned by heart: those held out get worse, by the exact sum, every second epoch."""
    generator = torch.Generator().manual_seed(0)
    rows = (torch.rand(40, 12, generator=generator) < 0.5).float()
    m = RestrictedBoltzmannMachine(12, 10)
    m.initialise(seed=0, scale=0.1, data=rows)
    training = Training(
        epochs=400, batch=10, learning_rate=0.2, patience=10, looks=Looks(log_likelihood=2, steps=5)
    )
    history = fit(m, rows[:20], training, held_out=rows[20:])
    assert "no better log-likelihood since epoch" in history.reason
    scores = [r.held_out_log_likelihood for r in history.readings if not math.isnan(r.log_likelihood)]
    best = max(range(len(scores)), key=scores.__getitem__)
    assert history.readings[-1].epoch == 2 * (best + 1) + 10
    assert history.reason.endswith(f"epoch {2 * (best + 1)}")
    assert history.readings[-1].log_likelihood == pytest.approx(
        float(Exact(m).log_likelihood(rows[:20]).mean()), rel=1e-5
    )


def test_a_look_that_cannot_be_trusted_judges_nothing() -> None:
    """Annealed in one step, up and down are apart: the error is infinite, and the interval has both ends."""
    data = trained(0, "bars", 1.0)[1]
    m = RestrictedBoltzmannMachine(Gaussian(40), Binary(30))
    m.weights.parameter.data = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    rows = torch.randn(50, 40, generator=torch.Generator().manual_seed(1))
    monitor = LikelihoodMonitor(m, rows, None, 0, Looks(log_likelihood=1, runs=8, steps=1))
    reading = monitor.read(1, len(data))
    assert math.isinf(reading.log_likelihood_error)
    assert math.isnan(monitor.score(reading))
    assert reading.log_likelihood_high - reading.log_likelihood_low > 2
    assert "pseudo-likelihood" in monitor.told(reading)
    assert str(monitor.again(reading.to_dict())) == str(reading)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Looks(log_likelihood=-1), "a number of readings of 0 or more"),
        (lambda: Looks(mixing=-2), "a number of readings of 0 or more"),
        (lambda: Looks(runs=1), "runs of 2 or more"),
        (lambda: Looks(sweeps=2), "sweeps of 8 or more"),
    ],
)
def test_looks_that_are_none_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=message):
        make()


def test_a_series_no_longer_than_memory_has_no_error() -> None:
    """Strongly coupled spins, of which chains do not forget a pattern: τ is not half of the series ± 2 %."""
    m = RestrictedBoltzmannMachine(Spin(30), Spin(6), biased=False)
    with torch.no_grad():
        pattern = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
        m.weights.parameter.copy_(0.5 * pattern.sign())
    start = torch.ones(32, 30)
    start[::2] *= -1
    found = mixing_time(m, start, sweeps=300, generator=torch.Generator().manual_seed(1))
    assert not math.isfinite(found.error)
    assert found.convergence is not Convergence.CONVERGED
