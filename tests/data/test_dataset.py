from __future__ import annotations

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.data import DataSet


def numbered(n: int = 20, labels: bool = True) -> DataSet:
    """Sample i is full of i in channel 0 and of 10 i + 3 in channel 1; its label is i."""
    i = torch.arange(n).float()
    x = torch.stack([i, 10 * i + 3], 1).view(n, 2, 1, 1).expand(-1, -1, 3, 4).contiguous()
    return DataSet("numbered", x, torch.arange(n) if labels else None, (), "here", "none", "nobody")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_batch_keeps_samples_with_their_labels_and_repeats_none() -> None:
    x, y = numbered().batch(20, generator())
    assert torch.equal(x[:, 0, 2, 3], y.float())
    assert sorted(y.tolist()) == list(range(20))
    assert y.tolist() != list(range(20))


def test_a_batch_is_drawn_from_its_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = (numbered().batch(9, generator(seed))[1] for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_every_sample_is_as_likely() -> None:
    draw = generator()
    counts = sum(torch.bincount(numbered(10).batch(3, draw)[1], minlength=10) for _ in range(2000))
    # 2,000 draws of 3 in 10: 600 ± 20.5 each; 5.5 standard errors raise 10 false alarms in 2.6e7.
    assert ((counts - 600).abs() < 5.5 * (2000 * 0.3 * 0.7) ** 0.5).all()


def test_without_labels_a_batch_is_a_tensor() -> None:
    assert numbered(labels=False).batch(4, generator()).shape == (4, 2, 3, 4)


@pytest.mark.parametrize("n", [0, -1, 21])
def test_a_batch_that_cannot_be(n: int) -> None:
    with pytest.raises(InputError, match=f"1 to 20 samples of numbered, but got n={n}: ask"):
        numbered().batch(n, generator())


def test_normalised_channels_have_mean_0_and_variance_1() -> None:
    x = numbered().normalised().x
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(x.square().mean((0, 2, 3)), torch.ones(2))
    torch.testing.assert_close(x[:, 0], x[:, 1])  # one channel is a multiple of the other and a shift


def test_normalised_with_given_numbers() -> None:
    data = numbered().normalised(mean=(5.0, 3.0), std=(2.0, 10.0))
    assert data.x[7, :, 0, 0].tolist() == [1.0, 7.0]
    assert data.y is not None


def test_normalised_refuses_a_constant_channel_and_a_wrong_number_of_channels() -> None:
    flat = DataSet("flat", torch.ones(5, 1, 2, 2), None, (), "here", "none", "nobody")
    with pytest.raises(InputError, match="channels that vary, but got a standard deviation of 0: pass std"):
        flat.normalised()
    assert flat.normalised(std=(2.0,)).x.abs().sum() == 0
    with pytest.raises(InputError, match="for each of 2 channels, but got 1 and 2: pass one"):
        numbered().normalised(mean=(0.5,))


def test_labels_and_names_must_match_the_samples() -> None:
    x = torch.zeros(3, 1)
    with pytest.raises(InputError, match="one entry of y for each of 3 samples, but got 2"):
        DataSet("short", x, torch.zeros(2).long(), (), "here", "none", "nobody")
    with pytest.raises(InputError, match="one entry of samples for each of 3 samples, but got 1"):
        DataSet("short", x, None, (), "here", "none", "nobody", samples=("a",))
