"""Product gates of four neurons, predicted and measured; and polynomials compiled from them.

    python examples/compile_polynomial.py

For each activation the largest error on |u|, |v| ≤ 1 with the bias where |σ″| is largest, and with the best bias, where
the truncation cancels. Issue 7 of this project asked for the numbers in the last column.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from lensmaker.design.compile import Box, check, compile_polynomial
from lensmaker.instruments.gate_errors import GateErrors
from lensmaker.systems.polynomials import Gate, Polynomial, phi4
from lensmaker.theories.polynomial_networks.gates import ProductGate, at_scale, best_gate, gate_terms

ACTIVATIONS: dict[str, tuple[nn.Module, float, dict[torch.dtype, float]]] = {
    "GELU": (nn.GELU(), 0.0, {torch.float64: 2.6e-11, torch.float32: 1.8e-5}),
    "SiLU": (nn.SiLU(), 0.0, {torch.float64: 3.3e-11}),
    "softplus": (nn.Softplus(), 0.0, {torch.float64: 1.4e-8}),
    "tanh": (nn.Tanh(), math.atanh(1 / math.sqrt(3)), {torch.float64: 1.9e-8}),
    "sigmoid": (nn.Sigmoid(), 2 * math.atanh(1 / math.sqrt(3)), {}),
}
"""With the bias where |σ″| is largest, and the error that was asked for."""


def least(gate: Gate, points: int) -> tuple[Gate, float]:
    """The λ near that of a gate with the smallest measured error."""
    errors = GateErrors(points)
    gates = [at_scale(gate, gate.scale * 2 ** (k / 4)) for k in range(-6, 7)]
    return min(((g, errors.measure(g)[0].value) for g in gates), key=lambda pair: pair[1])


def floors(points: int = 201) -> list[dict[str, float | str]]:
    """A row for each activation, arithmetic and bias."""
    rows: list[dict[str, float | str]] = []
    for dtype in (torch.float64, torch.float32):
        for name, (activation, steepest, asked) in ACTIVATIONS.items():
            for where, bias in (("largest σ″", steepest), ("best", None)):
                gate, measured = least(best_gate(activation, dtype=dtype, bias=bias), points)
                rows.append(
                    {
                        "activation": name,
                        "dtype": str(dtype).removeprefix("torch."),
                        "where": where,
                        "b": gate.bias,
                        "λ": gate.scale,
                        "predicted": ProductGate().predict(gate)[0].value,
                        "measured": measured,
                        "bound": gate_terms(gate).bound,
                        "asked": asked.get(dtype, math.nan),
                    }
                )
    return rows


def relu_floor(points: int = 201) -> float:
    """The smallest error of the smooth gate made of ReLU, over its one free factor."""
    errors = GateErrors(points)
    factors = np.linspace(0.7, 0.95, 101)
    return min(errors.measure(Gate(nn.ReLU(), 0.0, 1.0, 1 / (2 * c)))[0].value for c in factors)


def main(points: int = 201) -> list[dict[str, float | str]]:
    """Print the tables; return the rows of the first."""
    rows = floors(points)
    print(
        f"{'':9} {'':8} {'bias':11} {'b':>8} {'λ':>9} {'predicted':>9} {'measured':>9} {'at most':>9} {'asked':>8}"
    )
    for r in rows:
        asked = "" if math.isnan(float(r["asked"])) else f"{r['asked']:.1e}"
        print(
            f"{r['activation']:9} {r['dtype']:8} {r['where']:11} {r['b']:8.4f} {r['λ']:9.2e} "
            f"{r['predicted']:9.1e} {r['measured']:9.1e} {r['bound']:9.1e} {asked:>8}"
        )
    print(
        f"\nThe same gate of ReLU is {relu_floor(points):.4f} off at best; 3 − 2√2 = {3 - 2 * math.sqrt(2):.4f}.\n"
    )
    for text in ("x1*x2*...*x20", "x**100", "(x + y + z)**6", "x1*x2 + x2*x3 + ... + x19*x20"):
        polynomial = Polynomial.parse(text)
        network = compile_polynomial(polynomial)
        ledger = network.ledger
        print(
            f"{text}: {ledger.neurons} neurons in {ledger.depth} layers ({ledger.naive_neurons} term by term)"
        )
        print(f"    {check(network, polynomial)}")
    field = phi4((32, 32), mass=-0.5, coupling=0.25)
    network = compile_polynomial(field, domain=Box(-2, 2))
    print(f"φ⁴ on 32 × 32: {network.ledger.neurons} neurons from {network.ledger.parameters} parameters")
    print(f"    {check(network, field, points=100)}")
    return rows


if __name__ == "__main__":
    main()
