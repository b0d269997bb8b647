"""The same numbers in onnxruntime: up to rounding, which gates enlarge as their bound says."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lensmaker.design.compile import compile_polynomial
from lensmaker.design.compile.check import points_of
from lensmaker.systems.polynomials import phi4

pytest.importorskip("onnx", reason="pip install lensmaker[onnx]")
runtime = pytest.importorskip("onnxruntime", reason="pip install lensmaker[onnx]")

TEXT = "x1*x2*x3 - 2*x1**3*x4 + 0.5"
CASES: list[tuple[Any, nn.Module, torch.dtype]] = [
    (TEXT, nn.Tanh(), torch.float64),
    (TEXT, nn.ReLU(), torch.float64),
    (TEXT, nn.GELU(), torch.float32),
    (TEXT, nn.SiLU(), torch.float32),
    (phi4((6, 4), mass=-0.5, coupling=0.25), nn.Softplus(), torch.float32),
]


def run(network: nn.Module, x: torch.Tensor, path: Path, *, dynamo: bool) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (x,), path, input_names=["x"], dynamo=dynamo, opset_version=20 if dynamo else 17
        )
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"x": x.numpy()})[0])


@pytest.mark.parametrize(("source", "activation", "dtype"), CASES)
def test_onnxruntime_has_the_same_numbers(
    source: Any, activation: nn.Module, dtype: torch.dtype, tmp_path: Path
) -> None:
    network = compile_polynomial(source, activation=activation, dtype=dtype)
    x = points_of(network, 32, 0)
    with torch.no_grad():
        here = network(x)
    there = run(network, x, tmp_path / "network.onnx", dynamo=False)
    assert there.dtype == dtype
    assert (there - here).abs().max() <= network.ledger.bound


@pytest.mark.slow
def test_the_exporter_of_today_does_so_too(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="pip install lensmaker[onnx]")
    network = compile_polynomial(TEXT, activation=nn.Tanh())
    x = points_of(network, 32, 0)
    with torch.no_grad():
        here = network(x)
    there = run(network, x, tmp_path / "network.onnx", dynamo=True)
    assert (there - here).abs().max() <= network.ledger.bound
