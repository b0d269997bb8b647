"""The figures of the tutorial on polynomials: what a gate of four neurons is off by, and what depth saves.

    python examples/written_network.py [--folder figures]

`gate.svg` has the largest error of products of |u|, |v| ≤ 1 over the scale λ of the inner weights, predicted and
measured: truncation falls to the left, rounding to the right. `plan.svg` and `digits.svg` are those of
`lensmaker plan "x1*x2*...*x20"`: hidden units, and the error that arithmetic leaves, by the number of hidden layers.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from torch import nn

from lensmaker.instruments.gate_errors import GateErrors
from lensmaker.numerics.smooth_functions import smooth_function
from lensmaker.report.curves import curves_svg
from lensmaker.report.plan_figure import plan_charts
from lensmaker.systems.polynomials import Polynomial
from lensmaker.theories.polynomial_networks.gates import ProductGate, at_scale, best_gate
from lensmaker.theories.polynomial_networks.network_plan import network_plan

GATES: tuple[tuple[str, nn.Module, float | None], ...] = (
    ("GELU at b = 0", nn.GELU(), 0.0),
    ("tanh at b = 0.658", nn.Tanh(), math.atanh(1 / math.sqrt(3))),
    ("tanh at its best b", nn.Tanh(), None),
)
Curve = list[tuple[float, float]]


def curves(points: int, per_octave: int) -> dict[str, tuple[Curve, Curve]]:
    """For each gate the predicted and the measured errors, over λ from 2^−20 to ½."""
    theory, instrument = ProductGate(), GateErrors(points)
    found = {}
    for name, activation, bias in GATES:
        best = best_gate(activation, bias=bias)
        gates = [at_scale(best, 2.0 ** (-k / per_octave)) for k in range(per_octave, 20 * per_octave + 1)]
        predicted = [(gate.scale, theory.predict(gate)[0].value) for gate in gates]
        measured = [(gate.scale, instrument.measure(gate)[0].value) for gate in gates]
        found[name] = predicted, measured
    return found


def drawn(found: dict[str, tuple[Curve, Curve]]) -> str:
    """The chart of the gates."""
    series = []
    for name, (predicted, measured) in found.items():
        series.append({"label": f"{name}, predicted", "kind": "line", "points": predicted})
        series.append({"label": f"{name}, measured", "kind": "points", "points": measured})
    return curves_svg(
        {
            "title": "What a product gate is off by",
            "axes": ("λ", "largest error for |u|, |v| ≤ 1"),
            "log": (True, True),
            "series": series,
        }
    )


def main(folder: Path, points: int = 101, per_octave: int = 2) -> dict[str, tuple[Curve, Curve]]:
    """Draw all, print the least errors, and return the curves of the gates."""
    folder.mkdir(parents=True, exist_ok=True)
    found = curves(points, per_octave)
    (folder / "gate.svg").write_text(drawn(found), encoding="utf-8")
    plan = network_plan(Polynomial.parse("x1*x2*...*x20"), smooth_function("softplus"), accuracy=1e-6)
    for name, chart in zip(("plan", "digits"), plan_charts(plan.to_dict()), strict=True):
        (folder / f"{name}.svg").write_text(curves_svg(chart), encoding="utf-8")
    for name, both in found.items():
        predicted, measured = (min(error for _, error in curve) for curve in both)
        print(f"{name}: at best {predicted:.1e} predicted, {measured:.1e} measured")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("figures"))
    main(parser.parse_args().folder)
