"""Compiled polynomials: a network of linear maps and one activation function, with lanes for values that wait."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.design.compile.ledger import Ledger
from lensmaker.design.compile.stages import Label, Read, Stage

LARGEST = 1 << 31
"""Bytes of all weights of a network."""

Linear = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d

_CONVOLUTIONS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


class Layer(nn.Module):
    """x → W₂ [x, σ(W₁ x + b₁)] + b₂: a hidden layer, and the linear map that carries, adds and reads.

    On a lattice W₁ is a convolution with its periodic neighbourhood, and W₂ one of a single site.
    """

    def __init__(self, gates: Linear, read: Linear, activation: nn.Module, axis: int) -> None:
        super().__init__()
        self.gates, self.read, self.activation, self.axis = gates, read, activation, axis

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.read(torch.cat([x, self.activation(self.gates(x))], self.axis))
        return found


@dataclass(frozen=True)
class Parts:
    """What a network is built from.

    Attributes
    ----------
    stages, outputs
        Hidden layers, and what is read off the last one.
    scales, limits
        The largest |x_i|, and where each of them is.
    ledger, bounds
        The account of the network, and the certified error of each output.
    sides, flat
        Of a lattice, and whether its sites come as one row.
    """

    stages: Sequence[Stage]
    outputs: Sequence[Read]
    scales: Sequence[float]
    limits: tuple[Sequence[float], Sequence[float]]
    activation: nn.Module
    ledger: Ledger
    bounds: tuple[float, ...]
    dtype: torch.dtype
    sides: tuple[int, ...] = ()
    flat: bool = False


class Layered(nn.Module):
    """A network that evaluates polynomials, a value for each.

    All weights are parameters, to be trained or exported as any others.

    Attributes
    ----------
    ledger
        Neurons, depth, error bound and how they came about.
    checks_domain
        Whether a call refuses inputs that are outside of the domain; off by default.
    """

    scale: Tensor
    lower: Tensor
    upper: Tensor

    def __init__(
        self,
        stages: Sequence[Stage],
        outputs: Sequence[Read],
        scales: Sequence[float],
        limits: tuple[Sequence[float], Sequence[float]],
        activation: nn.Module,
        ledger: Ledger,
        *,
        dtype: torch.dtype,
        sides: tuple[int, ...] = (),
        flat: bool = False,
    ) -> None:
        super().__init__()
        check_size(stages, len(scales), dtype, len(sides))
        self.ledger, self.sides, self.flat, self.checks_domain = ledger, sides, flat, False
        self.register_buffer("scale", 1 / torch.tensor(list(scales), dtype=dtype))
        self.register_buffer("lower", torch.tensor(list(limits[0]), dtype=torch.float64))
        self.register_buffer("upper", torch.tensor(list(limits[1]), dtype=torch.float64))
        labels: list[Label] = [(i, "") for i in range(len(scales))]
        layers = []
        for stage in stages:
            layers.append(_layer(stage, labels, activation, sides, dtype))
            labels = [read.label for read in stage.reads]
        self.layers = nn.Sequential(*layers)
        self.output = _linear(len(labels), len(outputs), (0,) * len(sides), dtype)
        place = {label: i for i, label in enumerate(labels)}
        with torch.no_grad():
            for k, output in enumerate(outputs):
                for label, weight in output.carried.items():
                    self.output.weight[k, place[label]] = weight
                _bias(self.output)[k] = output.constant

    @property
    def sites(self) -> int:
        """Of the lattice, 1 without."""
        return math.prod(self.sides)

    @property
    def on_bits(self) -> bool:
        """Whether inputs are 0 or 1, or −1 or 1."""
        return self.ledger.method.startswith("one unit a product")

    def values(self, x: Tensor) -> Tensor:
        """The polynomials of each row, or of each field, along the last axis."""
        if not torch.jit.is_tracing():  # type: ignore[attr-defined]
            self._check_shape(x)
        if self.checks_domain:
            self._check(x)
        x = x.to(self.scale.dtype)
        if not self.sides:
            row: Tensor = self.output(self.layers(x * self.scale))
            return row
        if self.flat:
            x = x.reshape(*x.shape[:-1], *self.sides)
        before = x.shape[: x.dim() - len(self.sides)]
        fields = x.reshape(-1, 1, *self.sides) * self.scale[0]
        density: Tensor = self.output(self.layers(fields))
        return density.flatten(2).sum(-1).reshape(*before, density.shape[1])

    def _check_shape(self, x: Tensor) -> None:
        """Refuse what torch would spread over the variables, or cut into fields."""
        last = (self.sites,) if self.flat else self.sides or (len(self.scale),)
        if x.shape[-len(last) :] != last:
            raise InputError(
                f"inputs of shape (…, {', '.join(map(str, last))})",
                f"{tuple(x.shape)}",
                "give a row for each point, or a field",
            )

    def _check(self, x: Tensor) -> None:
        """Refuse rows that are outside of the domain."""
        outside = ~((x >= self.lower) & (x <= self.upper))
        if outside.any():
            at = outside.nonzero()[0].tolist()
            got = float(x[tuple(at)].detach())
            which = "the field" if self.sides else self.ledger.variables[at[-1]]
            k = 0 if self.sides else at[-1]
            low, high = float(self.lower[k]), float(self.upper[k])
            raise InputError(
                f"{which} from {low:g} to {high:g}", f"{got:g}", "compile the polynomial on a larger domain"
            )


class CompiledNetwork(Layered):
    """A network that evaluates a polynomial: (…, n) → (…), on a lattice (…, *sides) → (…).

    Examples
    --------
    >>> from lensmaker.design.compile import compile_polynomial
    >>> network = compile_polynomial("x*y*z")
    >>> x = torch.tensor([0.5, -0.4, 0.8], dtype=torch.float64)
    >>> abs(network(x).item() + 0.16) < network.ledger.bound
    True
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        output: Read,
        scales: Sequence[float],
        limits: tuple[Sequence[float], Sequence[float]],
        activation: nn.Module,
        ledger: Ledger,
        *,
        dtype: torch.dtype,
        sides: tuple[int, ...] = (),
        flat: bool = False,
    ) -> None:
        super().__init__(
            stages, [output], scales, limits, activation, ledger, dtype=dtype, sides=sides, flat=flat
        )

    @classmethod
    def of(cls, parts: Parts) -> CompiledNetwork:
        """The network of its parts."""
        p = parts
        return cls(
            p.stages,
            p.outputs[0],
            p.scales,
            p.limits,
            p.activation,
            p.ledger,
            dtype=p.dtype,
            sides=p.sides,
            flat=p.flat,
        )

    def forward(self, x: Tensor) -> Tensor:
        """The polynomial of each row, or of each field."""
        return self.values(x)[..., 0]


def check_size(stages: Sequence[Stage], inputs: int, dtype: torch.dtype, axes: int) -> None:
    """Refuse a network whose weights do not fit into memory, before they are made.

    Raises
    ------
    InputError
        If they are larger than `LARGEST`.
    """
    carried, numbers = inputs, 0
    for stage in stages:
        window = math.prod(2 * r + 1 for r in stage.reach(axes))
        numbers += stage.entries(carried, window)
        carried = len(stage.reads)
    size = numbers * torch.finfo(dtype).bits // 8
    if size > LARGEST:
        raise InputError(
            f"weights of at most {LARGEST / 2**30:g} GiB",
            f"{size / 2**30:.3g} GiB",
            "compile what is the same at all sites as a convolution, with lattice=…, or split the sum",
        )


def _layer(
    stage: Stage, labels: list[Label], activation: nn.Module, sides: tuple[int, ...], dtype: torch.dtype
) -> Layer:
    place = {label: i for i, label in enumerate(labels)}
    reach = stage.reach(len(sides))
    gates = _linear(len(labels), len(stage.units), reach, dtype)
    read = _linear(len(labels) + len(stage.units), len(stage.reads), (0,) * len(sides), dtype)
    with torch.no_grad():
        rows, columns, values = [], [], []
        for k, (weights, bias) in enumerate(stage.units):
            _bias(gates)[k] = bias
            for (label, shift), weight in weights.items():
                kernel = [s + r for s, r in zip(shift, reach, strict=True)]
                rows.append(k)
                columns.append([place[label], *kernel])
                values.append(weight)
        _fill(gates.weight, rows, columns, values)
        rows, columns, values = [], [], []
        for k, one in enumerate(stage.reads):
            _bias(read)[k] = one.constant
            for label, weight in one.carried.items():
                rows.append(k)
                columns.append([place[label], *([0] * len(sides))])
                values.append(weight)
            for unit, weight in one.hidden.items():
                rows.append(k)
                columns.append([len(labels) + unit, *([0] * len(sides))])
                values.append(weight)
        _fill(read.weight, rows, columns, values)
    return Layer(gates, read, activation, 1 if sides else -1)


def _bias(module: Linear) -> Tensor:
    assert module.bias is not None
    return module.bias


def _fill(weight: Tensor, rows: list[int], columns: list[list[int]], values: list[float]) -> None:
    if values:
        where = torch.tensor([[r, *c] for r, c in zip(rows, columns, strict=True)]).unbind(1)
        weight[where] = torch.tensor(values, dtype=weight.dtype)


def _linear(inputs: int, outputs: int, reach: tuple[int, ...], dtype: torch.dtype) -> Linear:
    """A linear map of zeros; a convolution with periodic sides on a lattice."""
    size: Any = {"dtype": dtype, "device": "meta"}  # there nothing is drawn
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Initializing zero-element tensors")
        if not reach:
            found: Linear = nn.Linear(inputs, outputs, **size)
        else:
            kernel = tuple(2 * r + 1 for r in reach)
            edges = {"padding": reach, "padding_mode": "circular" if any(reach) else "zeros"}
            found = _CONVOLUTIONS[len(reach)](inputs, outputs, kernel, **edges, **size)
    found.to_empty(device="cpu")
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.zero_()
    return found
