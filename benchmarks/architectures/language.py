"""Language models of `transformers`, from small configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers
from case import Case, Subject
from samples import VOCABULARY, text

ENCODER: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
DECODER = {**ENCODER, "num_key_value_heads": 2, "head_dim": 16}
EXPERTS = {**DECODER, "moe_intermediate_size": 64, "num_experts": 4, "num_experts_per_tok": 2}
BOTH: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "forced_eos_token_id": None,
}


def predicts_tokens(kind: str, network: str, options: dict[str, Any], labels: str = "labels") -> Case:
    """A network `network` from `{kind}Config`, which is told the tokens it is given."""

    def make() -> Subject:
        config = getattr(transformers, f"{kind}Config")(**options)
        return getattr(transformers, network)(config), {"input_ids": text(), labels: text()}, None

    return Case(kind, make)


def replaced(kind: str, network: str, options: dict[str, Any]) -> Case:
    """As above, with a label of 0 or 1 for each token."""

    def make() -> Subject:
        config = getattr(transformers, f"{kind}Config")(**options)
        targets = (text() % 2 == 0).long()
        return getattr(transformers, network)(config), {"input_ids": text(), "labels": targets}, None

    return Case(kind, make)


def classifies(kind: str, network: str, options: dict[str, Any]) -> Case:
    """As above, with one of two classes for each text."""

    def make() -> Subject:
        config = getattr(transformers, f"{kind}Config")(**options)
        batch = {"input_ids": text(), "labels": torch.arange(16) % 2}
        return getattr(transformers, network)(config), batch, None

    return Case(kind, make)


_MASKED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Bert", "BertForMaskedLM", ENCODER),
    ("Roberta", "RobertaForMaskedLM", ENCODER),
    (
        "DistilBert",
        "DistilBertForMaskedLM",
        {"vocab_size": VOCABULARY, "dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128},
    ),
    ("Albert", "AlbertForMaskedLM", {**ENCODER, "embedding_size": 32, "num_hidden_layers": 4}),
    (
        "Deberta",
        "DebertaForMaskedLM",
        {**ENCODER, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    ),
    ("DebertaV2", "DebertaV2ForMaskedLM", {**ENCODER, "relative_attention": True}),
    ("MPNet", "MPNetForMaskedLM", ENCODER),
    ("FNet", "FNetForMaskedLM", ENCODER),
    ("ModernBert", "ModernBertForMaskedLM", {**ENCODER, "cls_token_id": 1, "sep_token_id": 2}),
    ("MobileBert", "MobileBertForMaskedLM", {**ENCODER, "intra_bottleneck_size": 32, "embedding_size": 32}),
    ("ConvBert", "ConvBertForMaskedLM", {**ENCODER, "embedding_size": 64}),
    ("RemBert", "RemBertForMaskedLM", {**ENCODER, "input_embedding_size": 32, "output_embedding_size": 64}),
    ("RoFormer", "RoFormerForMaskedLM", {**ENCODER, "embedding_size": 64}),
    (
        "Nystromformer",
        "NystromformerForMaskedLM",
        {**ENCODER, "segment_means_seq_len": 24, "num_landmarks": 4},
    ),
    ("SqueezeBert", "SqueezeBertForMaskedLM", {**ENCODER, "embedding_size": 64}),
    ("Longformer", "LongformerForMaskedLM", {**ENCODER, "attention_window": 8}),
)

_CAUSAL: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "GPT2",
        "GPT2LMHeadModel",
        {"vocab_size": VOCABULARY, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64,
         "bos_token_id": 1, "eos_token_id": 2},
    ),
    (
        "GPTNeo",
        "GPTNeoForCausalLM",
        {"vocab_size": VOCABULARY, "hidden_size": 64, "num_layers": 2, "num_heads": 4,
         "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 64, "window_size": 8,
         "bos_token_id": 1, "eos_token_id": 2},
    ),
    ("GPTNeoX", "GPTNeoXForCausalLM", ENCODER),
    (
        "GPTJ",
        "GPTJForCausalLM",
        {"vocab_size": VOCABULARY, "n_embd": 64, "n_layer": 2, "n_head": 4, "rotary_dim": 8,
         "bos_token_id": 1, "eos_token_id": 2},
    ),
    ("OPT", "OPTForCausalLM", {**ENCODER, "ffn_dim": 128, "word_embed_proj_dim": 64}),
    (
        "Bloom",
        "BloomForCausalLM",
        {"vocab_size": VOCABULARY, "hidden_size": 64, "n_layer": 2, "n_head": 4, "pad_token_id": 0},
    ),
    ("Falcon", "FalconForCausalLM", ENCODER),
    ("Llama", "LlamaForCausalLM", DECODER),
    ("Mistral", "MistralForCausalLM", {**DECODER, "sliding_window": 8}),
    ("Qwen2", "Qwen2ForCausalLM", DECODER),
    ("Qwen3", "Qwen3ForCausalLM", DECODER),
    ("Gemma", "GemmaForCausalLM", DECODER),
    ("Gemma2", "Gemma2ForCausalLM", {**DECODER, "sliding_window": 8}),
    ("Gemma3Text", "Gemma3ForCausalLM", {**DECODER, "sliding_window": 8}),
    ("Phi", "PhiForCausalLM", ENCODER),
    ("Phi3", "Phi3ForCausalLM", {**ENCODER, "num_key_value_heads": 2}),
    ("StableLm", "StableLmForCausalLM", DECODER),
    ("Olmo2", "Olmo2ForCausalLM", DECODER),
    ("Cohere", "CohereForCausalLM", DECODER),
    ("Starcoder2", "Starcoder2ForCausalLM", DECODER),
    ("Granite", "GraniteForCausalLM", DECODER),
    ("SmolLM3", "SmolLM3ForCausalLM", DECODER),
    ("Mixtral", "MixtralForCausalLM", {**DECODER, "num_local_experts": 4}),
    ("Qwen2Moe", "Qwen2MoeForCausalLM", {**EXPERTS, "shared_expert_intermediate_size": 64}),
    ("Olmoe", "OlmoeForCausalLM", EXPERTS),
    (
        "DeepseekV3",
        "DeepseekV3ForCausalLM",
        {**ENCODER, "moe_intermediate_size": 64, "n_routed_experts": 4, "num_experts_per_tok": 2,
         "n_group": 2, "topk_group": 1, "first_k_dense_replace": 1, "kv_lora_rank": 16, "q_lora_rank": 32,
         "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16},
    ),
    ("GptOss", "GptOssForCausalLM", {**DECODER, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 8}),
    ("Mamba", "MambaForCausalLM", {**ENCODER, "state_size": 8}),
    (
        "Mamba2",
        "Mamba2ForCausalLM",
        {**ENCODER, "state_size": 8, "num_heads": 8, "head_dim": 16, "n_groups": 1, "chunk_size": 8},
    ),
    ("Rwkv", "RwkvForCausalLM", {**ENCODER, "attention_hidden_size": 64, "context_length": 64}),
    (
        "RecurrentGemma",
        "RecurrentGemmaForCausalLM",
        {**DECODER, "num_hidden_layers": 3, "lru_width": 64, "attention_window_size": 8},
    ),
)  # fmt: skip

_SEQUENCE_TO_SEQUENCE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "T5",
        "T5ForConditionalGeneration",
        {"vocab_size": VOCABULARY, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4,
         "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1},
    ),
    (
        "SwitchTransformers",
        "SwitchTransformersForConditionalGeneration",
        {"vocab_size": VOCABULARY, "d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4,
         "num_experts": 4, "num_sparse_encoder_layers": 1, "num_sparse_decoder_layers": 1,
         "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1},
    ),
    ("Bart", "BartForConditionalGeneration", BOTH),
    ("Pegasus", "PegasusForConditionalGeneration", BOTH),
    ("Marian", "MarianMTModel", BOTH),
    ("M2M100", "M2M100ForConditionalGeneration", BOTH),
    ("ProphetNet", "ProphetNetForConditionalGeneration",
     {"vocab_size": VOCABULARY, "hidden_size": 64, "num_encoder_layers": 2, "num_decoder_layers": 2,
      "num_encoder_attention_heads": 4, "num_decoder_attention_heads": 4, "encoder_ffn_dim": 128,
      "decoder_ffn_dim": 128, "max_position_embeddings": 64, "ngram": 2, "decoder_start_token_id": 1}),
)  # fmt: skip


def _perceiver() -> Subject:
    config = transformers.PerceiverConfig(
        vocab_size=VOCABULARY, d_model=64, d_latents=64, num_latents=16, num_blocks=1,
        num_self_attends_per_block=2, num_self_attention_heads=4, num_cross_attention_heads=4,
        max_position_embeddings=24,
    )  # fmt: skip
    return transformers.PerceiverForMaskedLM(config), {"inputs": text(), "labels": text()}, None


_KINDS: tuple[tuple[Callable[..., Case], tuple[tuple[str, str, dict[str, Any]], ...]], ...] = (
    (predicts_tokens, _MASKED),
    (predicts_tokens, _CAUSAL),
    (predicts_tokens, _SEQUENCE_TO_SEQUENCE),
)

CASES: tuple[Case, ...] = (
    *(kind(*entry) for kind, entries in _KINDS for entry in entries),
    replaced("Electra", "ElectraForPreTraining", {**ENCODER, "embedding_size": 32}),
    classifies("XLNet", "XLNetForSequenceClassification",
               {"vocab_size": VOCABULARY, "d_model": 64, "n_layer": 2, "n_head": 4, "d_inner": 128}),
    classifies("Canine", "CanineForSequenceClassification",
               {**ENCODER, "max_position_embeddings": 64, "local_transformer_stride": 8,
                "num_hash_buckets": 64}),
    Case("Perceiver", _perceiver),
)  # fmt: skip
