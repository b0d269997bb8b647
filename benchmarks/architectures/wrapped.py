"""What code does around its networks: wrappers, compilers, precisions, hooks, adapters, parametrisations."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from case import Case, Subject
from samples import written
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint


def perceptron(width: int = 64, depth: int = 4) -> nn.Sequential:
    """Linear layers with ReLU at their critical point, on flattened digits."""
    layers: list[nn.Module] = [nn.Flatten()]
    for i in range(depth):
        linear = nn.Linear(64 if i == 0 else width, width)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def convolutions() -> nn.Sequential:
    """Two convolutions with batch normalisation, and a head."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1),
        nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def on_digits(model: nn.Module) -> Subject:
    """The network on digits."""
    return model, written(), F.cross_entropy


def _one_process() -> None:
    if not dist.is_initialized():
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)


def _distributed() -> Subject:
    _one_process()
    return on_digits(nn.parallel.DistributedDataParallel(convolutions()))


def _sharded() -> Subject:
    from torch.distributed.fsdp import fully_shard

    _one_process()
    mesh = dist.init_device_mesh("cpu", (1,))
    model = perceptron()
    for layer in model:
        if isinstance(layer, nn.Linear):
            fully_shard(layer, mesh=mesh)
    return on_digits(fully_shard(model, mesh=mesh))


class Checkpointed(nn.Module):
    """Blocks whose activations are computed again on the way back."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(4))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False)
        return self.head(x)


class Counting(nn.Module):
    """A running mean and a call counter, moved in the forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(64, 64), nn.Linear(64, 10)
        self.register_buffer("average", torch.zeros(64))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        h = self.a(x.flatten(1))
        with torch.no_grad():
            self.calls += 1
            self.average.mul_(0.9).add_(h.mean(0), alpha=0.1)
        return self.b(F.relu(h - self.average))


class Mixed(nn.Module):
    """Its body runs in bfloat16 by autocast."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = perceptron(), nn.Linear(10, 10)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            h = self.body(x)
        return self.head(h.float())


def _hooked() -> Subject:
    model = perceptron()
    seen: list[Tensor] = []
    model[1].register_forward_hook(lambda m, args, y: seen.append(y.detach()))
    model[3].register_forward_hook(lambda m, args, y: 0.9 * y)
    model[5].register_forward_pre_hook(lambda m, args: (args[0] + 0.01,))
    model[7].register_full_backward_hook(lambda m, gi, go: None)
    return on_digits(model)


class Adapter(nn.Module):
    """A frozen map with a low-rank one beside it, the second factor of which starts at zero."""

    def __init__(self, base: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) * base.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + 2.0 * (x @ self.down.T @ self.up.T)


def _adapted() -> Subject:
    model = perceptron()
    for i, layer in enumerate(model):
        if isinstance(layer, nn.Linear) and i < len(model) - 1:
            model[i] = Adapter(layer)
    return on_digits(model)


def _parametrised(wrap: Any) -> Subject:
    model = perceptron()
    for i, layer in enumerate(model):
        if isinstance(layer, nn.Linear):
            model[i] = wrap(layer)
    return on_digits(model)


class Nested(nn.Module):
    """Dictionaries and lists of modules and parameters within one another; returns a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.ModuleDict({"in": nn.Linear(64, 64), "deep": nn.ModuleList([nn.Linear(64, 64)] * 2)})
        self.heads = nn.ModuleDict({"digit": nn.Linear(64, 10), "parity": nn.Linear(64, 2)})
        self.scales = nn.ParameterDict(
            {"a": nn.Parameter(torch.ones(64)), "b": nn.Parameter(torch.zeros(64))}
        )

    def forward(self, x: Tensor) -> dict[str, Any]:
        h = F.gelu(self.trunk["in"](x.flatten(1)))
        for layer in self.trunk["deep"]:
            h = F.gelu(layer(h)) * self.scales["a"] + self.scales["b"]
        return {"heads": {name: head(h) for name, head in self.heads.items()}, "features": h}


def _two_losses(out: dict[str, Any], y: Tensor) -> Tensor:
    heads = out["heads"]
    return F.cross_entropy(heads["digit"], y) + F.cross_entropy(heads["parity"], y % 2)


class TransposeTied(nn.Module):
    """A linear autoencoder whose decoder is its encoder's transpose."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(32, 64) / 8), nn.Parameter(torch.zeros(64))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(torch.tanh(F.linear(x.flatten(1), self.weight)), self.weight.T, self.bias)


class Functional(nn.Module):
    """Calls a part of itself with other parameters than its own."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.shift = perceptron(), nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        moved = {name: p + self.shift for name, p in self.body.named_parameters()}
        return torch.func.functional_call(self.body, moved, (x,))


class Ensemble(nn.Module):
    """Four networks at once, by vmap over their stacked parameters."""

    def __init__(self) -> None:
        super().__init__()
        nets = [perceptron(32, 2) for _ in range(4)]
        parameters, _ = torch.func.stack_module_state(nets)
        self.stacked = nn.ParameterDict(
            {n.replace(".", "_"): nn.Parameter(p.detach()) for n, p in parameters.items()}
        )
        self.names = {n.replace(".", "_"): n for n in parameters}
        self.base = [copy.deepcopy(nets[0]).to("meta")]

    def forward(self, x: Tensor) -> Tensor:
        stacked = {self.names[n]: p for n, p in self.stacked.items()}
        one = lambda p: torch.func.functional_call(self.base[0], p, (x,))  # noqa: E731
        return torch.vmap(one)(stacked).mean(0)


class Sign(torch.autograd.Function):
    """sign(x), with the gradient of the identity where |x| < 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * (x.abs() < 1)


class Binary(nn.Module):
    """Activations of ±1 by an autograd function of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.head = nn.ModuleList(nn.Linear(64, 64) for _ in range(2)), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.layers:
            x = Sign.apply(layer(x))
        return self.head(x)


class StochasticDepth(nn.Module):
    """Residual branches that are dropped for a sample at random."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(64, 64), nn.Linear(64, 10)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 64))
            for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1))
        for block in self.blocks:
            kept = (torch.rand(len(x), 1) < 0.8).float() / 0.8 if self.training else 1.0
            x = x + block(x) * kept
        return self.head(x)


def _frozen() -> Subject:
    model = convolutions()
    for p in model[:-1].parameters():
        p.requires_grad_(False)
    return on_digits(model)


class Features(nn.Module):
    """A backbone under no_grad, and a head that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = convolutions()[:-1], nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            h = self.body(x)
        return self.head(h)


def _in(dtype: torch.dtype) -> Subject:
    x, y = written()
    return perceptron().to(dtype), (x.to(dtype), y), F.cross_entropy


def _exported() -> Subject:
    x, y = written()
    return torch.export.export(perceptron(), (x,)).module(), (x, y), F.cross_entropy


def _quantised() -> Subject:
    return on_digits(torch.ao.quantization.quantize_dynamic(perceptron(), {nn.Linear}))


CASES: tuple[Case, ...] = (
    Case("DataParallel", lambda: on_digits(nn.DataParallel(convolutions()))),
    Case("DistributedDataParallel", _distributed),
    Case("Fully sharded (FSDP2)", _sharded),
    Case("torch.compile", lambda: on_digits(torch.compile(perceptron()))),
    Case("torch.fx graph", lambda: on_digits(torch.fx.symbolic_trace(convolutions()))),
    Case("torch.export module", _exported),
    Case("AveragedModel", lambda: on_digits(torch.optim.swa_utils.AveragedModel(perceptron()))),
    Case("Gradient checkpointing", lambda: on_digits(Checkpointed())),
    Case("Buffers moved in forward", lambda: on_digits(Counting())),
    Case("Autocast inside", lambda: on_digits(Mixed())),
    Case("bfloat16", lambda: _in(torch.bfloat16)),
    Case("Double precision", lambda: _in(torch.float64)),
    Case("Hooks of its own", _hooked),
    Case("Low-rank adapters", _adapted),
    Case("weight_norm", lambda: _parametrised(parametrizations.weight_norm)),
    Case("spectral_norm", lambda: _parametrised(parametrizations.spectral_norm)),
    Case("orthogonal", lambda: _parametrised(parametrizations.orthogonal)),
    Case("Nested dictionaries", lambda: (Nested(), written(), _two_losses)),
    Case("Transposed tying", lambda: (TransposeTied(), (written()[0], written()[0].flatten(1)), F.mse_loss)),
    Case("functional_call", lambda: on_digits(Functional())),
    Case("Ensemble by vmap", lambda: on_digits(Ensemble())),
    Case("Binary activations", lambda: on_digits(Binary())),
    Case("Stochastic depth", lambda: on_digits(StochasticDepth())),
    Case("Frozen backbone", lambda: _frozen()),
    Case("Backbone under no_grad", lambda: on_digits(Features())),
    Case("Dynamically quantised", _quantised),
)
