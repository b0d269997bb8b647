"""Recurrent networks, hand-written attention, state spaces, graphs and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from case import Case, Subject
from samples import VOCABULARY, labels, text, written
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def rows_of_digits() -> tuple[Tensor, Tensor]:
    """Digits as eight rows of eight pixels."""
    x, y = written()
    return x[:, 0], y


def next_letter(logits: Tensor, ids: Tensor) -> Tensor:
    """The loss of a language model."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


class Recurrent(nn.Module):
    """A recurrent layer on the rows of a digit, and a head on its last state."""

    def __init__(self, kind: type[nn.RNNBase], **options: Any) -> None:
        super().__init__()
        self.rnn = kind(8, 64, batch_first=True, **options)
        self.head = nn.Linear(64 * (2 if options.get("bidirectional") else 1), 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class HandWritten(nn.Module):
    """h ← tanh(W x + U h), written as a loop."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.input, self.state, self.head = nn.Linear(8, width), nn.Linear(width, width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), self.state.in_features)
        for step in x.unbind(1):
            h = torch.tanh(self.input(step) + self.state(h))
        return self.head(h)


class Gated(nn.Module):
    """A gated unit written out, with one map for all gates."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.width = width
        self.gates, self.candidate = nn.Linear(8 + width, 2 * width), nn.Linear(8 + width, width)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], self.width, dtype=x.dtype)
        for t in range(x.shape[1]):
            z, r = torch.sigmoid(self.gates(torch.cat([x[:, t], h], 1))).chunk(2, 1)
            new = torch.tanh(self.candidate(torch.cat([x[:, t], r * h], 1)))
            h = (1 - z) * h + z * new
        return self.head(h)


class Cells(nn.Module):
    """An LSTM cell that is stepped by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(8, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), 64)
        for step in x.unbind(1):
            h, c = self.cell(step, (h, c))
        return self.head(h)


class Packed(nn.Module):
    """Texts of several lengths, packed for a bidirectional GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, 32, padding_idx=0)
        self.rnn, self.head = nn.GRU(32, 32, 2, batch_first=True, bidirectional=True), nn.Linear(64, 10)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embed(ids), lengths, batch_first=True, enforce_sorted=False)
        out, lengths = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(out.sum(1) / lengths.unsqueeze(1))


def _packed() -> Subject:
    lengths = 8 + torch.arange(16)
    ids = text() * (torch.arange(24) < lengths.unsqueeze(1))
    return Packed(), ((ids, lengths), labels()), F.cross_entropy


class Translator(nn.Module):
    """Encoder and decoder LSTM with additive attention over the encoder's states."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, width)
        self.encoder, self.decoder = nn.LSTM(width, width, batch_first=True), nn.LSTMCell(2 * width, width)
        self.query, self.key, self.score = (
            nn.Linear(width, width),
            nn.Linear(width, width),
            nn.Linear(width, 1),
        )
        self.out = nn.Linear(width, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        embedded = self.embed(ids)
        states, (h, c) = self.encoder(embedded)
        h, c, keys, found = h[0], c[0], self.key(states), []
        for t in range(6):
            weights = self.score(torch.tanh(keys + self.query(h).unsqueeze(1))).softmax(1)
            context = (weights * states).sum(1)
            h, c = self.decoder(torch.cat([embedded[:, t], context], 1), (h, c))
            found.append(self.out(h))
        return torch.stack(found, 1)


def _translator() -> Subject:
    return Translator(), (text(), text()), lambda out, y: F.cross_entropy(out.mT, y[:, :6])


class NanoGPT(nn.Module):
    """As in the tutorials: one map for q, k and v, a triangular mask, a head tied to the embedding."""

    def __init__(self, width: int = 64, heads: int = 4, depth: int = 2, tied: bool = True) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(64, width)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({
                "ln_1": nn.LayerNorm(width), "attn": nn.Linear(width, 3 * width, bias=False),
                "proj": nn.Linear(width, width, bias=False), "ln_2": nn.LayerNorm(width),
                "up": nn.Linear(width, 4 * width), "down": nn.Linear(4 * width, width),
            })
            for _ in range(depth)
        )  # fmt: skip
        self.norm, self.head, self.heads = (
            nn.LayerNorm(width),
            nn.Linear(width, VOCABULARY, bias=False),
            heads,
        )
        self.register_buffer("mask", torch.ones(64, 64).tril().view(1, 1, 64, 64))
        for p in self.parameters():
            if p.ndim > 1:
                nn.init.normal_(p, std=0.02)
        if tied:
            self.head.weight = self.tokens.weight

    def forward(self, ids: Tensor) -> Tensor:
        B, T = ids.shape
        x = self.tokens(ids) + self.places(torch.arange(T))
        for block in self.blocks:
            q, k, v = block["attn"](block["ln_1"](x)).split(x.shape[-1], 2)
            q, k, v = (a.view(B, T, self.heads, -1).transpose(1, 2) for a in (q, k, v))
            scores = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
            scores = scores.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf"))
            y = (F.softmax(scores, -1) @ v).transpose(1, 2).contiguous().view(B, T, -1)
            x = x + block["proj"](y)
            x = x + block["down"](F.gelu(block["up"](block["ln_2"](x))))
        return self.head(self.norm(x))


class SequenceFirst(nn.Module):
    """`nn.Transformer` with its default of sequence-first data."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, 64)
        self.body = nn.Transformer(64, 4, 1, 1, 128, dropout=0.0)
        self.head = nn.Linear(64, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids)
        return self.head(self.body(x, x, tgt_mask=nn.Transformer.generate_square_subsequent_mask(len(ids))))


class Einsums(nn.Module):
    """Attention and maps written as einsums of bare parameters."""

    def __init__(self, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        size = width // heads
        self.embed = nn.Parameter(torch.randn(8, width) * 8**-0.5)
        self.qkv = nn.Parameter(torch.randn(3, heads, width, size) * width**-0.5)
        self.out = nn.Parameter(torch.randn(heads, size, width) * width**-0.5)
        self.head = nn.Parameter(torch.randn(width, 10) * width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.einsum("bti,iw->btw", x, self.embed)
        q, k, v = (torch.einsum("btw,hwe->bhte", h, w) for w in self.qkv)
        weights = (torch.einsum("bhqe,bhke->bhqk", q, k) / k.shape[-1] ** 0.5).softmax(-1)
        y = torch.einsum("bhqk,bhke->bhqe", weights, v)
        h = h + torch.einsum("bhqe,hew->bqw", y, self.out)
        return torch.einsum("btw,wc->bc", h, self.head) / x.shape[1]


class StateSpace(nn.Module):
    """A diagonal linear state space, scanned, with a gate (as S4D and Mamba)."""

    def __init__(self, width: int = 32, states: int = 8) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(8, width), nn.Linear(width, 10)
        self.decay = nn.Parameter(torch.arange(1.0, states + 1).log().repeat(width, 1))
        self.into, self.out = (
            nn.Parameter(torch.randn(width, states)),
            nn.Parameter(torch.randn(width, states)),
        )
        self.step, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        u = self.embed(x)
        delta = F.softplus(self.step(u))
        kept = torch.exp(-delta.unsqueeze(-1) * self.decay.exp())
        h, found = torch.zeros(len(x), *self.into.shape), []
        for t in range(x.shape[1]):
            h = kept[:, t] * h + (delta[:, t] * u[:, t]).unsqueeze(-1) * self.into
            found.append((h * self.out).sum(-1))
        return self.head((torch.stack(found, 1) * F.silu(self.gate(u))).mean(1))


class Message(nn.Module):
    """A layer of messages along edges: gathered, transformed, scattered back by their mean."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.message, self.update = nn.Linear(2 * width, width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        messages = F.relu(self.message(torch.cat([x[source], x[target]], 1)))
        total = torch.zeros_like(x).index_add_(0, target, messages)
        count = torch.zeros(len(x), 1).index_add_(0, target, torch.ones(len(target), 1))
        return x + self.update(torch.cat([x, total / count.clamp(min=1)], 1))


class Graph(nn.Module):
    """Two layers of messages and one of attention by scatter_reduce, for the class of each node."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.embed, self.layers = nn.Linear(8, width), nn.ModuleList([Message(width), Message(width)])
        self.score, self.value, self.head = (
            nn.Linear(2 * width, 1),
            nn.Linear(width, width),
            nn.Linear(width, 4),
        )

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        source, target = edges
        x = self.embed(x)
        for layer in self.layers:
            x = layer(x, source, target)
        score = F.leaky_relu(self.score(torch.cat([x[source], x[target]], 1)), 0.2).squeeze(1)
        largest = torch.full((len(x),), -torch.inf).scatter_reduce(0, target, score, "amax")
        weight = (score - largest[target]).exp()
        total = torch.zeros(len(x)).scatter_add(0, target, weight)
        messages = self.value(x[source]) * (weight / total[target]).unsqueeze(1)
        return self.head(x + torch.zeros_like(x).index_add(0, target, messages))


def _graph() -> Subject:
    x = written(40)[0].flatten(1)[:, 20:28]
    ring = torch.arange(40)
    edges = torch.cat([torch.stack([ring, (ring + k) % 40]) for k in (1, 2, 7)], 1)
    return Graph(), ((x, edges), labels(40, 4)), F.cross_entropy


class DenseGraph(nn.Module):
    """Graph convolutions with a normalised adjacency matrix: Â X W."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, width, bias=False), nn.Linear(width, 4, bias=False)
        ring = torch.eye(40)
        self.register_buffer("adjacency", (ring + ring.roll(1, 0) + ring.roll(-1, 0)) / 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.adjacency @ self.second(F.relu(self.adjacency @ self.first(x)))


class PointSet(nn.Module):
    """A map shared by all points of a set, their maximum, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.points = nn.Sequential(nn.Conv1d(2, 32, 1), nn.ReLU(), nn.Conv1d(32, 64, 1), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.points(x).max(2).values)


@dataclass
class Rating:
    """What the recommender returns."""

    score: Tensor
    user: Tensor
    loss: Tensor | None = None


class Recommender(nn.Module):
    """Bags of items, users and numbers, their products, and a wide part."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.items = nn.EmbeddingBag(200, width, mode="mean")
        self.tables = nn.ModuleDict({"user": nn.Embedding(50, width), "place": nn.Embedding(20, width)})
        self.wide = nn.ParameterList([nn.Parameter(torch.zeros(1)), nn.Parameter(torch.randn(5) * 0.1)])
        self.numbers = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, width))
        self.deep = nn.Sequential(nn.Linear(4 * width + 6, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, items: Tensor, user: Tensor, place: Tensor, numbers: Tensor, rating: Tensor) -> Rating:
        parts = [
            self.items(items),
            self.tables["user"](user),
            self.tables["place"](place),
            self.numbers(numbers),
        ]
        stacked = torch.stack(parts, 1)
        products = torch.bmm(stacked, stacked.mT)
        i, j = torch.triu_indices(4, 4, 1)
        deep = self.deep(torch.cat([*parts, products[:, i, j]], 1))
        score = (deep.squeeze(1) + numbers @ self.wide[1] + self.wide[0]).sigmoid()
        return Rating(score, parts[1], F.binary_cross_entropy(score, rating))


def _recommender() -> Subject:
    draw = torch.Generator().manual_seed(0)
    batch = {
        "items": torch.randint(200, (32, 5), generator=draw),
        "user": torch.randint(50, (32,), generator=draw),
        "place": torch.randint(20, (32,), generator=draw),
        "numbers": torch.randn(32, 5, generator=draw),
        "rating": (torch.arange(32) % 2).float(),
    }
    return Recommender(), batch, None


class Tabular(nn.Module):
    """A residual network for tables with categories, batch normalisation and a gate."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.category, self.first = nn.Embedding(10, 8), nn.Linear(16, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, 2 * width), nn.GLU(), nn.Dropout(0.1))
            for _ in range(3)
        )
        self.head = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, numbers: Tensor, category: Tensor) -> Tensor:
        x = self.first(torch.cat([numbers, self.category(category)], 1))
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def _tabular() -> Subject:
    x, y = written()
    return Tabular(), ((x.flatten(1)[:, 24:32], torch.arange(32) % 10), y), F.cross_entropy


class Experts(nn.Module):
    """A mixture of experts by hand: the best two of four, gathered with index_add_."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.embed, self.router, self.head = nn.Linear(64, width), nn.Linear(width, 4), nn.Linear(width, 10)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 128), nn.GELU(), nn.Linear(128, width)) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.flatten(1))
        weight, choice = self.router(x).softmax(-1).topk(2)
        y = torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            row, column = torch.where(choice == k)
            y.index_add_(0, row, expert(x[row]) * weight[row, column].unsqueeze(1))
        return self.head(x + y)


class Bilinears(nn.Module):
    """A product of two inputs through `nn.Bilinear`."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(32, 32), nn.Linear(32, 32)
        self.join, self.head = nn.Bilinear(32, 32, 64), nn.Linear(64, 10)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.head(F.relu(self.join(torch.tanh(self.a(a)), torch.tanh(self.b(b)))))


def _bilinear() -> Subject:
    x, y = written()
    left, right = x.flatten(1).split(32, 1)
    return Bilinears(), ((left, right), y), F.cross_entropy


CASES: tuple[Case, ...] = (
    Case("Elman RNN", lambda: (Recurrent(nn.RNN), rows_of_digits(), F.cross_entropy)),
    Case("LSTM", lambda: (Recurrent(nn.LSTM, num_layers=2), rows_of_digits(), F.cross_entropy)),
    Case(
        "GRU, bidirectional",
        lambda: (Recurrent(nn.GRU, bidirectional=True), rows_of_digits(), F.cross_entropy),
    ),
    Case("RNN loop by hand", lambda: (HandWritten(), rows_of_digits(), F.cross_entropy)),
    Case("Gated unit by hand", lambda: (Gated(), rows_of_digits(), F.cross_entropy)),
    Case("LSTM cell", lambda: (Cells(), rows_of_digits(), F.cross_entropy)),
    Case("Packed GRU", _packed),
    Case("Seq2seq with additive attention", _translator),
    Case("nanoGPT, tied", lambda: (NanoGPT(), (text(), text()), next_letter)),
    Case("nanoGPT, untied", lambda: (NanoGPT(tied=False), (text(), text()), next_letter)),
    Case(
        "nn.Transformer, sequence first",
        lambda: (
            SequenceFirst(),
            (text().T, text().T),
            lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()),
        ),
        batch_axis=1,
    ),
    Case("Attention by einsum", lambda: (Einsums(), rows_of_digits(), F.cross_entropy)),
    Case("State space scan", lambda: (StateSpace(), rows_of_digits(), F.cross_entropy)),
    Case("Graph messages", _graph),
    Case(
        "Graph convolution, dense",
        lambda: (DenseGraph(), (written(40)[0].flatten(1)[:, 20:28], labels(40, 4)), F.cross_entropy),
    ),
    Case(
        "PointNet style",
        lambda: (PointSet(), (written()[0].flatten(1).unflatten(1, (2, 32)), written()[1]), F.cross_entropy),
    ),
    Case("Recommender", _recommender),
    Case("Tabular ResNet", _tabular),
    Case("Experts by hand", lambda: (Experts(), written(), F.cross_entropy)),
    Case("Bilinear", _bilinear),
)
