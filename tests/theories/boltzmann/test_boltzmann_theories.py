"""The exact sum against both layers summed one by one, the expansion against it, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from exact.machine_sums import gaussian_sums, sums
from lensmaker.core import InputError
from lensmaker.systems.boltzmann import (
    Binary,
    Convolutional,
    Gaussian,
    Potts,
    Rectified,
    RestrictedBoltzmannMachine,
    Spin,
)
from lensmaker.systems.boltzmann.subject import Subject
from lensmaker.theories import BOLTZMANN_THEORIES
from lensmaker.theories.boltzmann.exact_sum import ExactBoltzmann
from lensmaker.theories.boltzmann.plefka import Plefka


def drawn(m: RestrictedBoltzmannMachine, scale: float, seed: int) -> RestrictedBoltzmannMachine:
    generator = torch.Generator().manual_seed(seed)
    for parameter in m.parameters():
        parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    return m


def numbers(m: RestrictedBoltzmannMachine) -> tuple[Any, Any, Any]:
    W, a, b = m.weights.parameter, m.visible_bias, m.hidden_bias
    return tuple(x.detach().double().numpy() for x in (W, a, b))  # type: ignore[return-value]


def values(theory: Any, m: RestrictedBoltzmannMachine, rows: Any = None) -> dict[str, Any]:
    return {p.quantity.name: p for p in theory.predict(Subject(m, rows))}


@pytest.mark.parametrize("kinds", [(Binary, Binary), (Spin, Spin), (Spin, Binary)])
@pytest.mark.parametrize("sizes", [(6, 3), (3, 6)])
def test_the_exact_sum_is_that_of_both_layers(kinds: tuple[Any, Any], sizes: tuple[int, int]) -> None:
    """ln Z, ⟨E⟩, the entropy by its own definition, and the likelihood of rows; relative 1e-10."""
    m = drawn(RestrictedBoltzmannMachine(kinds[0](sizes[0]), kinds[1](sizes[1])), 0.7, 1).double()
    rows = m.random(10, torch.Generator().manual_seed(0))
    found = values(ExactBoltzmann(), m, rows)
    W, a, b = numbers(m)
    log_z, energy, entropy = sums(W, a, b, kinds[0].states, kinds[1].states)
    assert found["log_partition"].value == pytest.approx(log_z, rel=1e-10)
    assert found["machine_energy"].value == pytest.approx(energy, rel=1e-10)
    assert found["machine_entropy"].value == pytest.approx(entropy, rel=1e-10)
    low, high = kinds[1].states
    x = b + rows.numpy() @ W
    want = (rows.numpy() @ a + np.logaddexp(low * x, high * x).sum(1)).mean() - log_z
    assert found["log_likelihood"].value == pytest.approx(want, rel=1e-10)


def test_the_exact_sum_of_normal_units() -> None:
    m = drawn(RestrictedBoltzmannMachine(Gaussian(4, variance=0.6), Binary(3)), 0.7, 2).double()
    m.hidden_bias.data.zero_()
    W, a, _ = numbers(m)
    found, (log_z, energy) = values(ExactBoltzmann(), m), gaussian_sums(W, a, 0.6)
    assert found["log_partition"].value == pytest.approx(log_z, rel=1e-10)
    assert found["machine_energy"].value == pytest.approx(energy, rel=1e-10)


def test_the_energy_is_the_slope_of_ln_z() -> None:
    """−∂ ln Z/∂λ of λE at λ = 1, for rectified and Potts units, where λ e(s) is left to a variable substitution.

    s → s/√λ of n rectified units takes λ from e(s): ln Z(λ) = −(n/2) ln λ + ln Z of W/√λ·λ, b·√λ, a·λ.
    """
    for m, n in (
        (drawn(RestrictedBoltzmannMachine(Binary(5), Rectified(3)), 0.4, 0).double(), 3),
        (drawn(RestrictedBoltzmannMachine(Potts(2, q=3), Binary(3)), 0.7, 0).double(), 0),
    ):
        found = values(ExactBoltzmann(), m)["machine_energy"].value
        W, a, b = (x.detach().clone() for x in (m.weights.parameter, m.visible_bias, m.hidden_bias))

        def log_z(λ: float, m: Any = m, n: int = n, W: Any = W, a: Any = a, b: Any = b) -> float:
            root = math.sqrt(λ) if n else λ
            m.weights.parameter.data, m.visible_bias.data, m.hidden_bias.data = W * root, a * λ, b * root
            return values(ExactBoltzmann(), m)["log_partition"].value - n / 2 * math.log(λ)

        assert found == pytest.approx(-(log_z(1.001) - log_z(0.999)) / 0.002, rel=1e-5)


def test_too_many_configurations_are_outside_in_words() -> None:
    found = ExactBoltzmann().predict(Subject(RestrictedBoltzmannMachine(30, 25)))
    assert {p.regime.outside for p in found} == {"its smaller layer has 2^25 configurations, more than 2^24"}
    found = ExactBoltzmann().predict(Subject(RestrictedBoltzmannMachine(Gaussian(3), Gaussian(2))))
    assert {p.regime.outside for p in found} == {"both of its layers are a continuum"}
    assert all(math.isnan(p.value) for p in found)


@pytest.mark.parametrize("theory", BOLTZMANN_THEORIES, ids=lambda t: t.name)
def test_without_rows_there_is_no_likelihood(theory: Any) -> None:
    names = set(values(theory(), RestrictedBoltzmannMachine(3, 2)))
    assert names == {"log_partition", "machine_energy", "machine_entropy"}


# -- weak weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3])
def test_an_order_is_off_by_the_next(order: int) -> None:
    """Half the weights, 2^(order + 1) times less off: the slope of the logarithms is beyond order + 0.6."""
    m = drawn(RestrictedBoltzmannMachine(10, 5), 1.0, 4).double()
    W, off = m.weights.parameter.detach().clone(), []
    for scale in (0.1, 0.05):
        m.weights.parameter.data = W * scale
        log_z, energy, _ = sums(*numbers(m), (0.0, 1.0), (0.0, 1.0))
        found = values(Plefka(order), m)
        off.append(
            [
                abs(found["log_partition"].value - log_z),
                abs(found["machine_energy"].value - energy),
            ]
        )
    assert (np.log2(np.divide(*off)) > order + 0.6).all()


def test_the_third_order_is_that_of_the_paper() -> None:
    """Gabrié, Tramel and Krzakala's ½ W²(m − m²)(n − n²) + ⅔ W³ (m − m²)(½ − m)(n − n²)(½ − n), of a pair."""
    m = drawn(RestrictedBoltzmannMachine(1, 1), 1.0, 4).double().requires_grad_(False)
    states, _ = Plefka()._states(m)
    s = states[0]
    w, p, q = float(s.W), float(s.p), float(s.q)
    second = w**2 / 2 * (p - p * p) * (q - q * q)
    third = 2 * w**3 / 3 * (p - p * p) * (0.5 - p) * (q - q * q) * (0.5 - q)
    assert s._orders[1:] == pytest.approx((second, third), rel=1e-9)


@pytest.mark.parametrize("kind", [Binary, Spin])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_errors_are_of_the_size_of_what_is_left_out(kind: Any, order: int) -> None:
    """Twenty machines inside: none off by three errors, and not all by less than a tenth of one."""
    far = []
    for seed in range(20):
        m = drawn(
            RestrictedBoltzmannMachine(kind(12), kind(8)), 0.35 if kind is Binary else 0.1, seed
        ).double()
        found, exact = values(Plefka(order), m), values(ExactBoltzmann(), m)
        assert found["log_partition"].regime
        far.append([abs(found[n].value - exact[n].value) / found[n].error for n in exact if found[n].error])
        if order == 1:
            assert found["log_partition"].value < exact["log_partition"].value
    assert np.max(far) < 3
    assert np.median(np.array(far)[:, 0]) > 0.1


@pytest.mark.slow
def test_strong_weights_are_outside_and_other_states_in_the_error() -> None:
    m = RestrictedBoltzmannMachine(Spin(20), Spin(10), biased=False)
    m.weights.parameter.data.fill_(0.15)
    found = values(Plefka(), m)["log_partition"]
    log_z = values(ExactBoltzmann(), m)["log_partition"].value
    assert found.error > math.log(2)
    assert abs(found.value - log_z) < 1.05 * found.error
    m.weights.parameter.data.fill_(0.6)
    assert "a weight is too strong for it" in values(Plefka(), m)["log_partition"].regime.outside
    glass = RestrictedBoltzmannMachine(Spin(60), Spin(60), biased=False)
    glass.weights.parameter.data = (
        0.3 * torch.randn(60, 60, generator=torch.Generator().manual_seed(0)).sign()
    )
    assert not values(Plefka(), glass)["log_partition"].regime


def test_the_expansion_of_a_convolution_is_that_of_its_matrix() -> None:
    m = drawn(RestrictedBoltzmannMachine(Spin(6), Spin(12), Convolutional((6,), (3,), filters=2)), 0.1, 0)
    exact, found = values(ExactBoltzmann(), m), values(Plefka(), m)
    assert abs(found["log_partition"].value - exact["log_partition"].value) < 3 * found["log_partition"].error
    assert found["log_partition"].error < 0.05


def test_what_the_expansion_does_not_treat() -> None:
    found = Plefka().predict(Subject(RestrictedBoltzmannMachine(Gaussian(3), Binary(2))))
    assert {p.regime.outside for p in found} == {"its units are not of two states"}
    with pytest.raises(InputError, match="an order of 1, 2 or 3"):
        Plefka(4)
    with pytest.raises(InputError, match="data of 3 numbers a row"):
        Subject(RestrictedBoltzmannMachine(3, 2), torch.zeros(2, 4))
