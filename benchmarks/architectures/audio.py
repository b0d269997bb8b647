"""Audio, time series, and several senses at once: models of `transformers` on recorded speech and more."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from case import Case, Subject
from samples import VOCABULARY, labels, pictures, sound, text
from vision import PATCHES

WAVE: dict[str, Any] = {
    "vocab_size": 32,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "conv_dim": (32, 32, 32),
    "conv_kernel": (10, 4, 4),
    "conv_stride": (5, 4, 4),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "num_labels": 5,
    "mask_time_prob": 0.0,
    "classifier_proj_size": 32,
}
TEXT_TOWER: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 32,
    "eos_token_id": 2,
    "bos_token_id": 1,
    "pad_token_id": 0,
}


def hears(kind: str, **options: Any) -> Case:
    """A classifier of speech."""

    def make() -> Subject:
        config = getattr(transformers, f"{kind}Config")(**{**WAVE, **options})
        model = getattr(transformers, f"{kind}ForSequenceClassification")(config)
        return model, {"input_values": sound(), "labels": labels(8, 5)}, None

    return Case(kind, make)


def _whisper() -> Subject:
    config = transformers.WhisperConfig(
        vocab_size=VOCABULARY, num_mel_bins=20, d_model=64, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=128, decoder_ffn_dim=128,
        max_source_positions=40, max_target_positions=32, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    spectrum = torch.stft(sound(8, 6320), 38, 80, window=torch.hann_window(38), return_complex=True)
    features = spectrum.abs().square().clamp_min(1e-3).log10()[..., :80]
    return (
        transformers.WhisperForConditionalGeneration(config),
        {"input_features": features - features.mean(), "labels": text(8, 12)},
        None,
    )


def _spectrogram() -> Subject:
    config = transformers.ASTConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, patch_size=8,
        frequency_stride=8, time_stride=8, max_length=64, num_mel_bins=32, num_labels=5,
    )  # fmt: skip
    spectrum = torch.stft(sound(8, 6400), 62, 100, window=torch.hann_window(62), return_complex=True)
    x = spectrum.abs().square().clamp_min(1e-3).log10()[..., :64].mT
    model = transformers.ASTForAudioClassification(config)
    return model, {"input_values": (x - x.mean()) / x.std(), "labels": labels(8, 5)}, None


def _codec() -> Subject:
    config = transformers.EncodecConfig(
        num_filters=8, hidden_size=32, upsampling_ratios=[4, 4, 2], codebook_size=32, codebook_dim=32,
        target_bandwidths=[6.0], sampling_rate=16000,
    )  # fmt: skip
    model = transformers.EncodecModel(config)
    x = sound().unsqueeze(1)
    return model.encoder, x, lambda y: y.square().mean()


def _clip() -> Subject:
    config = transformers.CLIPConfig(text_config=TEXT_TOWER, vision_config=PATCHES, projection_dim=32)
    batch = {"input_ids": text(), "pixel_values": pictures(), "return_loss": True}
    return transformers.CLIPModel(config), batch, None


def _siglip() -> Subject:
    config = transformers.SiglipConfig(text_config=TEXT_TOWER, vision_config=PATCHES)
    batch = {"input_ids": text(), "pixel_values": pictures(), "return_loss": True}
    return transformers.SiglipModel(config), batch, None


def _vilt() -> Subject:
    config = transformers.ViltConfig(
        **{**PATCHES, "max_position_embeddings": 32}, vocab_size=VOCABULARY, num_labels=5
    )
    batch = {
        "input_ids": text(),
        "pixel_values": pictures(),
        "labels": torch.eye(5)[labels(16, 5)],
    }
    return transformers.ViltForQuestionAnswering(config), batch, None


def _series(length: int, samples: int = 16) -> torch.Tensor:
    """Stretches of a recording at 2 kHz, in two channels."""
    x = sound(samples, 16 * (length + 1))[:, ::8].unflatten(1, (-1, 2))[:, :length]
    return (x - x.mean()) / x.std()


def _patches_of_time() -> Subject:
    config = transformers.PatchTSTConfig(
        num_input_channels=2, context_length=64, patch_length=8, patch_stride=8, d_model=64,
        num_attention_heads=4, num_hidden_layers=2, ffn_dim=128, prediction_length=16, loss="mse",
    )  # fmt: skip
    x = _series(80)
    model = transformers.PatchTSTForPrediction(config)
    return model, {"past_values": x[:, :64], "future_values": x[:, 64:]}, None


def _mixed_time() -> Subject:
    config = transformers.PatchTSMixerConfig(
        num_input_channels=2, context_length=64, patch_length=8, patch_stride=8, d_model=32, num_layers=2,
        prediction_length=16, loss="mse",
    )  # fmt: skip
    x = _series(80)
    model = transformers.PatchTSMixerForPrediction(config)
    return model, {"past_values": x[:, :64], "future_values": x[:, 64:]}, None


def _decisions() -> Subject:
    config = transformers.DecisionTransformerConfig(
        state_dim=6, act_dim=3, hidden_size=64, n_layer=2, n_head=4, max_ep_len=64, vocab_size=1,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    draw = torch.Generator().manual_seed(0)
    states, actions = (torch.randn(8, 10, n, generator=draw) for n in (6, 3))
    batch = {
        "states": states,
        "actions": actions,
        "rewards": torch.zeros(8, 10, 1),
        "returns_to_go": torch.randn(8, 10, 1, generator=draw),
        "timesteps": torch.arange(10).expand(8, 10),
        "attention_mask": torch.ones(8, 10),
        "return_dict": True,
    }
    return (
        transformers.DecisionTransformerModel(config),
        (batch, actions),
        lambda out, y: (out.action_preds - y).square().mean(),
    )


CASES: tuple[Case, ...] = (
    hears("Wav2Vec2"),
    hears("Hubert"),
    hears("WavLM"),
    hears("Data2VecAudio"),
    hears("UniSpeech"),
    Case("Whisper", _whisper),
    Case("AST", _spectrogram),
    Case("EnCodec encoder", _codec),
    Case("CLIP", _clip),
    Case("SigLIP", _siglip),
    Case("ViLT", _vilt),
    Case("PatchTST", _patches_of_time),
    Case("PatchTSMixer", _mixed_time),
    Case("Decision transformer", _decisions),
)
