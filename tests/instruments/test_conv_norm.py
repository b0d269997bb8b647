from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from exact.conv_operator import dense
from lensmaker.instruments.conv_norm import operator_norm
from lensmaker.numerics.lanczos import LargestSingularValue
from lensmaker.systems.networks import record
from lensmaker.systems.networks.weights import weights_of

SIZES = {1: (11,), 2: (7, 6), 3: (5, 4, 5)}
CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


def measured(model: nn.Module, shape: tuple[int, ...], **options: float) -> LargestSingularValue:
    train = record(model, torch.randn(3, *shape, dtype=torch.float64))
    for element in train.elements:
        weights = weights_of(element, train)
        if weights is not None:
            return operator_norm(
                element,
                train,
                weights,
                generator=torch.Generator().manual_seed(0),
                **({"tolerance": 1e-7} | options),
            )
    raise AssertionError("no weights")


def exact(model: nn.Module, shape: tuple[int, ...]) -> float:
    return float(np.linalg.svd(dense(model, shape), compute_uv=False)[0])


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolution(axes: int, groups: int) -> None:
    shape = (4, *SIZES[axes])
    for stride, padding, dilation in product((1, 2), (0, 1), (1, 2)):
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        conv = CONV[axes](4, 8, 3 if dilation == 1 else 2, **options).double()
        found = measured(conv, shape)
        assert found.converged, options
        assert found.value == pytest.approx(exact(conv, shape), rel=1e-9), options


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolution(axes: int, groups: int) -> None:
    shape = (4, *SIZES[axes])
    for stride, padding, dilation in product((1, 2, 3), (0, 1), (1, 2)):
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        options["output_padding"] = max(stride, dilation) - 1
        conv = TRANSPOSED[axes](4, 6, 2, **options).double()
        found = measured(conv, shape)
        assert found.converged, options
        assert found.value == pytest.approx(exact(conv, shape), rel=1e-9), options


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("padding", [2, "same"])
def test_padding_belongs_to_the_convolution(mode: str, padding: int | str) -> None:
    conv = nn.Conv2d(2, 3, 3, padding=padding, padding_mode=mode).double()
    assert measured(conv, (2, 7, 6)).value == pytest.approx(exact(conv, (2, 7, 6)), rel=1e-9)


def test_padding_that_the_model_does_by_itself_does_not() -> None:
    conv = nn.Conv1d(1, 1, 3).double()
    padded = nn.Sequential(nn.ReflectionPad1d(3), conv)
    assert measured(padded, (1, 8)).value == pytest.approx(exact(conv, (1, 14)), rel=1e-9)


def test_anisotropic_kernel_stride_and_padding() -> None:
    conv = nn.Conv2d(2, 3, (3, 1), stride=(1, 2), padding=(2, 0), dilation=(2, 1)).double()
    assert measured(conv, (2, 9, 5)).value == pytest.approx(exact(conv, (2, 9, 5)), rel=1e-9)


@pytest.mark.parametrize(
    ("conv", "shape"),
    [
        (nn.Conv2d(6, 9, 1, groups=3), (6, 5, 4)),
        (nn.Conv2d(3, 5, 4, stride=4), (3, 8, 12)),
        (nn.Conv1d(4, 4, 2, stride=5, dilation=4, groups=2), (4, 15)),
        (nn.Linear(7, 4), (7,)),
    ],
    ids=str,
)
def test_maps_that_need_no_iteration(conv: nn.Module, shape: tuple[int, ...]) -> None:
    found = measured(conv.double(), shape)
    assert (found.iterations, found.error) == (0, 0)
    assert found.value == pytest.approx(exact(conv, shape), rel=1e-12)


@pytest.mark.parametrize(
    ("tolerance", "dtype"), [(1e-1, torch.float32), (1e-2, torch.float32), (1e-2, torch.bfloat16)]
)
def test_default_precision_is_honest(tolerance: float, dtype: torch.dtype) -> None:
    """The error that is stated covers the truth, on a map with a dense top of its spectrum."""
    conv = nn.Conv2d(3, 4, 3, padding=1).to(dtype)
    truth_conv = nn.Conv2d(3, 4, 3, padding=1).double()
    truth_conv.load_state_dict(conv.state_dict())
    truth = exact(truth_conv, (3, 10, 10))
    train = record(conv, torch.randn(2, 3, 10, 10).to(dtype))
    weights = weights_of(train.elements[0], train)
    assert weights is not None
    found = operator_norm(train.elements[0], train, weights, tolerance=tolerance)
    assert found.converged
    assert abs(found.value - truth) <= found.error <= tolerance * found.value


def test_limit_of_the_iteration_is_reported() -> None:
    found = measured(nn.Conv2d(3, 4, 3, padding=1).double(), (3, 9, 9), iterations=3)
    assert (found.converged, found.iterations) == (False, 3)


def test_reshaped_kernel_is_not_the_norm() -> None:
    """Of 64 channels with random 3 × 3 kernels the true norm is larger by half."""
    conv = nn.Conv2d(64, 64, 3, padding=1)
    train = record(conv, torch.randn(1, 64, 16, 16))
    weights = weights_of(train.elements[0], train)
    assert weights is not None
    kernel = np.linalg.svd(conv.weight.detach().flatten(1).numpy(), compute_uv=False)[0]
    assert operator_norm(train.elements[0], train, weights).value > 1.4 * kernel
