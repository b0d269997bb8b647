"""What the bench reads: which elements, where, from which parameters, whatever the network is made of."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence
from torch.utils.checkpoint import checkpoint

from lensmaker.core import InputError, ModelError
from lensmaker.systems.networks import Element, Family, Network, Origin, Train, record
from systems.networks.architectures import Applied, Language, Overwriting, build


def visible(model: nn.Module, batch: Any, **options: Any) -> list[str]:
    return [str(e.where) for e in record(model, batch, **options).visible()]


def element(train: Train, place: str) -> Element:
    (found,) = [e for e in train.elements if str(e.where) == place]
    return found


def output(train: Train, place: str) -> Tensor:
    value = train.signal_output(element(train, place))
    assert value is not None
    assert value.tensor is not None
    return value.tensor


def parameters(train: Train, e: Element) -> set[str]:
    return set().union(*(v.parameters for v in train.weight_inputs(e)))


# -- activations ------------------------------------------------------------------------------------


def test_module_and_functional_activations_and_methods_are_read_alike() -> None:
    model = Applied(lambda m, x: torch.tanh(F.relu(m.act(x)).sigmoid()), act=nn.GELU())
    assert visible(model, torch.randn(2, 3)) == ["act:gelu", "relu", "sigmoid", "tanh"]


@pytest.mark.parametrize("spelling", ["module", "keyword", "positional", "method"])
def test_an_in_place_relu_does_not_falsify_the_pre_activation(spelling: str) -> None:
    relus = {
        "module": nn.ReLU(inplace=True),
        "keyword": lambda x: F.relu(x, inplace=True),
        "positional": lambda x: F.relu(x, True),
        "method": lambda x: x.relu_(),
    }
    linear = nn.Linear(4, 5)
    x = torch.randn(3, 4)
    seen: list[Tensor] = []

    class Witness:
        def element(self, e: Element, inputs: list[Tensor], outputs: list[Tensor]) -> None:
            seen.append(outputs[0].detach().clone())

    model = Applied(lambda m, x: relus[spelling](m.linear(x)), linear=linear)
    train = record(model, x, observers=(Witness(),))
    expected = linear(x).detach()
    assert (expected < 0).any()
    assert torch.equal(output(train, "linear:linear"), expected)
    assert torch.equal(output(train, "relu"), expected.relu())
    assert torch.equal(seen[0], expected)
    assert torch.equal(seen[1], expected.relu())


def test_in_place_operations_change_the_whole_and_every_view_of_it() -> None:
    model = Overwriting().eval()
    x = torch.randn(3, 6)
    train = record(model, x)
    assert torch.equal(train.values[train.boundary[0]].tensor, model(x).detach())
    # Nothing comes from nowhere: all signals have a producer or are the input.
    assert [v.index for v in train.values if v.is_signal and v.producer is None] == train.inputs


def test_setitem_and_augmented_assignment_are_elements() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.linear(x)
        x[:, 0] = 0
        x += 1
        x *= x
        return x

    train = record(Applied(forward, linear=nn.Linear(2, 2)), torch.ones(1, 2))
    operations = [e.operation for e in train.elements if train.values[e.outputs[0]].is_signal]
    assert operations == ["linear", "setitem", "add", "mul"]
    assert train.values[train.boundary[0]].tensor[0, 0] == 1


def test_a_parameter_written_into_the_signal_is_a_merge() -> None:
    model = Overwriting()
    train = record(model, torch.randn(3, 6))
    assert "token" in set().union(*(parameters(train, e) for e in train.visible()))


def test_the_batch_survives_a_network_that_overwrites_its_input() -> None:
    x = torch.randn(3, 4)
    before = x.clone()
    record(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)), x)
    record(nn.ReLU(inplace=True), (x, None))
    assert torch.equal(x, before)


# -- names ------------------------------------------------------------------------------------------


def test_a_module_called_three_times_has_one_path_and_three_call_indices() -> None:
    model = Applied(
        lambda m, x: m.layer(m.layer(m.layer(x))), layer=nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    )
    wheres = [e.where for e in record(model, torch.randn(2, 3)).visible()]
    assert [(w.path, w.call, w.operation) for w in wheres] == [
        (path, call, operation)
        for call in range(3)
        for path, operation in (("layer.0", "linear"), ("layer.1", "relu"))
    ]


def test_the_same_operation_twice_in_a_call_has_two_ordinals() -> None:
    assert visible(Applied(lambda m, x: x.relu().add(1).relu()), torch.randn(2)) == ["relu", "add", "relu#1"]


def test_a_submodule_under_two_names_has_the_first_path_of_named_modules() -> None:
    layer = nn.Linear(3, 3)
    model = Applied(lambda m, x: m.b(m.a(x)), a=layer, b=layer)
    assert visible(model, torch.randn(2, 3)) == ["a:linear", "a@1:linear"]


def test_module_lists_and_generators_keep_the_paths() -> None:
    layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))

    def forward(m: Any, x: Tensor) -> Tensor:
        def states() -> Any:
            h = x
            for layer in m.layers:
                h = layer(h)
                yield h

        *_, last = states()
        return last

    assert visible(Applied(forward, layers=layers), torch.randn(2, 3)) == [
        f"layers.{i}:linear" for i in range(3)
    ]


def test_paths_are_those_of_named_modules() -> None:
    for name in ("resnet18", "transformer encoder", "parametrised"):
        model, batch = build(name)
        paths = dict(model.named_modules())
        assert {e.where.path for e in record(model, batch).visible()} <= set(paths)


def test_a_caught_exception_does_not_move_the_names() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        try:
            m.bad(x)
        except RuntimeError:
            x = m.good(x)
        return m.last(x)

    model = Applied(forward, bad=nn.Linear(7, 7), good=nn.Linear(3, 3), last=nn.ReLU())
    assert visible(model, torch.randn(2, 3)) == ["good:linear", "last:relu"]


# -- parameters -------------------------------------------------------------------------------------


def test_tied_weights_are_one_parameter() -> None:
    train = record(Language(), torch.randint(11, (2, 5)))
    head, tokens = element(train, "head:linear"), element(train, "tokens:embedding")
    assert parameters(train, head) == parameters(train, tokens) == {"tokens.weight"}


@pytest.mark.parametrize(
    "parametrise",
    [parametrizations.weight_norm, parametrizations.spectral_norm, parametrizations.orthogonal],
    ids=lambda f: f.__name__,
)
def test_parametrised_weights_lead_back_to_their_parameters(parametrise: Any) -> None:
    layer = parametrise(nn.Linear(4, 4))
    train = record(nn.Sequential(layer), torch.randn(2, 4))
    (linear,) = train.visible()
    assert str(linear.where) == "0:linear"
    assert parameters(train, linear) == {f"0.{name}" for name, _ in layer.named_parameters()}
    weight = train.values[linear.inputs[1]]
    assert weight.origin is Origin.PARAMETER
    assert torch.allclose(weight.tensor, layer.eval().weight.detach(), rtol=1e-3)


def test_frozen_parameters_are_read_like_others() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    expected = visible(model, torch.randn(2, 3))
    model[0].requires_grad_(False)
    assert visible(model, torch.randn(2, 3)) == expected
    model.requires_grad_(False)
    network = Network(model, torch.randn(2, 3), lambda y: y.square().mean())
    grown: dict[str, Tensor] = {}
    network.observe(gradients=True, on_parameter_gradients=grown.update)
    assert set(grown) == dict(model.named_parameters()).keys()
    assert not any(p.requires_grad for p in model.parameters())


def test_a_frozen_network_of_integers_has_a_gradient_at_its_boundary() -> None:
    model = Language().requires_grad_(False)
    ids = torch.randint(11, (2, 5))
    train = record(model, (ids, ids), lambda y, t: F.cross_entropy(y.flatten(0, 1), t.flatten()))
    (gradient,) = train.boundary_gradients
    expected = torch.autograd.functional.jacobian(
        lambda y: F.cross_entropy(y.flatten(0, 1), ids.flatten()), model(ids)
    )
    assert torch.allclose(gradient, expected)


# -- control flow -----------------------------------------------------------------------------------


def test_control_flow_that_depends_on_the_data_gives_what_really_ran() -> None:
    model = Applied(
        lambda m, x: m.up(x) if x.sum() > 0 else m.down(x), up=nn.Linear(2, 2), down=nn.Linear(2, 3)
    )
    assert visible(model, torch.ones(1, 2))[-1] == "up:linear"
    assert visible(model, -torch.ones(1, 2))[-1] == "down:linear"


# -- batches and outputs ----------------------------------------------------------------------------


class ModelOutput(OrderedDict):  # type: ignore[type-arg]
    """An output as Hugging Face spells it: a dict whose items are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = Language()

    def forward(self, input_ids: Tensor, labels: Tensor | None = None) -> ModelOutput:
        logits = self.body(input_ids)
        found = ModelOutput(logits=logits)
        if labels is not None:
            found["loss"] = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return found


def test_a_dict_batch_and_a_model_that_returns_its_loss() -> None:
    ids = torch.randint(11, (3, 5))
    model = Classifier()
    grown: dict[str, Tensor] = {}
    network = Network(model, {"input_ids": ids, "labels": ids})
    train = network.observe(gradients=True, on_parameter_gradients=grown.update)
    loss = model(ids, ids).loss
    assert train.loss == float(loss.detach())
    assert train.samples == 3
    expected = torch.autograd.grad(loss, list(model.parameters()))
    for (name, _), g in zip(model.named_parameters(), expected, strict=True):
        assert torch.allclose(grown[name], g), name
    # The loss takes over where the flattened logits enter it.
    assert train.values[train.boundary[0]].shape == (15, 11)
    assert all(e.family is not Family.LOSS for e in train.visible())


def test_pairs_lists_and_several_inputs() -> None:
    linear = nn.Linear(3, 2)
    x, y = torch.randn(4, 3), torch.randn(4, 2)
    for batch in ((x, y), [x, y]):
        train = record(linear, batch, F.mse_loss)
        assert train.loss == pytest.approx(float(F.mse_loss(linear(x), y).detach()))
        assert torch.allclose(train.boundary_gradients[0], (linear(x) - y) * 2 / 8)
    bilinear = Applied(lambda m, a, b: m.f(a, b), f=nn.Bilinear(3, 2, 2))
    assert visible(bilinear, ((x, y), None)) == ["f:bilinear"]
    named = Applied(lambda m, a, scale: m.f(a) * scale, f=linear)
    assert visible(named, ({"a": x, "scale": y}, None)) == ["f:linear", "mul"]


def test_a_loss_of_the_output_alone_and_the_boundary_of_a_loss_written_out() -> None:
    linear = nn.Linear(3, 2)
    x = torch.randn(4, 3)
    train = record(linear, x, lambda y: (y**2).sum())
    assert [train.values[b].shape for b in train.boundary] == [(4, 2)]
    assert torch.allclose(train.boundary_gradients[0], 2 * linear(x))
    assert [str(e.where) for e in train.visible()] == ["linear"]


@pytest.mark.parametrize(
    "layer", [nn.LSTM(3, 4), nn.MultiheadAttention(4, 2), nn.TransformerEncoderLayer(4, 2, 8)]
)
def test_time_that_is_taken_for_samples_is_noted(layer: nn.Module) -> None:
    def run(m: Any, x: Tensor) -> Tensor:
        y = m.layer(x, x, x) if isinstance(m.layer, nn.MultiheadAttention) else m.layer(x)
        return y[0] if isinstance(y, tuple) else y

    x = torch.randn(7, 2, 3 if isinstance(layer, nn.LSTM) else 4)
    (note,) = record(Applied(run, layer=layer), x).notes
    assert "takes axis 0 for time (batch_first=False), which counts as the 7 samples here" in note
    assert record(Applied(run, layer=layer), x, batch_axis=1).notes == []
    turned = Applied(lambda m, x: run(m, x.transpose(0, 1)), layer=layer)
    assert record(turned, x).notes == []


def test_without_a_loss_a_network_ends_at_all_its_outputs() -> None:
    model = Applied(
        lambda m, x: {"a": m.a(x), "more": [m.b(x), x.argmax(1)]}, a=nn.Linear(3, 2), b=nn.Linear(3, 4)
    )
    train = record(model, torch.randn(4, 3))
    assert [train.values[b].shape for b in train.boundary] == [(4, 2), (4, 4)]


def test_sequence_first_batches_have_their_samples_on_axis_1() -> None:
    network = Network(nn.LSTM(3, 4), torch.randn(7, 5, 3), batch_axis=1)
    assert network.batch.samples == 5
    assert network.probes(2).values[network.probes(2).inputs[0]].shape == (7, 2, 3)


# -- attention and recurrence -----------------------------------------------------------------------


@pytest.mark.parametrize("weights", [True, False])
def test_multihead_attention_is_read_inside(weights: bool) -> None:
    attn = nn.MultiheadAttention(8, 2, batch_first=True)
    model = Applied(lambda m, x: m.attn(x, x, x, need_weights=weights)[0], attn=attn)
    x = torch.randn(2, 5, 8)
    train = record(model, x)
    elements = {str(e.where): e for e in train.visible()}
    out = elements["attn.out_proj:linear"]
    assert parameters(train, out) == {"attn.out_proj.weight", "attn.out_proj.bias"}
    assert parameters(train, elements["attn:linear"]) == {"attn.in_proj_weight", "attn.in_proj_bias"}
    inside = {e.operation for e in train.visible() if e.family is Family.ATTENTION}
    assert inside == ({"bmm"} if weights else {"scaled_dot_product_attention"})
    assert ("attn:softmax" in elements) is weights
    assert torch.equal(train.values[train.boundary[0]].tensor, model(x).detach())


def test_cross_attention_with_other_widths_and_a_mask() -> None:
    attn = nn.MultiheadAttention(8, 2, kdim=3, vdim=5, batch_first=True, add_bias_kv=True)
    mask = torch.zeros(2, 4, dtype=torch.bool)
    mask[:, -1] = True
    model = Applied(
        lambda m, q, k, v: m.attn(q, k, v, key_padding_mask=mask, need_weights=False)[0], attn=attn
    )
    train = record(model, ((torch.randn(2, 5, 8), torch.randn(2, 4, 3), torch.randn(2, 4, 5)), None))
    used = set().union(*(parameters(train, e) for e in train.visible()))
    assert used == {f"attn.{name}" for name, _ in attn.named_parameters()}


def test_scaled_dot_product_attention_is_one_element_with_its_mask() -> None:
    model = Applied(lambda m, x: F.scaled_dot_product_attention(x, x, x, is_causal=True))
    (e,) = record(model, torch.randn(2, 2, 5, 4)).visible()
    assert (e.operation, e.family) == ("scaled_dot_product_attention", Family.ATTENTION)
    assert e.kwargs["is_causal"] is True


@pytest.mark.parametrize("frozen", [False, True])
def test_the_fused_path_of_the_transformer_encoder_is_avoided(frozen: bool) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2).eval().requires_grad_(not frozen)
    with torch.no_grad():
        train = record(model, torch.randn(2, 5, 8))
    operations = [e.operation for e in train.visible()]
    assert operations.count("linear") == 2 * 4
    assert operations.count("layer_norm") == 2 * 2
    assert operations.count("scaled_dot_product_attention") == 2
    assert not [e for e in train.visible() if e.family is Family.OTHER]


def test_recurrent_layers_are_one_element() -> None:
    for layer, name in ((nn.LSTM(3, 4, 2), "lstm"), (nn.GRU(3, 4), "gru"), (nn.RNN(3, 4), "rnn_tanh")):
        train = record(layer, torch.randn(5, 2, 3), batch_axis=1)
        (e,) = train.visible()
        assert (e.operation, e.family) == (name, Family.RECURRENT)
        assert parameters(train, e) == dict(layer.named_parameters()).keys()


def test_packed_sequences() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.rnn(pack_padded_sequence(x, torch.tensor([4, 2]), batch_first=True))[0].data

    train = record(Applied(forward, rnn=nn.LSTM(3, 4)), torch.randn(2, 4, 3))
    assert element(train, "rnn:lstm").family is Family.RECURRENT
    with pytest.raises(InputError, match="got a PackedSequence"):
        record(nn.LSTM(3, 4), pack_sequence([torch.randn(3, 3)]))
    with pytest.raises(InputError, match="got a PackedSequence"):
        record(nn.LSTM(3, 4), (pack_sequence([torch.randn(3, 3)]), None))


# -- autograd ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reentrant", [True, False])
def test_gradient_checkpointing(reentrant: bool) -> None:
    model = Applied(
        lambda m, x: m.last(checkpoint(m.block, m.first(x), use_reentrant=reentrant)),
        first=nn.Linear(3, 3),
        block=nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.ReLU()),
        last=nn.Linear(3, 2),
    )
    x = torch.randn(2, 3)
    places = ["first:linear", "block.0:linear", "block.1:dropout", "block.2:relu", "last:linear"]
    network = Network(model, x, lambda y: y.square().mean())
    assert [str(e.where) for e in network.observe().visible()] == places
    grown: dict[str, Tensor] = {}
    if reentrant:
        with pytest.raises(ModelError, match="use_reentrant=False"):
            network.observe(gradients=True)
        return
    network.observe(gradients=True, on_parameter_gradients=grown.update)
    assert set(grown) == dict(model.named_parameters()).keys()


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return g * s * (1 + x * (1 - s))


class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return -g


def test_custom_autograd_functions_are_read_inside() -> None:
    model = Applied(
        lambda m, x: m.b(Reversal.apply(Swish.apply(m.a(x)))), a=nn.Linear(3, 3), b=nn.Linear(3, 2)
    )
    train = record(model, torch.randn(2, 3))
    assert [str(e.where) for e in train.visible()] == ["a:linear", "sigmoid", "mul", "b:linear"]
    assert all(v.producer is not None for v in train.values if v.is_signal and v.index not in train.inputs)


def test_forward_decorated_with_no_grad_is_read_and_its_loss_is_refused() -> None:
    model, batch = build("no_grad")
    assert visible(model, batch) == ["a:linear", "relu", "b:linear"]
    with pytest.raises(InputError, match="a loss that depends on the network's parameters"):
        record(model, batch, lambda y: y.mean())


# -- compiled ---------------------------------------------------------------------------------------


def scripted(module: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(module)


def test_scripted_modules_are_refused_in_one_sentence() -> None:
    inner = scripted(nn.Linear(3, 3))
    with pytest.raises(
        InputError, match=r"a network written in Python, but got a compiled TorchScript module at '1'"
    ):
        record(nn.Sequential(nn.ReLU(), inner), torch.randn(2, 3))
    with pytest.raises(InputError, match=r"pass the module that torch\.jit was given"):
        record(inner, torch.randn(2, 3))


def test_what_no_mode_sees_is_an_element_of_its_own() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            hidden = m.a(x) * 2
        return m.b(hidden)

    model = Applied(forward, a=nn.Linear(3, 3), b=nn.Linear(3, 2))
    x = torch.randn(2, 3)
    train = record(model, x)
    assert [str(e.where) for e in train.visible()] == ["b:unseen", "b:linear"]
    unseen = element(train, "b:unseen")
    assert unseen.family is Family.OTHER
    assert torch.equal(output(train, "b:unseen"), 2 * model.a(x).detach())
    assert torch.equal(unseen.replay(lambda i: None)[0], output(train, "b:unseen"))


def test_a_write_that_no_mode_sees_gives_the_tensor_a_new_value() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = m.a(x)
        with torch._C.DisableTorchFunction():
            h.mul_(2)
        return m.b(h)

    model = Applied(forward, a=nn.Linear(3, 3), b=nn.Linear(3, 2))
    x = torch.randn(2, 3)
    train = record(model, x)
    (before,) = element(train, "a:linear").outputs
    (entering,) = train.signal_inputs(element(train, "b:linear"))
    assert entering != before
    assert torch.equal(train.values[entering].tensor, 2 * model.a(x).detach())


def test_compiled_modules_are_read_as_they_were_written() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    compiled = torch.compile(model, backend="eager")
    x = torch.randn(2, 3)
    train = record(compiled, x)
    assert [e.operation for e in train.visible()] == ["linear", "relu"]
    assert torch.equal(train.values[train.boundary[0]].tensor, model(x).detach())
    assert torch.equal(compiled(x), model(x))


class Mapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.outer(torch.relu(torch.vmap(lambda z: self.inner(z).tanh())(x)))


def test_of_a_transformed_function_the_result_is_seen() -> None:
    train = record(Mapped(), torch.ones(3, 4))
    assert [e.operation for e in train.visible()] == ["unseen", "relu", "linear"]
