"""The sampler: what data decide, equal seeds, and the choice of a rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.numerics.autocorrelation import autocorrelation
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import HeatBath, Kawasaki, Metropolis, Sampler, Wolff, choose, sample
from lensmaker.systems.spins.sampling.chains import settled
from lensmaker.systems.spins.sampling.choice import trials

SYSTEM = Canonical(ising(square(3)), 3.0)


def exact_time(system: Canonical) -> float:
    """τ = ½ + Σ ρ(t) in sweeps of the heat bath, of the slower one of e and |m|, from the matrix of a sweep."""
    sweep = np.eye(2**system.sites)
    for step in exact.site_steps(system, lambda gain: 1 / (1 + math.exp(gain))):
        sweep = sweep @ step
    p, times = exact.distribution(system), []
    for f in (exact.energies(system), np.abs(exact.states(system.sites).sum(1)).astype(float)):
        f = f - p @ f
        rest = np.linalg.solve(np.eye(len(p)) - sweep + np.ones_like(sweep) * p, f)  # Σ_t P^t f
        times.append(float(p @ (f * rest)) / float(p @ f**2) - 0.5)
    return max(times)


def test_the_spacing_is_twice_the_exact_autocorrelation_time() -> None:
    """τ off by a factor of 2 is out: its own error is 7 % here, five of them are allowed."""
    want = exact_time(SYSTEM)
    for seed in range(3):
        facts = sample(SYSTEM, 16, rule=HeatBath(), seed=seed).provenance
        assert facts.tau == pytest.approx(want, rel=0.35)
        assert facts.thin == math.ceil(2 * facts.tau)


def test_the_spacing_leaves_samples_nearly_independent() -> None:
    """ρ(1) of samples 2τ apart is e^(−2) for one decay time; e^(−1) were τ half as long, e^(−4) were it double."""
    system = Canonical(ising(square(8)), 2.5)
    found = sample(system, 32_000, rule=HeatBath(), seed=0)
    m = np.abs(found.by_chain().double().mean(-1).numpy())
    m -= m.mean()
    rho = float((m[:, 1:] * m[:, :-1]).mean() / m.var())
    assert 0.07 < rho < 0.22
    assert autocorrelation(m).time < 0.75


def test_burn_in_is_twenty_times_and_the_start_forgotten() -> None:
    sampler = Sampler(Canonical(ising(square(8)), 2.3), HeatBath(), chains=16, seed=0)
    while not sampler.is_ready:
        sampler.prepare()
    assert sampler.facts["is_settled"]
    assert sampler.facts["burn_in"] >= 20 * sampler.facts["tau"]


def test_chains_that_cannot_settle_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far below T_c a hot start freezes in stripes, for longer than these four stages."""
    from lensmaker.systems.spins.sampling import sampler as module

    monkeypatch.setattr(module, "STAGES", 4)
    found = sample(Canonical(ising(square(32)), 0.3), 16, rule=Metropolis(), seed=3)
    assert not found.provenance.is_settled
    assert "burn-in was not shown to be enough" in str(found)


def test_a_drift_and_starts_that_differ_are_seen() -> None:
    noise = np.random.default_rng(0).normal(size=(2, 8, 256))
    assert settled(noise).is_reached
    assert not settled(noise + np.linspace(0, 0.5, 256)).is_reached
    apart = noise.copy()
    apart[1, ::2] += 0.5
    assert not settled(apart).is_reached


def test_equal_seeds_and_any_threads_give_equal_samples() -> None:
    one, two, other = (
        sample(SYSTEM, 100, rule=Metropolis(), seed=seed, threads=threads)
        for seed, threads in ((4, 1), (4, 2), (5, 1))
    )
    assert (one.spins == two.spins).all()
    assert one.provenance == two.provenance
    assert (one.spins != other.spins).any()


def test_samples_have_the_exact_distribution() -> None:
    """512 configurations of 3 × 3 spins; a false alarm of 1e-6. Samples 2τ apart count a little less than they are."""
    found = sample(SYSTEM, 40_000, rule=HeatBath(), seed=7, thin=30)
    counts = np.bincount(exact.number(found.spins.numpy()), minlength=512)
    assert exact.false_alarm(SYSTEM, counts, exact.distribution(SYSTEM)) > 1e-6


def test_kawasaki_stays_at_its_magnetisation() -> None:
    found = sample(Canonical(ising(square(4)), 3.0), 200, rule=Kawasaki(magnetisation=0.5), seed=0)
    assert (found.spins.sum(1) == 8).all()
    assert found.provenance.rule == "kawasaki(magnetisation=0.5)"


def test_the_choice_is_that_of_least_work_and_does_not_change() -> None:
    found = trials(SYSTEM, seed=0)
    assert found == trials(SYSTEM, seed=0)
    best = min(found, key=lambda t: (not t.is_settled, t.work))
    assert choose(SYSTEM, seed=0).name == best.rule
    assert choose(SYSTEM, seed=0, rules=(HeatBath,)).name == "heat_bath"


def test_rules_that_do_not_apply_are_not_chosen() -> None:
    in_a_field = Canonical(ising(square(3), h=0.1), 2.0)
    assert "wolff" not in {t.rule for t in trials(in_a_field, seed=0)}
    with pytest.raises(InputError, match="a system that some rule can sample"):
        choose(in_a_field, rules=(Wolff,))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n": 0}, "at least one sample, but got 0"),
        ({"chains": 0}, "at least one chain, but got 0"),
        ({"thin": 0}, "at least one sweep between samples, but got thin=0"),
        ({"burn_in": -1}, "a burn-in of no sweeps or more, but got -1"),
        ({"threads": 0}, "at least one thread, but got 0"),
    ],
)
def test_options_that_cannot_be(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        sample(SYSTEM, **{"n": 10, "seed": 0, "rule": HeatBath(), **options})
