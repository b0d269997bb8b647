from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from exact import arccosine_kernel, dense_conv_recursion
from exact.wide_networks import z_scores

SIGMA_W, SIGMA_B = 1.4, 0.3


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(2, 3, 4, 5))


@pytest.mark.parametrize("padding", ["zeros", "circular"])
def test_recursion_is_the_mean_over_wide_networks(images: np.ndarray, padding: str) -> None:
    """Two convolutions of 128 channels, 160 networks, every pair of pixels and both readouts."""
    rng = np.random.default_rng(3)
    mode = {"zeros": "constant", "circular": "wrap"}[padding]
    expected = dense_conv_recursion.recursion(images, 2, 3, padding, SIGMA_W, SIGMA_B)[-1]
    draws, pooled, flat = [], [], []
    for _ in range(160):
        x = images
        for layer in range(2):
            x = np.maximum(x, 0) if layer else x
            around = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode=mode)
            patches = [around[:, :, i : i + 4, j : j + 5] for i in range(3) for j in range(3)]
            W = rng.normal(0, SIGMA_W / np.sqrt(9 * x.shape[1]), (9, x.shape[1], 128))
            x = np.einsum("dacyx,dcn->anyx", patches, W) + rng.normal(0, SIGMA_B, (128, 1, 1))
        draws.append(dense_conv_recursion.inputs(x))
        mean, pixels = x.mean((2, 3)), x.reshape(2, -1)
        pooled.append(1.1**2 * mean @ mean.T / 128 + 0.2**2)
        flat.append(1.1**2 * pixels @ pixels.T / (128 * 20) + 0.2**2)
    z = z_scores(np.stack(draws), expected)
    assert np.abs(z).max() < 5.0, "1600 correlated numbers"
    assert 0.7 < np.sqrt((z**2).mean()) < 1.4
    for readouts, readout in (
        (pooled, dense_conv_recursion.pooled_readout),
        (flat, dense_conv_recursion.flatten_readout),
    ):
        assert np.abs(z_scores(np.stack(readouts), readout(expected, 1.1, 0.2))).max() < 3.5
        assert np.std(readouts, 0).max() / np.sqrt(160) < 0.01 * np.mean(readouts, 0).max()


def test_kernel_of_one_pixel_is_the_fully_connected_recursion(images: np.ndarray) -> None:
    K = dense_conv_recursion.recursion(images, 4, 1, "zeros", SIGMA_W, SIGMA_B)[-1]
    pixels = images.transpose(0, 2, 3, 1).reshape(40, 3)
    first = arccosine_kernel.first(pixels, SIGMA_W, SIGMA_B)
    dense = arccosine_kernel.recursion(first, 4, SIGMA_W, SIGMA_B)[-1]
    np.testing.assert_allclose(K.reshape(40, 40), dense, rtol=1e-13)


def test_constant_image_with_circular_padding_is_the_fully_connected_recursion() -> None:
    pixel = np.array([0.3, -1.2, 0.8])
    K = dense_conv_recursion.recursion(
        np.broadcast_to(pixel[None, :, None, None], (1, 3, 4, 4)), 5, 3, "circular", 1.4, 0.3
    )
    dense = arccosine_kernel.recursion(arccosine_kernel.first(pixel[None], 1.4, 0.3), 5, 1.4, 0.3)
    np.testing.assert_allclose(K[-1], np.full_like(K[-1], dense[-1][0, 0]), rtol=1e-13)


def test_variances_are_a_box_filter_of_the_variances_below(images: np.ndarray) -> None:
    K = dense_conv_recursion.inputs(images)
    below = np.einsum("ayxayx->ayx", K)
    here = np.einsum("ayxayx->ayx", dense_conv_recursion.convolution(K, 3, "zeros", 2.0, 0.5))
    box = correlate1d(correlate1d(below, np.ones(3), 1, mode="constant"), np.ones(3), 2, mode="constant")
    np.testing.assert_allclose(here, 4.0 / 9 * box + 0.25, rtol=1e-13)


def test_stride_keeps_every_other_pixel(images: np.ndarray) -> None:
    K = dense_conv_recursion.inputs(images)
    full = dense_conv_recursion.convolution(K, 3, "zeros", 1.0, 0.0)
    strided = dense_conv_recursion.convolution(K, 3, "zeros", 1.0, 0.0, stride=2)
    np.testing.assert_array_equal(
        strided, full[:, [0, 2]][:, :, [0, 2, 4]][:, :, :, :, [0, 2]][..., [0, 2, 4]]
    )
