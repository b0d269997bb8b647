"""Kernels and their moments: against sums written out, rational arithmetic and PyTorch's own convolutions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import torch
from torch.nn import functional as F

from lensmaker.core import InputError
from lensmaker.numerics.kernel_moments import (
    kernel_from_moments,
    moment,
    power_moments,
    powers_of_order,
    recentred,
    symbol,
    tap_positions,
    tap_vectors,
    taylor_symbol,
)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def exact_moment(kernel: torch.Tensor, first: list[Fraction], step: int, powers: tuple[int, ...]) -> float:
    """Σ w(z) z^a z^b … with the taps named one by one, in rational numbers."""
    total = Fraction(0)
    for index in itertools.product(*(range(n) for n in kernel.shape)):
        place = [f + step * j for f, j in zip(first, index, strict=True)]
        total += Fraction(float(kernel[index])) * math.prod(
            (z**p for z, p in zip(place, powers, strict=True)), start=Fraction(1)
        )
    return float(total)


@pytest.mark.parametrize("shape", [(3,), (4,), (3, 3), (2, 5), (3, 3, 3), (2, 3, 4)])
@pytest.mark.parametrize("dilation", [1, 3])
def test_moments_are_the_sums_they_are_said_to_be(shape: tuple[int, ...], dilation: int) -> None:
    w = drawn(*shape)
    half = [-Fraction(dilation * (n - 1), 2) for n in shape]
    found = power_moments(w, [tap_positions(n, dilation) for n in shape], 3)
    for powers in itertools.product(range(4), repeat=len(shape)):
        assert float(found[powers]) == pytest.approx(exact_moment(w, half, dilation, powers), abs=1e-9)


@pytest.mark.parametrize("shape", [(5,), (3, 3), (2, 3, 4)])
@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_moment_tensors_hold_the_power_moments(shape: tuple[int, ...], order: int) -> None:
    w, places = drawn(6, *shape), [tap_positions(n) for n in shape]
    tensor, powers = moment(w, places, order), power_moments(w, places, max(order, 1))
    assert tensor.shape == (6, *(len(shape),) * order)
    for index in itertools.product(range(len(shape)), repeat=order):
        counted = tuple(index.count(axis) for axis in range(len(shape)))
        torch.testing.assert_close(tensor[(..., *index)], powers[(..., *counted)], rtol=1e-12, atol=1e-12)
    assert set(powers_of_order(len(shape), order)) == {
        tuple(i.count(a) for a in range(len(shape)))
        for i in itertools.product(range(len(shape)), repeat=order)
    }


def test_nine_moments_and_a_kernel_of_three_by_three_are_one_another() -> None:
    places = [tap_positions(3)] * 2
    w = drawn(1000, 3, 3)
    assert float((kernel_from_moments(power_moments(w, places, 2), places) - w).abs().max()) < 1e-14
    m = drawn(1000, 3, 3, seed=1)
    assert float((power_moments(kernel_from_moments(m, places), places, 2) - m).abs().max()) < 1e-14


@pytest.mark.parametrize(
    ("shape", "tolerance"),
    [((2,), 1e-15), ((5,), 1e-14), ((3, 3, 3), 1e-14), ((5, 5), 1e-13), ((7, 7), 1e-11), ((2, 4), 1e-14)],
)
@pytest.mark.parametrize("first", [None, 0.0])
def test_kernels_of_any_size_come_back(shape: tuple[int, ...], tolerance: float, first: float | None) -> None:
    places = [tap_positions(n, first=first) for n in shape]
    w = drawn(20, *shape)
    m = torch.zeros_like(w)
    for powers in itertools.product(*(range(n) for n in shape)):
        m[(..., *powers)] = power_moments(w, places, max(shape))[(..., *powers)]
    bound = tolerance if first is None else 1e6 * tolerance  # far from the centre high powers cancel
    assert float((kernel_from_moments(m, places) - w).abs().max()) < bound


def test_moving_the_centre_is_binomial() -> None:
    w = drawn(7, 4, 3)
    half, at_padding = (
        [tap_positions(n, first=f) for n, f in ((4, a), (3, b))] for a, b in [(None, None), (-1, 0)]
    )
    shift = [float(h[0] - p[0]) for h, p in zip(half, at_padding, strict=True)]
    assert shift == [-0.5, -1.0]
    torch.testing.assert_close(
        recentred(power_moments(w, half, 3), shift), power_moments(w, at_padding, 3), rtol=1e-12, atol=1e-11
    )


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(("size", "dilation"), [(2, 1), (3, 1), (3, 2), (4, 1), (4, 3)])
def test_the_first_tap_lies_a_padding_before_the_output_of_pytorch(
    size: int, dilation: int, padding: int
) -> None:
    """On φ = x, y = m₀x + m₁, far from the border."""
    w = drawn(1, 1, size)
    x = torch.arange(40, dtype=torch.float64)
    y = F.conv1d(x[None, None], w, padding=padding, dilation=dilation)[0, 0]
    m = power_moments(w[0, 0], [tap_positions(size, dilation, first=-padding)], 1)
    inner = slice(15, 20)
    torch.testing.assert_close(y[inner], m[0] * x[: len(y)][inner] + m[1], rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("shape", [(3,), (3, 3), (2, 5), (3, 2, 3)])
def test_the_symbol_is_what_a_wave_is_multiplied_by(shape: tuple[int, ...]) -> None:
    """By PyTorch's convolution of cos k·x and sin k·x, its output put where its padding puts it."""
    w, d = drawn(*shape), len(shape)
    k = torch.tensor([0.7, -1.1, 2.0][:d], dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(*[torch.arange(12, dtype=torch.float64)] * d, indexing="ij"), -1)
    phase = grid @ k
    convolution = [F.conv1d, F.conv2d, F.conv3d][d - 1]
    real, imaginary = (
        convolution(part[None, None], w[None, None])[0, 0] for part in (phase.cos(), phase.sin())
    )
    factor = (
        torch.complex(real, imaginary)
        / torch.polar(torch.ones_like(phase), phase)[tuple(slice(0, n) for n in real.shape)]
    )
    found = symbol(w, [tap_positions(n, first=0) for n in shape], k[None])
    torch.testing.assert_close(factor, found[0].expand(factor.shape), rtol=1e-11, atol=1e-11)


def test_the_taylor_symbol_is_the_series_of_the_symbol() -> None:
    w, places = drawn(5, 3, 4), [tap_positions(3), tap_positions(4)]
    k = torch.tensor([[0.01, -0.02]], dtype=torch.float64)
    full = symbol(w, places, k)
    errors = [float((taylor_symbol(w, places, k, n) - full).abs().max()) for n in range(5)]
    assert errors == sorted(errors, reverse=True)
    assert errors[4] < 1e-8
    m1, m2 = moment(w, places, 1), moment(w, places, 2)
    by_hand = w.sum((1, 2)) + 1j * (m1 @ k[0]) - 0.5 * torch.einsum("nab,a,b->n", m2, k[0], k[0])
    torch.testing.assert_close(taylor_symbol(w, places, k, 2)[:, 0], by_hand, rtol=1e-12, atol=1e-12)


def test_what_is_no_kernel_is_refused() -> None:
    with pytest.raises(InputError, match=r"a kernel whose last axes are \(3, 3\), as the positions"):
        power_moments(torch.ones(3, 4), [tap_positions(3)] * 2, 1)
    with pytest.raises(InputError, match="at least one tap"):
        tap_positions(0)
    with pytest.raises(InputError, match="a highest power of 0 or more"):
        power_moments(torch.ones(3), [tap_positions(3)], -1)
    with pytest.raises(InputError, match="taps at different places"):
        kernel_from_moments(torch.ones(3), [tap_positions(3, 0)])
    with pytest.raises(InputError, match=r"wave vectors \(n, 1\)"):
        symbol(torch.ones(3), [tap_positions(3)], torch.ones(3))


def test_vectors_of_taps_are_in_the_order_of_a_flattened_kernel() -> None:
    z = tap_vectors([tap_positions(2), tap_positions(3)])
    w = drawn(2, 3)
    assert float((w.flatten() @ z[:, 1]) - (w.sum(0) @ tap_positions(3))) == pytest.approx(0, abs=1e-14)
