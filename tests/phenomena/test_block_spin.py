"""The reproduction on a small lattice: what is kept, taken up and judged."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.block_spin import BlockSpin, Plan, Variant
from lensmaker.phenomena.block_spin.claims import Findings
from lensmaker.phenomena.block_spin.facts import Fact
from lensmaker.phenomena.block_spin.reconstruction import agreement, by_majority, decoded, spread_out
from lensmaker.phenomena.block_spin.training import prepared, shuffling
from lensmaker.phenomena.finding import Judgement
from lensmaker.phenomena.folder import publish, put, taken
from lensmaker.report.claims import claims_table, figures_of
from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork
from lensmaker.systems.spins import square
from test_examples import example

SMALL = Plan(side=8, samples=300, held_out=50, layers=(16, 4), epochs=2, batch=20, seeds=2, window=3, block=4)


def spins(rows: int, sites: int) -> torch.Tensor:
    return (
        2 * torch.randint(2, (rows, sites), generator=torch.Generator().manual_seed(0), dtype=torch.int8) - 1
    )


def test_a_run_ends_with_a_finding_for_each_claim_and_goes_on_after_an_interrupt(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    outcome = BlockSpin(SMALL).run(whole)
    assert len(outcome.findings) == 4 * 2 + 1 + 1
    assert all(np.isfinite(f["value"]) for f in outcome.facts)
    stop = [0]

    def interrupt(what: str, done: int, of: int) -> None:
        stop[0] += 1
        if "K = 0" in what:
            raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        BlockSpin(SMALL).run(cut, interrupt)
    assert stop[0] > 3
    assert not (cut / "findings.json").exists()
    again = BlockSpin(SMALL).run(cut)
    assert [f.to_dict() for f in again.findings] == [f.to_dict() for f in outcome.findings]
    assert json.loads((cut / "findings.json").read_text()) == json.loads(
        (whole / "findings.json").read_text()
    )
    assert set(figures_of(outcome.pictures)) == {
        "fields-ising.html",
        "fields-l1-off.html",
        "fields-shuffled-sites.html",
        "fields-k-0.html",
        "fields-random-weights.html",
        "reconstructions.html",
    }
    assert claims_table([f.to_dict() for f in outcome.findings]).row_count == 10


def test_a_folder_of_another_plan_is_refused(tmp_path: Path) -> None:
    BlockSpin(replace(SMALL, epochs=1, seeds=1)).run(tmp_path)
    with pytest.raises(InputError, match="the folder of this plan"):
        BlockSpin(SMALL).run(tmp_path)
    with pytest.raises(InputError, match="a folder that exists"):
        BlockSpin(SMALL).run(tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b'{"side": 8, "coup', b"\xa8\xff", b"[]"])
def test_a_torn_plan_is_said_and_nothing_is_lost(tmp_path: Path, content: bytes) -> None:
    """What a kill in the middle of a write would leave, had it not been written beside its place."""
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(InputError, match=r"plan\.json, which is damaged|the folder of this plan"):
        BlockSpin(SMALL).run(tmp_path)
    assert (tmp_path / "plan.json").read_bytes() == content


def test_what_is_kept_is_written_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the last moment, there is no plan and no findings, or the ones before."""
    put(tmp_path / "plan.json", {"side": 8})

    def stopped(descriptor: int) -> None:
        raise KeyboardInterrupt("stopped")

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        put(tmp_path / "plan.json", {"side": 16})
    assert taken(tmp_path / "plan.json") == {"side": 8}
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_numbers_that_json_lacks_are_null(tmp_path: Path) -> None:
    publish(tmp_path, [], [{"value": math.nan, "errors": [math.inf, 0.5]}])
    assert json.loads((tmp_path / "findings.json").read_text(), parse_constant=pytest.fail) == {
        "findings": [],
        "facts": [{"value": None, "errors": [None, 0.5]}],
    }


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "findings.json").mkdir()
    with pytest.raises(InputError, match=r"a file that can be written, but got .*findings\.json"):
        BlockSpin(replace(SMALL, epochs=1, seeds=1)).run(tmp_path)
    assert not list(tmp_path.glob(".*.partial"))


def test_plans_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="a side that is two or more blocks of 8"):
        Plan(side=36)
    with pytest.raises(InputError, match="an odd window"):
        Plan(window=8)
    with pytest.raises(InputError, match="a hidden layer and a seed"):
        Plan(layers=())
    with pytest.raises(InputError, match="0 seeds"):
        Plan(seeds=0)


@pytest.mark.parametrize("name", ["side", "samples", "held_out", "epochs", "batch", "window", "block"])
@pytest.mark.parametrize("value", [0, -8])
def test_sizes_are_whole_and_positive(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{name}: a whole number from"):
        replace(Plan(), **{name: value})


def test_layers_and_couplings_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="layer 2: a whole number from 1 on"):
        Plan(layers=(400, 0))
    for coupling in (0.0, -0.4, math.nan, math.inf):
        with pytest.raises(InputError, match="a coupling above 0"):
            Plan(coupling=coupling)
    with pytest.raises(InputError, match="held_out: a whole number from 2 on, but got 1"):
        Plan(held_out=1)


def test_controls_take_away_what_they_say() -> None:
    s = spins(2000, 16)
    s[:, 1] = s[:, 0]  # two neighbours that are alike
    bits = prepared(Variant.ISING, s)
    assert torch.equal(2 * bits - 1, s)
    mixed, order = prepared(Variant.SHUFFLED, s), shuffling(16)
    assert torch.equal(mixed, bits[:, order])
    assert sorted(order.tolist()) == list(range(16))
    free = prepared(Variant.NO_COUPLING, s).double()
    assert abs(float(torch.corrcoef(free.T)[0, 1])) < 5 / 2000**0.5
    assert abs(float(free.mean()) - 0.5) < 5 * 0.5 / 32000**0.5


def test_reconstructions_against_machines_that_are_blocks() -> None:
    """Weights that are the majority rule keep what it keeps, in one layer or in two."""
    lattice, s = square(6), spins(400, 36)
    blocks = torch.arange(36).view(2, 3, 2, 3).permute(0, 2, 1, 3).reshape(4, 9)
    network = DeepBeliefNetwork.of_layers(36, 4, 4)
    one, two = network.stack
    for machine in (one, two):
        for parameter in machine.parameters():
            parameter.data.zero_()
    for k, block in enumerate(blocks):
        one.weights.parameter.data[block, k] = 50.0  # of bits: 0 where four of nine are up
        one.hidden_bias.data[k] = -50.0 * 4.5
    one.visible_bias.data.fill_(-25.0)
    two.weights.parameter.data = 50.0 * torch.eye(4)
    two.hidden_bias.data.fill_(-25.0)
    two.visible_bias.data.fill_(-25.0)
    kept = by_majority(s, lattice, 3, torch.Generator().manual_seed(0))
    assert torch.equal(decoded(network, prepared(Variant.ISING, s)), kept)
    count = torch.stack([s[:, block].sum(1).abs() for block in blocks], 1)  # what a block of nine agrees by
    expected = (9 + count).sum(1).double() / 72
    assert agreement(s, kept) == pytest.approx(expected.numpy(), rel=1e-12)
    assert spread_out(torch.tensor([[1, -1, -1, 1]]), square(4), 2).view(4, 4).tolist()[1] == [1, 1, -1, -1]


def test_each_claim_is_decided_by_its_own_numbers() -> None:
    """Planted numbers: local without any cause is an artefact; narrower fields do not grow."""
    plan = replace(SMALL, layers=(9, 4), seeds=5)
    noise = (0.0, 0.01, -0.01, 0.01, -0.01)

    def facts(planted: dict[tuple[Variant, str, int], float]) -> list[Fact]:
        found = []
        for variant, seed in plan.trainings:
            for layer in (1, 2):
                for name in ("window_fraction", "sign_coherence", "local_units", "field_half_width"):
                    value = planted.get((variant, name, layer), 0.1) + noise[seed]
                    found.append(Fact(variant, seed, layer, name, value, 0.0))
            found.append(Fact(variant, seed, 0, "sign_agreement", 0.7 + noise[seed] / 10, 0.0))
        return found

    planted = {
        (Variant.ISING, "window_fraction", 1): 0.8,
        (Variant.ISING, "window_fraction", 2): 0.9,
        (Variant.NO_COUPLING, "window_fraction", 2): 0.9,
        (Variant.NO_PENALTY, "window_fraction", 1): 0.7,
        (Variant.ISING, "field_half_width", 1): 2.0,
        (Variant.ISING, "field_half_width", 2): 1.0,
        (Variant.ISING, "sign_coherence", 2): 0.9,
        (Variant.ISING, "local_units", 1): 0.9,
    }
    found = Findings(plan, facts(planted), lambda name, layer: 0.2, Estimate(0.65, 0.001)).all()
    judgements = [f.judgement for f in found]
    yes, no, artefact = Judgement.SUPPORTED, Judgement.NOT_SUPPORTED, Judgement.ARTEFACT
    assert judgements == [yes, artefact, yes, no, no, yes, yes, no, no, yes]


def test_trainings_that_agree_by_chance_have_an_error_all_the_same() -> None:
    """97 of 100 units in each of five trainings: √(0.97 × 0.03/100)/√5."""
    plan = replace(SMALL, seeds=5)
    facts = [Fact(Variant.ISING, seed, 2, "local_units", 0.97, 0.0171) for seed in range(5)]
    found = Findings(plan, facts, lambda name, layer: 0.0, Estimate(0, 0))._of(
        Variant.ISING, "local_units", 2
    )
    assert found.value == pytest.approx(0.97)
    assert found.error == pytest.approx(0.0171 / 5**0.5, rel=1e-6)
    spread = [replace(f, value=0.9 + 0.02 * f.seed) for f in facts]
    wide = Findings(plan, spread, lambda name, layer: 0.0, Estimate(0, 0))._of(
        Variant.ISING, "local_units", 2
    )
    assert wide.error == pytest.approx(0.02 * 2.5**0.5 / 5**0.5, rel=1e-6)


def test_the_example_draws_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = example("mehta_schwab")
    module.main(tmp_path / "run", BlockSpin(replace(SMALL, epochs=1, seeds=1)))
    out = capsys.readouterr().out
    assert "shuffled" in out
    assert "undecided" in out, "one seed has no error"
    for name in ("fields.png", "reconstructions.png"):
        assert (tmp_path / "run" / name).read_bytes()[:4] == b"\x89PNG"
    fields = module.tiled(np.stack([np.eye(4), -2 * np.eye(4)]))
    assert fields.shape == (4, 14)
    assert fields[0, 0] == 1
    assert fields[0, 5] == -1
    assert np.isnan(fields[0, 4])
