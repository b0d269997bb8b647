"""Networks made from field equations: a lens for waves, a front, a packet whose norm drifts, and a limit of depth.

    python examples/field_networks.py [figure.png]

Nothing is trained. Prints the observed orders, and draws the figure of docs/how-to/solve-a-field-equation.md.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lensmaker.design.emit import Scheme, emit
from lensmaker.instruments.continuous_depth import ContinuousDepth
from lensmaker.systems.fields.equations import Boundary, Grid, fisher_kpp, schrodinger, wave
from lensmaker.systems.networks.residual_chain import ResidualChain
from lensmaker.theories.residual_limit import ResidualLimit


def lens(points: int = 96) -> tuple[Grid, Tensor, list[Tensor]]:
    """A plane pulse through a round lens in which waves are slower by 1.6, as a locally connected network."""
    grid = Grid.of_length((points, points), (12.0, 12.0), Boundary.REFLECTING)
    x, y = (c - 6 for c in grid.coordinates)
    index = 1 + 0.6 / (1 + torch.exp((torch.sqrt((x + 1.5) ** 2 + y**2) - 2) / 0.1))
    equation = wave(grid, speed=1 / index)
    pulse = torch.exp(-((x + 4.5) ** 2) / (2 * 0.3**2))
    start = torch.stack([pulse, (x + 4.5) / 0.3**2 * pulse])[None]  # moves to the right: v = −∂u
    network = emit(equation, 2.5, 40, shared=True)
    fields = [start]
    with torch.no_grad():
        for _ in range(3):
            fields.append(network(fields[-1]))
    return grid, index, [f[0, 0] for f in fields]


def front(points: int = 400) -> dict[str, Any]:
    """Fisher and Kolmogorov's front between two edges, beside its closed form at three times."""
    grid = Grid.of_length((points,), (160.0,))
    x = grid.positions(0) - 80

    def closed(t: float) -> Tensor:
        def one(at: Tensor) -> Tensor:
            return (1 + torch.exp((at - 20 - 5 / math.sqrt(6) * t) / math.sqrt(6))) ** -2

        return one(x) * one(-x)

    network = emit(fisher_kpp(grid), 6.0, 150, order=4, shared=True)
    with torch.no_grad():
        seen = network.trajectory(closed(0)[None, None])[::50, 0, 0]
    times = (0.0, 2.0, 4.0, 6.0)
    worst = max(float((f - closed(t)).abs().max()) for f, t in zip(seen, times, strict=True))
    return {"x": x, "network": seen, "closed": [closed(t) for t in times], "error": worst}


def norms() -> dict[str, dict[int, float]]:
    """How far the norm of a packet is off after one unit of time, by scheme and number of layers."""
    grid = Grid.of_length((64,), (24.0,))
    x = grid.positions(0) - 12
    psi = torch.exp(-(x**2) / 4.5)
    start = torch.stack([psi * torch.cos(x / 2), psi * torch.sin(x / 2)])[None]
    found: dict[str, dict[int, float]] = {}
    for scheme in Scheme:
        found[scheme.name] = {}
        for steps in (32, 64, 128, 256):
            network = emit(schrodinger(grid), 1.0, steps, scheme=scheme, unstable=True, shared=True)
            with torch.no_grad():
                ratio = network(start).square().sum() / start.square().sum()
            found[scheme.name][steps] = abs(float(ratio) - 1)
    return found


def depth(layers: int = 8) -> dict[str, Any]:
    """A residual network of tanh layers with weights that turn with depth, refined again and again."""
    generator = torch.Generator().manual_seed(4)
    a, b = (torch.randn(8, 8, generator=generator, dtype=torch.float64) / layers for _ in range(2))
    branches = []
    for n in range(layers):
        branch = nn.Sequential(nn.Linear(8, 8, bias=False, dtype=torch.float64), nn.Tanh())
        angle = 2 * n / layers
        branch[0].weight.data = a * math.cos(angle) + b * math.sin(angle)
        branches.append(branch)
    chain = ResidualChain(branches, torch.randn(64, 8, generator=generator, dtype=torch.float64))
    outputs = {2**n: chain.run(2**n) for n in range(8)}
    limit = 2 * outputs[128] - outputs[64]
    gaps = {r: float((x - limit).norm() / limit.norm()) for r, x in outputs.items() if r < 64}
    order, gap = ContinuousDepth(6).measure(chain)
    predicted = {p.quantity.name: p for p in ResidualLimit().predict(chain)}["depth_gap"]
    return {"gaps": gaps, "order": order, "gap": gap, "predicted": predicted}


def main(path: Path | None = None) -> dict[str, Any]:
    """All four; the figure where a path is given."""
    found: dict[str, Any] = {"lens": lens(), "front": front(), "norms": norms(), "depth": depth()}
    _, _, waves = found["lens"]
    print(
        f"a pulse of height {float(waves[0].max()):.2f} is {float(waves[-1].max()):.2f} high behind the lens"
    )
    print(f"a front of Fisher and Kolmogorov, 150 layers: off by {found['front']['error']:.1e} at most")
    for scheme, by in found["norms"].items():
        power = math.log2(by[64] / by[128]) if by[64] > 1e-12 else math.nan
        print(
            f"{scheme:6} norm of a packet off by {by[128]:.1e} in 128 layers, power of the step {power:.2f}"
        )
    order, gap, predicted = (found["depth"][k] for k in ("order", "gap", "predicted"))
    print(f"8 residual layers: order {order.value:.3f} ± {order.error:.3f}", end=", ")
    print(
        f"{gap.value:.4f} ± {gap.error:.1g} from the limit, predicted {predicted.value:.4f} ± {predicted.error:.1g}"
    )
    if path is not None:
        draw(found, path)
    return found


def draw(found: dict[str, Any], path: Path) -> None:
    """The figure."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(11, 7.2), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.15])
    grid, index, waves = found["lens"]
    x = (grid.positions(0) - 6).numpy()
    for axis, field, t in zip(top.subplots(1, 4, sharey=True), waves, (0, 2.5, 5.0, 7.5), strict=True):
        axis.pcolormesh(x, x, field.T.numpy(), cmap="RdBu_r", vmin=-1.5, vmax=1.5, rasterized=True)
        axis.contour(x, x, index.T.numpy(), levels=[1.3], colors="0.3", linewidths=0.8)
        axis.set(title=f"t = {t:g}", aspect="equal", xlabel="x")
    top.suptitle(
        "A pulse through a lens: 40 locally connected layers for each 2.5 units of time", fontsize=10
    )
    left, middle, right = bottom.subplots(1, 3)
    front = found["front"]
    for n, (seen, closed) in enumerate(zip(front["network"], front["closed"], strict=True)):
        left.plot(front["x"].numpy(), seen.numpy(), color=f"C{n}", lw=1.5, label=f"t = {2 * n}")
        left.plot(front["x"][::8].numpy(), closed[::8].numpy(), "o", ms=3, mfc="none", color=f"C{n}")
    left.set(
        xlim=(0, 60), xlabel="x", ylabel="φ", title="Fisher–KPP: 150 layers (lines), closed form (circles)"
    )
    left.legend(frameon=False, fontsize=8)
    for scheme, by in found["norms"].items():
        middle.loglog([1 / n for n in by], [max(v, 1e-16) for v in by.values()], "o-", ms=4, label=scheme)
    middle.set_xticks([1 / n for n in (32, 64, 128, 256)], [f"1/{n}" for n in (32, 64, 128, 256)])
    middle.minorticks_off()
    middle.set(xlabel="time step", ylabel="norm off by", title="Schrödinger: powers 1, 3, 5 of the step")
    middle.legend(frameon=False, fontsize=8)
    gaps, predicted = found["depth"]["gaps"], found["depth"]["predicted"]
    right.loglog(list(gaps), list(gaps.values()), "o-", ms=4, label="measured")
    right.errorbar(
        [1], [predicted.value], [predicted.error], fmt="s", mfc="none", color="C3", label="predicted"
    )
    right.loglog(list(gaps), [gaps[1] / r for r in gaps], ":", color="0.5", label="1/r")
    right.set(
        xlabel="steps for each layer, r",
        ylabel="distance from the limit",
        title="A residual network, refined",
    )
    right.legend(frameon=False, fontsize=8)
    for axis in (left, middle, right):
        axis.title.set_fontsize(9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
