"""Depth on grammars: networks against loops, needs against lines drawn by hand, claims against planted needs."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.phenomena.finding import Judgement
from lensmaker.phenomena.hierarchy import Hierarchy, Kind, Plan
from lensmaker.phenomena.hierarchy.claims import Findings
from lensmaker.phenomena.hierarchy.learning_curve import Need, Trained, curve, need, words
from lensmaker.phenomena.hierarchy.networks import Shape, alike

SMALL = Plan(
    classes=3, alphabet=3, synonyms=2, levels=(1, 2), width=4, held_out=6, updates=100, batch=8, seeds=2
)


@pytest.mark.parametrize("kind", list(Kind))
def test_each_run_is_a_network_of_its_own_against_loops_over_nodes(kind: Kind) -> None:
    shape = Shape(kind, 3, 4, 2, 5)
    generators = [torch.Generator().manual_seed(k) for k in range(2)]
    parameters = [p.detach().double() for p in shape.start(generators)]
    for k in range(1, len(parameters), 2):
        parameters[k] += torch.randn(parameters[k].shape, generator=generators[0], dtype=torch.float64)
    x = torch.randn(2, 6, 4, 3, generator=generators[0], dtype=torch.float64)
    found = shape.logits(parameters, x)
    assert found.shape == (2, 6, 4)
    for run in range(2):
        of_run = [p[run].numpy() for p in parameters]
        for n in range(6):
            nodes = [x[run, n, leaf].numpy() for leaf in range(4)]
            if kind in (Kind.FLAT, Kind.DENSE):
                nodes = [np.concatenate(nodes)]
            for k in range(0, len(of_run) - 2, 2):
                if kind in (Kind.TREE, Kind.SCRAMBLED):
                    nodes = [np.concatenate(nodes[i : i + 2]) for i in range(0, len(nodes), 2)]
                nodes = [np.maximum(node @ of_run[k] + of_run[k + 1][0], 0) for node in nodes]
            (top,) = nodes
            np.testing.assert_allclose(found[run, n], top @ of_run[-2] + of_run[-1][0], rtol=1e-12)
    assert sum(p[0].numel() for p in parameters) == shape.parameters


@pytest.mark.parametrize("levels", [2, 3])
def test_all_kinds_have_as_many_parameters(levels: int) -> None:
    tree = Shape(Kind.TREE, 8, 8, levels, 64).parameters
    for kind in Kind:
        here = alike(kind, 8, 8, levels, 64).parameters
        assert 0.96 * tree < here <= tree


def test_words_of_all_kinds_are_the_same_but_for_the_order_of_leaves() -> None:
    plain, mixed = words(SMALL, Kind.TREE, 2), words(SMALL, Kind.SCRAMBLED, 2)
    assert torch.equal(plain.y, mixed.y)
    assert torch.equal(plain.x, words(SMALL, Kind.FLAT, 2).x)
    for run in range(SMALL.seeds):
        leaves, other = plain.x[run].argmax(-1), mixed.x[run].argmax(-1)
        assert len({tuple(w) for w in leaves.tolist()}) == len(leaves), "no word is both learned and held out"
        assert torch.equal(SMALL.grammar(2, run).parse(leaves), plain.y[run])
        assert any(torch.equal(leaves[:, list(order)], other) for order in itertools.permutations(range(4)))


def test_a_need_is_where_the_line_between_two_sizes_crosses() -> None:
    found = [
        Trained(100, [0.5, 0.04, 0.5], []),
        Trained(400, [0.3, 0.2, 0.1], []),
        Trained(1600, [0.1, 0, 0.1], []),
    ]
    assert need(found, 0, 0.2) == Need(pytest.approx(800), False)
    assert need(found, 1, 0.05) == Need(100, False)
    assert need(found, 2, 0.3) == Need(pytest.approx(200), False)
    assert need(found, 0, 0.05) == Need(1600, True)


def test_a_run_ends_with_a_finding_for_each_claim_and_goes_on_after_an_interrupt(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    outcome = Hierarchy(SMALL).run(whole)
    assert len(outcome.findings) == 2 * 2 + 1 + 1
    assert len(outcome.facts) == 2 * len(Kind) * 2

    def interrupt(what: str, done: int, of: int) -> None:
        if what.startswith("deep dense, 2 levels") and done == 1:
            raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        Hierarchy(SMALL).run(cut, interrupt)
    assert len(json.loads((cut / "dense-2.json").read_text())) == 1
    assert Hierarchy(SMALL).run(cut).facts == outcome.facts
    assert (cut / "findings.json").read_text() == (whole / "findings.json").read_text()
    with pytest.raises(InputError, match="the folder of this plan"):
        Hierarchy(replace(SMALL, seeds=3)).run(whole)
    drawn = outcome.pictures["accuracy"]
    assert [panel["title"] for panel in drawn["panels"]] == ["1 levels", "2 levels"]


def test_a_tree_that_may_learn_does() -> None:
    """One level of tuples, all but a few of them seen: they are learned by heart, and loss falls below the bound."""
    plan = replace(SMALL, updates=2000, width=16)
    found = list(curve(plan, Kind.TREE, 1))
    assert max(found[-1].losses) < plan.fitted
    assert all(0 <= e <= 1 for e in found[-1].errors)
    assert list(curve(plan, Kind.TREE, 1, [Trained(4, [0.0, 0.0], [])])) == []


def test_plans_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="levels one after another"):
        Plan(levels=(2, 4))
    with pytest.raises(InputError, match="training sets that grow"):
        Plan(step=1.0)
    with pytest.raises(InputError, match="two sizes of training sets"):
        Plan(levels=(3,), largest=100)


def test_each_claim_is_decided_by_its_own_needs() -> None:
    """Planted needs: the tree grows by m a level, the others by more; dense layers save nothing."""
    plan = Plan(levels=(2, 3), synonyms=4, seeds=6)
    noise = 1 + 0.002 * np.array([1, -1, 1, -1, 1, -1])

    def planted(
        noise: np.ndarray, tree: float, scrambled: float, dense: float, flat: float
    ) -> dict[Kind, list[Need]]:
        sizes = {Kind.TREE: tree, Kind.SCRAMBLED: scrambled, Kind.DENSE: dense, Kind.FLAT: flat}
        return {
            k: [Need(size * float(x), False) for x in noise ** (i + 1)]
            for i, (k, size) in enumerate(sizes.items())
        }

    other = 1 + 0.002 * np.array([1, 1, -1, -1, 1, -1])
    two, three = planted(noise, 100, 300, 300, 300), planted(other, 400, 9000, 8000, 9000)
    needs = {(k, 2): n for k, n in two.items()} | {(k, 3): n for k, n in three.items()}
    yes, no, artefact = Judgement.SUPPORTED, Judgement.NOT_SUPPORTED, Judgement.ARTEFACT
    found = list(Findings(plan, needs).all())
    assert [f.judgement for f in found] == [yes, no, yes, yes, yes, yes]
    assert found[0].value.value == pytest.approx(math.log(3), abs=1e-3)  # type: ignore[union-attr]
    unknown = list(Findings(plan, needs, {(Kind.SCRAMBLED, 2), (Kind.TREE, 3)}).all())
    undecided = Judgement.UNDECIDED
    assert [f.judgement for f in unknown] == [undecided, no, undecided, yes, undecided, undecided]
    assert "tree, leaves permuted, 2 levels, has not fitted" in unknown[0].reason
    needs[Kind.SCRAMBLED, 2] = two[Kind.TREE]
    needs[Kind.TREE, 3] = [Need(400.0, True)] * 6
    found = list(Findings(plan, needs).all())
    assert found[0].judgement is artefact
    assert found[-1].judgement is Judgement.UNDECIDED
    needs[Kind.TREE, 3] = [Need(1000 * float(x), False) for x in noise]
    assert list(Findings(plan, needs).all())[-1].judgement is no
