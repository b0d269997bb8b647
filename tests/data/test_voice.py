from __future__ import annotations

import wave
from pathlib import Path

import pytest
import torch

from lensmaker.core import InputError
from lensmaker.data import TrainedNetwork, speech, voice_encoder
from lensmaker.data.speech import FOLDER, RECORDINGS, mel_bands, mel_spectrum, read_wave

recordings_here = pytest.mark.skipif(not FOLDER.is_dir(), reason="apt-get install pocketsphinx-testdata")


def test_bands_are_those_of_librosa() -> None:
    """Sum, place and height of librosa 0.11.0's filters.mel(sr=16000, n_fft=400, n_mels=40)."""
    reference = {
        0: (0.024809041991829872, 2, 0.012404521),
        17: (0.025566428201273084, 35, 0.009177402),
        39: (0.024978756982818595, 185, 0.0017249404),
    }
    bands = mel_bands()
    assert bands.shape == (40, 201)
    for band, (total, peak, height) in reference.items():
        assert bands[band].sum().item() == pytest.approx(total, rel=1e-6)
        assert bands[band].argmax() == peak
        assert bands[band].max().item() == pytest.approx(height, rel=1e-6)


@recordings_here
def test_spectrum_is_that_of_librosa() -> None:
    """librosa 0.11.0's melspectrogram(sr=16000, n_fft=400, hop_length=160, n_mels=40) of one recording."""
    spectrum = mel_spectrum(read_wave(FOLDER / "cards" / "002.wav"))
    assert spectrum.shape == (197, 40)
    assert spectrum.sum().item() == pytest.approx(930.80725, rel=1e-6)
    # The third is 10⁻⁷ of the largest: float32 rounds it to 10⁻⁴.
    for band, power, precision in (
        (0, 1.9357967e-01, 1e-5),
        (10, 5.6362053e-04, 1e-5),
        (39, 9.6768645e-08, 1e-4),
    ):
        assert spectrum[100, band].item() == pytest.approx(power, rel=precision)


def test_a_tone_lights_its_band_and_power_is_amplitude_squared() -> None:
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
    loud, soft = mel_spectrum(tone)[50], mel_spectrum(tone / 10)[50]
    torch.testing.assert_close(loud, 100 * soft, rtol=1e-4, atol=1e-6)
    assert loud.argmax() == mel_bands()[:, 25].argmax()  # bin 25 is 1 kHz
    # A Hann window's sum is 200: the bins of a sine have powers 100², and (100/2)² beside it.
    assert loud.sum().item() == pytest.approx(
        (mel_bands()[:, 24:27].sum(0) @ torch.tensor([2500.0, 1e4, 2500.0])).item(), rel=1e-3
    )


@recordings_here
def test_speech() -> None:
    data = speech()
    assert data.x.shape == (27, 160, 40)
    assert data.y.tolist() == [0] * 23 + [1] * 4
    assert data.samples[1] == "sense_and_sensibility_01_austen_64kb-0870 at 0.8 s"
    assert torch.equal(data.x[0][80:], data.x[1][:80])
    assert (data.x >= 0).all()


@recordings_here
def test_no_recording_is_so_quiet_that_it_would_have_to_be_raised() -> None:
    for files in RECORDINGS.values():
        for file in files:
            assert 20 * read_wave(FOLDER / file).square().mean().sqrt().log10() > -30


def test_a_recording_of_another_kind(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "stereo.wav"), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(64))
    with pytest.raises(
        InputError, match=r"mono 16-bit sound at 16000 Hz, but got 2 channels, 16 bits, 8000 Hz"
    ):
        read_wave(tmp_path / "stereo.wav")


@pytest.fixture(scope="module")
def network() -> TrainedNetwork:
    return voice_encoder()


@recordings_here
def test_each_window_is_nearest_to_another_recording_of_the_same_speaker(network: TrainedNetwork) -> None:
    """Windows of one recording overlap, so that only those of other recordings count."""
    voices, data = network.output(), speech()
    torch.testing.assert_close(voices.norm(dim=1), torch.ones(27))
    files = [name.partition(" ")[0] for name in data.samples]
    elsewhere = torch.tensor([[a != b for b in files] for a in files])
    same = data.y[:, None] == data.y
    cosine = voices @ voices.T
    nearest = cosine.masked_fill(~elsewhere, -1).argmax(1)
    assert (data.y[nearest] == data.y).all()
    assert cosine[same & elsewhere].mean().item() == pytest.approx(0.730, abs=0.002)
    assert cosine[~same].mean().item() == pytest.approx(0.571, abs=0.002)


@recordings_here
def test_the_voice_stays_where_the_words_change(network: TrainedNetwork) -> None:
    """The reader's later windows are closer to the mean of the earlier ones than to the other speaker."""
    voices, speaker = network.output(), speech().y
    reader, player = voices[:12].mean(0), voices[speaker == 1].mean(0)
    rest = voices[12:23]
    assert (rest @ reader / reader.norm() > rest @ player / player.norm()).all()
