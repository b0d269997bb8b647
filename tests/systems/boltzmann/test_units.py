"""Every kind of unit against sums and integrals over its states."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.units import UNITS, Binary, Gaussian, Potts, Rectified, Spin, Units, units_of

FIELDS = (-40.0, -12.0, -9.9, -3.0, -0.4, 0.0, 0.3, 2.0, 11.0)


@dataclass(frozen=True)
class Row:
    """How two units are made, and e(s) with the range of a continuum."""

    make: Callable[[], Units]
    energy: Callable[[float], float] = lambda s: 0.0
    low: float = -math.inf


TABLE: dict[type[Units], Row] = {
    Binary: Row(lambda: Binary(2)),
    Spin: Row(lambda: Spin(2)),
    Potts: Row(lambda: Potts(2, q=3)),
    Gaussian: Row(lambda: Gaussian(2, variance=0.7), lambda s: s * s / 1.4),
    Rectified: Row(lambda: Rectified(2), lambda s: s * s / 2, 0.0),
}
by_kind = pytest.mark.parametrize("kind", UNITS, ids=lambda k: k.name)


def sums(row: Row, x: float) -> tuple[float, float]:
    """ln Z and ⟨s⟩ of one unit in a field x, by adding up or by Gauss and Legendre about the maximum."""
    units = row.make()
    if units.states:
        weights = np.exp(x * np.array(units.states))
        return math.log(weights.sum()), float(weights @ np.array(units.states) / weights.sum())
    top = max(row.low, x * (0.7 if isinstance(units, Gaussian) else 1.0))
    reach = 12.0 if top > row.low else 40 / max(1.0, -x)
    node, weight = np.polynomial.legendre.leggauss(300)
    low, high = max(row.low, top - reach), top + reach
    s = low + (high - low) * (node + 1) / 2
    exponent = np.array([x * one - row.energy(one) for one in s])
    p = weight * (high - low) / 2 * np.exp(exponent - exponent.max())
    return math.log(p.sum()) + exponent.max(), float(p @ s / p.sum())


def test_each_kind_has_a_row() -> None:
    assert set(TABLE) == set(UNITS)
    assert len({k.name for k in UNITS}) == len(UNITS)


@by_kind
@pytest.mark.parametrize("x", FIELDS)
def test_partition_and_mean(kind: type[Units], x: float) -> None:
    row = TABLE[kind]
    units = row.make()
    if isinstance(units, Potts):
        fields = torch.tensor([x, 0.2, -0.5, 0.0, 0.0, x], dtype=torch.float64)
        parts = [np.exp(np.array(f) - max(f)) for f in (fields[:3].tolist(), fields[3:].tolist())]
        tops = [max(fields[:3].tolist()), max(fields[3:].tolist())]
        want = sum(math.log(p.sum()) + top for p, top in zip(parts, tops, strict=True))
        means = np.concatenate([p / p.sum() for p in parts])
    else:
        fields = torch.tensor([x, 0.7], dtype=torch.float64)
        (one, mean), (two, other) = sums(row, x), sums(row, 0.7)
        want, means = one + two, np.array([mean, other])
    assert float(units.log_partition(fields)) == pytest.approx(want, rel=1e-9, abs=1e-12)
    assert units.mean(fields).numpy() == pytest.approx(means, rel=1e-9)
    single = units.mean(fields.float())
    assert single.numpy() == pytest.approx(means, rel=3e-5, abs=1e-6)


@by_kind
def test_the_mean_is_the_slope_of_the_logarithm_of_the_partition_function(kind: type[Units]) -> None:
    units = TABLE[kind].make()
    x = torch.linspace(-3, 3, units.size, dtype=torch.float64, requires_grad=True)
    units.log_partition(x).backward()
    assert x.grad is not None
    assert torch.allclose(units.mean(x.detach()), x.grad, rtol=1e-10)


@by_kind
@pytest.mark.parametrize("x", [-30.0, -2.0, 0.0, 0.6, 4.0])
def test_samples_are_of_their_distribution(kind: type[Units], x: float) -> None:
    """Both ways to draw; |z| < 5 of the mean, and of continua a Kolmogorov test at 1e-6."""
    units, n = TABLE[kind].make(), 40_000
    fields = torch.full((n, units.size), x) * torch.linspace(1, 0.5, units.size)
    alone = units.sample(fields, torch.Generator().manual_seed(1))
    mean, beside = fields.clone(), torch.empty_like(fields)
    units.mean_and_sample_(mean, beside, torch.Generator().manual_seed(2))
    assert torch.equal(mean, units.mean(fields))
    for found in (alone, beside):
        units.check(found)
        spread = found.double().std(0) / math.sqrt(n)
        want = units.mean(fields[0].double())
        assert bool(((found.double().mean(0) - want).abs() <= 5 * spread + 2e-6 + 1e-4 * (spread == 0)).all())
    if kind is Gaussian:
        assert kstest(alone[:, 0].numpy(), norm(0.7 * x, math.sqrt(0.7)).cdf).pvalue > 1e-6
    if kind is Rectified:

        def cdf(s: np.ndarray) -> np.ndarray:
            return 1 - np.exp(norm.logcdf(x - s) - norm.logcdf(x)) * 1.0

        assert kstest(alone[:, 0].double().numpy(), cdf).pvalue > 1e-6


@by_kind
def test_configurations_are_all_there_are(kind: type[Units]) -> None:
    units = TABLE[kind].make()
    if math.isinf(units.log_states):
        with pytest.raises(InputError, match="finitely many states"):
            units.configurations()
        return
    found = units.configurations()
    assert len(found) == round(math.exp(units.log_states)) == len({tuple(row) for row in found.tolist()})
    units.check(found)
    assert torch.equal(found[2:4], units.configurations(2, 4))
    x = torch.randn(units.size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert float((found @ x).logsumexp(0)) == pytest.approx(float(units.log_partition(x)), rel=1e-12)


@by_kind
def test_a_layer_is_made_again_from_its_spec(kind: type[Units]) -> None:
    units = TABLE[kind].make()
    again = units_of(units.spec)
    assert type(again) is kind
    assert (repr(again), again.spec, again.size) == (repr(units), units.spec, units.size)


@pytest.mark.parametrize("kind", [k for k in UNITS if k is not Rectified], ids=lambda k: k.name)
def test_fields_of_means(kind: type[Units]) -> None:
    units = TABLE[kind].make()
    mean = units.mean(torch.tensor([0.3, -0.8, 0.1, 0.4, 0.9, -0.2], dtype=torch.float64)[: units.size])
    assert torch.allclose(units.mean(units.field_of_mean(mean)), mean, rtol=1e-9)


BAD = {
    "a third value": (
        Binary(3),
        torch.tensor([[0.0, 1, 1], [0, 0.5, 1]]),
        "data of 0, 1, but got 0.5 in row 1",
    ),
    "the other convention": (Spin(2), torch.tensor([[0.0, 1]]), "data of -1, 1, but got 0 in row 0"),
    "not finite": (Gaussian(2), torch.tensor([[0.0, 1], [math.nan, 0]]), "not finite in row 1"),
    "infinite": (Binary(1), torch.tensor([[math.inf]]), "not finite in row 0"),
    "shape": (Binary(3), torch.zeros(2, 4), "data of 3 numbers a row"),
    "two at once": (Potts(1, q=3), torch.tensor([[1.0, 1, 0]]), "one of them 1 and the others 0"),
    "negative": (Rectified(1), torch.tensor([[-1.0]]), "not negative"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_of_other_units_are_refused(case: str) -> None:
    units, data, message = BAD[case]
    with pytest.raises(InputError, match=message):
        units.check(data)


def test_layers_that_cannot_be() -> None:
    for make, message in (
        (lambda: Binary(0), "one unit or more"),
        (lambda: Potts(2, q=1), "two states or more"),
        (lambda: Gaussian(2, variance=0.0), "a variance from 1e-12"),
        (lambda: units_of({"name": "quartz", "count": 2}), "one of the units binary, spin"),
        (lambda: units_of({"name": "binary", "count": 2, "q": 3}), "what binary units are made of"),
    ):
        with pytest.raises(InputError, match=message):
            make()


@pytest.mark.parametrize("field", [-11.9, -12.1, -14.0, -40.0, -1000.0])
def test_rectified_samples_far_below_zero_have_the_mean_and_the_second_moment(field: float) -> None:
    """Of 4·10⁵ samples: |z| < 4.5 of ten numbers, false once in 15,000."""
    units, n = Rectified(1), 400_000
    x = torch.full((n, 1), field, dtype=torch.float64)
    s = units.sample(x, torch.Generator().manual_seed(7))
    mean = float(units.mean(x[:1]))
    second = 1 + field * mean  # ⟨s²⟩ = 1 + x⟨s⟩ of a Gaussian cut off at 0
    for found, want in ((s, mean), (s**2, second)):
        z = (float(found.mean()) - want) / (float(found.std()) / math.sqrt(n))
        assert abs(z) < 4.5 or (abs(want) < 1e-5 and abs(float(found.mean()) / want - 1) < 0.01)


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (Binary(63), r"no more than 2\^62 configurations, but got 2\^63: sample them"),
        (Binary(5000), r"no more than 2\^62 configurations, but got 2\^5000"),
        (Spin(30), r"no more than 2\^24 configurations at once, but got 1073741824: ask for a part"),
        (Potts(40, q=3), r"no more than 2\^62 configurations, but got 2\^63.4"),
    ],
)
def test_more_configurations_than_can_be_listed_are_refused(units: Units, said: str) -> None:
    with pytest.raises(InputError, match=said):
        units.configurations()


def test_a_part_of_many_configurations_is_listed() -> None:
    assert Binary(62).configurations(1, 3)[:, -2:].tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("units", [Binary(3), Spin(3), Gaussian(3, variance=0.25), Rectified(3)], ids=str)
def test_the_field_of_a_mean_has_it(units: Units) -> None:
    fields = torch.tensor([-3.0, 0.1, 2.0], dtype=torch.float64)
    assert torch.allclose(units.field_of_mean(units.mean(fields)), fields, atol=1e-9)
