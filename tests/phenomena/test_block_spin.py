"""The reproduction on a small lattice: what is kept, taken up and judged."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from exact import torus_fields
from lensmaker.core import InputError
from lensmaker.numerics.resampling import Estimate
from lensmaker.phenomena.block_spin import BlockSpin, Plan, Variant
from lensmaker.phenomena.block_spin.claims import Findings
from lensmaker.phenomena.block_spin.facts import Fact, field_facts
from lensmaker.phenomena.block_spin.reconstruction import agreement, by_majority, decoded, spread_out
from lensmaker.phenomena.block_spin.training import Folder, prepared, shuffling
from lensmaker.phenomena.finding import Judgement
from lensmaker.phenomena.folder import publish, put, taken
from lensmaker.report.claims import claims_table, figures_of
from lensmaker.systems.boltzmann.deep import DeepBeliefNetwork, Given
from lensmaker.systems.boltzmann.field_stack import FieldStack
from lensmaker.systems.boltzmann.phases import ContrastiveDivergence
from lensmaker.systems.boltzmann.training import History, Rule, Training
from lensmaker.systems.spins import square
from lensmaker.theories.boltzmann.random_fields import RandomFields
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
    free = prepared(Variant.NO_COUPLING, s.repeat(20, 1)).double()  # of 1 % too many ones, eight errors
    assert abs(float(torch.corrcoef(free.T)[0, 1])) < 5 / 40_000**0.5
    assert abs(float(free.mean()) - 0.5) < 5 * 0.5 / 640_000**0.5


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


def test_each_claim_has_the_numbers_that_it_names() -> None:
    """Planted numbers that all differ: value, null and controls of every finding, written out."""
    plan = replace(SMALL, side=16, layers=(9, 4), seeds=3, window=3)
    order = list(Variant)
    names = ["window_fraction", "sign_coherence", "local_units", "field_half_width", "sign_agreement"]

    def value(variant: Variant, seed: int, name: str, layer: int) -> float:
        return 1 + order.index(variant) + 0.1 * names.index(name) + 0.03 * layer + 0.001 * seed**2

    facts = [
        Fact(variant, seed, layer, name, value(variant, seed, name, layer), 1e-9)
        for variant, seed in reversed(plan.trainings)
        for layer in (0, 1, 2)
        for name in names
    ]
    spread = 0.001 * float(np.std([0, 1, 4], ddof=1))
    error = spread / math.sqrt(3)

    def mean(name: str, layer: int) -> tuple[float, float]:
        return value(Variant.ISING, 0, name, layer) + 0.001 * 5 / 3, error

    def of(name: str, layer: int, *variants: Variant) -> dict[str, tuple[float, float]]:
        return {v.value: (value(v, 0, name, layer), spread) for v in variants}

    def random(name: str, layer: int) -> float:
        return 0.07 * names.index(name) + 0.002 * layer

    found = list(Findings(plan, facts, random, Estimate(0.6, 0.02)).all())
    causeless = (Variant.SHUFFLED, Variant.NO_COUPLING, Variant.UNTRAINED)
    uniform = ("a uniform field", 9 / 256)
    wanted: list[Any] = []
    wanted += [(mean("window_fraction", k), uniform, of("window_fraction", k, *causeless)) for k in (1, 2)]
    for k in (1, 2):
        without = of("window_fraction", k, Variant.NO_PENALTY)["L1 off"]
        controls = of("window_fraction", k, Variant.SHUFFLED, Variant.UNTRAINED)
        wanted.append((without, uniform, controls))
    for k in (1, 2):
        null = ("random weights, predicted", 0.07 + 0.002 * k)
        wanted.append((mean("sign_coherence", k), null, of("sign_coherence", k, *causeless)))
    half = ("half of the units", 0.5)
    wanted += [(mean("local_units", k), half, of("local_units", k, *causeless)) for k in (1, 2)]
    wanted.append(((0.03, 0.0), ("no growth", 0.0), {}))
    top = (mean("sign_agreement", 0)[0], math.hypot(error, 0.02))
    wanted.append((top, ("majority rule", 0.6), {}))
    assert len(found) == len(wanted)
    for finding, (measured, null, controls) in zip(found, wanted, strict=True):
        assert tuple(finding.value) == pytest.approx(measured, abs=1e-12), finding.claim
        assert finding.null[0] == null[0]
        assert finding.null[1] == pytest.approx(null[1], rel=1e-12)
        assert dict(finding.controls) == {k: pytest.approx(v, abs=1e-12) for k, v in controls.items()}
        assert finding.trainings == 3
    words = [f.claim for f in found]
    assert "one window of 3²" in words[0]
    assert "4 top units" in words[-1]
    assert "blocks of 4 × 4" in words[-1]


def test_what_is_trained_is_what_the_plan_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The arguments of every training, the samples, and what each control sees of them."""
    plan = replace(SMALL, learning_rate=0.07, momentum=0.3, penalty=3e-4, coupling=0.3)
    asked = {}

    def recorded(network: object, data: torch.Tensor, training: Training, **more: Any) -> list[History]:
        asked[more["folder"].name] = data, training, more
        return [History((), "", 0)]

    monkeypatch.setattr("lensmaker.phenomena.block_spin.training.fit_stack", recorded)
    kept = Folder(tmp_path, plan)
    samples = kept.samples()
    assert samples.spins.shape == (350, 64)
    assert samples.system.temperature == pytest.approx(1 / 0.3, rel=1e-15)
    rows = samples.spins[:300]
    for variant, seed in plan.trainings:
        kept.machine(variant, seed, rows)
    assert sorted(asked) == ["ising-0", "ising-1", "no_coupling-0", "no_penalty-0", "shuffled-0"]
    for name, (data, training, more) in asked.items():
        assert (training.epochs, training.batch, training.learning_rate) == (2, 20, 0.07)
        assert training.phase == ContrastiveDivergence(1)
        assert training.rule == Rule(momentum=0.3, l1=0.0 if name == "no_penalty-0" else 3e-4)
        assert training.seed == int(name[-1])
        assert more["given"] is Given.MEANS
        assert data.shape == rows.shape
    for name in ("ising-0", "ising-1", "no_penalty-0"):
        assert torch.equal(asked[name][0], (rows > 0).to(torch.int8))
    assert torch.equal(asked["shuffled-0"][0], (rows > 0).to(torch.int8)[:, shuffling(64)])
    weights = [kept.machine(Variant.UNTRAINED, seed, rows).stack[0].weights.parameter for seed in (0, 1)]
    assert not torch.equal(*weights)
    low, high = (m.weights.parameter.flatten()[:64] for m in kept.machine(Variant.UNTRAINED, 0, rows).stack)
    assert not torch.equal(low, high)


def test_facts_are_read_off_the_machines_that_are_kept(tmp_path: Path) -> None:
    """Each number of two trainings again, site by site, from what is in the folder."""
    outcome = BlockSpin(SMALL).run(tmp_path)
    facts = {(f["variant"], f["seed"], f["layer"], f["name"]): f for f in outcome.facts}
    kept = Folder(tmp_path, SMALL)
    s = kept.samples().spins
    unseen = s[300:].numpy()
    for variant, seed in ((Variant.ISING, 1), (Variant.SHUFFLED, 0)):
        network = kept.machine(variant, seed, s[:300])
        W = [m.weights.parameter.detach().double().numpy() for m in network.stack]
        for layer, fields in ((1, W[0]), (2, W[0] @ W[1])):
            each = [torus_fields.statistics(w.reshape(8, 8), 3) for w in fields.T]
            for name in ("window_fraction", "sign_coherence", "field_participation"):
                values = np.array([one[name] for one in each])
                fact = facts[variant.value, seed, layer, name]
                assert fact["value"] == pytest.approx(values.mean(), rel=1e-9)
                assert fact["error"] == pytest.approx(values.std(ddof=1) / math.sqrt(len(values)), rel=1e-6)
        order = shuffling(64).numpy() if variant is Variant.SHUFFLED else np.arange(64)
        seen = unseen[:, order]
        expected = (by_hand(network, (seen + 1) / 2) == seen).mean(1)
        fact = facts[variant.value, seed, 0, "sign_agreement"]
        assert fact["value"] == pytest.approx(expected.mean(), rel=1e-12)
        assert fact["error"] == pytest.approx(expected.std(ddof=1) / math.sqrt(50), rel=1e-9)
    blocks = np.abs(unseen.reshape(50, 2, 4, 2, 4).sum((2, 4)))  # half of a block agrees where it is tied
    majority = next(f for f in outcome.facts if f["variant"] == "majority rule")
    assert majority["value"] == pytest.approx(((16 + blocks) / 32).mean(), rel=1e-12)
    first = kept.machine(Variant.ISING, 0, s[:300])
    W = [m.weights.parameter.detach().double().numpy() for m in first.stack]
    for drawn, fields in zip(outcome.pictures["Ising"], (W[0], W[0] @ W[1]), strict=True):
        assert drawn == pytest.approx(fields.T.reshape(-1, 8, 8), rel=1e-9)
    kept_of = {name: rows.reshape(-1, 64) for name, rows in outcome.pictures["reconstructions"].items()}
    assert np.array_equal(kept_of["spins"], unseen[:8])
    assert np.array_equal(kept_of["machine"], by_hand(first, (unseen[:8] + 1) / 2))
    null = RandomFields(3).predict(FieldStack(network, square(8)))
    for k in (1, 2):
        claim = next(f for f in outcome.findings if f"window of layer {k} have one sign" in f.claim)
        (said,) = (
            p for p in null if (p.quantity.name, str(p.where)) == ("sign_coherence", f"fields[layer={k}]")
        )
        assert claim.null[1] == said.value


def by_hand(network: DeepBeliefNetwork, bits: np.ndarray) -> np.ndarray:
    """Means up, the likeliest bits of the top, means down."""

    def mean(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    parts = [
        [p.detach().double().numpy() for p in (m.weights.parameter, m.visible_bias, m.hidden_bias)]
        for m in network.stack
    ]
    s = bits.astype(float)
    for W, _, b in parts:
        s = mean(s @ W + b)
    s = np.round(s)
    for W, a, _ in reversed(parts):
        s = mean(s @ W.T + a)
    return np.where(s > 0.5, 1, -1)


def test_codes_are_bits_though_means_are_not() -> None:
    """Weights of moderate size, where a mean that is passed on in place of its bit makes other signs."""
    network = DeepBeliefNetwork.of_layers(16, 6, 3)
    for k, m in enumerate(network.stack):
        m.initialise(seed=k, scale=1.5)
        m.hidden_bias.data = torch.randn(m.hidden.size, generator=torch.Generator().manual_seed(k))
    bits = prepared(Variant.ISING, spins(200, 16))
    expected = by_hand(network, bits.numpy())
    assert np.array_equal(decoded(network, bits).numpy(), expected)


def test_a_unit_is_local_from_half_of_its_weight_on() -> None:
    """Shares of the window of .505 and .495: one of two units; the error is that of a share."""
    fields = torch.zeros(2, 8, 8, dtype=torch.float64)
    for w, share in zip(fields, (0.505, 0.495), strict=True):
        w[2, 3], w[2, 4], w[6, 6] = 0.7, math.sqrt(share - 0.49), math.sqrt(1 - share - 0.1)
        w[5, 0] = math.sqrt(0.1)
    network = DeepBeliefNetwork.of_layers(64, 2)
    network.stack[0].weights.parameter.data = fields.reshape(2, 64).T.float()
    (share,) = (
        f
        for f in field_facts(replace(SMALL, layers=(2,)), Variant.ISING, 4, network)
        if f.name == "local_units"
    )
    assert (share.variant, share.seed, share.layer) == (Variant.ISING, 4, 1)
    assert (share.value, share.error) == (0.5, pytest.approx(math.sqrt(0.25 / 2)))
