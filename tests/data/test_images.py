from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from lensmaker.core import InputError, MissingDataError
from lensmaker.data import DataSet, Split, digits, fashion_mnist, house_numbers, mnist, photos
from lensmaker.data.fashion_mnist import FOLDER, read_idx
from lensmaker.data.pixels import pixels

clothes_here = pytest.mark.skipif(not FOLDER.is_dir(), reason="apt-get install dataset-fashion-mnist")


def nearest_mean_accuracy(train: DataSet, test: DataSet) -> float:
    """Accuracy on one set of the class whose mean over another set is nearest."""
    means = torch.stack([train.x[train.y == c].flatten(1).mean(0) for c in range(10)])
    return (torch.cdist(test.x.flatten(1), means).argmin(1) == test.y).double().mean().item()


def test_digits_are_those_that_scikit_learn_loads() -> None:
    data, reference = digits(), load_digits()
    assert np.array_equal(data.x[:, 0].numpy() * 16, reference.images)
    assert np.array_equal(data.y, reference.target)
    assert (data.x.dtype, data.y.dtype) == (torch.float32, torch.int64)


def test_mnist() -> None:
    data = mnist()
    grey = data.x * 255
    assert (data.x.shape, data.x.dtype) == ((5000, 1, 28, 28), torch.float32)
    assert torch.equal(data.y, torch.arange(10).repeat_interleave(500))
    assert grey.round().sum().double() == pytest.approx(131_267_102, abs=16)  # the file's sum; float32 sums
    assert (grey.min(), grey.max()) == (0, 255)
    # Published for all 60,000: mean 0.1307, standard deviation 0.3081; 5,000 differ by sampling.
    assert data.x.mean() == pytest.approx(0.1307, rel=0.01)
    assert data.x.std() == pytest.approx(0.3081, rel=0.01)


@clothes_here
@pytest.mark.parametrize(
    ("split", "each", "first"),
    [(Split.TRAIN, 6000, [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]), (Split.TEST, 1000, [9, 2, 1, 1, 6, 1, 4, 6, 5, 7])],
)
def test_fashion_mnist(split: Split, each: int, first: list[int]) -> None:
    data = fashion_mnist(split)
    assert data.x.shape == (10 * each, 1, 28, 28)
    assert data.y.bincount().tolist() == [each] * 10
    assert data.y[:10].tolist() == first
    # Published for the training set: mean 0.2860, standard deviation 0.3530.
    assert data.x.mean().item() == pytest.approx(0.2860, abs=1e-4 if split is Split.TRAIN else 2e-3)
    assert data.x.std().item() == pytest.approx(0.3530, abs=1e-4 if split is Split.TRAIN else 2e-3)


@clothes_here
def test_clothes_stand_upright_and_have_their_names() -> None:
    data = fashion_mnist(Split.TEST)
    mean = {name: data.x[data.y == c, 0].mean(0) for c, name in enumerate(data.classes)}
    trousers, sneaker = mean["trouser"], mean["sneaker"]
    assert (trousers - trousers.flip(1)).norm() < 0.3 * (trousers - trousers.T).norm()  # left is like right
    assert trousers[-4:, 13:15].mean() < 0.7 * trousers[-4:, 9:11].mean()  # between the legs
    assert sneaker[:8].mean() < 0.05 < sneaker[14:20].mean()  # low and wide
    assert nearest_mean_accuracy(fashion_mnist(Split.TRAIN), data) == pytest.approx(0.6768, abs=1e-3)


def idx(content: bytes, folder: Path) -> Path:
    path = folder / "array.gz"
    path.write_bytes(content)
    return path


GOOD = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (2, 3, 4)) + bytes(range(24))


def test_read_idx(tmp_path: Path) -> None:
    assert torch.equal(
        read_idx(idx(gzip.compress(GOOD), tmp_path)), torch.arange(24, dtype=torch.uint8).view(2, 3, 4)
    )


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"",
        gzip.compress(GOOD)[:-9],
        gzip.compress(GOOD[:-1]),
        gzip.compress(GOOD + b"\0"),
        gzip.compress(b"\0\0\x0d" + GOOD[3:]),
        gzip.compress(b"\0\0"),
        gzip.compress(GOOD)[:20] + b"\xff\xff" + gzip.compress(GOOD)[22:],
    ],
    ids=["not gzip", "empty", "cut gzip", "short", "long", "floats", "no header", "corrupt"],
)
def test_read_idx_says_what_is_wrong(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"Expected an IDX file of bytes at .*: reinstall the package"):
        read_idx(idx(content, tmp_path))


def test_pixels_as_they_are(tmp_path: Path) -> None:
    colours = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
    Image.fromarray(colours).save(tmp_path / "colours.png")
    read = pixels(tmp_path / "colours.png")
    assert read.shape == (3, 2, 3)
    assert np.array_equal((read * 255).round().numpy(), colours.transpose(2, 0, 1))


@pytest.mark.parametrize("turned", [False, True])
def test_pixels_are_scaled_and_cut_from_the_middle(turned: bool, tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(600) / 600 * 255, (300, 600)).astype(np.uint8)
    Image.fromarray(ramp.T if turned else ramp).save(tmp_path / "ramp.png")
    read = pixels(tmp_path / "ramp.png", 112)
    assert read.shape == (3, 112, 112)
    assert torch.equal(read[0], read[2])
    along = read[0].T if turned else read[0]
    # 300 pixels become 128, so 112 are 262.5 of the ramp's 600, and centred on its middle.
    assert along[:, -1].mean() - along[:, 0].mean() == pytest.approx(262.5 / 600 * 111 / 112, abs=0.006)
    assert along.mean() == pytest.approx(0.5, abs=0.006)
    assert along.std(0).max() < 0.003


def test_photos() -> None:
    data = photos()
    assert data.x.shape == (17, 3, 224, 224)
    assert data.y is None
    assert (data.x.amin() >= 0) & (data.x.amax() <= 1)
    grey = {name for name, x in zip(data.samples, data.x, strict=True) if torch.equal(x[0], x[1])}
    assert grey == {"brick", "camera", "cell", "clock_motion", "coins", "grass", "gravel", "moon", "page"}
    assert (data.x.flatten(1).std(1) > 0.02).all()
    assert photos(32).x.shape == (17, 3, 32, 32)
    with pytest.raises(InputError, match="a positive size in pixels, but got size=0"):
        photos(0)


def test_the_astronaut_is_the_astronaut() -> None:
    astronaut = photos(448).x[0]  # 512 pixels, unscaled: the middle of the file
    assert (astronaut[:, 68, 168] * 255).round().tolist() == [81, 57, 17]  # pixel (100, 200) of the file


def test_house_numbers() -> None:
    data = house_numbers()
    assert (data.x.shape, data.y.tolist()) == ((4, 3, 32, 32), [0, 1, 2, 5])
    assert (data.x * 255).sum().item() == pytest.approx(1_582_165, abs=1)
