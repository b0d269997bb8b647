"""Networks of other people's making, from `transformers` configurations: read, walked and counted in full."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from lensmaker.systems.networks import Family, record
from lensmaker.systems.networks.prescription import prescribe
from systems.networks.test_replay import same, walk

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")  # theirs

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 50,
}
CONFIGS: dict[str, tuple[str, str, dict[str, Any], set[str]]] = {
    "gpt2": (
        "GPT2Config",
        "GPT2LMHeadModel",
        {"vocab_size": 50, "n_embd": 32, "n_layer": 2, "n_head": 4},
        set(),
    ),
    "bert": ("BertConfig", "BertForMaskedLM", SMALL, set()),
    "llama": ("LlamaConfig", "LlamaForCausalLM", {**SMALL, "num_key_value_heads": 2}, set()),
    "t5": (
        "T5Config",
        "T5ForConditionalGeneration",
        {
            "vocab_size": 50,
            "d_model": 32,
            "d_kv": 8,
            "d_ff": 64,
            "num_layers": 2,
            "decoder_start_token_id": 0,
        },
        set(),
    ),
    "mamba": ("MambaConfig", "MambaForCausalLM", {**SMALL, "state_size": 4}, set()),
    "mixtral": (
        "MixtralConfig",
        "MixtralForCausalLM",
        {**SMALL, "num_key_value_heads": 2, "num_local_experts": 4},
        {"_grouped_mm", "histc", "topk"},
    ),
    "vit": ("ViTConfig", "ViTForImageClassification", {**SMALL, "image_size": 16, "patch_size": 8}, set()),
    "resnet": (
        "ResNetConfig",
        "ResNetForImageClassification",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
        set(),
    ),
}


def build(name: str) -> tuple[nn.Module, dict[str, torch.Tensor]]:
    config, network, options, _ = CONFIGS[name]
    torch.manual_seed(0)
    model = getattr(transformers, network)(getattr(transformers, config)(**options)).eval()
    if name in ("vit", "resnet"):
        return model, {"pixel_values": torch.randn(2, 3, 16, 16), "labels": torch.tensor([0, 1])}
    ids = torch.randint(50, (2, 7))
    return model, {"input_ids": ids, "labels": ids}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_network_from_transformers_is_read_walked_and_counted_in_full(name: str) -> None:
    model, batch = build(name)
    train = record(model, batch)
    assert train.loss == float(model(**batch).loss.detach())
    signals = walk(train, gradients=True)
    assert set(signals) == {v.index for v in train.values if v.is_signal} - set(train.inputs)
    assert all(same(signals[i], train.values[i].tensor) for i in signals)
    assert sum(row.parameters for row in prescribe(train)) == sum(p.numel() for p in model.parameters())
    assert {e.operation for e in train.visible() if e.family is Family.OTHER} == CONFIGS[name][3]
    assert {e.where.path for e in train.visible()} <= dict(model.named_modules()).keys()
