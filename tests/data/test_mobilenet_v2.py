from __future__ import annotations

import pytest
import torch
from torch import nn

from lensmaker.data import MobileNetV2, TrainedNetwork, mobilenet_v2
from lensmaker.data.photos import PHOTOS


@pytest.fixture(scope="module")
def network() -> TrainedNetwork:
    return mobilenet_v2()


@pytest.fixture(scope="module")
def guesses(network: TrainedNetwork) -> dict[str, torch.Tensor]:
    """Probability of each ImageNet class for each photograph."""
    return {name.partition(".")[0]: p for name, p in zip(PHOTOS, network.output().softmax(1), strict=True)}


CATS = [281, 282, 283, 284, 285]


@pytest.mark.parametrize(
    ("photo", "classes", "least"),
    [
        ("chelsea", CATS, 0.98),  # tabby, tiger, Persian, Siamese, Egyptian cat
        ("coffee", [967, 968], 0.98),  # espresso, cup
        ("camera", [872], 0.95),  # tripod
        ("motorcycle_left", [665, 670], 0.90),  # moped, motor scooter
        ("rocket", [657, 744, 812], 0.40),  # missile, projectile, space shuttle
    ],
)
def test_what_is_on_the_photographs(
    photo: str, classes: list[int], least: float, guesses: dict[str, torch.Tensor]
) -> None:
    assert guesses[photo].argmax().item() in classes
    assert guesses[photo][classes].sum() > least


def test_shapes_follow_table_2_of_the_paper() -> None:
    shapes = []
    model = MobileNetV2().eval()
    for stage in model.features:
        stage.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 224, 224)).shape == (1, 1000)
    table = [
        (32, 112, 1),
        (16, 112, 1),
        (24, 56, 2),
        (32, 28, 3),
        (64, 14, 4),
        (96, 14, 3),
        (160, 7, 3),
        (320, 7, 1),
    ]
    assert shapes == [(c, size, size) for c, size, n in [*table, (1280, 7, 1)] for _ in range(n)]


def test_a_block_adds_its_input_where_the_shape_stays() -> None:
    residual = [block.residual for block in list(MobileNetV2().features)[1:-1]]
    assert [i for i, adds in enumerate(residual, start=1) if not adds] == [1, 2, 4, 7, 11, 14, 17]


def test_batch_norms_see_what_they_saw_in_training(network: TrainedNetwork) -> None:
    """The channel means before each batch norm, on 17 photographs, against those that training stored.

    In units of the stored standard deviation they differ by 0.28 at most; without the skip of one block
    by 0.52.
    """
    shifts = []

    def compare(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor], _: object) -> None:
        shift = (inputs[0].mean((0, 2, 3)) - norm.running_mean) / norm.running_var.sqrt()
        shifts.append(shift.square().mean().sqrt().item())

    norms = [m for m in network.model.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [norm.register_forward_hook(compare) for norm in norms]
    network.output()
    for hook in hooks:
        hook.remove()
    assert len(shifts) == 52
    assert max(shifts) < 0.3, shifts
