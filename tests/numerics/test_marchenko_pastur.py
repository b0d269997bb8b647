from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from lensmaker.core import InputError
from lensmaker.numerics.marchenko_pastur import MarchenkoPastur, largest_eigenvalue_scale

LAWS = [MarchenkoPastur(ratio, variance) for ratio in (0.01, 0.3, 0.99, 1.0) for variance in (1.0, 0.02**2)]


def integral(law: MarchenkoPastur, power: int, above: float) -> float:
    """∫ x^power dF from λ₋ to `above`, with x = λ₋ + width sin²θ so that the edges are smooth."""
    width = law.upper - law.lower
    end = math.asin(math.sqrt(min(1.0, (above - law.lower) / width)))

    def integrand(θ: float) -> float:
        x = law.lower + width * math.sin(θ) ** 2
        # The density itself, written out: √((b−x)(x−a)) = width sinθ cosθ, dx = 2 width sinθ cosθ dθ.
        weight = 2 * (width * math.sin(θ) * math.cos(θ)) ** 2
        return x ** (power - 1) * weight / (2 * math.pi * law.variance * law.ratio)

    return quad(integrand, 0, end, epsabs=1e-13, epsrel=1e-12)[0]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_moments_are_the_known_ones(law: MarchenkoPastur) -> None:
    """⟨1⟩ = 1, ⟨x⟩ = σ², ⟨x²⟩ = σ⁴(1 + λ)."""
    assert integral(law, 0, law.upper) == pytest.approx(1, rel=1e-10)
    assert integral(law, 1, law.upper) == pytest.approx(law.variance, rel=1e-10)
    assert integral(law, 2, law.upper) == pytest.approx(law.variance**2 * (1 + law.ratio), rel=1e-10)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_density_and_cdf_against_quadrature(law: MarchenkoPastur) -> None:
    x = np.linspace(law.lower, law.upper, 11)[1:-1]
    assert law.cdf(x) == pytest.approx([integral(law, 0, above) for above in x], rel=1e-9)
    h = 1e-6 * (law.upper - law.lower)
    assert law.density(x) == pytest.approx((law.cdf(x + h) - law.cdf(x - h)) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_outside_the_edges_is_nothing(law: MarchenkoPastur) -> None:
    x = [-1.0, law.lower * (1 - 1e-9), law.upper * (1 + 1e-9), 1e3]
    assert law.density(x).tolist() == [0, 0, 0, 0]
    assert law.cdf(x).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_quantile_inverts_the_cdf(law: MarchenkoPastur) -> None:
    assert law.cdf(law.median) == pytest.approx(0.5, abs=1e-12)
    assert law.cdf(law.quantile(0.01)) == pytest.approx(0.01, abs=1e-12)
    assert (law.quantile(0), law.quantile(1)) == pytest.approx((law.lower, law.upper), rel=1e-12, abs=1e-12)


def test_eigenvalues_of_random_matrices() -> None:
    """Of a 400 × 1000 matrix, p·sup|F_p − F| is a few: Kolmogorov's √p would allow ten times that."""
    X = torch.randn(400, 1000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    λ = torch.linalg.eigvalsh(0.09 * X @ X.T / 1000).numpy()
    law, i = MarchenkoPastur(0.4, 0.09), np.arange(400)
    assert np.abs(400 * law.cdf(λ) - i - 0.5).max() < 5
    assert law.median == pytest.approx(np.median(λ), rel=0.01)
    assert (law.lower, law.upper) == pytest.approx((λ[0], λ[-1]), rel=0.05)


@pytest.mark.parametrize(("p", "n"), [(20, 20), (20, 200), (100, 150)])
def test_largest_eigenvalue_has_mean_and_deviation_of_tracy_and_widom(p: int, n: int) -> None:
    """TW₁ has mean −1.2065 and deviation 1.2680 (Bornemann 2010); the scaling's own error is O(p^(−2/3))."""
    N = 3000 if p < 100 else 800
    X = torch.randn(N, p, n, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    largest = torch.linalg.eigvalsh(X @ X.mT)[:, -1].numpy()
    μ, s = largest_eigenvalue_scale(p, n)
    z = (largest - μ) / s
    assert z.mean() == pytest.approx(-1.2065, abs=4 * 1.268 / math.sqrt(N) + 0.2 * p ** (-2 / 3))
    assert z.std() == pytest.approx(1.268, rel=4 * 0.72 / math.sqrt(N) + p ** (-2 / 3) / 2)


@pytest.mark.parametrize(("ratio", "variance"), [(0.0, 1.0), (1.5, 1.0), (0.5, 0.0), (math.nan, 1.0)])
def test_impossible_laws_are_refused(ratio: float, variance: float) -> None:
    with pytest.raises(InputError, match=r"ratio p/n|positive variance"):
        MarchenkoPastur(ratio, variance)


def test_impossible_probability_is_refused() -> None:
    with pytest.raises(InputError, match="probability in"):
        MarchenkoPastur(0.5).quantile(1.1)
