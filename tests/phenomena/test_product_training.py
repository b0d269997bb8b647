"""Small networks that learn products at once: alike to networks one by one, kept, and judged by planted errors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.phenomena.finding import Judgement
from lensmaker.phenomena.product_training import Plan, ProductTraining, Target
from lensmaker.phenomena.product_training.training import Batch, held_out, target_of
from lensmaker.report.claims import figures_of

SMALL = Plan(factors=2, depths=(1, 2), widths=(2, 4), seeds=3, steps=30, batch=32, held_out=500)


def alone(batch: Batch, k: int, width: int) -> nn.Sequential:
    """The k-th network of a batch by itself."""
    layers: list[nn.Module] = []
    last = len(batch.weights) - 1
    for i, (w, b) in enumerate(zip(batch.weights, batch.biases, strict=True)):
        before, after = (w.shape[1] if i == 0 else width), (w.shape[2] if i == last else width)
        layer = nn.Linear(before, after)
        layer.weight.data, layer.bias.data = (
            w[k, :before, :after].T.detach().clone(),
            b[k, 0, :after].detach().clone(),
        )
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def test_networks_in_a_batch_are_those_that_are_alone() -> None:
    """Outputs and gradients, whatever is switched off."""
    batch = Batch(SMALL, 2, Target.PRODUCT)
    x = torch.rand(6, 10, 2, generator=torch.Generator().manual_seed(0))
    out = batch(x)
    out.square().sum().backward()
    for k, width in enumerate((2, 2, 2, 4, 4, 4)):
        network = alone(batch, k, width)
        expected = network(x[k])[:, 0]
        assert torch.allclose(out[k], expected, atol=1e-6)
        expected.square().sum().backward()
        assert torch.allclose(batch.weights[1].grad[k, :width, :width].T, network[2].weight.grad, atol=1e-5)
    assert batch.weights[1].grad[0, 2:].abs().max() == 0


def test_targets_have_variance_one() -> None:
    """Of 20 000 rows, |z| < 4: the variance of y² is 1.8^n − 1 of the product, at most 2 of the sum."""
    x = held_out(Plan(factors=4))
    for target, spread in ((Target.PRODUCT, 1.8**4 - 1), (Target.SUM, 2.0)):
        y = target_of(target, x).double()
        assert abs(float(y.square().mean()) - 1) < 4 * math.sqrt(spread / len(x))


def test_learning_lowers_errors_and_seeds_repeat() -> None:
    plan = Plan(factors=2, depths=(1,), widths=(4, 8), seeds=2, steps=300, batch=64, held_out=500)
    batch, again = (Batch(plan, 1, Target.PRODUCT) for _ in range(2))
    before = batch.errors()
    batch.learn()
    again.learn()
    assert batch.errors() == again.errors()
    assert max(max(e) for e in batch.errors()) < min(min(e) for e in before)


def test_a_run_goes_on_after_an_interrupt(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    outcome = ProductTraining(SMALL).run(whole)
    assert len(outcome.findings) == 2 + 1 - 0
    assert set(figures_of(outcome.pictures)) == {"map-of-the-product.html", "map-of-the-sum.html"}

    def interrupt(what: str, done: int, of: int) -> None:
        if "sum" in what:
            raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        ProductTraining(SMALL).run(cut, interrupt)
    assert (cut / "product-2.json").exists()
    again = ProductTraining(SMALL).run(cut)
    assert [f.to_dict() for f in again.findings] == [f.to_dict() for f in outcome.findings]


def test_written_down_networks_have_the_digits_of_float32() -> None:
    made = ProductTraining(Plan(factors=4)).compiled(2)
    assert made[0] == (8, 4)
    assert 1e-7 < made[1] < 1e-3
    assert ProductTraining(Plan(factors=4)).compiled(1)[0] == (16,)


def test_claims_are_decided_by_their_own_numbers(tmp_path: Path) -> None:
    """Planted errors: two layers ten times better at the product, and at the sum as well: an artefact."""
    plan = Plan(factors=2, depths=(1, 2), widths=(2, 4), seeds=5, steps=1, batch=1, held_out=100)
    for sum_gain, expected in ((1.0, Judgement.SUPPORTED), (0.1, Judgement.ARTEFACT)):
        folder = tmp_path / f"{sum_gain}"
        folder.mkdir()
        noise = [1.0, 1.02, 0.98, 1.01, 0.99]
        for target, gain in (("product", 0.1), ("sum", sum_gain)):
            for depth, size in ((1, 0.5), (2, 0.5 * gain)):
                errors = [[size * v for v in (noise if depth == 1 else noise[::-1])] for _ in plan.widths]
                (folder / f"{target}-{depth}.json").write_text(json.dumps(errors))
        found = ProductTraining(plan).run(folder).findings
        deeper = [f for f in found if f.claim.startswith("Two layers of 2 units learn")]
        assert [f.judgement for f in deeper] == [expected]
        assert deeper[0].value.value == pytest.approx(1.0, abs=0.02)
        short = [f for f in found if "falls short" in f.claim]
        assert short
        assert all(f.judgement is Judgement.SUPPORTED for f in short)


def test_plans_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="two factors, two seeds"):
        Plan(seeds=1)
    with pytest.raises(InputError, match="at most 134217728 parameters at once"):
        Plan(widths=(20_000,))
