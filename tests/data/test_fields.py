"""Burgers and Darcy from neuraloperator: shapes, what stays the same in time, the edges."""

from __future__ import annotations

import torch

from lensmaker.data import FIELDS, Resolution, burgers, darcy


def test_burgers() -> None:
    data = burgers()
    assert (data.fields.shape, data.fields.dtype) == ((1200, 17, 16), torch.float64)
    assert (data.spacing * 16, round(data.interval * 16, 9), data.viscosity) == (
        1,
        0.96,
        0.01,
    )
    drift = (data.fields.mean(-1) - data.fields[:, :1].mean(-1)).abs()
    assert drift[:, :3].max() < 1e-4  # Σu is conserved, and the points see it while they resolve the waves
    energy = data.fields[:, :3].square().mean(-1).mean(0)
    assert (energy.diff() < 0).all()


def test_darcy() -> None:
    for resolution, shape in zip(Resolution, [(1000, 16, 16), (50, 16, 16), (50, 32, 32)], strict=True):
        data = darcy(resolution)
        assert data.media.shape == data.fields.shape == shape
        assert data.media.dtype == torch.bool
        assert 0.4 < data.media.double().mean() < 0.6
        inside = data.fields[:, 1:, 1:].mean()
        for edge in (data.fields[:, 0], data.fields[:, :, 0]):
            assert edge.abs().mean() < 0.02 * inside


def test_both_are_in_the_catalogue() -> None:
    assert set(FIELDS) == {burgers, darcy}
