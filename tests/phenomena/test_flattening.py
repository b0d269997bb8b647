"""Fits and floors of flat products on a small plan: what is found, kept, and judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import smooth_function
from lensmaker.phenomena.finding import Judgement
from lensmaker.phenomena.flattening import Case, Flattening, Plan
from lensmaker.phenomena.flattening.claims import sized, within
from lensmaker.phenomena.flattening.fits import Fit, fitted
from lensmaker.phenomena.flattening.floors import in_many_digits, largest_error
from lensmaker.report.claims import claims_table, figures_of
from lensmaker.systems.polynomials.product_network import ProductNetwork, flat_monomial

SILU = Case("silu", 2, 2, biases=True, source="2^(n−1)")
SMALL = Plan(cases=(SILU,), starts=5, activations=("gelu",), factors=(2, 4), compared=4, seeds=3, inside=200)


def test_a_run_keeps_its_fits_and_judges_each_claim(tmp_path: Path) -> None:
    outcome = Flattening(SMALL).run(tmp_path)
    assert len(outcome.findings) == 1 + 3 + 2
    assert [f.judgement for f in outcome.findings][:2] == [Judgement.SUPPORTED] * 2
    assert outcome.findings[1].value.value > 4
    file = tmp_path / "silu-0-2-biases-1.json"
    kept = json.loads(file.read_text())
    kept["errors"] = [1e-9] * 5  # what is there is not fitted again: one unit now is enough
    file.write_text(json.dumps(kept))
    told: list[str] = []
    again = Flattening(SMALL).run(tmp_path, lambda what, done, of: told.append(what))
    assert again.findings[0].judgement is Judgement.NOT_SUPPORTED
    assert any("silu" in what for what in told)
    assert set(figures_of(outcome.pictures)) == {"floors-of-gelu.html"}
    assert claims_table([f.to_dict() for f in outcome.findings]).row_count == 6
    with pytest.raises(InputError, match="the folder of this plan"):
        Flattening(replace(SMALL, seeds=4)).run(tmp_path)


def test_a_fit_is_the_best_read_out_of_its_units() -> None:
    """One unit without biases and an odd σ: nothing of x y, so all of it is missed."""
    found = fitted(Case("sin", 2, 4, biases=False), 1, 2)
    assert found.errors == pytest.approx([1.0, 1.0], abs=1e-9)
    assert found.largest == pytest.approx(np.polynomial.legendre.leggauss(10)[0].max() ** 2, rel=1e-6)
    # exp without biases: x y and its three divisors; three units leave the larger part of it
    three, four = (fitted(Case("exp", 2, 4, biases=False), m, 3).best for m in (3, 4))
    assert three > 0.3
    assert four < 1e-6


def test_the_rule_for_sizes() -> None:
    def judgement(below: float, at: float) -> Judgement:
        return sized(SILU, Fit(1, (below, 1.0), 1.0), Fit(2, (at, 1.0), 1.0)).judgement

    assert judgement(0.5, 1e-5) is Judgement.SUPPORTED
    assert judgement(1e-4, 1e-5) is Judgement.NOT_SUPPORTED
    assert judgement(0.5, 0.2) is Judgement.NOT_SUPPORTED
    assert judgement(0.05, 1e-5) is Judgement.UNDECIDED
    assert judgement(0.5, 0.05) is Judgement.UNDECIDED


def test_the_rule_for_floors() -> None:
    assert within("", [1.0, 0.3, 3.0], 2).judgement is Judgement.SUPPORTED
    found = within("", [1.0, 1 / 6], 2)
    assert found.judgement is Judgement.NOT_SUPPORTED
    assert found.value.value == pytest.approx(6)


def test_many_digits_have_no_floor() -> None:
    errors = [in_many_digits("tanh", 6, 0.5, λ) for λ in (1e-4, 1e-8)]
    assert errors[1] / errors[0] == pytest.approx(1e-8, rel=1e-3)
    c = smooth_function("tanh").taylor(0.5, 8)
    assert errors[1] == pytest.approx(1e-16 * 56 * abs(c[8] / c[6]), rel=1e-6)  # n(n+2)(n+1)/6 = 56


def test_the_largest_error_is_that_of_the_worst_row() -> None:
    σ = smooth_function("exp")
    network = ProductNetwork([[flat_monomial([1, 1], σ, 0.0, 0.1)]], σ)
    x = torch.tensor([[1.0, 1.0], [0.1, 0.1]], dtype=torch.float64)
    exact = (math.cosh(0.2) - 1) / (2 * 0.01) - 1
    assert largest_error(network, x) == pytest.approx(exact, rel=1e-9)


def test_plans_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="two seeds and two starts"):
        Plan(seeds=1)
    with pytest.raises(InputError, match="a comparison at one of the n"):
        Plan(compared=11)
    with pytest.raises(InputError, match="a smooth activation function"):
        Plan(activations=("relu",))
