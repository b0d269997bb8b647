"""Vision models of `transformers`, from small configurations, on photographs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from case import Case, Subject
from samples import labels, pictures

PATCHES: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "image_size": 32,
    "patch_size": 8,
}
WINDOWS: dict[str, Any] = {
    "image_size": 32,
    "patch_size": 4,
    "embed_dim": 32,
    "depths": [2, 2],
    "num_heads": [2, 4],
    "window_size": 4,
}
CLASSES = {"num_labels": 10}


def classifies(kind: str, options: dict[str, Any], size: int = 32, network: str = "") -> Case:
    """A classifier of the kind, told classes."""

    def make() -> Subject:
        config = getattr(transformers, f"{kind}Config")(**options, **CLASSES)
        model = getattr(transformers, network or f"{kind}ForImageClassification")(config)
        return model, {"pixel_values": pictures(16, size), "labels": labels()}, None

    return Case(kind, make)


def _segformer() -> Subject:
    config = transformers.SegformerConfig(
        hidden_sizes=[16, 32], depths=[1, 1], num_encoder_blocks=2, num_attention_heads=[1, 2],
        sr_ratios=[2, 1], patch_sizes=[7, 3], strides=[4, 2], mlp_ratios=[2, 2], decoder_hidden_size=32,
        num_labels=5,
    )  # fmt: skip
    model = transformers.SegformerForSemanticSegmentation(config)
    x = pictures(8, 64)
    return model, {"pixel_values": x, "labels": (x.mean(1) > 0).long()}, None


def _yolos() -> Subject:
    config = transformers.YolosConfig(
        **{**PATCHES, "image_size": [32, 32]}, num_detection_tokens=5, num_labels=3
    )
    model = transformers.YolosForObjectDetection(config)
    return model, pictures(8), lambda out: out.logits.square().mean() + out.pred_boxes.square().mean()


def _detr() -> Subject:
    backbone = transformers.ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], out_features=["stage2"]
    )
    config = transformers.DetrConfig(
        use_timm_backbone=False, backbone_config=backbone, backbone=None, d_model=64, encoder_layers=1,
        decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=128,
        decoder_ffn_dim=128, num_queries=8, num_labels=3,
    )  # fmt: skip
    model = transformers.DetrForObjectDetection(config)
    return model, pictures(8, 64), lambda out: out.logits.square().mean() + out.pred_boxes.square().mean()


def _masked_autoencoder() -> Subject:
    config = transformers.ViTMAEConfig(
        **PATCHES, decoder_hidden_size=32, decoder_num_hidden_layers=1, decoder_num_attention_heads=4,
        decoder_intermediate_size=64,
    )  # fmt: skip
    return transformers.ViTMAEForPreTraining(config), {"pixel_values": pictures()}, None


def _depth() -> Subject:
    config = transformers.GLPNConfig(
        hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
    )  # fmt: skip
    x = pictures(6, 64)
    return transformers.GLPNForDepthEstimation(config), {"pixel_values": x, "labels": x.mean(1).exp()}, None


def _video() -> Subject:
    config = transformers.VideoMAEConfig(**PATCHES, num_frames=4, tubelet_size=2, **CLASSES)
    clip = torch.stack([pictures(8).roll(k, -1) for k in range(4)], 1)
    return (
        transformers.VideoMAEForVideoClassification(config),
        {"pixel_values": clip, "labels": labels(8)},
        None,
    )


def _super_resolution() -> Subject:
    config = transformers.Swin2SRConfig(
        image_size=16, embed_dim=32, depths=[2], num_heads=[2], window_size=4, upscale=2, mlp_ratio=2.0
    )
    small, large = pictures(8, 16), pictures(8, 32)
    model = transformers.Swin2SRForImageSuperResolution(config)
    return model, (small, large), lambda out, y: F.l1_loss(out.reconstruction, y)


_SPECIAL: dict[str, Callable[[], Subject]] = {
    "SegFormer": _segformer,
    "YOLOS": _yolos,
    "DETR": _detr,
    "ViTMAE": _masked_autoencoder,
    "GLPN": _depth,
    "VideoMAE": _video,
    "Swin2SR": _super_resolution,
}

CASES: tuple[Case, ...] = (
    classifies("ViT", PATCHES),
    classifies("DeiT", PATCHES),
    classifies("Beit", PATCHES),
    classifies("Dinov2", {**PATCHES, "mlp_ratio": 2}),
    classifies("IJepa", PATCHES),
    classifies("Swin", WINDOWS),
    classifies("Swinv2", WINDOWS),
    classifies("ConvNext", {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1]}, 64),
    classifies("ConvNextV2", {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1]}, 64),
    classifies(
        "ResNet",
        {
            "embedding_size": 16,
            "hidden_sizes": [16, 32, 48, 64],
            "depths": [1, 1, 1, 1],
            "layer_type": "basic",
        },
        64,
    ),
    classifies(
        "RegNet",
        {"embedding_size": 16, "hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1], "groups_width": 16},
        64,
    ),
    classifies(
        "Bit", {"embedding_size": 16, "hidden_sizes": [32, 32], "depths": [1, 1], "num_groups": 8}, 64
    ),
    classifies("MobileNetV1", {"depth_multiplier": 0.25}, 64),
    classifies("MobileNetV2", {"depth_multiplier": 0.25}, 64),
    classifies(
        "MobileViT",
        {"hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 16, 16, 24, 24, 32], "image_size": 64},
        64,
    ),
    classifies("EfficientNet", {"width_coefficient": 0.25, "depth_coefficient": 0.5, "hidden_dim": 320}, 64),
    classifies("PoolFormer", {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1]}, 64),
    classifies(
        "FocalNet",
        {
            "image_size": 32,
            "patch_size": 4,
            "embed_dim": 16,
            "depths": [1, 1],
            "focal_levels": [2, 2],
            "focal_windows": [3, 3],
            "hidden_sizes": [16, 32],
        },
    ),
    classifies(
        "Pvt",
        {
            "image_size": 64,
            "hidden_sizes": [16, 32, 48, 64],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 1, 2, 2],
            "sequence_reduction_ratios": [4, 2, 1, 1],
        },
        64,
    ),
    classifies(
        "Levit",
        {
            "image_size": 64,
            "hidden_sizes": [32, 48, 64],
            "num_attention_heads": [2, 3, 4],
            "depths": [1, 1, 1],
            "key_dim": [8, 8, 8],
        },
        64,
    ),
    classifies(
        "Hiera", {"embed_dim": 16, "image_size": [64, 64], "num_layers": None, "depths": [1, 1, 1, 1]}, 64
    ),
    *(Case(name, make) for name, make in _SPECIAL.items()),
)
