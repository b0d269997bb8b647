"""Estimates against what brute force says, bounds against their definitions, errors against repetition.

Statistical tests have fixed seeds and four standard errors: a false alarm in 16,000 for each comparison.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from exact.information import information, of_two_spins
from exact.spin_states import distribution, states
from lensmaker.core import Convergence, InputError, Verdict, compare
from lensmaker.instruments.information import (
    Ascent,
    BiasCorrection,
    Concatenated,
    Counting,
    DonskerVaradhan,
    Estimator,
    InfoNCE,
    MutualInformation,
    NeuralBound,
    Pairs,
    Separable,
    pairs_of,
)
from lensmaker.instruments.information.neural import _summed
from lensmaker.systems.spins import Canonical, chain, gaussian_glass, ising, sample, square
from lensmaker.systems.spins.coarse_graining import DecimationRule, MajorityRule, repeated
from lensmaker.systems.spins.sampling import HeatBath, Samples
from lensmaker.systems.spins.surroundings import Surroundings
from lensmaker.theories.spins.block_information import BlockInformation

SYSTEM = Canonical(ising(square(3, 4)), 2.5)
AROUND = Surroundings(2, 0, None)
BLOCK = [0, 1, 4, 5]
BEYOND = [2, 3, 6, 7, 8, 9, 10, 11]
QUICK = Ascent(128, 200, 0.02)
BOUNDS = [
    InfoNCE(Separable(16, 1), QUICK),
    InfoNCE(Concatenated(8, 1), QUICK),
    DonskerVaradhan(Separable(16, 1), QUICK),
]


def independent(system: Canonical, rows: int, seed: int) -> torch.Tensor:
    """Draws from the exact distribution, (1, rows, sites)."""
    p, rng = distribution(system), np.random.default_rng(seed)
    return torch.from_numpy(states(system.sites)[rng.choice(len(p), rows, p=p)])[None]


def drawn(rows: int, seed: int) -> Pairs:
    s = independent(SYSTEM, rows, seed)
    return Pairs(s[:, :, None, BLOCK], s[:, :, None, BEYOND])


def test_the_sets_of_the_test_are_those_of_the_block() -> None:
    lattice = SYSTEM.hamiltonian.lattice
    assert lattice is not None
    assert AROUND.block(lattice).tolist() == BLOCK
    assert AROUND.environment(lattice).tolist() == BEYOND


def test_counts_are_those_of_the_formula() -> None:
    x = torch.tensor([1, 1, 1, -1, -1, 1, -1, 1]).view(1, 8, 1, 1)
    y = torch.tensor([1, 1, -1, -1, -1, 1, 1, 1]).view(1, 8, 1, 1)
    p = {(1, 1): 4 / 8, (1, -1): 1 / 8, (-1, 1): 1 / 8, (-1, -1): 2 / 8}
    alone = {1: 5 / 8, -1: 3 / 8}
    expected = sum(q * math.log(q / (alone[a] * alone[b])) for (a, b), q in p.items())
    plain = Counting(BiasCorrection.NONE).estimate(Pairs(x, y), seed=0)
    assert plain.value == pytest.approx(expected, rel=1e-12)
    assert Counting(BiasCorrection.MILLER_MADOW).estimate(Pairs(x, y), seed=0).bias == pytest.approx(1 / 16)


def test_the_bias_is_taken_off_and_the_error_is_that_of_repetition() -> None:
    """60 draws of 1000 rows: what is left of the bias is within four errors of 0, or a tenth of what it was."""
    truth = information(SYSTEM, BLOCK, [2, 6])
    found = {c: [] for c in BiasCorrection}
    for seed in range(60):
        s = independent(SYSTEM, 1000, seed)
        pairs = Pairs(s[:, :, None, BLOCK], s[:, :, None, [2, 6]])
        for correction, each in found.items():
            each.append(Counting(correction).estimate(pairs, seed=0))
    values = {c: np.array([f.value for f in each]) for c, each in found.items()}
    raw = values[BiasCorrection.NONE].mean() - truth
    assert raw == pytest.approx((16 * 4 - 16 - 4 + 1) / 2000, rel=0.25)
    for correction in (BiasCorrection.MILLER_MADOW, BiasCorrection.JACKKNIFE):
        spread = values[correction].std(ddof=1)
        assert abs(values[correction].mean() - truth) < max(4 * spread / 60**0.5, raw / 10)
        told = np.mean([f.error for f in found[correction]])
        assert told == pytest.approx(spread, rel=0.37)  # it to 9 %, four standard errors


def test_too_few_rows_for_their_states_are_said() -> None:
    found = Counting().estimate(drawn(300, 0), seed=0)
    assert found.convergence is Convergence.UNDERSAMPLED


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda b: f"{b.name}-{type(b.critic).__name__}")
def test_a_bound_is_below_the_truth_and_near(bound: NeuralBound) -> None:
    truth = information(SYSTEM, BLOCK, BEYOND)
    found = bound.estimate(drawn(6000, 5), seed=1)
    assert 0.9 * truth - 4 * found.error < found.value < truth + 4 * found.error
    assert found.error < 0.1 * truth
    assert found.convergence is Convergence.CONVERGED


@pytest.mark.parametrize("estimator", [*BOUNDS[::2], Counting()], ids=lambda b: b.name)
def test_what_is_independent_tells_nothing(estimator: Estimator) -> None:
    """A critic that learned by heart gains nothing on rows that it has not seen."""
    one, other = independent(SYSTEM, 4000, 1), independent(SYSTEM, 4000, 2)
    pairs = Pairs(one[:, :, None, BLOCK], other[:, :, None, [2, 3]])
    found = estimator.estimate(pairs, seed=0)
    assert found.value < 4 * found.error


def scores_and_labels() -> tuple[torch.Tensor, np.ndarray]:
    s = torch.randn(12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    return s, np.array([0, 1, 2] * 4)


def by_hand(s: np.ndarray, kind: str) -> float:
    n = len(s)
    own = np.diag(s).mean()
    if kind == "infonce":
        return own - np.mean([math.log(np.exp(row).mean()) for row in s])
    return own - math.log(np.exp(s)[~np.eye(n, dtype=bool)].mean())


@pytest.mark.parametrize("kind", [InfoNCE, DonskerVaradhan], ids=lambda k: k.name)
def test_a_bound_is_its_definition_with_and_without_a_block_of_time(kind: type[NeuralBound]) -> None:
    s, label = scores_and_labels()
    sums = [_summed(s, label, 3)]
    assert kind().value(sums, [label], None) == pytest.approx(by_hand(s.numpy(), kind.name), rel=1e-12)
    assert float(kind().bound(s)) == pytest.approx(by_hand(s.numpy(), kind.name), rel=1e-12)
    for g in range(3):
        kept = label != g
        expected = by_hand(s.numpy()[kept][:, kept], kind.name)
        assert kind().value(sums, [label], g) == pytest.approx(expected, rel=1e-12)


def test_a_ceiling_is_said() -> None:
    """Eight bits that are known are 5.5 nats, and a batch of 32 can show 3.5."""
    x = 2 * torch.randint(2, (1, 3000, 1, 8), generator=torch.Generator().manual_seed(0)) - 1
    found = InfoNCE(Separable(32, 1, 32), Ascent(32, 300, 0.01)).estimate(Pairs(x, x), seed=0)
    assert found.value <= found.ceiling == pytest.approx(math.log(33), abs=0.06)
    assert found.convergence is Convergence.AT_CEILING
    uneven = DonskerVaradhan(Separable(32, 1, 32), Ascent(32, 300, 0.01)).estimate(Pairs(x, x), seed=0)
    assert uneven.convergence is Convergence.UNEVEN


def test_a_climb_that_was_cut_off_is_said() -> None:
    found = InfoNCE(Separable(8, 1), Ascent(64, 100, 1e-3)).estimate(drawn(4000, 5), seed=1)
    assert found.convergence is Convergence.ITERATION_LIMIT


@pytest.mark.parametrize("estimator", [Counting(), InfoNCE(Separable(8, 1), QUICK)], ids=lambda e: e.name)
def test_errors_know_how_long_samples_remember(estimator: Estimator) -> None:
    """Each row sixteen times in a row is as few rows as there are."""
    s = independent(SYSTEM, 1000, 3)
    again = s.repeat_interleave(16, 1)
    few, many = (
        estimator.estimate(Pairs(t[:, :, None, [0]], t[:, :, None, [1]]), seed=0) for t in (s, again)
    )
    assert many.error == pytest.approx(few.error, rel=0.5)


def test_chains_too_short_for_their_memory_are_said() -> None:
    s = independent(SYSTEM, 12, 3).repeat_interleave(100, 1)
    found = Counting().estimate(Pairs(s[:, :, None, [0]], s[:, :, None, [1]]), seed=0)
    assert found.convergence is Convergence.SERIES_TOO_SHORT


# -- from samples -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ring() -> Samples:
    return sample(Canonical(ising(chain(12)), 1.2), 6000, rule=HeatBath(), seed=4)


def test_pairs_are_the_sites_in_the_order_of_chains(ring: Samples) -> None:
    around = Surroundings(3, 1, 2)
    pairs = pairs_of(ring, around, None, torch.Generator(), copies=4)
    s = ring.by_chain()
    for copy, start in enumerate((0, 3, 6, 9)):
        assert torch.equal(pairs.x[:, :, copy], s[..., [(start + k) % 12 for k in range(3)]])
        beyond = [(start + k) % 12 for k in (4, 5, -3, -2)]  # in the same order seen from each block
        assert torch.equal(pairs.y[:, :, copy], s[..., beyond])
    blocks = pairs_of(ring, around, MajorityRule(3), torch.Generator(), copies=4)
    assert torch.equal(blocks.x[..., 0], pairs.x.sum(-1).sign().to(torch.int8))
    corner = pairs_of(ring, Surroundings(4, 0, 1, (4,)), repeated(DecimationRule(), 2), torch.Generator())
    assert torch.equal(corner.x[:, :, 0, 0], s[..., 4])


@pytest.mark.parametrize("rule", [None, MajorityRule(3)], ids=str)
def test_prediction_and_measurement_stand_side_by_side(ring: Samples, rule: MajorityRule | None) -> None:
    around = Surroundings(3, 1, 1)
    found = MutualInformation(around, rule, Counting(), copies=4).measure(ring)
    pairs, alone, left = compare(BlockInformation(around, rule).predict(ring.system), found)
    assert (len(pairs), len(alone), len(left)) == (1, 0, 0)
    assert pairs[0].verdict is Verdict.AGREES
    assert pairs[0].measurement.error < 0.02
    wrong = BlockInformation(Surroundings(3, 1, 1), rule).predict(Canonical(ising(chain(12)), 1.0))[0]
    assert abs(wrong.value - pairs[0].measurement.value) > 4 * pairs[0].measurement.error


def test_two_spins_of_a_ring(ring: Samples) -> None:
    """Half the ring apart, where the environment is one spin: closed form."""
    t = math.tanh(1 / 1.2) ** 6
    found = MutualInformation(Surroundings(1, 5, 1), None, Counting(), copies=12).measure(ring)[0]
    assert abs(found.value - of_two_spins(2 * t / (1 + t * t))) < 4 * found.error


def test_bad_input(ring: Samples) -> None:
    with pytest.raises(InputError, match="a rule that makes a spin of each block of side 3"):
        MutualInformation(Surroundings(3, 1, 1), MajorityRule(2)).measure(ring)
    with pytest.raises(InputError, match="1 to 4 copies, but got 5"):
        MutualInformation(Surroundings(3, 1, 1), copies=5).measure(ring)
    short = Samples(ring.spins[: 2 * ring.provenance.chains], ring.system, ring.provenance)
    with pytest.raises(InputError, match="chains of 12 steps or more"):
        MutualInformation(Surroundings(3, 1, 1)).measure(short)
    glass = sample(Canonical(gaussian_glass(chain(6), seed=0), 1.0), 60, rule=HeatBath(), seed=0)
    with pytest.raises(InputError, match="the same at every block"):
        MutualInformation(Surroundings(1, 1, 1), copies=2).measure(glass)
    with pytest.raises(InputError, match="62 spins or fewer"):
        Counting().estimate(Pairs(torch.ones(1, 9, 1, 1), torch.ones(1, 9, 1, 63)), seed=0)
    with pytest.raises(InputError, match="a batch of 8 or more"):
        Ascent(batch=2)
    with pytest.raises(InputError, match="a width and layers"):
        Separable(0)


def test_what_are_no_spins_is_refused() -> None:
    one = torch.ones(1, 9, 1, 1)
    with pytest.raises(InputError, match="pairs of finite numbers"):
        Pairs(one, one * math.nan)
    for wrong in (0 * one, 0.3 * one):
        with pytest.raises(InputError, match="spins of ±1 to count"):
            Counting().estimate(Pairs(one, wrong), seed=0)


@pytest.mark.parametrize("rule", [None, DecimationRule()], ids=str)
def test_pairs_of_the_plane_are_those_of_the_same_block(rule: DecimationRule | None) -> None:
    """Rows and columns apart: 4 × 8 sites, a block that begins at (2, 4), its corner and the sites to its right."""
    free = sample(Canonical(ising(square(4, 8)), 2.0), 200, rule=HeatBath(), seed=0)
    s = free.by_chain().unflatten(-1, (4, 8))
    pairs = pairs_of(free, Surroundings(2, 0, 1, (2, 4)), rule, torch.Generator())
    block = s[..., 2:4, 4:6].flatten(-2)
    assert torch.equal(pairs.x[:, :, 0], block if rule is None else block[..., :1])
    rows, columns = [1, 2, 3, 0], [3, 4, 5, 6]
    around = s[..., rows, :][..., columns]
    inside = torch.zeros(4, 4, dtype=torch.bool)
    inside[1:3, 1:3] = True
    ring = around[..., ~inside].sum(-1)
    assert torch.equal(pairs.y[:, :, 0].sum(-1), ring)
    every = pairs_of(free, Surroundings(2, 0, 1), rule, torch.Generator(), copies=8)
    corners = torch.stack([s[..., r, c] for r in (0, 2) for c in (0, 2, 4, 6)], -1)
    assert torch.equal(every.x[..., 0], corners)
