"""The pinned transformers builds its networks from configurations, without a network of cables."""

from __future__ import annotations

import socket
from typing import NoReturn

import pytest
import torch

transformers = pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)


TOKENS = torch.arange(32).view(2, 16) % 50


def test_gpt2_starts_at_the_loss_of_a_guess() -> None:
    config = transformers.GPT2Config(
        n_layer=2, n_embd=64, n_head=4, vocab_size=50, bos_token_id=0, eos_token_id=0
    )
    loss = transformers.GPT2LMHeadModel(config).eval()(input_ids=TOKENS, labels=TOKENS).loss
    assert loss.item() == pytest.approx(torch.tensor(50.0).log().item(), abs=0.2)


def test_bert_tells_a_token_by_its_place() -> None:
    config = transformers.BertConfig(
        num_hidden_layers=2, hidden_size=64, num_attention_heads=4, intermediate_size=128, vocab_size=50
    )
    hidden = transformers.BertModel(config).eval()(TOKENS.clone().fill_(7)).last_hidden_state
    assert hidden.shape == (2, 16, 64)
    assert not torch.allclose(hidden[:, 0], hidden[:, 1])


def test_vit_sees_a_picture() -> None:
    config = transformers.ViTConfig(
        num_hidden_layers=2,
        hidden_size=64,
        num_attention_heads=4,
        intermediate_size=128,
        image_size=32,
        patch_size=8,
        num_labels=10,
    )
    model = transformers.ViTForImageClassification(config).eval()
    assert model(torch.randn(2, 3, 32, 32)).logits.shape == (2, 10)
