"""Bench records with known contents: a collapsing MLP, a residual network, a transformer of 500 elements."""

from __future__ import annotations

import dataclasses
import math
import random

from lensmaker.core import (
    INSIDE,
    BenchRecord,
    Built,
    Comparison,
    Convergence,
    ElementRecord,
    Finding,
    Measurement,
    Origin,
    Prediction,
    Reference,
    Regime,
    Table,
    Training,
    Where,
    quantity,
)

POOLE = Reference(
    "poole2016", "B. Poole et al.",
    "Exponential expressivity in deep neural networks through transient chaos",
    2016, "NeurIPS", "arXiv:1606.05340",
)  # fmt: skip
SCHOENHOLZ = Reference(
    "schoenholz2017",
    "S. S. Schoenholz et al.",
    "Deep information propagation",
    2017,
    "ICLR",
    "arXiv:1611.01232",
)
EFRON = Reference(
    "efron1979", "B. Efron", "Bootstrap methods: another look at the jackknife", 1979, "Ann. Statist."
)
VERSIONS = (("lensmaker", "0.1.0"), ("torch", "2.13.0"), ("python", "3.11.2"))


def pair(
    name: str,
    where: Where,
    predicted: float,
    error: float,
    measured: float,
    sigma: float,
    *,
    regime: Regime = INSIDE,
    convergence: Convergence = Convergence.CONVERGED,
) -> Comparison:
    return Comparison(
        Prediction(quantity(name), where, predicted, error, "mean_field", regime),
        Measurement(quantity(name), where, measured, sigma, "signals", 64, convergence),
    )


def _scatter(rng: random.Random, value: float, relative: float, log: bool = True) -> float:
    noise = relative * rng.gauss(0, 1)
    return value * math.exp(noise) if log else value + noise


def collapsing_mlp(depth: int = 17, width: int = 128, corrected: bool = False) -> BenchRecord:
    """A ReLU network with PyTorch's default weights: σ_w² = 1/3: q falls by 6 a layer towards σ_b²·6/5."""
    rng = random.Random(0)
    elements: list[ElementRecord] = []
    comparisons: list[Comparison] = []
    mended: list[Comparison] = []
    sigma_b2 = 1 / (3 * width)
    q, c = 0.4, 0.55
    for layer in range(depth):
        fan_in = 64 if layer == 0 else width
        last = layer == depth - 1
        where = Where(f"layers.{2 * layer}", operation="linear")
        out = 10 if last else width
        elements.append(
            ElementRecord(
                where, "linear", ((64, fan_in),), (64, out), fan_in, (1 / 3) ** 0.5, (3 * fan_in) ** -0.5,
                "" if last else "relu", (fan_in + 1) * out, weights=(f"layers.{2 * layer}.weight",),
            )
        )  # fmt: skip
        received = q if layer == 0 else q / 2
        c_next = (received / 3 * (c if layer == 0 else 0.3 + 0.7 * c) + sigma_b2) / (received / 3 + sigma_b2)
        q, c = received / 3 + sigma_b2, c_next
        gradient = 2e-4 * 6.0 ** (layer - depth)
        relative = 0.05 * math.sqrt(layer + 1)
        for name, value, log in (
            ("second_moment", q, True), ("correlation", c, False),
            ("chi", 1 / 3, True), ("gradient", gradient, True),
        ):  # fmt: skip
            spread = relative if log else 0.02 * (1 - c) + 1e-4
            measured = _scatter(rng, value, spread, log)
            if name == "second_moment" and layer == 9:
                measured *= math.exp(-6 * relative)
            error = spread * value if log else spread
            comparisons.append(pair(name, where, value, error, measured, 0.2 * error))
        if not last:
            relu = Where(f"layers.{2 * layer + 1}", operation="relu")
            elements.append(ElementRecord(relu, "relu", ((64, width),), (64, width)))
            for name, value, log in (
                ("second_moment", q / 2, True), ("correlation", 0.3 + 0.7 * c, False), ("chi", 0.5, True),
                ("gradient", gradient * 3, True), ("zero_fraction", 0.5, False),
            ):  # fmt: skip
                spread = relative if log else 0.02 * (1 - c) + 1e-4
                error = spread * value if log else spread
                comparisons.append(
                    pair(name, relu, value, error, _scatter(rng, value, spread, log), 0.2 * error)
                )
        if corrected:
            mended.append(pair("second_moment", where, 0.8, 0.06, _scatter(rng, 0.8, 0.07), 0.01))
            mended.append(pair("gradient", where, 2e-4, 2e-5, _scatter(rng, 2e-4, 0.1), 4e-6))
    first = Where("layers.0", operation="linear")
    finding = Finding(
        "depth_collapse", first,
        "The signal loses a factor 6.0 at each of 17 layers, so the classes arrive indistinguishable "
        "(c = 0.9998) and the gradient at the input is 10¹³ times smaller than at the output.",
        "gradient", 2e-4 * 6.0 ** (-depth), 2e-7,
        "multiply each weight by √6 = 2.449, so that σ_w² = 2",
        tuple((f"layers.{2 * i}.weight", 6**0.5) for i in range(depth)),
        "the second moment stays at 0.80 and the gradient at 2.0e-4 through all 17 layers",
        tuple(c.prediction for c in mended),
    )  # fmt: skip
    return BenchRecord(
        "Sequential(17 × Linear, 16 × ReLU)", "x (64, 64) float32, y (64) int64", Training.FRESH,
        "the singular values of all 17 weights follow Marchenko–Pastur", Table(elements),
        Table(comparisons), findings=(finding,), corrected=Table(mended),
        references=(POOLE, SCHOENHOLZ, EFRON), versions=VERSIONS,
    )  # fmt: skip


def residual_network(elements: int = 120) -> BenchRecord:
    """A fresh ResNet: q doubles at each addition and is reset by batch norm; one convolution is off."""
    rng = random.Random(1)
    prescription: list[ElementRecord] = []
    comparisons: list[Comparison] = []
    measurements: list[Measurement] = []
    stream, c, gradient = 1.0, 0.35, 3e-6
    block = ("conv2d", "batch_norm", "relu", "conv2d", "batch_norm", "add", "relu")
    for i in range(elements):
        operation = (
            "linear" if i == elements - 1 else "adaptive_avg_pool2d" if i == elements - 2 else block[i % 7]
        )
        stage, unit, step = 1 + i // 35, i // 7 % 5, i % 7
        path = "fc" if operation == "linear" else f"layer{stage}.{unit}"
        leaf = {0: ".conv1", 1: ".bn1", 2: ".relu", 3: ".conv2", 4: ".bn2", 5: "", 6: ".relu"}[step]
        where = Where(
            path if path == "fc" else path + leaf,
            call=int(step == 6),
            operation="add" if operation == "add" else "",
        )
        channels, size = 64 * 2 ** (stage - 1), 56 // 2 ** (stage - 1)
        shape = (32, channels, size, size)
        weighted = operation in ("conv2d", "linear")
        prescription.append(
            ElementRecord(
                where, operation, (shape,), shape, 9 * channels if weighted else None,
                1.4142 if weighted else None, 0.0 if weighted else None, "relu" if step in (1, 5) else "",
                9 * channels**2 if weighted else 2 * channels if operation == "batch_norm" else 0,
                (3 + 4 * i, 3 + 4 * i), (2 ** (stage + 1),) * 2,
            )
        )  # fmt: skip
        if unit == 0 and step == 0:
            stream = 1.0
        q, chi = stream, 1.0
        if operation == "conv2d":
            q, chi = 2 * stream * (3.1 if i == 52 else 1.0), 2.0
        elif operation == "batch_norm":
            q, chi = 1.0, 1 / (2 * stream)
        elif operation == "relu":
            q, chi = 0.5 if step == 2 else 0.55 * stream, 0.5
        elif operation == "add":
            stream = q = stream + 1.0
        c = min(0.999, c + 0.006)
        gradient *= 1.03 if step else 0.93
        for name, value, relative, log in (
            ("second_moment", q, 0.03, True), ("correlation", c, 0.01, False),
            ("chi", chi, 0.04, True), ("gradient", gradient, 0.08, True),
            ("mean", 0.02, 0.01, False), ("variance", 0.9 * q, 0.03, True),
        ):  # fmt: skip
            error = value * relative if log else relative
            measured = _scatter(rng, value, relative, log)
            if i == 52 and name in ("second_moment", "variance"):
                value, error = value / 3.1, error / 3.1
            comparisons.append(pair(name, where, value, error, measured, 0.3 * error))
        if weighted:
            weight = Measurement(quantity("operator_norm"), where, _scatter(rng, 2.8, 0.1), 0.0, "spectra", 1)
            measurements.append(weight)
    culprit = prescription[52].where
    finding = Finding(
        "layer_gain", culprit,
        "Its output is 3.1 times what its weights' scale predicts, and the block's skip is drowned.",
        "second_moment", 6.2, 4.0, f"multiply {culprit.path}.weight by 0.568",
        ((f"{culprit.path}.weight", 0.568),),
        "the second moment after it returns to 2.0",
    )  # fmt: skip
    return BenchRecord(
        "ResNet", "x (32, 3, 224, 224) float32, y (32) int64", Training.FRESH, "you said so (trained=False)",
        Table(prescription), Table(comparisons), measurements=Table(measurements), findings=(finding,),
        references=(POOLE, EFRON), versions=VERSIONS,
        notes=("Batch norm was inspected in evaluation mode for 2 of 17 modules.",),
    )  # fmt: skip


def long_transformer(elements: int = 500) -> BenchRecord:
    """A trained transformer: an LSTM and routing outside the regime, an overflow, names that are HTML."""
    rng = random.Random(2)
    block = (
        ("ln_1", "layer_norm"), ("attn.qkv", "linear"), ("attn", "scaled_dot_product_attention"),
        ("attn.out", "linear"), ("", "add"), ("ln_2", "layer_norm"), ("mlp.up", "linear"),
        ("mlp.<b>act</b>", "gelu"), ("mlp.down", "linear"),
        ("mlp.gate", "mul"),
    )  # fmt: skip
    prescription: list[ElementRecord] = []
    comparisons: list[Comparison] = []
    predictions: list[Prediction] = []
    stream, gradient = 1.0, 1e-9
    for i in range(elements):
        leaf, operation = block[i % 10]
        layer = i // 10
        if 200 <= i < 212:
            leaf, operation = "memory", "lstm"
        where = Where(
            f"blocks.{layer}" + (f".{leaf}" if leaf else ""), operation=operation, ordinal=i % 10 // 9
        )
        if 200 <= i < 212:
            where = dataclasses.replace(where, ordinal=i - 200)
        weighted = operation == "linear"
        prescription.append(
            ElementRecord(
                where, operation, ((8, 256, 768),), (8, 256, 768), 768 if weighted else None,
                0.8 + 0.4 * rng.random() if weighted else None, 0.02 if weighted else None,
                "gelu" if leaf == "mlp.up" else "", 589_824 if weighted else 0,
            )
        )  # fmt: skip
        stream *= 1.035 if operation == "add" else 1.0
        gradient *= 1.022
        regime, convergence = INSIDE, Convergence.CONVERGED
        if 200 <= i < 245:
            regime = Regime("an LSTM has no law, and what follows it inherits that")
        elif 380 <= i < 402:
            regime = Regime("top-2 routing picks experts by their scores, which the ray does not follow")
        for name, value, relative, log in (
            ("second_moment", stream * (0.4 if operation == "gelu" else 1.0), 0.05, True),
            ("correlation", 1 - 0.8 * math.exp(-i / 150), 0.01, False),
            ("chi", 0.6 if operation == "gelu" else 1.0, 0.05, True),
            ("gradient", gradient, 0.1, True),
            ("token_correlation", 1 - 0.7 * math.exp(-i / 90), 0.02, False),
        ):
            error = value * relative if log else relative
            drift = 1.0 if name != "second_moment" or i < 250 else math.exp(-0.006 * (i - 250))
            measured = _scatter(rng, value * drift, relative * (4 if not regime else 1), log)
            if not regime and name == "second_moment":
                measured *= 1.8
            if i >= 495 and name == "second_moment":
                measured, convergence = math.inf, Convergence.NOT_FINITE
            state = convergence if name == "second_moment" else Convergence.CONVERGED
            comparisons.append(
                pair(name, where, value, error, measured, 0.2 * error, regime=regime, convergence=state)
            )
        if operation == "layer_norm":
            predictions.append(Prediction(quantity("mean"), where, 0.0, 0.01, "mean_field", regime))
    findings = tuple(
        Finding(
            aberration, prescription[i].where, cause, name, value, bound, correction,
            ((f"{prescription[i].where.path}.weight", 0.5),), effect,
        )
        for i, aberration, cause, name, value, bound, correction, effect in (
            (238, "layer_gain", "Half of what follows reads this <script>alert(1)</script> element.",
             "second_moment", 9.3, 4.0, "multiply its weight by 0.656", "q returns to 4.0"),
            (333, "signal_collapse", "Training shrank the residual stream here.", "second_moment", 0.6, 1.0,
             "multiply its weight by 1.29", "q returns to 1.0"),
            (495, "overflow", "The values are no longer finite.", "second_moment", math.inf, 65504.0,
             "run this block in float32", "q is 5.5"),
        )
        if i < elements
    )  # fmt: skip
    return BenchRecord(
        "GPT<T>(50 layers & 768 wide)", "input_ids (8, 256) int64", Training.TRAINED,
        "412 of 500 weights have singular values above the Marchenko–Pastur edge",
        Table(prescription), Table(comparisons), Table(predictions), findings=findings,
        references=(POOLE, SCHOENHOLZ, EFRON), versions=VERSIONS,
        notes=("The model returned its own loss; loss_fn was not used.",),
    )  # fmt: skip


def partly_trained(weights: int = 3) -> BenchRecord:
    """A trained network whose first weight is as drawn, whose last cannot be told, and the others built."""
    built: list[Built] = []
    for i in range(weights):
        where = Where(f"layers.{i}", operation="linear")
        last = i == weights - 1
        origin = Origin.DRAWN if i == 0 else Origin.UNTOLD if last else Origin.BUILT
        left = 1.001 if i == 0 else 0.9 ** (i - 1) / 2
        few = Regime("a matrix of fewer than 4 rows or columns has no bulk") if last else INSIDE
        built.append(
            Built(
                where,
                0 if i in (0, weights - 1) else 3 + i,
                pair("edge_ratio", where, 0.98, 0.01, 0.985 if i == 0 else 2.5, 0.0, regime=few),
                pair("effective_rank", where, 100.0, 0.2, 100.0 * left, 0.0, regime=few),
                pair("chi", where, 2.0, 0.1, 2.1 if i == 0 else 4.0, 0.0),
                None if last else pair("correlation", where, 0.9, 0.01, 0.6, 0.0),
                origin,
            )
        )  # fmt: skip
    pairs = [c for b in built for c in (b.edge, b.rank, b.chi, b.correlation) if c is not None]
    elements = Table(ElementRecord(b.where, "linear", ((8, 100),), (8, 100), 100, 1.0, 0.0) for b in built)
    return BenchRecord(
        "Sequential", "x (8, 100) float32", Training.TRAINED, "said so", elements, Table(pairs),
        references=(POOLE,), versions=VERSIONS, built=Table(built),
    )  # fmt: skip
