import math

import numpy as np
import pytest
import torch

from lensmaker.numerics.resampling import bootstrap, jackknife, ratio

VARIANCE = "⟨x²⟩ − ⟨x⟩²"
FUNCTIONS = {
    VARIANCE: lambda means: means[..., 0] - means[..., 1] ** 2,
    "ratio": ratio,
    "first": lambda means: means[..., 0],
}


def moments(x):
    return np.stack([x**2, x], axis=-1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jackknife_is_the_explicit_leave_one_out(name):
    samples = np.random.default_rng(0).normal(2.0, 1.0, (13, 2))
    function = FUNCTIONS[name]
    without = [float(function(np.delete(samples, i, axis=0).mean(axis=0))) for i in range(13)]
    error = math.sqrt(12 / 13 * sum((v - np.mean(without)) ** 2 for v in without))
    found = jackknife(samples, function)
    assert found.value == pytest.approx(float(function(samples.mean(axis=0))), rel=1e-12)
    assert found.error == pytest.approx(error, rel=1e-10)


def test_the_error_of_a_mean_is_the_standard_error():
    x = np.random.default_rng(1).exponential(size=40)
    assert jackknife(x).error == pytest.approx(x.std(ddof=1) / math.sqrt(40), rel=1e-12)


def test_equal_samples_have_no_error_whatever_their_size():
    assert jackknife(np.full(7, 1e12 / 3)).error == 0.0


def test_the_jackknife_error_of_a_variance_is_calibrated():
    """z² has mean 1.11 and deviation 1.74 at n = 400, since a variance and its error go together.

    300 seeds know the mean of z² within 0.10 and that of z (−0.08) within 0.06. The bounds are 3.6 of these:
    one correct error in 3,000 would be called wrong.
    """
    z = []
    for seed in range(300):
        x = np.random.default_rng(seed).normal(0.5, 1.0, 400)
        found = jackknife(moments(x), FUNCTIONS[VARIANCE])
        z.append((found.value - (1 - 1 / 400)) / found.error)  # the mean of the plug-in variance
    assert 0.75 < np.mean(np.square(z)) < 1.47
    assert abs(np.mean(z) + 0.08) < 0.22


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bootstrap_agrees_with_the_jackknife(name):
    """R = 4,000 resamples know an error within 1/√(2R) = 1.1 %; beside, the two differ by O(1/n)."""
    samples = moments(np.random.default_rng(2).normal(3.0, 1.0, 400))
    generator = torch.Generator().manual_seed(0)
    drawn = bootstrap(samples, FUNCTIONS[name], generator=generator, resamples=4000)
    left_out = jackknife(samples, FUNCTIONS[name])
    assert drawn.value == left_out.value
    assert drawn.error == pytest.approx(left_out.error, rel=0.05)


def test_bootstrap_of_few_samples_is_unbiased_for_the_mean():
    x = np.array([0.0, 1.0, 5.0])
    drawn = bootstrap(x, generator=torch.Generator().manual_seed(0), resamples=20000)
    assert drawn.error == pytest.approx(x.std(ddof=1) / math.sqrt(3), rel=0.02)


def test_bootstrap_repeats_itself_from_the_same_generator():
    x = np.random.default_rng(3).normal(size=9)
    first, again = (bootstrap(x, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    assert first == again


def test_one_sample_has_no_known_error():
    assert jackknife(np.array([2.0])) == (2.0, math.inf)
    assert bootstrap(np.array([2.0]), generator=torch.Generator()) == (2.0, math.inf)


def test_what_is_not_finite_stays_so_without_a_warning():
    found = jackknife(np.array([1.0, math.inf, 2.0]))
    assert math.isinf(found.value)
    assert math.isnan(jackknife(np.array([1.0, math.nan])).value)
    assert math.isnan(jackknife(np.zeros((3, 2)), ratio).value)
