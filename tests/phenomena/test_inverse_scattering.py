"""Inverse scattering on a small plan: what is found, kept and judged, and that planted wrongs are seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.data import MediaAndFields
from lensmaker.phenomena.finding import Judgement
from lensmaker.phenomena.inverse_scattering import InverseScattering, Plan, real
from lensmaker.phenomena.inverse_scattering.synthetic import told, uniform
from lensmaker.report.claims import claims_table, figures_of
from lensmaker.systems.fields.steady_flow import steady_flow

SMALL = Plan(
    seeds=3,
    media=2,
    trajectories=30,
    inhomogeneous=60,
    burgers=8,
    burgers_looks=3,
    flows=5,
    points=24,
    layers=2,
)
PARTS = ("uniform-media", "networks-that-tell", "media-by-point", "burgers", "darcy")


def small_flows() -> MediaAndFields:
    """Fifteen small squares with a ratio of 6."""
    media = np.random.default_rng(0).random((15, 8, 8)) < 0.5
    fields = np.stack([steady_flow(m, 6.0) for m in media])
    return MediaAndFields("squares", torch.from_numpy(media), torch.from_numpy(fields), "", "", "")


def test_a_run_keeps_its_parts_and_judges_each_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "darcy", small_flows)
    outcome = InverseScattering(SMALL).run(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "plan.json", "findings.json", *(f"{part}-{seed}.json" for part in PARTS for seed in range(3))
    }  # fmt: skip
    assert len(outcome.findings) == 5 + 1 + 4 + 3 + 2
    claims_table([f.to_dict() for f in outcome.findings])
    assert set(figures_of(outcome.pictures)) == {"a-medium.html"}
    papers = outcome.findings[-1]
    assert papers.values["a₁/a₀"].value == pytest.approx(6, abs=1e-3)
    assert papers.judgement is Judgement.NOT_SUPPORTED
    for seed in range(3):  # what is there is not made again: fields of a ratio of 4 would be believed
        file = tmp_path / f"darcy-{seed}.json"
        kept = json.loads(file.read_text())
        file.write_text(json.dumps(kept | {"ratio": 4.0 + 0.001 * seed}))
    told: list[str] = []
    again = InverseScattering(SMALL).run(tmp_path, lambda what, done, of: told.append(what))
    assert again.findings[-1].judgement is Judgement.SUPPORTED
    assert "darcy" in told


def test_backwards_is_read_with_the_other_sign() -> None:
    run = uniform(Plan(seeds=3, media=4, noise=0.02, points=24, trajectories=60, layers=1), 0)
    for name in ("drift", "metric"):
        assert run["earlier look"][name] == pytest.approx(1, abs=0.05)
        assert run["backwards"][name] == pytest.approx(-1, abs=0.05)
        assert run["network"][name] == pytest.approx(1, abs=0.2)


def test_shuffled_pairs_tell_nothing() -> None:
    shares = told(SMALL, 0)
    assert shares["pairs"] > 0.99
    assert abs(shares["shuffled pairs"]) < 0.5


def test_bad_plans() -> None:
    with pytest.raises(InputError, match="at most 50 flows"):
        Plan(seeds=8, flows=7)
    with pytest.raises(InputError, match="three seeds"):
        Plan(seeds=2)
