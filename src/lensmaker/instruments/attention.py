"""How spread the attention is: the entropy of the attention weights."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import Measurement, Where
from lensmaker.core.bibliography import ZHAI_2023
from lensmaker.instruments.layout import Layout
from lensmaker.instruments.sums import numbers
from lensmaker.instruments.together import PassInstrument, Reading, Sight
from lensmaker.numerics.resampling import jackknife, ratio
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Element, Family, Network, Ref
from lensmaker.systems.networks.trees import mapped

_SOFTMAX = "softmax"
_SDPA = "scaled_dot_product_attention"


class AttentionEntropy(PassInstrument):
    """Mean Shannon entropy of the attention weights of a query, over queries, heads and samples.

    S = −Σ_j p_j ln p_j, between 0 (one key) and the logarithm of the number of keys (uniform). The weights
    are the output of a softmax over the product of two signals; inside `scaled_dot_product_attention` they
    are computed again from queries, keys, mask and scale, before dropout. A query that sees no key is left
    out.

    Parameters
    ----------
    limit
        Number of weights read at each element; where there are more, random queries are drawn.
    seed
        Draws the queries.

    References
    ----------
    S. Zhai et al., ICML 2023.

    Examples
    --------
    >>> class Uniform(torch.nn.Module):
    ...     def forward(self, x):
    ...         return torch.nn.functional.scaled_dot_product_attention(0 * x, x, x)
    >>> [m] = AttentionEntropy().measure(Network(Uniform(), torch.ones(2, 7, 3)))
    >>> round(m.value, 4)  # ln 7
    1.9459
    """

    name = "attention"
    summary = "Entropy of the attention weights of a query."
    quantities = ("attention_entropy",)
    references = (ZHAI_2023,)

    def __init__(self, limit: int = 1 << 20, seed: int = 0) -> None:
        self.limit = limit
        self.seed = seed

    def reading(self, network: Network) -> Reading:
        return _EntropyReading(self, network)


class _EntropyReading(Reading):
    def __init__(self, instrument: AttentionEntropy, network: Network) -> None:
        self.instrument = instrument
        self.samples = network.batch.samples
        self.generator = stream("attention", instrument.seed)
        self.scores: set[int] = set()
        self.weights: set[int] = set()
        self.found: dict[Where, NDArray[np.float64]] = {}

    def element(self, element: Element) -> None:
        """Follow the products of signals up to a softmax, and the weights it makes on to what they weigh."""
        if element.family is Family.ATTENTION:
            if element.operation != _SDPA and not self.weights.intersection(element.inputs):
                self.scores.update(element.outputs)
        elif element.family in {Family.MERGE, Family.STRUCTURE, Family.ACTIVATION, Family.DROPOUT}:
            if element.operation == _SOFTMAX and self.scores.intersection(element.inputs):
                self.weights.update(element.outputs)
            elif self.scores.intersection(element.inputs):
                self.scores.update(element.outputs)
            elif self.weights.intersection(element.inputs):
                self.weights.update(element.outputs)

    def see(self, sight: Sight) -> None:
        element = sight.element
        if element is None:
            return
        with torch.no_grad():
            if element.operation == _SDPA:
                self.found[sight.where] = self._recomputed(element, sight)
            elif element.operation == _SOFTMAX and element.outputs[0] in self.weights:
                p = sight.output.detach()
                dim = element.kwargs.get("dim", element.args[1] if len(element.args) > 1 else -1)
                if isinstance(dim, int) and dim % p.ndim == p.ndim - 1 and p.ndim > 1:
                    rows = self._queries(p.shape)
                    p = p if rows is None else p.index_select(-2, rows.to(p.device))
                    self.found[sight.where] = _by_sample(sight.layout, torch.special.entr(p.float()).sum(-1))

    def _recomputed(self, element: Element, sight: Sight) -> NDArray[np.float64]:
        live = dict(zip(element.inputs, sight.inputs, strict=True))
        args, kwargs = mapped(Ref, lambda r: live[r.value].detach(), (element.args, element.kwargs))
        q, k, mask, causal, scale = _arguments(*args, **kwargs)
        if k.shape[-3:-2] != q.shape[-3:-2]:  # grouped queries share their keys
            k = k.repeat_interleave(q.shape[-3] // k.shape[-3], dim=-3)
        queries = torch.arange(q.shape[-2])
        drawn = self._queries(torch.Size([*q.shape[:-1], k.shape[-2]]))
        queries = (queries if drawn is None else drawn).to(q.device)
        q = q.index_select(-2, queries)
        score = (q.float() @ k.float().transpose(-1, -2)) * (
            scale if scale is not None else q.shape[-1] ** -0.5
        )
        if causal:
            score = score.masked_fill(
                queries[:, None] < torch.arange(k.shape[-2], device=q.device), -torch.inf
            )
        if mask is not None:
            mask = mask.index_select(-2, queries) if mask.shape[-2] > 1 else mask
            score = score.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else score + mask.float()
        return _by_sample(sight.layouts[0], torch.special.entr(score.softmax(-1)).sum(-1))

    def _queries(self, shape: torch.Size) -> torch.Tensor | None:
        """Some queries of weights of that shape, (…, queries, keys); None for all of them."""
        if shape.numel() <= self.instrument.limit:
            return None
        count = max(1, self.instrument.limit * shape[-2] // shape.numel())
        return torch.randint(shape[-2], (count,), generator=self.generator)

    def read(self) -> Iterable[Measurement]:
        for where, sums in self.found.items():
            yield self.instrument.measurement(
                "attention_entropy", where, *jackknife(sums, ratio), self.samples
            )


def _by_sample(layout: Layout, entropy: torch.Tensor) -> NDArray[np.float64]:
    """Sum of the entropies and number of the queries that see a key, for each sample: shape (samples, 2)."""
    rows = layout.rows(entropy).double()
    seeing = ~rows.isnan()
    return numbers(torch.stack([rows.nan_to_num().sum(-1), seeing.sum(-1).double()], dim=-1))


def _arguments(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, bool, float | None]:
    """What of `scaled_dot_product_attention`'s arguments decides the weights."""
    return query, key, attn_mask, is_causal, scale
