from __future__ import annotations

import numpy as np
import pytest

from exact.uniform_attention import layer, token_cosine, weights


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("skip", [False, True])
def test_against_random_matrices(causal: bool, skip: bool) -> None:
    """Averages of 400 draws of one block on fixed tokens; all pairs together at a false-alarm rate of 1e-4."""
    rng = np.random.default_rng(0)
    tokens, features, σ_v, σ_o = 5, 40, 1.3, 0.7
    x = rng.normal(size=(tokens, features)) + 0.5
    A = weights(tokens, causal)
    draws = []
    for _ in range(400):
        V = rng.normal(0, σ_v / features**0.5, (features, features))
        W = rng.normal(0, σ_o / features**0.5, (features, features))
        y = skip * x + A @ x @ V @ W
        draws.append(y @ y.T / features)
    exact = layer(x @ x.T / features, A, σ_v * σ_o, skip)
    z = (np.mean(draws, 0) - exact) / (np.std(draws, 0, ddof=1) / 20)
    assert np.abs(z).max() < 4.5


def test_without_a_skip_one_uniform_layer_makes_all_tokens_parallel() -> None:
    K = np.diag(np.arange(1.0, 5.0))
    assert token_cosine(layer(K, weights(4, causal=False), 1.0, skip=False)) == pytest.approx(1.0)
