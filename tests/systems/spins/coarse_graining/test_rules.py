"""Coarse-grainers against their definitions, written out block by block."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins import chain, cubic, honeycomb, hypercubic, square, triangular
from lensmaker.systems.spins.coarse_graining import (
    BLOCK_RULES,
    BlockRule,
    DecimationRule,
    FunctionRule,
    LearnedFilter,
    MajorityRule,
    TunableMajority,
    coarse_lattice,
    repeated,
)
from lensmaker.systems.spins.lattices import Lattice

LATTICES = (
    chain(12),
    square(6, 12),
    square(6, 6, periodic=False),
    cubic(6),
    hypercubic((6, 6, 6, 6)),
    triangular(6),
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def spins_on(lattice: Lattice, n: int) -> torch.Tensor:
    return 2 * torch.randint(2, (n, lattice.sites), generator=generator(7), dtype=torch.int8) - 1


def blocks_of(lattice: Lattice, b: int) -> list[list[int]]:
    """The sites of each block, from the coordinates of each site: what a rule should look at."""
    coarse = [n // b for n in lattice.shape]
    found: list[list[int]] = [[] for _ in range(math.prod(coarse))]
    for site, place in enumerate(itertools.product(*map(range, lattice.shape))):
        number = 0
        for x, side in zip(place, coarse, strict=True):
            number = number * side + x // b
        found[number].append(site)
    return found


@pytest.mark.parametrize("lattice", LATTICES, ids=str)
@pytest.mark.parametrize("b", [2, 3])
def test_blocks(lattice: Lattice, b: int) -> None:
    s, blocks = spins_on(lattice, 40), blocks_of(lattice, b)
    total = torch.stack([s[:, block].long().sum(1) for block in blocks], 1)
    coarse = coarse_lattice(lattice, b)
    assert (coarse.name, coarse.periodic) == (lattice.name, lattice.periodic)
    assert coarse.shape == tuple(n // b for n in lattice.shape)
    corners = DecimationRule(b).apply(s, lattice, generator())
    assert torch.equal(corners, torch.stack([s[:, block[0]] for block in blocks], 1))
    for rule in (MajorityRule(b), TunableMajority(b, weight=math.inf), TunableMajority(b, weight=60.0)):
        found = rule.apply(s, lattice, generator())
        assert found.dtype == torch.int8
        assert torch.equal(found[total != 0], total[total != 0].sign().to(torch.int8))
        ties = found[total == 0].double()
        assert len(ties) == 0 or abs(float(ties.mean())) < 5 / math.sqrt(len(ties))


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.1])
def test_the_weight_is_a_probability(weight: float) -> None:
    """All 16 blocks of 2 × 2, 40 000 draws each: |z| < 5, one false alarm in 10⁵ runs."""
    states = torch.tensor(list(itertools.product((-1, 1), repeat=4)))
    draws = 40_000
    rule = TunableMajority(weight=weight)
    lattice = square(2, 2, periodic=False)
    found = rule.apply(states.repeat(draws, 1), lattice, generator()).view(draws, 16).double().mean(0)
    expected = torch.tanh(weight * states.sum(1).double())
    error = ((1 - expected**2) / draws).sqrt()
    assert ((found - expected).abs() < 5 * error + 1e-12).all()


@pytest.mark.parametrize("kind", BLOCK_RULES)
def test_a_seed_fixes_the_draw_and_spins_are_left_alone(kind: type[BlockRule]) -> None:
    s = spins_on(square(8), 50)
    before, state = s.clone(), torch.get_rng_state()
    one, two = (kind().apply(s, square(8), generator(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(s, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_flow_is_its_steps() -> None:
    lattice, s = square(16), spins_on(square(16), 30)
    flow = repeated(MajorityRule(), 3)
    levels = list(flow.levels(s, lattice, generator(1)))
    assert [level.lattice.shape for level in levels] == [(16, 16), (8, 8), (4, 4), (2, 2)]
    assert torch.equal(levels[-1].spins, flow.apply(s, lattice, generator(1)))
    assert flow.coarse(lattice).shape == (2, 2)
    by_hand = generator(1)
    for level in levels[1:]:
        s, lattice = MajorityRule().apply(s, lattice, by_hand), coarse_lattice(lattice, 2)
        assert torch.equal(level.spins, s)


def test_many_configurations_are_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    s = spins_on(square(6), 100)
    whole = MajorityRule(3).apply(s, square(6), generator())
    monkeypatch.setattr("lensmaker.systems.spins.coarse_graining.base._BLOCK", 7 * 36)
    assert torch.equal(MajorityRule(3).apply(s, square(6), generator()), whole)


def test_what_does_not_fit_is_said() -> None:
    s = spins_on(square(6), 3)
    with pytest.raises(InputError, match="sides that are multiples of 4"):
        MajorityRule(4).apply(s, square(6), generator())
    with pytest.raises(InputError, match="two blocks or more along a periodic one"):
        MajorityRule(6).apply(s, square(6), generator())
    with pytest.raises(InputError, match="one of the lattices chain"):
        MajorityRule().apply(s, honeycomb(2), generator())
    with pytest.raises(InputError, match=r"configurations of 36 spins.*shape \(3, 35\)"):
        MajorityRule(3).apply(s[:, 1:], square(6), generator())
    with pytest.raises(InputError, match=r"spins of ±1.*0"):
        MajorityRule(3).apply(s.clamp(min=0), square(6), generator())
    with pytest.raises(InputError, match="a whole factor from 2 on"):
        MajorityRule(1)
    with pytest.raises(InputError, match="a weight from 0 on"):
        TunableMajority(weight=math.nan)
    with pytest.raises(InputError, match="a step or more"):
        repeated(MajorityRule(), 0)
    with pytest.raises(InputError, match="sides that are multiples of 2"):
        list(repeated(MajorityRule(), 3).levels(spins_on(square(12), 2), square(12), generator()))


def test_a_function_has_to_return_signs() -> None:
    lattice, blocks, s = chain(4), chain(2), spins_on(chain(4), 5)
    sums = FunctionRule(lambda s, _: s[:, :2] + s[:, 2:], lattice, blocks)
    with pytest.raises(InputError, match="block spins of ±1"):
        sums.apply(s, lattice, generator())
    short = FunctionRule(lambda s, _: s[:, :1], lattice, blocks)
    with pytest.raises(InputError, match=r"block spins of shape \(5, 2\)"):
        short.apply(s, lattice, generator())
    with pytest.raises(InputError, match="spins on chain 4"):
        short.apply(spins_on(chain(8), 5), chain(8), generator())
    missing = FunctionRule(lambda s, _: np.nan * s[:, :2].double(), lattice, blocks)
    with pytest.raises(InputError, match="block spins of ±1"):
        missing.apply(s, lattice, generator())


@pytest.mark.parametrize("kind", BLOCK_RULES)
def test_no_configurations_have_no_block_spins(kind: type[BlockRule]) -> None:
    found = kind().apply(spins_on(square(8), 0), square(8), generator())
    assert found.shape == (0, 16)


@pytest.mark.parametrize("kind", BLOCK_RULES)
def test_spins_of_any_kind_have_the_same_blocks(kind: type[BlockRule]) -> None:
    s = spins_on(square(8), 20)
    expected = kind().apply(s, square(8), generator(3))
    for same in (s.long(), s.half(), s.double().requires_grad_()):
        found = kind().apply(same, square(8), generator(3))
        assert torch.equal(found, expected)
        assert found.dtype == torch.int8


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda s: s[:, :2].numpy(), "a tensor of block spins from .*, but got ndarray"),
        (lambda s: None, "a tensor of block spins from .*, but got NoneType"),
        (lambda s: s[:, :2].to(torch.complex64), "block spins of ±1 from .*, but got complex numbers"),
        (lambda s: s[:, :2] * 1.0000001, r"block spins of ±1 from .*, but got -?1\.00000"),
    ],
    ids=["numpy", "nothing", "complex", "nearly"],
)
def test_what_is_no_tensor_of_signs_is_said(returned: Callable[[torch.Tensor], Any], said: str) -> None:
    rule = FunctionRule(lambda s, _: returned(s), chain(4), chain(2))
    with pytest.raises(InputError, match=said):
        rule.apply(spins_on(chain(4), 5), chain(4), generator())


def test_a_function_may_write_on_what_it_is_given() -> None:
    s = spins_on(chain(4), 5)
    before = s.clone()
    found = FunctionRule(lambda s, _: s.neg_()[:, :2], chain(4), chain(2)).apply(s, chain(4), generator())
    assert torch.equal(found, -before[:, :2])
    assert torch.equal(s, before)


def test_a_rule_tells_its_probabilities() -> None:
    """P(μ = 1) of all 16 blocks of 2 × 2, by its definition."""
    states = torch.tensor(list(itertools.product((-1, 1), repeat=4)), dtype=torch.int8)
    s, weights = states.numpy().astype(float), (0.9, -0.4, 0.3, 1.7)
    total, majority = s.sum(1), (1 + np.sign(s.sum(1))) / 2
    for rule, expected in (
        (DecimationRule(), (1 + s[:, 0]) / 2),
        (MajorityRule(), majority),
        (TunableMajority(weight=math.inf), majority),
        (TunableMajority(weight=0.7), 1 / (1 + np.exp(-1.4 * total))),
        (LearnedFilter(2, weights), 1 / (1 + np.exp(-2 * s @ weights))),
    ):
        assert rule.up(states).numpy() == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("lattice", [square(4, 6), cubic(4)], ids=str)
def test_weights_are_those_of_the_sites_the_last_axis_fastest(lattice: Lattice) -> None:
    """A weight on one site alone: the block spin is that spin."""
    s, blocks = spins_on(lattice, 30), blocks_of(lattice, 2)
    for k in range(len(blocks[0])):
        rule = LearnedFilter(2, tuple(60.0 * (i == k) for i in range(len(blocks[0]))))
        found = rule.apply(s, lattice, generator())
        assert torch.equal(found, torch.stack([s[:, block[k]] for block in blocks], 1))


@pytest.mark.parametrize(
    ("rule", "pair", "mean"),
    [
        (MajorityRule(), (1, -1), 0.0),
        (TunableMajority(weight=math.inf), (-1, 1), 0.0),
        (TunableMajority(weight=0.3), (1, 1), math.tanh(0.6)),
        (LearnedFilter(2, (0.7, -0.1)), (1, 1), math.tanh(0.6)),
    ],
    ids=str,
)
def test_a_coin_that_is_off_by_two_percent_is_seen(
    rule: BlockRule, pair: tuple[int, int], mean: float
) -> None:
    """A million draws: |z| < 5, a false alarm of 6e-7; 2 % of a coin or of a weight are ten errors."""
    s = torch.tensor([pair], dtype=torch.int8).expand(1_000_000, 2)
    found = float(rule.apply(s, chain(2, periodic=False), generator(5)).double().mean())
    assert abs(found - mean) < 5 * math.sqrt((1 - mean**2) / 1_000_000)
