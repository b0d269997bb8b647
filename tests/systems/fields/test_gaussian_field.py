"""Fields that are drawn against sums over sites, and averages of blocks against loops."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from exact.gaussian_fields import covariance, spectrum
from lensmaker.core import InputError
from lensmaker.systems.fields import AveragedFields, BlockAverage, GaussianField, block_averaged, momenta

FIELDS = [GaussianField(5, (0.4, 1.0, 0.2)), GaussianField(6, (2.0, -0.1, 0.03)), GaussianField(4, (0.7,))]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_the_spectrum_is_the_definition(field: GaussianField) -> None:
    np.testing.assert_allclose(
        1 / field.inverse_spectrum, spectrum(field.side, field.coefficients), rtol=1e-13
    )


def test_momenta_of_even_and_odd_grids() -> None:
    assert (momenta(6) * 3 / math.pi).round().tolist() == [0, 1, 2, 3, -2, -1]
    assert (momenta(5) * 5 / (2 * math.pi)).round().tolist() == [0, 1, 2, -2, -1]
    assert momenta(1).tolist() == [0.0]


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_drawn_fields_have_the_covariances(field: GaussianField) -> None:
    """All pairs with one site, against sums over waves: the largest of 36 |z| is above 4.5 once in 4,000 runs."""
    n = 20_000
    drawn = field.sample(n, seeded(3)).numpy()
    products = drawn * drawn[:, :1, :1]
    z = (products.mean(0) - covariance(field.side, field.coefficients)) / (products.std(0) / n**0.5)
    assert np.abs(z).max() < 4.5


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_energies_are_half_a_chi_squared_of_all_sites(field: GaussianField) -> None:
    """Mean and variance N²/2 (equipartition), each within 4 standard errors: false alarm 1 in 8,000."""
    n, half = 4_000, field.side**2 / 2
    energies = field.energy(field.sample(n, seeded(1)))
    assert abs(float(energies.mean()) - half) < 4 * (half / n) ** 0.5
    fourth = 3 * half**2 + 6 * half  # of a Gamma distribution of shape N²/2
    assert abs(float(energies.var()) - half) < 4 * ((fourth - half**2) / n) ** 0.5


def test_the_energy_of_one_wave() -> None:
    """φ = cos q·x has ½ (y₀ + y₁|q|²) N²/2, with |q|² = (2π/8)² + (2·2π/8)²."""
    x = torch.arange(8, dtype=torch.float64) * 2 * math.pi / 8
    wave = torch.cos(x[:, None] + 2 * x)
    field = GaussianField(8, (0.3, 0.7))
    assert field.energy(wave[None]).item() == pytest.approx(
        16 * (0.3 + 0.7 * 5 * (math.pi / 4) ** 2), rel=1e-13
    )


def test_one_seed_one_draw_in_parts_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    average = BlockAverage(GaussianField(6, (1.0, 1.0)), 3)
    whole = average.sample(7, seeded())
    assert torch.equal(whole.fields, average.sample(7, seeded()).fields)
    monkeypatch.setattr("lensmaker.systems.fields.block_average.LARGEST", 16 * 36 * 3)
    parts = average.sample(7, seeded())
    assert parts.fields.shape == whole.fields.shape == (7, 2, 2)
    assert parts.block == 3


def test_blocks_against_loops() -> None:
    fields = torch.arange(2 * 6 * 6, dtype=torch.float64).reshape(2, 6, 6) ** 1.5
    for b in (1, 2, 3, 6):
        found = block_averaged(fields, b)
        for f, i, j in np.ndindex(*found.shape):
            sites = [float(fields[f, b * i + k, b * j + m]) for k in range(b) for m in range(b)]
            assert float(found[f, i, j]) == pytest.approx(sum(sites) / b**2, rel=1e-14)


@pytest.mark.parametrize(
    ("side", "coefficients", "words"),
    [
        (0, (1.0,), "at least one site, but got a side of 0"),
        (4, (), "finite coefficients"),
        (4, (1.0, float("nan")), "finite coefficients"),
        (4, (0.0, 1.0), "positive and finite at every momentum, but got Σ_i y_i |q|^(2i) = 0 at one"),
        (4, (1.0, -0.2), "positive and finite at every momentum, but got Σ_i y_i |q|^(2i) = -2.9"),
        (4, (1e-320, 1.0), "positive and finite"),
    ],
)
def test_fields_that_are_none(side: int, coefficients: tuple[float, ...], words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        GaussianField(side, coefficients)


def test_bad_blocks_and_bad_samples() -> None:
    field = GaussianField(6, (1.0, 1.0))
    with pytest.raises(InputError, match="tile 6 sites, but got b = 4: choose a divisor of 6"):
        BlockAverage(field, 4)
    with pytest.raises(InputError, match="tile 6 sites, but got b = 0"):
        block_averaged(torch.zeros(6, 6), 0)
    with pytest.raises(InputError, match=re.escape("fields (…, N, N), but got a shape (6, 4)")):
        block_averaged(torch.zeros(6, 4), 2)
    with pytest.raises(InputError, match="1 to 7456540 fields at once, but got 0"):
        field.sample(0, seeded())
    with pytest.raises(InputError, match="1 or more, but got 0"):
        BlockAverage(field, 2).sample(0, seeded())
    for fields, words in (
        (torch.zeros(6, 6), "fields (n, N, N)"),
        (torch.zeros(2, 6, 4), "fields (n, N, N)"),
        (torch.full((2, 3, 3), float("inf")), "finite fields"),
        (torch.ones(2, 3, 3), "fields that vary"),
    ):
        with pytest.raises(InputError, match=re.escape(words)):
            AveragedFields(fields)
    with pytest.raises(InputError, match="one site or more, but got b = 0"):
        AveragedFields(torch.eye(2)[None], 0)
