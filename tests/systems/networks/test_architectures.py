"""The zoo of benchmarks/architectures: read without a crash or a trace, and no silent nonsense."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import lensmaker
from lensmaker.core import Convergence, InputError, MissingDataError
from systems.networks.test_undisturbed import bits, fingerprint

pytest.importorskip("transformers")
sys.path.append(str(Path(__file__).parents[3] / "benchmarks" / "architectures"))

from row import row_of
from zoo import REFUSED, ZOO, Subject, made, quiet

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs
CASES = {case.name: case for cases in ZOO.values() for case in cases}
QUICK = {
    "T5",
    "WaveNet style",
    "Graph messages",
    "Attention by einsum",
    "Recommender",
    "Gradient checkpointing",
}
HARMED = {"Whisper": ["order"]}
"""What is found in fresh networks, and shown to harm below."""


def subject(name: str) -> Subject:
    try:
        return made(CASES[name])
    except MissingDataError as error:
        pytest.skip(str(error))


def quick_or_slow(names: Any) -> list[Any]:
    return [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in names]


@pytest.mark.parametrize("name", quick_or_slow(n for n in CASES if n not in REFUSED))
def test_an_architecture_is_read_and_predicted_without_nonsense(name: str) -> None:
    model, batch, loss = subject(name)
    state, before = torch.get_rng_state(), fingerprint(model)
    with quiet():
        record = lensmaker.inspect(model, batch, loss, batch_axis=CASES[name].batch_axis).record
    assert fingerprint(model) == before
    assert bits(torch.get_rng_state()) == bits(state)
    measured = [c.measurement for c in record.comparisons] + list(record.measurements)
    assert not [m for m in measured if m.convergence is Convergence.NOT_FINITE and not overflows(name, m)]
    read = {m.where for m in measured if m.quantity.name == "second_moment"}
    assert {e.where for e in record.elements} <= read
    assert [f.aberration for f in record.findings] == HARMED.get(name, [])
    row = row_of(record)
    assert row.agree >= 0.9 * row.comparisons
    if (
        row.off
    ):  # one draw of the weights in many strays by three errors, but not at the same places as another
        model, batch, loss = made(CASES[name], seed=1)
        with quiet():
            again = row_of(lensmaker.inspect(model, batch, loss, batch_axis=CASES[name].batch_axis).record)
        assert not {place.rpartition(":")[0] for place in row.off} & {p.rpartition(":")[0] for p in again.off}


@pytest.mark.slow
def test_whisper_tells_recordings_apart_sooner_once_its_order_is_corrected() -> None:
    """Eight recordings, a token to say for each, 60 steps of Adam: as docs/architectures.md says."""

    def loss_after(steps: int, corrected: bool) -> float:
        model, batch, _ = subject("Whisper")
        if corrected:
            lensmaker.inspect(model, batch).correct()
        for dropout in (m for m in model.modules() if isinstance(m, nn.Dropout)):
            dropout.p = 0.0
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        labels = torch.arange(5, 13).view(8, 1)
        for _ in range(steps):
            optimiser.zero_grad()
            loss = model(input_features=batch["input_features"], labels=labels).loss
            loss.backward()
            optimiser.step()
        return loss.item()

    assert loss_after(60, corrected=True) < 0.75 < 1.0 < loss_after(60, corrected=False)


def overflows(name: str, measurement: Any) -> bool:
    """Masks of −∞, and the first state of RWKV, are infinite by intention."""
    return (
        measurement.where.operation in ("masked_fill", "setitem", "where", "add", "baddbmm", "sub", "pow")
        or name == "Rwkv"
    )


@pytest.mark.parametrize("name", list(REFUSED))
def test_weights_that_cannot_be_read_are_refused(name: str) -> None:
    model, batch, loss = subject(name)
    with pytest.raises(InputError, match="inspect the network before it is"):
        lensmaker.inspect(model, batch, loss)


def test_names_are_unique() -> None:
    assert len(CASES) == sum(len(cases) for cases in ZOO.values()) >= 50


def test_nonsense_would_be_noticed() -> None:
    """A network whose weights are anything but random, said to be fresh."""
    net = nn.Sequential(nn.Linear(64, 64, bias=False), nn.ReLU(), nn.Linear(64, 64, bias=False), nn.ReLU())
    with torch.no_grad():
        net[2].weight.copy_(net[2].weight.abs())  # a mean that multiplies the positive signal
    record = lensmaker.inspect(net, torch.randn(16, 64), lambda y: y.square().sum(), trained=False).record
    assert any(place.startswith("second_moment at 2:linear") for place in row_of(record).off)
