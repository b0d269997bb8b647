"""Recorded speech of two people, as mel spectra, from Debian's pocketsphinx-testdata."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import torch

from lensmaker.core import InputError
from lensmaker.data.dataset import DataSet
from lensmaker.data.installed import system_file

FOLDER = Path("/usr/share/pocketsphinx/test/data")
RECORDINGS = {
    "reader": tuple(
        f"librivox/sense_and_sensibility_01_austen_64kb-{n}.wav"
        for n in ("0870", "0880", "0890", "0920", "0930")
    ),
    "card player": tuple(f"cards/{n:03}.wav" for n in range(1, 6)),
}
RATE = 16_000
WINDOW, HOP, BANDS, FRAMES = 400, 160, 40, 160
"""Fourier window of 25 ms, step of 10 ms, mel bands, and frames of a sample (1.6 s)."""


def speech(folder: Path = FOLDER) -> DataSet:
    """Windows of 1.6 s of two people's speech as mel power spectra, x [N, 160, 40] (frame, band).

    The reader is a LibriVox volunteer (five sentences of “Sense and Sensibility”), the card player
    names cards and numbers. Windows of a recording overlap by half; a recording shorter than 1.6 s has
    none. All recordings are louder than −30 dB of full scale, the level that Resemblyzer raises quieter
    ones to, so they are taken as they are; pauses are left in.

    Parameters
    ----------
    folder
        Where the recordings lie.

    Raises
    ------
    MissingDataError
        If the recordings are not there.
    """
    windows, speakers, names = [], [], []
    for speaker, files in enumerate(RECORDINGS.values()):
        for file in files:
            spectra = mel_spectrum(read_wave(system_file(folder / file, "pocketsphinx-testdata")))
            for start in range(0, len(spectra) - FRAMES + 1, FRAMES // 2):
                windows.append(spectra[start : start + FRAMES])
                speakers.append(speaker)
                names.append(f"{Path(file).stem} at {start * HOP / RATE:.1f} s")
    return DataSet(
        name="speech",
        x=torch.stack(windows),
        y=torch.tensor(speakers),
        classes=tuple(RECORDINGS),
        source=f"Debian pocketsphinx-testdata: {folder}",
        license="BSD-2-Clause; the reader's recordings are in the public domain (LibriVox)",
        citation="D. Huggins-Daines et al., “PocketSphinx”, ICASSP (2006)",
        samples=tuple(names),
    )


def read_wave(path: Path) -> torch.Tensor:
    """The samples of a mono 16-bit recording at 16 kHz, float32 in [−1, 1).

    Raises
    ------
    InputError
        If the recording is of another kind.
    """
    with wave.open(str(path), "rb") as file:
        kind = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if kind != (1, 2, RATE):
            raise InputError(
                f"mono 16-bit sound at {RATE} Hz",
                f"{kind[0]} channels, {8 * kind[1]} bits, {kind[2]} Hz in {path.name}",
                "convert it",
            )
        content = file.readframes(file.getnframes())
    return torch.frombuffer(bytearray(content), dtype=torch.int16).float() / 2**15


def mel_spectrum(sound: torch.Tensor) -> torch.Tensor:
    """Power of a sound in 40 mel bands for each 10 ms, [frames, 40].

    |STFT|² with a Hann window of 25 ms, centred and padded with zeros, times the bands of
    `mel_bands`: what librosa's `melspectrogram` gives at these settings.
    """
    spectrum = torch.stft(
        sound,
        WINDOW,
        HOP,
        window=torch.hann_window(WINDOW),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return (mel_bands() @ spectrum.abs().square()).T


def mel_bands() -> torch.Tensor:
    """Triangular filters of unit area, [40, 201]: mel bands over Fourier bins, from 0 to 8 kHz.

    A mel is 200/3 Hz up to 1 kHz and ln(6.4)/27 of a logarithm above (Slaney's scale). Band i rises
    from f_i to f_{i+1} and falls to f_{i+2}, with the f equally spaced in mel, and is scaled by
    2/(f_{i+2} − f_i).

    Examples
    --------
    Bins are 40 Hz apart, so a band's area of 1 is a sum of 1/40:

    >>> bands = mel_bands()
    >>> bands.shape, round(40 * bands[30].sum().item(), 2)
    (torch.Size([40, 201]), 1.0)
    """
    linear, step = 15.0, math.log(6.4) / 27
    top = linear + math.log(RATE / 2 / 1000) / step
    mel = torch.linspace(0, top, BANDS + 2, dtype=torch.float64)
    f = torch.where(mel < linear, mel * 200 / 3, 1000 * torch.exp(step * (mel - linear)))[:, None]
    bins = torch.linspace(0, RATE / 2, WINDOW // 2 + 1, dtype=torch.float64)
    rising = (bins - f[:-2]) / (f[1:-1] - f[:-2])
    falling = (f[2:] - bins) / (f[2:] - f[1:-1])
    return (torch.minimum(rising, falling).clamp(min=0) * 2 / (f[2:] - f[:-2])).float()
