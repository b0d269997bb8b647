"""Fields that were made by hand, whose numbers are known, and what must not matter to them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from exact import torus_fields
from lensmaker.core import Convergence, InputError, Measurement
from lensmaker.instruments.boltzmann import field_statistics as statistics
from lensmaker.instruments.boltzmann.receptive_fields import ReceptiveFields
from lensmaker.systems.boltzmann import Convolutional, DeepBeliefNetwork, RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.field_stack import FieldStack
from lensmaker.systems.spins import chain, square

WHOLE = ("field_participation", "window_fraction", "sign_coherence", "neighbour_correlation")


def machine(W: NDArray[np.float64]) -> RestrictedBoltzmannMachine:
    made = RestrictedBoltzmannMachine(Spin(W.shape[0]), Spin(W.shape[1]), dtype=torch.float64)
    made.weights.parameter.data = torch.from_numpy(W.copy())
    return made


def of_fields(fields: NDArray[np.float64]) -> FieldStack:
    """A machine with these fields, (units, rows, columns)."""
    n, rows, columns = fields.shape
    return FieldStack(machine(fields.reshape(n, -1).T), square(rows, columns))


def read(stack: FieldStack, window: int = 9) -> dict[str, Measurement]:
    """The first layer, its profile apart."""
    found = ReceptiveFields(window).measure(stack)
    return {m.quantity.name: m for m in found if m.where == stack.where(1)}


def values(fields: NDArray[np.float64], window: int = 9) -> dict[str, float]:
    return {name: m.value for name, m in read(of_fields(fields), window).items()}


def gaussian(side: int, σ: float, at: tuple[int, int] = (0, 0)) -> NDArray[np.float64]:
    x = np.minimum(np.arange(side), side - np.arange(side))
    return np.roll(np.exp(-np.add.outer(x**2, x**2) / (2 * σ**2)), at, (0, 1))


# -- fields that are known --------------------------------------------------------------------------


def test_a_field_of_one_site() -> None:
    delta = np.zeros((3, 20, 20))
    delta[0, 3, 5], delta[1, 19, 0], delta[2, 0, 0] = 2.0, -1.0, 0.1
    found = values(delta)
    assert [found[name] for name in WHOLE] == pytest.approx([1, 1, 1, 0], abs=1e-12)
    assert found["field_half_width"] == pytest.approx(
        (1 + math.sqrt(2)) / 2 / 2
    )  # half way to the first shell


def test_a_block_of_equal_weights() -> None:
    """5 × 5 sites, the middle one larger by 1e-9: P = 25, of its 25 · 2 bonds with one end at least 40 are inside."""
    block = np.zeros((2, 30, 30))
    block[0, 8:13, 20:25] = 1
    block[0, 10, 22] += 1e-9
    block[1] = np.roll(-3 * block[0], (15, 12), (0, 1))  # over the edge of the torus
    found = values(block, window=5)
    assert [found[name] for name in WHOLE] == pytest.approx([25, 1, 1, 40 / 50], abs=1e-7)
    narrow, wide = values(block, window=3), values(block, window=9)
    assert (narrow["window_fraction"], wide["window_fraction"]) == pytest.approx((9 / 25, 1), abs=1e-7)


def test_half_is_half() -> None:
    """A shell of .505 is above it, one of .495 below."""
    distance = np.array([0.0, 1.0, 2.0])
    above = statistics.half_width(np.array([1.0, 0.505, 0.4]), distance)
    below = statistics.half_width(np.array([1.0, 0.495, 0.4]), distance)
    assert float(above) == pytest.approx(1 + 0.005 / 0.105, rel=1e-12)
    assert float(below) == pytest.approx(0.5 / 0.505, rel=1e-12)


def test_a_uniform_field_has_no_width() -> None:
    found = read(of_fields(np.ones((2, 40, 40))))
    assert found["field_participation"].value == pytest.approx(1600)
    assert found["window_fraction"].value == pytest.approx(81 / 1600)
    assert found["neighbour_correlation"].value == pytest.approx(1)
    assert found["field_half_width"].convergence is Convergence.NOT_FINITE


def test_a_chessboard() -> None:
    board = np.where(np.add.outer(np.arange(12), np.arange(12)) % 2, -1.0, 1.0)
    board[4, 4] *= 1 + 1e-9
    found = values(board[None].repeat(2, 0))
    assert found["neighbour_correlation"] == pytest.approx(-1)
    assert found["sign_coherence"] == pytest.approx(1 / 81)


@pytest.mark.parametrize("σ", [2.0, 3.0, 5.0])
def test_a_gaussian_of_known_width(σ: float) -> None:
    """P = 2πσ², neighbours e^(−1/4σ²), half-width σ √ln 2, window about [erf(4.5/σ)]², sums being integrals."""
    fields = np.stack([gaussian(64, σ), -2 * gaussian(64, σ, (40, 7))])
    found = values(fields)
    assert found["field_participation"] == pytest.approx(2 * math.pi * σ**2, rel=1e-6)
    assert found["neighbour_correlation"] == pytest.approx(math.exp(-1 / (4 * σ**2)), rel=1e-6)
    assert found["window_fraction"] == pytest.approx(math.erf(4.5 / σ) ** 2, rel=0.01)
    assert found["field_half_width"] == pytest.approx(σ * math.sqrt(math.log(2)), rel=0.02)
    assert found["sign_coherence"] == pytest.approx(1)


@pytest.mark.parametrize(("rows", "columns"), [(9, 9), (6, 11)])
def test_noise_against_sums_over_sites(rows: int, columns: int) -> None:
    fields = np.random.default_rng(0).normal(size=(5, rows, columns))
    found = ReceptiveFields(5).measure(stack := of_fields(fields))
    by_name = {m.quantity.name: m.value for m in found if m.where == stack.where(1)}
    known = [torus_fields.statistics(w, 5) for w in fields]
    for name in WHOLE:
        assert by_name[name] == pytest.approx(np.mean([k[name] for k in known]), rel=1e-12)
    shares, distance = zip(*(torus_fields.profile(w) for w in fields), strict=True)
    mean = np.mean(shares, axis=0)
    read_off = [m for m in found if m.quantity.name == "field_profile"]
    assert [m.value for m in read_off] == pytest.approx(mean.tolist(), rel=1e-12)
    assert [dict(m.where.coordinates) for m in read_off] == [
        {"layer": 1, "distance": r} for r in range(len(mean))
    ]
    k = int(np.argmax(mean <= mean[0] / 2))
    width = np.interp(-mean[0] / 2, [-mean[k - 1], -mean[k]], distance[0][k - 1 : k + 1])
    assert by_name["field_half_width"] == pytest.approx(width, rel=1e-12)


def test_errors_are_those_over_units() -> None:
    fields = np.random.default_rng(1).normal(size=(40, 7, 7))
    each = np.array([[torus_fields.statistics(w, 3)[name] for name in WHOLE] for w in fields])
    found = read(of_fields(fields), 3)
    expected = each.std(0, ddof=1) / math.sqrt(40)
    assert [found[name].error for name in WHOLE] == pytest.approx(expected.tolist())
    assert {m.samples for m in found.values()} == {40}


# -- what must not matter ---------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["translation", "sign", "order", "scale", "quarter turn"])
def test_what_does_not_matter(change: str) -> None:
    generator = np.random.default_rng(2)
    fields = generator.normal(size=(6, 8, 8)) * gaussian(8, 2.0)
    changed = {
        "translation": np.stack([np.roll(w, (k + 1, 3 * k), (0, 1)) for k, w in enumerate(fields)]),
        "sign": fields * np.array([1, -1, -1, 1, 1, -1])[:, None, None],
        "order": fields[[3, 1, 5, 0, 2, 4]],
        "scale": fields * 10.0 ** np.array([-80, 3, 0, 90, 2, -7])[:, None, None],
        "quarter turn": np.rot90(fields, axes=(1, 2)),
    }[change]
    assert values(changed, 5) == pytest.approx(values(fields, 5), rel=1e-12)


# -- stacks -----------------------------------------------------------------------------------------


def test_fields_of_deeper_layers_are_products() -> None:
    generator = np.random.default_rng(3)
    W = [generator.normal(size=shape) for shape in ((12, 5), (5, 3), (3, 2))]
    deep = [np.einsum("ij->ji", W[0]), np.einsum("ij,jk->ki", *W[:2]), np.einsum("ij,jk,kl->li", *W)]
    machines = [machine(w) for w in W]
    for system in (machines, DeepBeliefNetwork(*machines)):
        stack = FieldStack(system, square(3, 4))
        assert stack.units == [5, 3, 2]
        for found, want in zip(stack.fields, deep, strict=True):
            np.testing.assert_allclose(found.numpy().reshape(want.shape), want, rtol=1e-12)
    layers = {m.where for m in ReceptiveFields(3).measure(stack) if m.quantity.name == "window_fraction"}
    assert layers == {stack.where(1), stack.where(2), stack.where(3)}
    third = ReceptiveFields(3).measure(stack).select(where="fields[layer=3]", quantity="window_fraction")[0]
    known = [torus_fields.statistics(w.reshape(3, 4), 3)["window_fraction"] for w in deep[2]]
    assert third.value == pytest.approx(np.mean(known), rel=1e-12)


def test_a_network_that_was_untied_is_seen_by_what_it_generates() -> None:
    generator = np.random.default_rng(4)
    W = [generator.normal(size=shape) for shape in ((9, 4), (4, 2))]
    network = DeepBeliefNetwork(*map(machine, W))
    network.untie()
    network.upwards(0).parameter.data.zero_()
    np.testing.assert_allclose(
        FieldStack(network, square(3)).fields[0].numpy().reshape(4, 9), W[0].T, rtol=1e-12
    )


def test_kernels_have_fields_of_their_own_size() -> None:
    """Each unit of a convolution sees its kernel: P of 2 × 2 weights."""
    tied = RestrictedBoltzmannMachine(Spin(36), Spin(36), Convolutional((6, 6), (2, 2), filters=1))
    tied.weights.parameter.data = torch.tensor([[[[1.0, 1.0], [1.0, 1.0 + 1e-6]]]])
    found = read(FieldStack(tied, square(6)), 3)
    assert found["field_participation"].value == pytest.approx(4, rel=1e-5)
    assert found["neighbour_correlation"].value == pytest.approx(4 / 8, rel=1e-5)


def test_units_without_weights_are_left_out() -> None:
    fields = np.zeros((3, 5, 5))
    fields[1, 2, 2], fields[2, 0, 0] = 1.0, -3.0
    found = read(of_fields(fields), 3)
    assert (found["window_fraction"].value, found["window_fraction"].samples) == (1.0, 2)
    none = ReceptiveFields(3).measure(of_fields(np.zeros((3, 5, 5))))
    assert {m.convergence for m in none} == {Convergence.NOT_FINITE}
    broken = ReceptiveFields(3).measure(of_fields(np.full((2, 5, 5), np.nan)))
    assert {m.convergence for m in broken} == {Convergence.NOT_FINITE}


def test_one_unit_has_no_error() -> None:
    found = read(of_fields(gaussian(12, 2.0)[None]), 3)
    assert {m.convergence for m in found.values()} == {Convergence.TOO_FEW_SAMPLES}


# -- bad input --------------------------------------------------------------------------------------


def test_bad_input_is_one_sentence() -> None:
    small = machine(np.ones((9, 2)))
    with pytest.raises(InputError, match="a lattice of 9 sites, as the lowest machine has visible units"):
        FieldStack(small, square(4))
    with pytest.raises(InputError, match="a square torus with sides of 3 or more, but got chain 9"):
        FieldStack(small, chain(9))
    with pytest.raises(InputError, match="but got square 3 × 3, open"):
        FieldStack(small, square(3, periodic=False))
    with pytest.raises(InputError, match="2 visible units on a machine of so many hidden ones, but got 9"):
        FieldStack([small, small], square(3))
    with pytest.raises(InputError, match="a machine or more, but got none"):
        FieldStack([], square(3))
    with pytest.raises(InputError, match="a window of an odd number of sites, but got 4"):
        ReceptiveFields(4)
    with pytest.raises(InputError, match="a window no wider than the lattice, but got 9 on a square 3"):
        ReceptiveFields().measure(FieldStack(small, square(3)))
