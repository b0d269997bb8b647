import math

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from lensmaker.instruments.attention import AttentionEntropy
from lensmaker.systems.networks import Network


class Attention(nn.Module):
    def __init__(self, heads=2, shared=None, **options):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(8, 8) for _ in range(3))
        if shared:
            self.k, self.v = (nn.Linear(8, 8 // shared) for _ in range(2))
        self.heads = heads
        self.options = options

    def forward(self, x):
        q, k, v = (
            f(x).unflatten(-1, (-1, 8 // self.heads)).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        return scaled_dot_product_attention(q, k, v, **self.options)

    def weights(self, x, keep=None, bias=0.0, scale=None):
        q, k = (f(x).unflatten(-1, (-1, 8 // self.heads)).transpose(1, 2) for f in (self.q, self.k))
        k = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)
        score = q @ k.transpose(-1, -2) * (scale or (8 // self.heads) ** -0.5) + bias
        return (score if keep is None else score.where(keep, torch.tensor(-math.inf))).softmax(-1).detach()


def entropy_by_hand(weights):
    """Over (samples, …, keys): mean, and standard error over samples."""
    rows = []
    for sample in weights.double():
        queries = sample.reshape(-1, sample.shape[-1]).tolist()
        rows.append(sum(-sum(p * math.log(p) for p in query if p > 0) for query in queries) / len(queries))
    rows = torch.tensor(rows, dtype=torch.float64)
    return float(rows.mean()), float(rows.std()) / math.sqrt(len(rows))


def measured(net, x, **options):
    return {str(m.where): m for m in AttentionEntropy(**options).measure(Network(net, x))}


CAUSAL = torch.ones(7, 7, dtype=torch.bool).tril()
BIAS = torch.linspace(-2, 2, 49).view(7, 7)
CASES = {
    "plain": ({}, {}),
    "causal": ({"is_causal": True}, {"keep": CAUSAL}),
    "boolean mask": ({"attn_mask": CAUSAL.flip(0)}, {"keep": CAUSAL.flip(0)}),
    "float mask": ({"attn_mask": BIAS}, {"bias": BIAS}),
    "scale": ({"scale": 2.0}, {"scale": 2.0}),
}


@pytest.mark.parametrize("case", CASES)
def test_entropy_inside_scaled_dot_product_attention(case):
    options, by_hand = CASES[case]
    net = Attention(**options)
    with torch.no_grad():
        net.q.weight.mul_(3)
    x = torch.randn(5, 7, 8)
    value, error = entropy_by_hand(net.weights(x, **by_hand))
    m = measured(net, x)["scaled_dot_product_attention"]
    assert m.value == pytest.approx(value, rel=1e-5)
    assert m.error == pytest.approx(error, rel=1e-4)
    assert value < 0.97 * math.log(7)


def test_grouped_queries_share_their_keys():
    net = Attention(heads=4, shared=2, enable_gqa=True)
    x = torch.randn(5, 7, 8)
    assert measured(net, x)["scaled_dot_product_attention"].value == pytest.approx(
        entropy_by_hand(net.weights(x))[0], rel=1e-5
    )


def test_queries_that_see_no_key_are_left_out():
    keep = CAUSAL.clone()
    keep[0] = False
    net = Attention(attn_mask=keep)
    x = torch.randn(3, 7, 8)
    value, _ = entropy_by_hand(net.weights(x, keep=CAUSAL)[:, :, 1:])
    assert measured(net, x)["scaled_dot_product_attention"].value == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
def test_entropy_of_multi_head_attention(batch_first, need_weights):
    attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = attention

        def forward(self, x):
            return self.attention(x, x, x, need_weights=need_weights, average_attn_weights=False)

    x = torch.randn(4, 4, 8)  # as many times as samples
    weights = attention(x, x, x, average_attn_weights=False)[1].detach()
    value, error = entropy_by_hand(weights)
    network = Network(Net(), x, batch_axis=0 if batch_first else 1)
    (m,) = AttentionEntropy().measure(network)
    assert m.value == pytest.approx(value, rel=1e-5)
    assert m.error == pytest.approx(error, rel=1e-4)


def test_a_masked_softmax_of_scaled_scores_is_attention():
    class Written(nn.Module):
        def forward(self, x):
            score = (x @ x.transpose(-1, -2)) / math.sqrt(x.shape[-1])
            score = score.masked_fill(~CAUSAL, float("-inf"))
            return torch.dropout(score.softmax(dim=-1), 0.5, True) @ x

    x = torch.randn(4, 7, 8)
    score = (x @ x.transpose(-1, -2) / math.sqrt(8)).where(CAUSAL, torch.tensor(-math.inf))
    assert measured(Written(), x)["softmax"].value == pytest.approx(
        entropy_by_hand(score.softmax(-1))[0], rel=1e-5
    )


def test_the_probabilities_of_classes_are_no_attention():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = Attention()
            self.out = nn.Linear(4, 3)

        def forward(self, x):
            written = (x @ x.transpose(-1, -2)).softmax(-1) @ x
            return self.out(self.attention(x)).softmax(-1), written.softmax(-1)

    assert set(measured(Classifier(), torch.randn(3, 7, 8))) == {
        "attention:scaled_dot_product_attention",
        "softmax",
    }


@pytest.mark.parametrize("causal", [False, True])
def test_some_queries_stand_for_all(causal):
    """16 of 64 queries at a fixed seed; the entropies of causal queries rise from 0 to ln 64."""
    net = Attention(is_causal=causal)
    x = torch.randn(8, 64, 8)
    everything = measured(net, x)["scaled_dot_product_attention"]
    some = measured(net, x, limit=8 * 2 * 16 * 64)["scaled_dot_product_attention"]
    assert some.value != everything.value
    spread = 1.0 if causal else 0.1
    assert abs(some.value - everything.value) < 4 * spread / math.sqrt(16)


def test_uniform_attention_in_low_precision():
    x = torch.zeros(2, 7, 8, dtype=torch.bfloat16)
    m = measured(Attention().bfloat16(), x)["scaled_dot_product_attention"]
    assert m.value == pytest.approx(math.log(7), rel=1e-6)
