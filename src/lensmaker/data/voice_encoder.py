"""An LSTM that tells speakers apart, with the weights of the package Resemblyzer."""

from __future__ import annotations

import torch
from torch import nn

from lensmaker.data.installed import load_weights, package_file
from lensmaker.data.speech import BANDS, speech
from lensmaker.data.trained import TrainedNetwork


class VoiceEncoder(nn.Module):
    """Mel spectra [N, frame, 40] → a unit vector [N, 256] for the voice.

    y = ReLU(W h + b)/|ReLU(W h + b)|, with h the last hidden state of the third LSTM layer.

    Written anew, because the package's own module imports librosa and webrtcvad.

    References
    ----------
    L. Wan et al., “Generalized end-to-end loss for speaker verification”, ICASSP (2018), arXiv:1710.10467.
    """

    def __init__(self, width: int = 256, layers: int = 3) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, width, layers, batch_first=True)
        self.linear = nn.Linear(width, width)
        self.relu = nn.ReLU()

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        _, (hidden, _) = self.lstm(mels)
        voice = self.relu(self.linear(hidden[-1]))
        return voice / voice.norm(dim=1, keepdim=True)


def voice_encoder() -> TrainedNetwork:
    """Resemblyzer's three-layer LSTM; the batch is `speech()`, [N, 160, 40].

    The output is not a class but a direction, so `labels` is None; `speech().y` says who speaks, and
    outputs for one speaker are closer to each other than to another's.

    Raises
    ------
    MissingDataError
        If Resemblyzer or the recordings are not installed.
    WeightsError
        If the weights do not fit the class.
    """
    voices = speech()
    path = package_file("resemblyzer", "pretrained.pt", "Resemblyzer==0.1.4")
    model = load_weights(
        VoiceEncoder, path, key="model_state", ignore=("similarity_weight", "similarity_bias")
    )
    return TrainedNetwork(
        name="voice_encoder",
        model=model,
        batch=voices.x,
        labels=None,
        classes=(),
        source="Resemblyzer 0.1.4: resemblyzer/pretrained.pt",
        license="Apache-2.0",
        citation="L. Wan et al., “Generalized End-to-End Loss for Speaker Verification”, ICASSP (2018)",
        provenance=f"{voices.source}, mel power spectra of 1.6 s",
    )
