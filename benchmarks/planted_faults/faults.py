"""The faults, each planted at a place drawn at random, with the answer that a diagnosis has to give."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Attributes
    ----------
    causes
        Names of the aberrations that name the cause rightly.
    paths
        Module paths that name the place rightly.
    factors
        Parameter → factor that undoes it; empty where the correction is not one of scale.
    size, offset
        What was done to the input.
    """

    causes: tuple[str, ...]
    paths: tuple[str, ...]
    factors: dict[str, float]
    size: float = 1.0
    offset: float = 0.0


Plant = Callable[[nn.Module, Batch, torch.Generator], tuple[Batch, Truth] | None]


@dataclass(frozen=True)
class Fault:
    """A kind of fault; `plant` changes the network (or gives another batch), None where it does not apply."""

    name: str
    plant: Plant


def layers(model: nn.Module, *kinds: type[nn.Module]) -> list[tuple[str, nn.Module]]:
    return [(n, m) for n, m in model.named_modules() if isinstance(m, kinds)]


def drawn(things: list[tuple[str, nn.Module]], generator: torch.Generator) -> tuple[str, nn.Module]:
    return things[int(torch.randint(len(things), (), generator=generator))]


def on_the_axis(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers of a plain network that another one follows."""
    if not isinstance(model, nn.Sequential) or layers(model, nn.BatchNorm2d):
        return []
    return layers(model, nn.Linear, nn.Conv2d)[:-1]


def scaled(factor: float) -> Plant:
    """One layer of a plain network multiplied by a factor."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        if not (found := on_the_axis(model)):
            return None
        path, layer = drawn(found, generator)
        layer.weight.data *= factor
        return batch, Truth(("layer_gain",), (path,), {f"{path}.weight": 1 / factor})

    return plant


def everywhere(factor: float) -> Plant:
    """All layers of a plain network multiplied by a factor, so that depth multiplies it."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        found = on_the_axis(model)
        tanh = any(isinstance(m, nn.Tanh) for m in model.modules())
        growth = 2.5 if tanh and factor > 1 else factor**2  # saturation tames what explodes
        if len(found) * abs(math.log(growth)) < math.log(1e7):
            return None
        for _, layer in found:
            layer.weight.data *= factor
        return batch, Truth(("depth_gain",), (found[0][0],), {f"{p}.weight": 1 / factor for p, _ in found})

    return plant


def imbalanced(factor: float) -> Plant:
    """Two layers of a plain ReLU network multiplied by a factor and by its inverse."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        found = on_the_axis(model)
        if not found or any(isinstance(m, nn.Tanh) for m in model.modules()):
            return None
        chosen = torch.randperm(len(found), generator=generator)[:2].tolist()
        (first, a), (second, b) = found[chosen[0]], found[chosen[1]]
        a.weight.data *= factor
        b.weight.data /= factor
        factors = {f"{first}.weight": 1 / factor, f"{second}.weight": factor}
        return batch, Truth(("weight_imbalance",), (found[min(chosen)][0],), factors)

    return plant


def chaotic(factor: float) -> Plant:
    """All layers of a tanh network multiplied by a factor that tears near inputs apart, and not yet the gradient."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        found = on_the_axis(model)
        if not any(isinstance(m, nn.Tanh) for m in model.modules()) or not 8 < len(found) < 16:
            return None
        for _, layer in found:
            layer.weight.data *= factor
        return batch, Truth(("chaos",), (found[0][0],), {f"{p}.weight": 1 / factor for p, _ in found})

    return plant


def drowned(size: float) -> Plant:
    """Biases of all layers of a plain ReLU network so large that the signal is lost beside them."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        found = on_the_axis(model)
        if not found or any(isinstance(m, nn.Tanh) for m in model.modules()):
            return None
        for _, layer in found:
            layer.bias.data += size * torch.randn(layer.bias.shape, generator=generator)
        return batch, Truth(("order",), (found[0][0],), {})

    return plant


def averaged(factor: float) -> Plant:
    """What every attention adds multiplied by a factor, so that all tokens become one."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        if len(found := layers(model, nn.MultiheadAttention)) < 6:  # three do not average enough to harm
            return None
        for _, attention in found:
            attention.out_proj.weight.data *= factor
        paths = tuple(path.removesuffix(".self_attn") for path, _ in found)
        return batch, Truth(("rank_collapse",), paths, {})

    return plant


def of_all_branches(factor: float) -> Plant:
    """Every residual branch of a network without normalisation multiplied by √depth and a factor."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        found = [(n, m) for n, m in model.named_modules() if re.fullmatch(r"b\.\d+", n)]
        for _, layer in found:
            layer.weight.data *= factor * len(found) ** 0.5
        factors = {f"{n}.weight": 1 / factor / len(found) ** 0.5 for n, _ in found}
        return (batch, Truth(("residual_scale",), ("",), factors)) if found else None

    return plant


def of_a_branch(factor: float) -> Plant:
    """One weight inside a residual block multiplied by a factor."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        inside = re.compile(
            r"encoder\.layers\.\d+\.(linear1|linear2|self_attn\.out_proj)|\d+\.conv[12]|[ab]\.\d+"
        )
        found = [(n, m) for n, m in model.named_modules() if inside.fullmatch(n)]
        if not found:
            return None
        path, layer = drawn(found, generator)
        layer.weight.data *= factor
        return batch, Truth(("weight_scale", "layer_gain"), (path,), {f"{path}.weight": 1 / factor})

    return plant


def of_queries(factor: float) -> Plant:
    """The query weights of one attention multiplied by a factor."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        if not (found := layers(model, nn.MultiheadAttention)):
            return None
        path, attention = drawn(found, generator)
        width = attention.embed_dim
        attention.in_proj_weight.data[:width] *= factor
        name = f"{path}.in_proj_weight[0:{width}]"
        return batch, Truth(("attention_entropy", "weight_scale"), (path,), {name: 1 / factor})

    return plant


def of_a_recurrent_layer(factor: float) -> Plant:
    """One matrix of a recurrent layer multiplied by a factor."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        if not (found := layers(model, nn.LSTM)):
            return None
        path, lstm = found[0]
        names = [n for n, p in lstm.named_parameters() if p.ndim == 2]
        name = names[int(torch.randint(len(names), (), generator=generator))]
        lstm.get_parameter(name).data *= factor
        return batch, Truth(("weight_scale",), (path,), {f"{path}.{name}": 1 / factor})

    return plant


def dead(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
    """Biases so negative that a ReLU layer never fires."""
    plain = [m for m in model.modules() if isinstance(m, nn.ReLU)]
    found = on_the_axis(model)
    if not plain or not found:
        return None
    path, layer = drawn(found, generator)
    layer.bias.data -= 8.0
    after = str(int(path) + 1)
    return batch, Truth(("dead_units",), (path, after), {})


def saturated(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
    """Biases so large that a tanh layer is flat."""
    if not any(isinstance(m, nn.Tanh) for m in model.modules()):
        return None
    path, layer = drawn(on_the_axis(model), generator)
    layer.bias.data += 4.0 * torch.randn(layer.bias.shape, generator=generator).sign()
    return batch, Truth(("saturated_units",), (path, str(int(path) + 1)), {})


def unnormalised(size: float, offset: float) -> Plant:
    """An input of another size and offset."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        first = next(m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.LSTM))
        if isinstance(first, nn.LSTM) or layers(model, nn.BatchNorm2d):
            return None
        path = next(n for n, m in model.named_modules() if m is first)
        x, y = batch
        return (x * size + offset, y), Truth(("input_scale",), (path, ""), {}, size, offset)

    return plant


def repeated(fraction: float) -> Plant:
    """Units that are copies of one of them."""
    return _rows(fraction, lambda w, rows: w[rows[:1]].expand(len(rows), *w.shape[1:]).clone())


def zeroed(fraction: float) -> Plant:
    """Units whose weights are zero."""
    return _rows(fraction, lambda w, rows: torch.zeros_like(w[rows]))


def _rows(fraction: float, content: Callable[[Tensor, Tensor], Tensor]) -> Plant:
    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        found = [(n, m) for n, m in layers(model, nn.Linear, nn.Conv2d) if len(m.weight) > 10]
        found = [(n, m) for n, m in found if not n.endswith("out_proj")]
        if not found:
            return None
        path, layer = drawn(found, generator)
        count = max(2, round(fraction * len(layer.weight)))
        rows = torch.randperm(len(layer.weight), generator=generator)[:count]
        layer.weight.data[rows] = content(layer.weight.data, rows)
        if layer.bias is not None:
            layer.bias.data[rows] = layer.bias.data[rows[0]].item()
        return batch, Truth(("idle_units",), (path,), {})

    return plant


def stale(size: float, shift: float) -> Plant:
    """Running statistics of a normalisation that are not the data's, in evaluation mode."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        if not (found := layers(model, nn.BatchNorm2d)):
            return None
        for _, norm in found:
            norm.momentum = None
        model.train()
        with torch.no_grad():
            model(batch[0])
        model.eval()
        path, norm = drawn(found, generator)
        norm.running_var *= size
        norm.running_mean += shift * norm.running_var.sqrt()
        return batch, Truth(("stale_statistics",), (path,), {})

    return plant


def not_a_number(value: float) -> Plant:
    """One entry of one weight."""

    def plant(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Batch, Truth] | None:
        found = [(n, p) for n, p in model.named_parameters() if p.ndim > 1]
        name, parameter = found[int(torch.randint(len(found), (), generator=generator))]
        flat = parameter.data.view(-1)
        flat[int(torch.randint(len(flat), (), generator=generator))] = value
        return batch, Truth(("non_finite",), (name.rpartition(".")[0],), {})

    return plant


FAULTS = (
    *(Fault(f"layer × {k:g}", scaled(k)) for k in (0.05, 0.2, 5.0, 20.0)),
    *(Fault(f"all layers × {k:g}", everywhere(k)) for k in (0.25, 4.0)),
    *(Fault(f"two layers × {k:g} and 1/{k:g}", imbalanced(k)) for k in (4.0, 10.0)),
    *(Fault(f"all branches × {k:g} √depth", of_all_branches(k)) for k in (1.0, 2.0)),
    Fault("all tanh layers × 3.5", chaotic(3.5)),
    *(Fault(f"biases of all layers N(0, {k:g}²)", drowned(k)) for k in (15.0, 30.0)),
    *(Fault(f"all attention outputs × {k:g}", averaged(k)) for k in (100.0, 300.0)),
    *(Fault(f"inside a block × {k:g}", of_a_branch(k)) for k in (0.1, 10.0, 30.0)),
    *(Fault(f"queries × {k:g}", of_queries(k)) for k in (20.0, 60.0)),
    *(Fault(f"recurrent matrix × {k:g}", of_a_recurrent_layer(k)) for k in (0.1, 10.0, 30.0)),
    Fault("biases −8", dead),
    Fault("biases ±4", saturated),
    Fault("input × 100", unnormalised(100.0, 0.0)),
    Fault("input × 40 + 80", unnormalised(40.0, 80.0)),
    Fault("input × 0.01", unnormalised(0.01, 0.0)),
    *(Fault(f"{f:.0%} of units repeated", repeated(f)) for f in (0.1, 0.5)),
    *(Fault(f"{f:.0%} of units zero", zeroed(f)) for f in (0.1, 0.5)),
    *(Fault(f"running variance × {k:g}", stale(k, 0.0)) for k in (0.01, 100.0)),
    Fault("running mean + 5", stale(1.0, 5.0)),
    Fault("one weight NaN", not_a_number(math.nan)),
    Fault("one weight infinite", not_a_number(math.inf)),
)
