"""Order, criticality and chaos: how deep two inputs can be told apart, predicted and measured.

    python examples/order_to_chaos.py [figure.html]

The figure of Poole et al. 2016 and Schoenholz et al. 2017 on real networks: tanh, σ_b = 0.3, width 800.
Two inputs become alike in the ordered phase and unlike in the chaotic one, over a depth ξ_c that diverges
between the two. Predicted by `criticality` from the activation alone; measured on the correlation of
noisy copies of a digit as they pass through random networks.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from statistics import mean, stdev

import plotly.graph_objects as go
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import nn

from lensmaker.core import Comparison, Convergence, Measurement, Prediction, Where, quantity
from lensmaker.data import digits
from lensmaker.instruments.signals import Signals
from lensmaker.systems.networks import Network
from lensmaker.theories.criticality import ActivationLayer, Criticality

SIGMA_B, WIDTH, DEPTH, NETWORKS = 0.3, 800, 50, 6
SCALES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.7, 1.85, 2.0, 2.25, 2.5)


def network(sigma_w: float, generator: torch.Generator) -> nn.Sequential:
    """A random tanh network, weights N(0, σ_w²/fan_in), biases N(0, σ_b²)."""
    layers: list[nn.Module] = []
    for fan_in in (64, *[WIDTH] * (DEPTH - 1)):
        linear = nn.Linear(fan_in, WIDTH)
        nn.init.normal_(linear.weight, 0, sigma_w / math.sqrt(fan_in), generator=generator)
        nn.init.normal_(linear.bias, 0, SIGMA_B, generator=generator)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers)


def alike(samples: int, generator: torch.Generator) -> torch.Tensor:
    """Noisy copies of one digit: all pairs start with the same correlation, above every fixed point c*."""
    x, _ = digits().normalised().batch(1, generator)
    return x.flatten(1) + 0.35 * torch.randn(samples, x.numel(), generator=generator)


def correlations(sigma_w: float, x: torch.Tensor, generator: torch.Generator) -> list[float]:
    """The measured correlation of the pre-activations, layer by layer."""
    table = Signals().measure(Network(network(sigma_w, generator), x))
    return [m.value for m in table if m.quantity.name == "correlation" and m.where.operation == "linear"]


def decay(c: list[float], c_star: float, floor: float) -> float:
    """ξ_c from the slope of ln |c_l − c*| over the layers before it falls to the floor."""
    gaps = [abs(value - c_star) for value in c]
    end = next((i for i, gap in enumerate(gaps) if gap < floor), len(gaps))
    logs = [math.log(gap) for gap in gaps[_FIRST:end]]
    layers = range(len(logs))
    if len(logs) < 3:
        return math.nan
    centre = mean(layers)
    slope = sum((i - centre) * y for i, y in zip(layers, logs, strict=True)) / sum(
        (i - centre) ** 2 for i in layers
    )
    return -1 / slope if slope < 0 else math.nan


_FIRST = 2
"""Layers over which the second moment still settles."""


def measured(sigma_w: float, c_star: float, x: torch.Tensor, generator: torch.Generator) -> Measurement:
    """ξ_c of the mean over the networks, jackknife error; not converged where the depth is too short."""
    runs = [correlations(sigma_w, x, generator) for _ in range(NETWORKS)]
    means = [
        [mean(layer) for layer in zip(*(r for r in runs if r is not left), strict=True)] for left in runs
    ]
    everything = [mean(layer) for layer in zip(*runs, strict=True)]
    # In the chaotic phase the fixed point of these finite networks is where they end, not c* itself.
    settled = [mean(c[-DEPTH // 4 :]) if c_star < 1 - 1e-6 else c_star for c in (everything, *means)]
    floor = max(1e-5, 3 * stdev(everything[-DEPTH // 4 :])) if c_star < 1 - 1e-6 else 1e-5
    value, *left_out = [decay(c, end, floor) for c, end in zip((everything, *means), settled, strict=True)]
    error = math.sqrt((NETWORKS - 1) / NETWORKS * sum((v - mean(left_out)) ** 2 for v in left_out))
    state = Convergence.CONVERGED if value < DEPTH / 4 else Convergence.ITERATION_LIMIT
    where = Where("tanh", coordinates=(("sigma_w", sigma_w),))
    return Measurement(quantity("xi_c"), where, value, error, "signals", NETWORKS, state)


def main(path: Path) -> list[Comparison]:
    """Predict, measure, compare, and draw."""
    generator = torch.Generator().manual_seed(1)
    x = alike(8, generator)
    found: list[Comparison] = []
    for sigma_w in track(SCALES, "measuring"):
        predicted = {
            p.quantity.name: p for p in Criticality().predict(ActivationLayer("tanh", sigma_w, SIGMA_B))
        }
        m = measured(sigma_w, predicted["fixed_point_c"].value, x, generator)
        xi = predicted["xi_c"]
        found.append(
            Comparison(Prediction(xi.quantity, m.where, xi.value, xi.error, xi.theory, xi.regime), m)
        )
    table = Table(
        "σ_w", "ξ_c predicted", "ξ_c measured", "ratio", "", title=f"tanh, σ_b = {SIGMA_B}, width {WIDTH}"
    )
    for c in found:
        m, state = c.measurement, c.measurement.convergence
        note = "" if state is Convergence.CONVERGED else f"deeper than {DEPTH} layers can show"
        reading = f"{m.value:.2f} ± {m.error:.2f}"
        table.add_row(
            f"{c.where.coordinates[0][1]}", f"{c.prediction.value:.2f}", reading, f"{c.ratio:.2f}", note
        )
    Console().print(table)
    draw([c for c in found if c.measurement.convergence is Convergence.CONVERGED], path)
    return found


def draw(found: list[Comparison], path: Path) -> None:
    """Prediction as a curve, measurement as points with error bars."""
    scales = [0.6 + 0.02 * i for i in range(110)]
    curve = []
    for sigma_w in scales:
        predictions = Criticality().predict(ActivationLayer("tanh", sigma_w, SIGMA_B))
        curve.append(next(p.value for p in predictions if p.quantity.name == "xi_c"))
    figure = go.Figure()
    figure.add_scatter(x=scales, y=curve, name="predicted from the activation", line={"color": "#2563c4"})
    figure.add_scatter(
        x=[c.where.coordinates[0][1] for c in found],
        y=[c.measurement.value for c in found],
        error_y={"array": [c.measurement.error for c in found]},
        mode="markers",
        name=f"measured on {NETWORKS} networks of width {WIDTH}",
        marker={"color": "#d8660f", "size": 9},
    )
    figure.update_layout(
        title=f"Depth over which two inputs forget that they differ: tanh, σ_b = {SIGMA_B}",
        xaxis_title="weight scale σ_w",
        yaxis_title="correlation depth ξ_c  [layers]",
        yaxis_type="log",
        template="simple_white",
        legend={"x": 0.62, "y": 0.98},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(path)
    Console().print(f"The figure: {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/order_to_chaos.html"))
