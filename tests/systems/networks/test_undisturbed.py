"""A pass leaves no trace: what is reached from the network, and every random state, comes back bitwise."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import random
from collections import Counter
from inspect import unwrap
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from lensmaker.core import InputError, ModelError
from lensmaker.systems.networks import Network, undisturbed
from lensmaker.systems.networks import record as checked_record
from systems.networks.architectures import ARCHITECTURES, Applied, build

# The type checker of the tests draws from Python's random state when it samples a container.
record = unwrap(checked_record)

HOOKS = [
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
]


def bits(tensor: Tensor) -> bytes:
    tensor = tensor.detach().flatten().contiguous()
    return tensor.view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def fingerprint(model: nn.Module) -> dict[str, Any]:
    """Everything that an inspection must not move, compared by identity or bit by bit."""
    found: dict[str, Any] = {}
    for name, t in (*model.named_parameters(), *model.named_buffers()):
        grad = None if t.grad is None else (id(t.grad), bits(t.grad))
        found[name] = (id(t), t.data_ptr(), bits(t), t.requires_grad, grad)
    for path, module in model.named_modules():
        found[path + " mode"] = module.training
        found[path + " names"] = [list(vars(module)), list(module._buffers), list(module._parameters)]
        for hooks in HOOKS:
            found[f"{path} {hooks}"] = [(key, id(hook)) for key, hook in vars(module)[hooks].items()]
    return found


def random_states() -> list[Any]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return [random.getstate(), kind, keys.tobytes(), rest, bits(torch.get_rng_state())]


class Restless(nn.Module):
    """Changes, while it runs, everything that a forward pass can change about itself."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.spectral = parametrizations.spectral_norm(nn.Linear(4, 4))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("moved", torch.zeros(3))
        self.register_buffer("replaced", torch.zeros(3))
        self.register_buffer("signed", torch.zeros(3))
        self.calls = 0
        self.seen: list[Any] = []
        self.counts: Counter[str] = Counter()
        self.by_name = {"a": [torch.ones(2)]}
        self.cache = torch.ones(2)
        self.unregistered = [nn.BatchNorm1d(4)]
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(x)
        self.counts["forward"] += 1
        self.by_name["a"][0].add_(1)
        self.by_name["b"] = []
        self.cache = x[0].detach()
        self.new = x
        self.moved += 1
        self.replaced = self.replaced + 1
        self.signed.neg_()
        self.frozen.weight.data = torch.zeros(4, 4)
        self.frozen.requires_grad_(True)
        self.dropout.eval()
        self.linear.register_forward_hook(lambda *_: None)
        self.register_buffer("late", torch.ones(1))
        with torch.no_grad():
            self.linear.weight.mul_(2)
        self.linear.weight.grad = None
        if self.norm.weight.grad is not None:
            self.norm.weight.grad.zero_()
        h = self.unregistered[0](self.spectral(self.norm(self.linear(x))))
        scale = random.random() + np.random.rand() + torch.rand(()).item()  # noqa: NPY002
        if self.fails:
            raise RuntimeError("half-way")
        return F.dropout(h * scale)


def restless() -> Restless:
    model = Restless().train()
    model.spectral.eval()
    model.linear.weight.grad = torch.full((4, 4), 3.0)
    model.norm.weight.grad = torch.full((4,), 3.0)
    model.register_forward_hook(lambda *_: None)
    model.register_forward_pre_hook(lambda *_: None)
    return model


def check_restless(model: Restless, before: tuple[Any, ...]) -> None:
    assert fingerprint(model) == before[0]
    assert random_states() == before[1]
    assert (model.calls, model.seen, model.counts) == (0, [], Counter())
    assert list(model.by_name) == ["a"]
    assert bits(model.by_name["a"][0]) == bits(torch.ones(2))
    assert id(model.cache) == before[2]
    assert not hasattr(model, "new")
    assert not hasattr(model, "late")
    assert bits(model.signed) == bits(torch.zeros(3))
    assert model.dropout.training
    assert bits(model.unregistered[0].running_mean) == bits(torch.zeros(4))


def state(model: Restless) -> tuple[Any, ...]:
    return fingerprint(model), random_states(), id(model.cache)


@pytest.mark.parametrize("keep", [True, False])
def test_a_pass_with_gradients_leaves_no_trace(keep: bool) -> None:
    model, x = restless(), torch.randn(8, 4)
    before = state(model)
    record(model, x, lambda y: y.square().mean(), keep=keep, gradients=True)
    check_restless(model, before)


def test_tensors_without_content_are_no_obstacle() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    model.template = [nn.Linear(4, 4, device="meta")]
    record(model, torch.randn(8, 4))
    assert model.template[0].weight.is_meta


def test_a_model_that_raises_half_way_leaves_no_trace() -> None:
    model = restless()
    model.fails = True
    x = torch.randn(8, 4)
    before = state(model)
    with pytest.raises(ModelError, match="half-way"):
        record(model, x)
    check_restless(model, before)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_loss_that_raises_leaves_no_trace(error: type[BaseException]) -> None:
    def loss(y: Tensor) -> Tensor:
        raise error("in the loss")

    model, x = restless(), torch.randn(8, 4)
    before = state(model)
    expected = KeyboardInterrupt if error is KeyboardInterrupt else ModelError
    with pytest.raises(expected, match="in the loss"):
        record(model, x, loss)
    check_restless(model, before)
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks
    assert not torch.overrides._get_current_function_mode_stack()


def test_a_keyboard_interrupt_in_the_model_leaves_no_trace() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt("by the user")

    model, x = restless(), torch.randn(8, 4)
    model.norm.register_forward_hook(interrupt)
    before = state(model)
    with pytest.raises(KeyboardInterrupt, match="by the user"):
        record(model, x)
    check_restless(model, before)
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.overrides._get_current_function_mode_stack()


def test_a_loss_that_is_refused_leaves_no_trace() -> None:
    model, x = restless(), torch.randn(8, 4)
    before = state(model)
    with pytest.raises(InputError, match="one number"):
        record(model, x, lambda y: y)
    check_restless(model, before)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_in_training_comes_back_bitwise(name: str) -> None:
    model, batch = build(name)
    model.train()
    before = fingerprint(model), random_states()
    train = record(model, batch, gradients=True)
    assert (fingerprint(model), random_states()) == before
    # Nor does a replay move a running mean of the model.
    for element in train.elements:
        if train.signal_output(element) is not None:
            element.replay(lambda i: train.values[i].tensor)
    assert fingerprint(model) == before[0]


def test_untouched_tensors_keep_their_version_and_gradients_may_be_absent() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU()).eval()
    versions = [t._version for t in (*model.parameters(), *model.buffers())]
    Network(model, torch.randn(4, 3), lambda y: y.sum()).observe(gradients=True)
    assert [t._version for t in (*model.parameters(), *model.buffers())] == versions
    assert all(p.grad is None for p in model.parameters())


def test_training_goes_on_as_if_nothing_had_happened() -> None:
    def train(inspected: bool) -> tuple[list[bytes], list[Any]]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))
        optimiser = torch.optim.Adam(model.parameters(), 0.1)
        for _ in range(4):
            x = torch.randn(16, 3)
            optimiser.zero_grad()
            model(x).square().mean().backward()
            if inspected:
                Network(model, x, lambda y: y.square().mean()).observe(gradients=True)
            optimiser.step()
        moments = [bits(v) for s in optimiser.state.values() for v in s.values()]
        return [bits(t) for t in model.state_dict().values()], moments

    assert train(True) == train(False)


def test_the_network_can_still_be_copied_pickled_and_saved() -> None:
    model, batch = build("resnet18")
    record(model, batch)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(again(batch), model(batch))
    torch.save(model.state_dict(), io.BytesIO())


def test_views_of_a_flat_parameter_stay_views() -> None:
    flat = torch.randn(12)
    model = Applied(lambda m, x: m.a(m.b(x)), a=nn.Linear(2, 3, bias=False), b=nn.Linear(3, 2, bias=False))
    model.a.weight.data = flat[:6].view(3, 2)
    model.b.weight.data = flat[6:].view(2, 3)
    model.a.register_forward_hook(lambda m, *_: m.weight.data.mul_(2))
    before = bits(flat)
    record(model, torch.randn(2, 3))
    assert bits(flat) == before
    flat.zero_()
    assert not model.a.weight.any()


def test_what_runs_inside_may_change_everything() -> None:
    model = nn.Linear(2, 2)
    before = fingerprint(model)
    with undisturbed(model):
        nn.init.zeros_(model.weight)
        model.bias = None
        model.weight.grad = torch.ones(2, 2)
        torch.manual_seed(5)
    assert fingerprint(model) == before


def test_distributed_data_parallel_goes_on_training(tmp_path: Any) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
        x = torch.randn(2, 3)
        for _ in range(2):
            train = Network(model, x, lambda y: y.sum()).observe(gradients=True)
            assert [str(e.where) for e in train.visible()] == ["module.0:linear", "module.1:relu"]
            model(x).sum().backward()
        assert torch.equal(model.module[0].bias.grad, 2 * (model(x) > 0).float().sum(0))
    finally:
        torch.distributed.destroy_process_group()


class Drawing(nn.Module):
    """Draws from generators of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.torch = torch.Generator().manual_seed(1)
        self.python = random.Random(1)
        self.numpy = np.random.default_rng(1)

    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn(3, generator=self.torch) + self.python.random() + float(self.numpy.normal())
        return self.inner(x) + noise


def test_generators_that_the_model_owns_come_back() -> None:
    net = Drawing()
    before = net.torch.get_state(), net.python.getstate(), net.numpy.bit_generator.state
    record(net, torch.ones(2, 3))
    assert torch.equal(net.torch.get_state(), before[0])
    assert net.python.getstate() == before[1]
    assert net.numpy.bit_generator.state == before[2]


def test_several_passes_over_one_copy_leave_no_trace_each() -> None:
    model, x = restless(), torch.randn(8, 4)
    first, network = fingerprint(model), Network(model, x)
    with network.held_still():
        network.probes(4)
        before = state(model)
        network.probes(3)
        check_restless(model, before)
    assert before[0] == first
    model.calls = 7  # later changes are seen again
    network.observe()
    assert model.calls == 7


@pytest.mark.parametrize("first", [1, 2])
def test_writes_that_no_version_counter_sees_are_taken_back(first: int) -> None:
    """Through `.data`, from the first pass on, or from a later one: then when all passes are done."""
    model, x, calls = nn.Sequential(nn.Linear(4, 4)), torch.randn(8, 4), []
    model(x).sum().backward()

    def write(module: nn.Module, *_: object) -> None:
        calls.append(module)
        if len(calls) >= first:
            module.weight.data.mul_(2)
            module.weight.grad.data.mul_(3)

    before, weight, network = fingerprint(model), bits(model[0].weight), Network(model, x)
    handle = model[0].register_forward_hook(write)
    with network.held_still():
        for _ in range(3):
            network.observe()
            assert first > 1 or bits(model[0].weight) == weight
    handle.remove()
    assert fingerprint(model) == before


def test_while_the_model_is_held_still_the_latest_probes_serve_again() -> None:
    network = Network(restless(), torch.randn(8, 4))
    with network.held_still():
        latest = network.probes(4)
        assert network.probes(4) is latest
        assert network.probes(2).samples == 2
        assert network.probes(4) is not latest
    assert network.probes(4) is not network.probes(4)


def test_full_garbage_collections_are_put_off_and_come_back() -> None:
    before, network = gc.get_threshold(), Network(nn.Linear(2, 2), torch.ones(3, 2))
    with network.held_still():
        assert gc.get_threshold()[2] > 1e9
    assert gc.get_threshold() == before
    with pytest.raises(ValueError, match="inside"), network.held_still():
        raise ValueError("inside")
    assert gc.get_threshold() == before
