from __future__ import annotations

import numpy as np
import pytest
import torch

from lensmaker.numerics.lanczos import LargestSingularValue, largest_singular_value


def run(A: torch.Tensor, **options: float) -> LargestSingularValue:
    start = torch.randn(A.shape[1], generator=torch.Generator().manual_seed(0), dtype=A.dtype)
    return largest_singular_value(A.mv, A.T.mv, start, **options)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (30, 50), (50, 30), (200, 200)])
def test_largest_singular_value_of_a_matrix(shape: tuple[int, int]) -> None:
    A = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = run(A, tolerance=1e-7)
    assert found.converged
    assert found.value == pytest.approx(np.linalg.svd(A.numpy(), compute_uv=False)[0], rel=1e-10)


@pytest.mark.parametrize("tolerance", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_error_holds_and_value_is_from_below(tolerance: float, dtype: torch.dtype) -> None:
    """Also where the spectrum is dense at its top."""
    g = torch.Generator().manual_seed(2)
    left, _ = torch.linalg.qr(torch.randn(300, 300, generator=g, dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(300, 300, generator=g, dtype=torch.float64))
    A = (left * torch.linspace(0, 1, 300, dtype=torch.float64)) @ right.T
    found = run(A.to(dtype), tolerance=tolerance)
    assert found.converged
    assert 0 <= 1 - found.value + 1e-6 <= found.error + 2e-6
    assert found.error <= tolerance * found.value


def test_limit_is_reported() -> None:
    found = run(torch.diag(torch.linspace(0, 1, 500, dtype=torch.float64)), tolerance=1e-9, iterations=5)
    assert (found.iterations, found.converged) == (5, False)
    assert found.error > 1e-9


def test_zero_and_infinite_maps() -> None:
    assert run(torch.zeros(3, 4)) == LargestSingularValue(0.0, 0.0, 1, True)
    assert not run(torch.full((3, 4), torch.inf)).converged


def test_map_of_low_rank_is_exhausted() -> None:
    A = torch.zeros(5, 8, dtype=torch.float64)
    A[0, :], A[1, 0] = 1.0, 3.0
    assert run(A, tolerance=1e-12).value == pytest.approx(
        np.linalg.svd(A.numpy(), compute_uv=False)[0], rel=1e-12
    )
