"""Hidden layers as block spins, against p(h|v) written out."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.boltzmann import Binary, Gaussian, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork
from lensmaker.systems.boltzmann.hidden_spins import HiddenSpins, unordered
from lensmaker.systems.boltzmann.units import Units
from lensmaker.systems.spins import chain, square
from lensmaker.systems.spins.coarse_graining import Flow, MajorityRule

DRAWS = 20_000
STATES = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4)))


def machine(visible: Units, hidden: Units) -> RestrictedBoltzmannMachine:
    made = RestrictedBoltzmannMachine(visible, hidden)
    generator = torch.Generator().manual_seed(3)
    for parameter in made.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return made


@pytest.mark.parametrize("visible", [Spin(4), Binary(4)], ids=str)
@pytest.mark.parametrize("hidden", [Spin(3), Binary(3)], ids=str)
def test_draws_are_those_of_the_machine(visible: Units, hidden: Units) -> None:
    """tanh of the field of spins, tanh of half of that of bits; |z| < 5: one false alarm in 10⁴ runs."""
    made = machine(visible, hidden)
    v = STATES if visible.name == "spin" else (STATES + 1) / 2
    field = v @ made.weights.parameter + made.hidden_bias
    expected = torch.tanh(field if hidden.name == "spin" else field / 2).detach().double()
    rule = HiddenSpins(made)
    s = STATES.to(torch.int8).repeat(DRAWS, 1)
    found = rule.apply(s, square(2), torch.Generator().manual_seed(0))
    mean = found.view(DRAWS, 16, 3).double().mean(0)
    assert ((mean - expected).abs() < 5 * ((1 - expected**2) / DRAWS).sqrt() + 1e-12).all()
    likeliest = HiddenSpins(made, likeliest=True).apply(s[:16], square(2), torch.Generator())
    assert torch.equal(likeliest.double(), field.detach().sign().double())


def test_no_field_is_a_tossed_coin() -> None:
    flat = RestrictedBoltzmannMachine(Spin(4), Binary(2))
    s = torch.ones(4000, 4)
    found = HiddenSpins(flat, likeliest=True).apply(s, chain(4), torch.Generator().manual_seed(0))
    assert abs(float(found.double().mean())) < 5 / 8000**0.5


def test_a_stack_is_its_machines_one_after_the_other() -> None:
    one, two = machine(Spin(4), Spin(3)), machine(Spin(3), Spin(2))
    whole = HiddenSpins(DeepBeliefNetwork(one, two), likeliest=True)
    steps = Flow((HiddenSpins(one, likeliest=True), HiddenSpins(two, likeliest=True)))
    apart, together = (rule.apply(STATES, chain(4), torch.Generator()) for rule in (steps, whole))
    assert torch.equal(apart, together)


def test_hidden_units_on_a_lattice_go_on_by_blocks() -> None:
    made = machine(Spin(16), Spin(8))
    flow = Flow((HiddenSpins(made, chain(8)), MajorityRule(2)))
    s = 2 * torch.randint(2, (5, 16), generator=torch.Generator().manual_seed(0)) - 1
    assert flow.apply(s, square(4), torch.Generator()).shape == (5, 4)
    assert flow.coarse(square(4)).shape == (4,)
    assert HiddenSpins(made).coarse(square(4)).sites == 8
    assert unordered(1).sites == 1


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(InputError, match="layers of pairs of states"):
        HiddenSpins(RestrictedBoltzmannMachine(Gaussian(4), Spin(2)))
    with pytest.raises(InputError, match="a lattice of 2 blocks"):
        HiddenSpins(machine(Spin(4), Spin(2)), chain(3))
    with pytest.raises(InputError, match="a lattice of 4 spins"):
        HiddenSpins(machine(Spin(4), Spin(2))).apply(STATES, chain(5), torch.Generator())


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_a_machine_that_diverged_has_no_block_spins(wrong: float) -> None:
    """A field that is no number would be −1, like any other."""
    one, two = machine(Spin(4), Spin(3)), machine(Spin(3), Spin(2))
    two.hidden_bias.data[1] = wrong
    for broken in (two, DeepBeliefNetwork(one, two)):
        s = STATES[:, : broken.visible.size] if broken is two else STATES
        with pytest.raises(InputError, match=r"a machine of finite numbers, but got .*hidden_bias"):
            HiddenSpins(broken).apply(s, chain(s.shape[1]), torch.Generator())


def test_a_field_that_is_off_by_two_percent_is_seen() -> None:
    """A million draws at tanh 0.8: |z| < 5, a false alarm of 6e-7; 2 % of the field are eleven errors."""
    one = RestrictedBoltzmannMachine(Spin(2), Spin(1))
    one.weights.parameter.data = torch.tensor([[0.5], [0.3]])
    s = torch.ones(1, 2, dtype=torch.int8).expand(1_000_000, 2)
    found = float(HiddenSpins(one).apply(s, chain(2), torch.Generator().manual_seed(1)).double().mean())
    assert abs(found - math.tanh(0.8)) < 5 / math.cosh(0.8) / 1000


def test_a_stack_that_was_untied_is_gone_up_by_its_own_weights() -> None:
    one, two = machine(Spin(4), Spin(3)), machine(Spin(3), Spin(2))
    network = DeepBeliefNetwork(one, two)
    network.untie()
    network.upwards(0).parameter.data.neg_()
    middle = (one.hidden_bias - STATES @ one.weights.parameter).sign()
    top = (two.hidden_bias + middle @ two.weights.parameter).sign()
    found = HiddenSpins(network, likeliest=True).apply(STATES, chain(4), torch.Generator())
    assert torch.equal(found.double(), top.detach().double())
