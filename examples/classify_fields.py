"""Which coupling a φ⁴ field on a torus has: a compiled Bayes classifier, ln Z by thermodynamic integration.

    python examples/classify_fields.py

There is no exact ln Z of a field in two dimensions. Of two classes only the difference counts,

    ln Z(g₂) − ln Z(g₁) = −∫ dg ⟨Σ φ⁴⟩_g,

here by Gauss and Legendre's rule over couplings whose means come from independent Metropolis chains, with their
standard error Δ. An error Δ of a difference of logits changes no posterior by more than tanh(Δ/4). On a ring the same
integral is held against the exact one.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from lensmaker.design.compile import Box, bayes_classifier, check_classifier
from lensmaker.systems.polynomials import phi4
from lensmaker.theories.fields.ring import Ring

MASS, COUPLINGS = -1.0, (0.25, 0.5)


def fields(
    sides: tuple[int, ...], couplings: Tensor, chains: int, sweeps: int, generator: torch.Generator
) -> list[Tensor]:
    """Fields (couplings, chains, *sides) after each of the sweeps, by Metropolis on even sites, then odd ones."""
    axes = tuple(range(2, 2 + len(sides)))
    g = couplings.view(-1, *[1] * (1 + len(sides)))
    even = torch.from_numpy(np.indices(sides).sum(0) % 2 == 0)
    x, found = torch.zeros(len(couplings), chains, *sides), []
    for _ in range(sweeps):
        for colour in (even, ~even):
            around = sum(torch.roll(x, step, axis) for axis in axes for step in (1, -1))
            tried = x + 2.5 * (torch.rand(x.shape, generator=generator) - 0.5)

            def local(φ: Tensor, around: Tensor | int = around) -> Tensor:
                return (len(sides) + MASS / 2) * φ**2 + g * φ**4 - φ * around

            taken = torch.rand(x.shape, generator=generator) < torch.exp(local(x) - local(tried))
            x = torch.where(taken & colour, tried, x)
        found.append(x)
    return found


def log_ratio(
    sides: tuple[int, ...], *, chains: int, sweeps: int, nodes: int = 6, seed: int = 0
) -> tuple[float, float]:
    """The difference ln Z(g₂) − ln Z(g₁) and its standard error, over independent chains."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    low, high = COUPLINGS
    g = torch.tensor((low + high) / 2 + (high - low) / 2 * places, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    kept = fields(sides, g, chains, sweeps, generator)[sweeps // 5 :]
    fourth = torch.stack([(x.double() ** 4).flatten(2).sum(-1) for x in kept]).mean(0).numpy()
    each = -(high - low) / 2 * (weights @ fourth)
    return float(each.mean()), float(each.std(ddof=1) / math.sqrt(chains))


def main(side: int = 8, chains: int = 100, sweeps: int = 1500) -> dict[str, float]:
    """Print and return the numbers."""
    ring = tuple(Ring.of(phi4((8,), mass=MASS, coupling=g)).log_partition for g in COUPLINGS)
    found, error = log_ratio((8,), chains=chains, sweeps=sweeps)
    out = {"ring": found, "ring_error": error, "ring_exact": ring[1] - ring[0]}
    print(f"ring of 8: ln Z₂ − ln Z₁ = {found:.4f} ± {error:.4f}, exactly {out['ring_exact']:.4f}")
    sides = (side, side)
    ratio, off = log_ratio(sides, chains=chains, sweeps=sweeps)
    print(
        f"torus {side} × {side}: {ratio:.4f} ± {off:.4f}; so posteriors are known to {math.tanh(off / 4):.1g}"
    )
    network = bayes_classifier(
        [phi4(sides, mass=MASS, coupling=g) for g in COUPLINGS],
        log_partitions=[0.0, ratio],
        domain=Box(-4, 4),
        activation=nn.Hardswish(),
    )
    drawn = fields(sides, torch.tensor(COUPLINGS), 10 * chains, 300, torch.Generator().manual_seed(1))[
        -1
    ].double()
    x = drawn.flatten(0, 1)
    y = torch.arange(2).repeat_interleave(10 * chains)
    with torch.no_grad():
        p = network.posterior(x)
    right, sure = (p.argmax(-1) == y).double(), p.amax(-1)
    away = right - sure
    out |= {
        "ratio": ratio,
        "ratio_error": off,
        "accuracy": float(right.mean()),
        "predicted": float(sure.mean()),
        "difference_error": float(away.std() / math.sqrt(len(y))),
        "measured": check_classifier(network, x)[1].measured,
        "neurons": network.ledger.neurons,
        "parameters": network.ledger.parameters,
    }
    print(
        f"{out['neurons']} neurons, {out['parameters']} parameters, off from direct evaluation by {out['measured']:.1g}"
    )
    print(
        f"accuracy {out['accuracy']:.4f}, by its own posteriors {out['predicted']:.4f} ± {out['difference_error']:.4f}"
    )
    return out


if __name__ == "__main__":
    main()
