"""What cannot be read is refused in one sentence that names what was expected, what came, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import unwrap
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard

from lensmaker.core import InputError, LensmakerError, ModelError
from lensmaker.systems.networks import Network, record
from systems.networks.architectures import Applied

NET = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))


def nested_failure() -> nn.Module:
    def fail(m: Any, x: Tensor) -> Tensor:
        raise ZeroDivisionError("no photons\nin a second line")

    return nn.Sequential(nn.Linear(3, 3), nn.ModuleDict({"eye": Applied(fail)})["eye"])


def quantised(model: nn.Module) -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(model, {nn.Linear})


def sharded(model: nn.Module) -> nn.Module:
    """As `fully_shard` leaves it in the only process of a group."""
    if not dist.is_initialized():
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        return fully_shard(model, mesh=dist.init_device_mesh("cpu", (1,)))
    finally:
        dist.destroy_process_group()


# `unwrap` takes the tests' own type checker away, which would speak first.
CASES: dict[str, tuple[Callable[[], Any], type[LensmakerError], str]] = {
    "no batch": (
        lambda: record(NET, None),
        InputError,
        (
            "Expected an example batch (a tensor, an (x, y) pair, or a dict for model(**batch)), "
            "but got nothing: "
            "pass a batch like those the network is trained on, several inputs as ((a, b), y)."
        ),
    ),
    "a triple": (lambda: record(NET, (1, 2, 3)), InputError, "but got a tuple of 3: "),
    "an array": (lambda: record(NET, torch.ones(2, 3).numpy()), InputError, "but got a ndarray: "),
    "no tensor": (
        lambda: record(NET, {"x": 3}),
        InputError,
        "Expected at least one tensor in the batch, but got none",
    ),
    "no batch axis": (
        lambda: record(NET, torch.tensor(3.0)),
        InputError,
        "inputs with a batch axis 0, but got shapes ()",
    ),
    "no sample": (
        lambda: record(NET, torch.zeros(0, 3)),
        InputError,
        "Expected a batch with at least one sample, but got a tensor of shape (0, 3): pass samples.",
    ),
    "not finite": (
        lambda: record(NET, torch.tensor([[1.0, 2.0, 3.0], [1.0, torch.nan, torch.inf]])),
        InputError,
        (
            "Expected finite input, but got 2 NaN or infinite values, the first at index (1, 1): "
            "clean or impute the data first."
        ),
    ),
    "wrong shape": (
        lambda: record(NET, torch.ones(5, 7)),
        ModelError,
        (
            "Expected Sequential to run on the batch (5 samples: float32[5, 7]), "
            "but got RuntimeError in module '0': "
            "mat1 and mat2 shapes cannot be multiplied (5x7 and 3x4): "
            "check that the batch has the shape and dtype the network is trained with."
        ),
    ),
    "wrong shape further in": (
        lambda: record(
            nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 2))), torch.ones(1, 3)
        ),
        ModelError,
        "RuntimeError in module '1.1': mat1 and mat2 shapes cannot be multiplied",
    ),
    "wrong dtype": (
        lambda: record(NET, torch.ones(5, 3, dtype=torch.float64)),
        ModelError,
        (
            "(5 samples: float64[5, 3]), but got RuntimeError in module '0': "
            "mat1 and mat2 must have the same dtype"
        ),
    ),
    "a model that raises": (
        lambda: record(nested_failure(), torch.ones(2, 3)),
        ModelError,
        "but got ZeroDivisionError in module '1': no photons: ",
    ),
    "a missing argument": (
        lambda: record(NET, {"y": torch.ones(2, 3)}),
        ModelError,
        "but got TypeError in the network itself: ",
    ),
    "a loss that raises": (
        lambda: record(NET, (torch.ones(2, 3), torch.ones(2, 5)), F.cross_entropy),
        ModelError,
        "Expected the loss function to accept the network's output and the target, but got ",
    ),
    "a loss without gradient": (
        lambda: record(NET, torch.ones(2, 3), lambda y: y.detach().sum()),
        InputError,
        (
            "Expected a loss that depends on the network's parameters, but got one without a gradient: "
            "check for detach(), no_grad() or .item() between network and loss."
        ),
    ),
    "a loss of something else": (
        lambda: record(
            NET, torch.ones(2, 3), lambda y: torch.ones(1, requires_grad=True).sum(), gradients=True
        ),
        InputError,
        (
            "Expected a loss that depends on the network's parameters, "
            "but got one whose gradient reaches none of them"
        ),
    ),
    "a loss of many numbers": (
        lambda: record(NET, torch.ones(2, 3), lambda y: y),
        InputError,
        "Expected a loss that is one number, but got a tensor of shape (2, 2): reduce it with .mean().",
    ),
    "a loss that is no tensor": (
        lambda: record(NET, torch.ones(2, 3), lambda y: 1.0),
        InputError,
        "Expected a loss that is one number, but got a float",
    ),
    "a loss that is nothing": (
        lambda: record(NET, torch.ones(2, 3), lambda y: None),
        InputError,
        "Expected a loss that is one number, but got a NoneType: let the loss function return it.",
    ),
    "a backward pass that raises": (
        lambda: record(
            Applied(lambda m, x: m.a(m.a(x).exp().mul_(2).sqrt_()), a=nn.Linear(3, 3)),
            torch.ones(2, 3),
            lambda y: y.sum(),
            gradients=True,
        ),
        ModelError,
        "Expected the backward pass to run, but got RuntimeError: one of the variables needed for gradient",
    ),
    "lazy parameters": (
        lambda: record(nn.LazyLinear(2), torch.ones(2, 3)),
        InputError,
        (
            "Expected a network whose parameters exist, but got lazy parameters without a shape: "
            "run one forward pass first."
        ),
    ),
    "no module": (
        lambda: unwrap(record)(torch.relu, torch.ones(2, 3)),
        InputError,
        "Expected a torch.nn.Module, but got a builtin_function_or_method: pass the network itself.",
    ),
    "a class": (
        lambda: unwrap(record)(nn.ReLU, torch.ones(2, 3)),
        InputError,
        "Expected a torch.nn.Module, but got a type",
    ),
    "quantised weights": (
        lambda: record(quantised(NET), torch.ones(2, 3)),
        InputError,
        (
            "Expected weights in floating point, but got quantised ones at '0': "
            "inspect the network before it is quantised."
        ),
    ),
    "sharded parameters": (
        lambda: record(sharded(nn.Linear(3, 2)), torch.ones(2, 3)),
        InputError,
        (
            "Expected parameters that are whole in this process, but got parameters sharded over processes: "
            "inspect the network before it is sharded."
        ),
    ),
    "no batch for a network": (lambda: Network(NET, None), InputError, "but got nothing"),
}


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@pytest.mark.filterwarnings("ignore:.*quant:DeprecationWarning", "ignore:.*quant:UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_in_one_sentence(case: str) -> None:
    call, kind, sentence = CASES[case]
    with pytest.raises(kind, match=re.escape(sentence)) as raised:
        call()
    text = str(raised.value)
    assert text.startswith("Expected ")
    assert text.endswith(".")
    assert "\n" not in text
    if kind is ModelError:
        assert raised.value.__cause__ is not None


def test_inference_mode_is_named() -> None:
    with torch.inference_mode(), pytest.raises(InputError, match=r"got torch\.inference_mode\(\)"):
        record(nn.Linear(2, 2), torch.ones(3, 2))
