"""No false alarm: networks that train, fresh and trained, have no finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import lensmaker
from design.networks import (
    convolutions,
    dense_connections,
    he,
    images,
    lecun,
    perceptron,
    recurrent,
    resnet,
    sequences,
    transformer,
    unet,
    vectors,
)
from design.trained_zoo import COURSES, Course, trained
from lensmaker.core import Origin, Training
from lensmaker.data import antibody_numbering, mnist_net, mobilenet_v2, svhn_net, voice_encoder
from lensmaker.data.speech import FOLDER as SPEECH

FRESH: dict[str, Callable[[], tuple[nn.Module, Any]]] = {
    "He 5": lambda: (perceptron(5, init=he), vectors()),
    "He 30": lambda: (perceptron(30, 32, init=he), vectors()),
    "He 30, eight units": lambda: (perceptron(30, 8, init=he), vectors()),
    "tanh 20": lambda: (perceptron(20, 32, nn.Tanh, lecun), vectors()),
    "default 2": lambda: (perceptron(2), vectors()),
    "default 4": lambda: (perceptron(4), vectors()),
    "default tanh 4": lambda: (perceptron(4, act=nn.Tanh), vectors()),
    "GELU": lambda: (perceptron(8, act=nn.GELU, init=he), vectors()),
    "convolutions": lambda: (convolutions(), images()),
    "convolutions, He": lambda: (convolutions(he), images()),
    "convolutions, fan-out": lambda: (
        convolutions(lambda w: nn.init.kaiming_normal_(w, mode="fan_out")), images()
    ),
    "convolutions, batch norm": lambda: (convolutions(norm=True), images()),
    "ResNet": lambda: (resnet(), images()),
    "DenseNet": lambda: (dense_connections(), vectors()),
    "U-Net": lambda: (unet(), images()),
    "pre-LN": lambda: (transformer(True), sequences()),
    "post-LN": lambda: (transformer(False), sequences()),
    "LSTM": lambda: (recurrent(), sequences()),
}  # fmt: skip


REDRAWN = {
    "default 2", "default 4", "default tanh 4", "convolutions", "convolutions, batch norm", "ResNet",
    "DenseNet", "U-Net", "pre-LN", "post-LN", "LSTM",
}  # fmt: skip
"""Networks as their modules initialise themselves, which further seeds draw again."""

QUICK = (
    "He 5", "tanh 20", "default 4", "default tanh 4", "convolutions, fan-out", "ResNet",
    "U-Net", "pre-LN", "LSTM",
)  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_fresh(name: str) -> None:
    _has_no_finding(*FRESH[name]())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", FRESH)
def test_fresh_of_every_kind(name: str, seed: int) -> None:
    model, batch = FRESH[name]()
    torch.manual_seed(seed)
    for module in model.modules() if seed and name in REDRAWN else ():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    _has_no_finding(model.eval() if seed == 1 else model, batch)


def _has_no_finding(model: nn.Module, batch: Any) -> None:
    report = lensmaker.inspect(model, batch, nn.functional.cross_entropy)
    assert report.findings == ()
    assert report.record.training is Training.FRESH


TRAINED = {mnist_net: 8, svhn_net: 8, mobilenet_v2: 2, antibody_numbering: 2, voice_encoder: 4}
SLOW = {svhn_net, mobilenet_v2, antibody_numbering}


@pytest.mark.parametrize(
    "network",
    [pytest.param(f, marks=[pytest.mark.slow] * (f in SLOW), id=f.__name__) for f in TRAINED],
)
def test_trained(network: Callable[[], Any]) -> None:
    if network is voice_encoder and not SPEECH.is_dir():
        pytest.skip("apt-get install pocketsphinx-testdata")
    loaded, samples = network(), TRAINED[network]
    batch = loaded.batch
    if isinstance(batch, torch.Tensor):
        batch = batch[:samples, :, :96, :96] if network is mobilenet_v2 else batch[:samples]
    else:
        batch = {name: value[:samples] for name, value in batch.items()}
    report = lensmaker.inspect(loaded.model, batch)
    assert report.findings == ()
    assert report.record.training is Training.TRAINED


# -- networks trained here --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def zoo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where trained networks are kept: pytest's cache, so that they are trained once."""
    cache = getattr(request.config, "cache", None)
    return tmp_path_factory.mktemp("zoo") if cache is None else cache.mkdir("trained_zoo")


@pytest.mark.slow
@pytest.mark.parametrize("course", COURSES, ids=lambda course: course.name)
def test_trained_here(course: Course, zoo: Path) -> None:
    """It has learnt, and nothing is wrong with it, in either mode, with a loss and without, told or not."""
    model = trained(course, zoo)
    assert course.held_out(model)[1] >= course.goal
    x, y = course.samples()
    for training in (False, True):
        model.train(training)
        for report in (
            lensmaker.inspect(model, (x, y), course.loss),
            lensmaker.inspect(model, (x, y), course.loss, trained=True),
            lensmaker.inspect(model, x),
        ):
            assert report.findings == ()
            assert report.record.training is Training.TRAINED
            assert any(b.origin is Origin.BUILT for b in report.record.built)


@pytest.mark.parametrize("frozen", [(1,), pytest.param((3, 5), marks=pytest.mark.slow)], ids=str)
def test_what_was_frozen_at_its_draw_is_told_from_what_was_trained(frozen: tuple[int, ...]) -> None:
    course = next(c for c in COURSES if c.name == "relu_mlp")
    torch.manual_seed(1)
    model = course.make()
    for i in frozen:
        model[i].weight.requires_grad_(False)
    course.train(model, 400)
    assert course.held_out(model)[1] > 0.85
    record = lensmaker.inspect(model, course.samples(), course.loss, trained=True).record
    told = {str(b.where): b.origin for b in record.built}
    trained_ones = {f"{i}:linear" for i in (1, 3, 5, 7) if i not in frozen}
    assert {place for place, origin in told.items() if origin is Origin.DRAWN} == {
        f"{i}:linear" for i in frozen
    }
    assert {place for place, origin in told.items() if origin is Origin.BUILT} == trained_ones


@pytest.mark.slow
@pytest.mark.parametrize("name", ["He 5", "tanh 20", "default 4", "convolutions, He", "U-Net", "LSTM"])
def test_of_fresh_networks_nothing_is_said_to_be_built(name: str) -> None:
    """The null hypothesis at work: a departure by three errors is as rare as it should be."""
    beyond = total = 0
    for seed in range(8):
        model, batch = FRESH[name]()
        torch.manual_seed(seed)
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.LSTM):
                module.reset_parameters()
        built = lensmaker.inspect(model, batch, nn.functional.cross_entropy, trained=True).record.built
        assert {b.origin for b in built} <= {Origin.DRAWN, Origin.UNTOLD}
        pairs = [c for b in built for c in (b.edge, b.rank) if c is not None and c.prediction.regime]
        beyond += sum(abs(c.z_score) > 3 for c in pairs)
        total += len(pairs)
    assert total > 15
    assert beyond <= 0.01 * total + 1


def test_a_fresh_network_has_no_such_section() -> None:
    assert len(lensmaker.inspect(perceptron(2), vectors()).record.built) == 0
