from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lensmaker.core import MissingDataError, Training
from lensmaker.data import (
    TrainedNetwork,
    antibody_numbering,
    digits,
    mnist_net,
    mobilenet_v2,
    svhn_net,
    voice_encoder,
)
from lensmaker.data.mobilenet_v2 import MobileNetV2
from lensmaker.instruments.training import evidence, training_state
from lensmaker.systems.networks import Network


def state(model: nn.Module) -> tuple[Training, str]:
    """Only the parameters are read: any batch will do."""
    return training_state(Network(model, torch.ones(2, 1)))


def mlp(width: int, depth: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(64, width), activation()]
    for _ in range(depth):
        layers += [nn.Linear(width, width), activation()]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(width, 10))


def conv_net(norm: bool) -> nn.Sequential:
    def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        return [conv, *([nn.BatchNorm2d(outputs)] if norm else []), nn.ReLU()]

    blocks = [*block(1, 16, 1), *block(16, 32, 2), *block(32, 32, 1)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 10))


def initialised(model: nn.Module, weight: Callable[[torch.Tensor], object]) -> nn.Module:
    for p in model.parameters():
        if p.ndim > 1:
            weight(p.data)
    return model


def gpt2_like() -> nn.Module:
    """N(0, 0.02), and 0.02/√(2L) where the residual stream is written."""
    layers = [nn.TransformerEncoderLayer(96, 4, 384, batch_first=True, norm_first=True) for _ in range(3)]
    model = nn.Sequential(nn.Embedding(400, 96), *layers, nn.Linear(96, 400, bias=False))
    initialised(model, lambda w: w.normal_(0, 0.02))
    for layer in layers:
        nn.init.normal_(layer.linear2.weight, 0, 0.02 / math.sqrt(6))
        nn.init.normal_(layer.self_attn.out_proj.weight, 0, 0.02 / math.sqrt(6))
    return model


def dcgan_like() -> nn.Module:
    layers = [
        nn.ConvTranspose2d(30, 32, 4),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1),
    ]
    model = initialised(nn.Sequential(*layers), lambda w: w.normal_(0, 0.02))
    nn.init.normal_(layers[1].weight, 1, 0.02)
    return model


def flat_rows() -> nn.Module:
    table = nn.Embedding(50, 16)
    angle = torch.arange(50.0)[:, None] / 1e4 ** (torch.arange(8.0) / 8)
    table.weight.data = torch.cat([angle.sin(), angle.cos()], 1)
    return nn.Sequential(table, nn.Linear(16, 16))


def as_seen_once() -> nn.Module:
    """A forward pass in training mode moves the running statistics, and trains nothing."""
    model = conv_net(True).train()
    model(torch.randn(20, 1, 8, 8))
    return model


def large_queries(attention: nn.MultiheadAttention) -> nn.Module:
    attention.in_proj_weight.data[:64] *= 2
    return attention


FRESH: dict[str, Callable[[], nn.Module]] = {
    "default": lambda: mlp(128, 3),
    "default narrow": lambda: mlp(8, 4),
    "default wide": lambda: mlp(600, 1),
    "default conv": lambda: conv_net(False),
    "default conv with norm": lambda: conv_net(True),
    "seen once": as_seen_once,
    "mobilenet": lambda: MobileNetV2(),
    "lstm": lambda: nn.LSTM(40, 96, 2),
    "gru": lambda: nn.GRU(30, 64, bidirectional=True),
    "bilinear": lambda: nn.Bilinear(10, 12, 14),
    "attention": lambda: nn.MultiheadAttention(64, 4),
    "queries of a scale of their own": lambda: large_queries(nn.MultiheadAttention(64, 4)),
    "transformer": lambda: nn.Transformer(64, 4, 2, 2, 128, batch_first=True),
    "kaiming uniform": lambda: initialised(mlp(100, 2), nn.init.kaiming_uniform_),
    "kaiming normal": lambda: initialised(conv_net(True), nn.init.kaiming_normal_),
    "xavier uniform": lambda: initialised(mlp(100, 2), nn.init.xavier_uniform_),
    "xavier normal": lambda: initialised(conv_net(False), nn.init.xavier_normal_),
    "orthogonal": lambda: initialised(mlp(100, 2), nn.init.orthogonal_),
    "orthogonal conv": lambda: initialised(conv_net(True), nn.init.orthogonal_),
    "truncated at 2σ": lambda: initialised(mlp(200, 2), lambda w: nn.init.trunc_normal_(w, 0, 1, -2, 2)),
    "truncated at 3σ": lambda: initialised(mlp(200, 2), lambda w: nn.init.trunc_normal_(w, 0, 1, -3, 3)),
    "truncated far out": lambda: initialised(mlp(200, 2), lambda w: nn.init.trunc_normal_(w, std=0.02)),
    "N(0, 0.02)": lambda: initialised(conv_net(True), lambda w: w.normal_(0, 0.02)),
    "mean-field": lambda: initialised(
        mlp(150, 4, nn.Tanh), lambda w: w.normal_(0, 1.5 / math.sqrt(w.shape[1]))
    ),
    "zeros": lambda: initialised(mlp(30, 1), nn.init.zeros_),
    "ones": lambda: initialised(mlp(30, 1), nn.init.ones_),
    "identity": lambda: initialised(mlp(30, 1), nn.init.eye_),
    "dirac": lambda: initialised(nn.Sequential(nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 3)), nn.init.dirac_),
    "last layer zero": lambda: nn.Sequential(mlp(64, 1), initialised(nn.Linear(10, 10), nn.init.zeros_)),
    "padding row": lambda: nn.Sequential(nn.Embedding(60, 300, padding_idx=0), nn.Linear(300, 30)),
    "sines": flat_rows,
    "gpt-2": gpt2_like,
    "dcgan": dcgan_like,
    "bfloat16": lambda: mlp(512, 2).bfloat16(),
    "half": lambda: initialised(mlp(512, 1), lambda w: w.normal_(0, 0.02)).half(),
    "depthwise": lambda: nn.Sequential(nn.Conv2d(64, 64, 3, groups=64), nn.Conv2d(64, 128, 1)),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(60, 40)),
    "spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(16, 32, 3)),
    "one output": lambda: nn.Sequential(nn.Linear(50, 20), nn.Tanh(), nn.Linear(20, 1)),
}


@pytest.mark.parametrize("kind", FRESH)
def test_fresh_networks_are_fresh(kind: str) -> None:
    training, reason = state(FRESH[kind]())
    assert training is Training.FRESH, reason


SMALL = {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 200}


@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("GPT2", {"n_layer": 2, "n_embd": 96, "n_head": 4, "bos_token_id": 0, "eos_token_id": 0}),
        ("Bert", SMALL),
        ("ViT", SMALL),
        ("T5", {"d_model": 64, "num_layers": 2, "d_ff": 128, "num_heads": 4, "d_kv": 16}),
        ("Llama", SMALL),
    ],
)
def test_fresh_transformers_are_fresh(family: str, options: dict[str, int]) -> None:
    module = importlib.import_module(f"transformers.models.{family.lower()}")
    vocabulary = {} if family == "ViT" else {"vocab_size": 300}
    model = getattr(module, f"{family}Model")(getattr(module, f"{family}Config")(**options, **vocabulary))
    training, reason = state(model)
    assert training is Training.FRESH, reason


def test_false_alarms_of_many_small_networks() -> None:
    """Of 150 fresh networks 0.15 are expected to be called trained; three has a probability below 1e-3."""
    alarms = [state(mlp(24, 1))[0] is Training.TRAINED for _ in range(150)]
    assert sum(alarms) <= 2


def trained(model: nn.Module, optimiser: Callable[..., torch.optim.Optimizer], **options: float) -> float:
    """Accuracy on the digits after as few steps as bring it above 90 %."""
    data, g = digits(), torch.Generator().manual_seed(0)
    x, y = data.x, data.y
    opt, accuracy = optimiser(model.parameters(), **options), 0.0
    for step in range(1500):
        batch = torch.randint(len(x), (64,), generator=g)
        opt.zero_grad()
        F.cross_entropy(model(x[batch]), y[batch]).backward()
        opt.step()
        if step % 10 == 9:
            model.eval()
            with torch.no_grad():
                accuracy = (model(x).argmax(1) == y).double().mean().item()
            model.train()
            if accuracy > 0.9:
                break
    return accuracy


@pytest.mark.parametrize(
    ("model", "optimiser", "options"),
    [
        (lambda: mlp(32, 1), torch.optim.SGD, {"lr": 0.1}),
        (lambda: mlp(128, 1), torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (lambda: mlp(1024, 1), torch.optim.SGD, {"lr": 0.1}),
        (lambda: mlp(256, 2, nn.Tanh), torch.optim.AdamW, {"lr": 1e-4}),
        (lambda: initialised(mlp(128, 2), nn.init.orthogonal_), torch.optim.SGD, {"lr": 0.05}),
        (lambda: initialised(mlp(256, 1), lambda w: w.normal_(0, 0.05)), torch.optim.Adam, {"lr": 1e-3}),
        (lambda: conv_net(False), torch.optim.RMSprop, {"lr": 1e-3}),
        (lambda: conv_net(False), torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (lambda: conv_net(True), torch.optim.Adam, {"lr": 1e-3}),
        (lambda: conv_net(True), torch.optim.SGD, {"lr": 0.05}),
    ],
)
def test_networks_trained_for_a_short_while_are_trained(
    model: Callable[[], nn.Module], optimiser: Callable[..., torch.optim.Optimizer], options: dict[str, float]
) -> None:
    net = model()
    assert state(net)[0] is Training.FRESH
    assert trained(net, optimiser, **options) > 0.9
    training, reason = state(net)
    assert training is Training.TRAINED, reason


@pytest.mark.parametrize("load", [mnist_net, svhn_net, mobilenet_v2, voice_encoder, antibody_numbering])
def test_networks_that_others_trained_are_trained(load: Callable[[], TrainedNetwork]) -> None:
    try:
        network = load()
    except MissingDataError as reason:
        pytest.skip(str(reason))
    assert state(network.model)[0] is Training.TRAINED


def test_each_kind_of_evidence_is_named() -> None:
    g = torch.Generator().manual_seed(5)

    def with_weight(change: Callable[[torch.Tensor], torch.Tensor]) -> str:
        net = nn.Sequential(nn.Linear(120, 80))
        net[0].weight.data = change(net[0].weight.data)
        return state(net)[1]

    rank_one = torch.outer(torch.randn(80, generator=g), torch.randn(120, generator=g))
    assert with_weight(lambda w: w + 0.03 * rank_one).startswith(
        "`0.weight`: 1 singular value above the random edge, expected 0 (p "
    )
    flat = torch.linalg.qr(torch.randn(120, 80, generator=g)).Q.T
    assert "singular values spread otherwise" in with_weight(lambda w: flat + 0.05 * w)
    heavy = torch.distributions.Laplace(0.0, 1.0).sample((80, 120))
    assert "entries neither uniform nor Gaussian" in with_weight(lambda w: heavy)
    assert "row norms spread by" in with_weight(lambda w: w * torch.linspace(0.7, 1.3, 80)[:, None])
    assert "column norms spread by" in with_weight(lambda w: w * torch.linspace(0.7, 1.3, 120))
    norm = nn.LayerNorm(4)
    with torch.no_grad():
        norm.bias[0] = 0.5
    training, reason = state(nn.Sequential(norm))
    assert training is Training.TRAINED
    assert reason.startswith("`0.bias`: 4 values from 0 to 0.5, all equal at the start")


def test_many_spikes_are_the_strongest_evidence() -> None:
    net = nn.Sequential(nn.Linear(200, 200), nn.Linear(200, 200), nn.LayerNorm(200))
    spikes = torch.randn(200, 14) @ torch.randn(14, 200)
    with torch.no_grad():
        net[0].weight.add_(torch.outer(torch.randn(200), torch.randn(200)))
        net[1].weight.add_(spikes)
        net[2].bias.normal_()
    assert state(net)[1].startswith(
        "`1.weight`: 14 singular values above the random edge, expected 0 (p < 1e-99)"
    )


def test_tied_weights_are_tested_once_and_nothing_else_is_read() -> None:
    first, second = nn.Embedding(40, 16), nn.Linear(16, 40)
    second.weight = first.weight
    assert [e.parameter for e in evidence(nn.Sequential(first, second))] == ["0.weight"] * 5


def test_nothing_to_judge_by() -> None:
    assert state(nn.ReLU()) == (Training.FRESH, "there is no weight to judge by")
    broken = nn.Linear(4, 4)
    with torch.no_grad():
        broken.weight[0, 0] = torch.nan
    assert state(broken) == (Training.FRESH, "there is no weight to judge by")


def test_parameters_stay_as_they_are() -> None:
    net = mlp(64, 1)
    before, random = [p.clone() for p in net.parameters()], torch.get_rng_state()
    state(net)
    assert all(torch.equal(p, b) for p, b in zip(net.parameters(), before, strict=True))
    assert torch.equal(torch.get_rng_state(), random)
