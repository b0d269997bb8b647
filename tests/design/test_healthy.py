"""No false alarm: networks that train, fresh and trained, have no finding."""

from __future__ import annotations

from collections.abc import Callable
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
from lensmaker.core import Training
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
