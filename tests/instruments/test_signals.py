import copy

import numpy as np
import pytest
import torch
from torch import nn

from exact.sample_statistics import (
    STATISTICS,
    dead_fraction,
    leave_one_out_error,
    mean_cosine,
    token_correlation,
)
from lensmaker.core import Convergence, Where
from lensmaker.instruments.signals import Signals
from lensmaker.systems.networks import Network


def measured(network, instrument=None):
    table = (instrument or Signals()).measure(network)
    return {(m.quantity.name, str(m.where)): m for m in table}


def assert_statistics(found, where, batch, names=STATISTICS):
    for name in names:
        m = found[name, where]
        assert m.value == pytest.approx(STATISTICS[name](batch), rel=1e-10, abs=1e-14), name
        assert m.error == pytest.approx(leave_one_out_error(batch, STATISTICS[name]), rel=1e-8, abs=1e-14), (
            name
        )


class Residual(nn.Module):
    """Functional activations, an in-place one, a module called three times, a residual sum."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.values = {}

    def forward(self, x):
        for call in range(3):
            h = self.fc(x)
            self.values[f"fc@{call}:linear" if call else "fc:linear"] = h.detach().clone()
            h = torch.relu_(h)
            self.values[f"relu#{call}" if call else "relu"] = h.detach().clone()
            x = x + h
            self.values[f"add#{call}" if call else "add"] = x.detach().clone()
        return x


def test_all_statistics_are_those_of_explicit_loops():
    net = Residual().double()
    x = torch.randn(7, 6, dtype=torch.float64) + 0.3
    net(x)
    found = measured(Network(net, x))
    assert_statistics(found, "input", x.numpy())
    places = {where for _, where in found}
    assert places == {"input", *net.values}
    for where, value in net.values.items():
        assert_statistics(found, where, value.numpy())


def test_an_in_place_relu_does_not_falsify_the_pre_activation():
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(inplace=True)).double()
    x = torch.randn(4, 2, 5, 5, dtype=torch.float64)
    found = measured(Network(net, x))
    h = net[0](x).detach()
    assert_statistics(found, "0:conv2d", h.numpy())
    assert_statistics(found, "1:relu", h.relu().numpy())


class Padded(nn.Module):
    """A convolution whose input is padded by hand, as causal and `same` ones are."""

    def __init__(self, sides):
        super().__init__()
        self.conv, self.sides, self.values = nn.Conv1d(2, 3, 2), sides, {}

    def forward(self, x):
        y = self.conv(nn.functional.pad(x, self.sides))
        self.values["conv:conv1d"] = y.detach()
        return y


@pytest.mark.parametrize("sides", [(1, 0), (9, 0), (2, 3)])
def test_padding_does_not_hide_the_samples(sides):
    net, x = Padded(sides).double(), torch.randn(4, 2, 5, dtype=torch.float64) + 0.3
    net(x)
    found = measured(Network(net, x))
    assert_statistics(found, "conv:conv1d", net.values["conv:conv1d"].numpy())


def test_a_batch_that_is_padded_with_samples_cannot_be_told_apart():
    class More(nn.Module):
        def forward(self, x):
            return torch.relu(nn.functional.pad(x, (0, 0, 2, 0)))

    found = measured(Network(More(), torch.randn(4, 3)))
    assert found["second_moment", "relu"].convergence is Convergence.TOO_FEW_SAMPLES


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_low_precision_is_summed_in_double(dtype):
    x = (torch.randn(5, 300) + 40).to(dtype)
    found = measured(Network(nn.Identity(), x))
    assert found["variance", "input"].value == pytest.approx(
        STATISTICS["variance"](x.double().numpy()), rel=1e-10
    )
    assert found["correlation", "input"].value == pytest.approx(mean_cosine(x.double().numpy()), rel=1e-12)


def test_squares_below_the_range_of_single_precision_are_not_lost():
    x = torch.full((3, 4), 1e-30)
    assert measured(Network(nn.Identity(), x))["second_moment", "input"].value == pytest.approx(
        1e-60, rel=1e-6
    )


def test_blocks_do_not_show():
    """A sample of 3·2¹⁷ entries: three samples are read in three blocks."""
    x = torch.randn(3, 3 << 17, dtype=torch.float64)
    found = measured(Network(nn.Identity(), x))
    batch = x.numpy()
    assert found["correlation", "input"].value == pytest.approx(mean_cosine(batch), rel=1e-9)
    # the projections behind the error are in single precision: 1e-7 of 1, of an error of 1e-3
    error = leave_one_out_error(batch[:, :], mean_cosine) if len(batch) > 2 else 0.0
    assert found["correlation", "input"].error == pytest.approx(error, rel=1e-3)
    assert found["second_moment", "input"].value == pytest.approx(np.mean(batch**2), rel=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.5, 40.0])
@pytest.mark.parametrize("size", [1e-25, 1.0, 1e25])
def test_large_tensors_of_single_precision_are_summed_to_1e_6(shift, size):
    """Blocks are summed as they are; at a shift of 40 the variance nearly cancels, and is summed in double."""
    x = (torch.randn(5, 40_000, generator=torch.Generator().manual_seed(3)) + shift).relu() * size
    found = measured(Network(nn.Identity(), x))
    batch = x.double().numpy()
    for name in ("second_moment", "mean", "variance", "zero_fraction"):
        exact = STATISTICS[name](batch)
        assert found[name, "input"].value == pytest.approx(exact, rel=2e-6, abs=0), name
        error = leave_one_out_error(batch, STATISTICS[name])
        assert found[name, "input"].error == pytest.approx(error, rel=1e-3, abs=1e-6 * exact), name
    assert found["correlation", "input"].value == pytest.approx(mean_cosine(batch), abs=1e-6)


# -- units and tokens -----------------------------------------------------------------------------


def test_dead_channels_are_zero_at_all_positions_of_all_probes():
    x = torch.ones(20, 4, 2, 3, dtype=torch.float64)
    x[:, 0] = 0  # dead
    x[:17, 1] = 0  # alive in the last samples only
    x[:, 2] = 0
    x[5, 2, 1, 2] = 1.0  # alive at one position of one sample
    found = measured(Network(nn.ReLU(), x))
    m = found["dead_fraction", "relu"]
    assert m.value == 0.5
    probes = x[:16].numpy()
    assert m.error == pytest.approx(leave_one_out_error(probes, lambda b: dead_fraction(b, 1)), rel=1e-12)
    assert m.error > 0
    everything = measured(Network(nn.ReLU(), x), Signals(probes=20))
    assert everything["dead_fraction", "relu"].value == 0.25
    assert found["zero_fraction", "relu"].value == pytest.approx(float((x == 0).double().mean()), rel=1e-12)


def test_units_of_a_sequence_are_its_last_axis():
    x = torch.ones(4, 5, 3)
    x[:, :, 0] = 0
    x[:, 0, :] = 0  # a token, not a unit
    assert measured(Network(nn.ReLU(), x))["dead_fraction", "relu"].value == pytest.approx(1 / 3)


def test_units_of_a_one_dimensional_convolution_are_its_channels():
    net = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU())
    with torch.no_grad():
        net[0].weight[1] = 0
        net[0].bias[1] = -1.0
        net[0].bias[[0, 2, 3]] = 9.0
    found = measured(Network(net, torch.randn(3, 2, 8)))
    assert found["dead_fraction", "1:relu"].value == 0.25
    assert ("token_correlation", "1:relu") not in found
    assert ("token_correlation", "0:conv1d") not in found


def test_token_correlation_is_the_mean_cosine_between_positions():
    x = torch.randn(4, 6, 5, dtype=torch.float64)
    x[1, 3] = 0  # has no direction
    found = measured(Network(nn.Linear(5, 3, bias=False).double(), x))
    m = found["token_correlation", "input"]
    assert m.value == pytest.approx(token_correlation(x.numpy()), rel=1e-10)
    assert m.error == pytest.approx(leave_one_out_error(x.numpy(), token_correlation), rel=1e-8)
    assert ("token_correlation", "linear") in found


def test_images_have_no_tokens():
    found = measured(Network(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), torch.randn(3, 1, 6, 6)))
    assert not [key for key in found if key[0] == "token_correlation"]


# -- layouts --------------------------------------------------------------------------------------


def encoder(batch_first):
    torch.manual_seed(3)
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=batch_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double()


@pytest.mark.parametrize("times", [3, 5])
def test_a_sequence_first_encoder_reads_like_a_batch_first_one(times):
    """With as many times as samples (5), only the true axis tells samples from times."""
    x = torch.randn(5, times, 8, dtype=torch.float64)
    first = measured(Network(encoder(True), x))
    second = measured(Network(encoder(False), x.transpose(0, 1).contiguous(), batch_axis=1))
    assert first.keys() == second.keys()
    for key, m in first.items():
        assert second[key].value == pytest.approx(m.value, rel=1e-9, abs=1e-14), key
        assert second[key].error == pytest.approx(m.error, rel=1e-7, abs=1e-14), key


@pytest.mark.parametrize("times", [3, 5])
def test_inside_attention_samples_are_told_from_heads_and_times(times):
    net = encoder(True)
    x = torch.randn(5, times, 8, dtype=torch.float64)
    found = measured(Network(net, x))
    attention = net.layers[0].self_attn
    q, k, v = nn.functional.linear(x, attention.in_proj_weight, attention.in_proj_bias).chunk(3, dim=-1)
    heads = [t.unflatten(-1, (2, 4)).transpose(1, 2) for t in (q, k, v)]
    mixed = (heads[0] @ heads[1].transpose(-1, -2) / 2).softmax(-1) @ heads[2]
    out = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    names = ["second_moment", "mean", "variance", "correlation"]
    assert_statistics(found, "layers.0.self_attn:scaled_dot_product_attention", mixed.detach().numpy(), names)
    assert_statistics(found, "layers.0.self_attn.out_proj:linear", out.detach().numpy(), names)
    for where in ("scaled_dot_product_attention", "out_proj:linear"):
        words = out if "out_proj" in where else mixed.transpose(1, 2).flatten(2)
        key = "token_correlation", f"layers.0.self_attn{'.' if 'out_proj' in where else ':'}{where}"
        assert found[key].value == pytest.approx(token_correlation(words.detach().numpy()), rel=1e-9)


def test_heads_merged_into_the_batch_are_told_apart():
    attention = nn.MultiheadAttention(8, 2, batch_first=True).double()

    class WithWeights(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = attention

        def forward(self, x):
            return self.attention(x, x, x, average_attn_weights=False)

    x = torch.randn(4, 4, 8, dtype=torch.float64)
    found = measured(Network(WithWeights(), x))
    weights = attention(x, x, x, average_attn_weights=False)[1].detach()
    assert_statistics(found, "attention:softmax", weights.numpy(), ["second_moment", "correlation"])


def test_flattened_tokens_belong_to_their_samples():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(5, 3)

        def forward(self, x):
            return self.fc(x.view(-1, 5)).view(*x.shape[:2], 3)

    net = Flat().double()
    x = torch.randn(4, 6, 5, dtype=torch.float64)
    found = measured(Network(net, x))
    assert_statistics(found, "fc:linear", net(x).detach().numpy(), ["second_moment", "correlation"])
    m = found["token_correlation", "fc:linear"]
    assert m.value == pytest.approx(token_correlation(net(x).detach().numpy()), rel=1e-10)


def test_two_views_stacked_along_the_batch():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(5, 3)

        def forward(self, x):
            return self.fc(torch.cat([x, -2 * x]))

    net = Twice().double()
    x = torch.randn(4, 5, dtype=torch.float64)
    both = torch.stack([net.fc(x), net.fc(-2 * x)], dim=1).detach()
    assert_statistics(measured(Network(net, x)), "fc:linear", both.numpy(), ["second_moment", "correlation"])


def test_samples_that_cannot_be_told_apart_have_no_error():
    class Mixed(nn.Module):
        def forward(self, x):
            return torch.tanh(x.t() @ x)

    x = torch.randn(5, 3)
    m = measured(Network(Mixed(), x))["second_moment", "tanh"]
    assert m.value == pytest.approx(float(torch.tanh(x.t() @ x).double().square().mean()), rel=1e-6)
    assert m.error == float("inf")
    assert m.convergence is Convergence.TOO_FEW_SAMPLES


# -- bad and small input --------------------------------------------------------------------------


def test_one_sample_has_values_without_errors():
    table = Signals().measure(Network(nn.Tanh(), torch.randn(1, 50)))
    found = {m.quantity.name: m for m in table if m.where == Where("", operation="tanh")}
    assert set(found) == {"second_moment", "mean", "variance", "zero_fraction", "dead_fraction"}
    assert found["mean"].convergence is Convergence.TOO_FEW_SAMPLES
    assert '"error": null' in table.to_json()


def test_two_samples_have_a_correlation_without_error():
    x = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    m = measured(Network(nn.Identity(), x))["correlation", "input"]
    assert m.value == pytest.approx(0.6, rel=1e-12)
    assert m.convergence is Convergence.TOO_FEW_SAMPLES


def test_overflow_is_marked_where_it_begins():
    class Overflows(nn.Module):
        def forward(self, x):
            return torch.exp(1000 * x)

    found = measured(Network(Overflows(), torch.ones(3, 2)))
    assert found["second_moment", "mul"].convergence is Convergence.CONVERGED
    assert found["second_moment", "exp"].convergence is Convergence.NOT_FINITE
    assert found["correlation", "exp"].convergence is Convergence.NOT_FINITE


def test_a_signal_of_zeros_has_no_direction():
    found = measured(Network(nn.ReLU(), -torch.ones(4, 3)))
    assert found["zero_fraction", "relu"].value == 1.0
    assert found["dead_fraction", "relu"].value == 1.0
    assert ("correlation", "relu") not in found


def test_integer_input_is_not_a_signal():
    found = measured(Network(nn.Embedding(9, 4), torch.randint(9, (3, 5))))
    assert {where for _, where in found} == {"embedding"}
    assert ("token_correlation", "embedding") in found


def test_nothing_is_disturbed():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Dropout())
    before = copy.deepcopy(net.state_dict())
    random = torch.get_rng_state()
    Signals().measure(Network(net, torch.randn(4, 1, 6, 6)))
    Signals().measure(Network(net, torch.randn(4, 1, 6, 6)))
    random_after = torch.get_rng_state()
    torch.set_rng_state(random)
    torch.randn(4, 1, 6, 6), torch.randn(4, 1, 6, 6)
    assert torch.equal(random_after, torch.get_rng_state())
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert net[1].training


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_errors_are_calibrated():
    """z against the mean of a large batch has z² near (n−1)/(n−3) = 1.1 at n = 24 samples.

    300 batches know the mean of z² within 0.09, and that of z within 0.06, for independent batches; bounds at
    four times that let one in 10,000 correct errors fail, and a bias of 2 % of a value known to 0.5 % shows.
    """
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(10, 200), nn.Tanh()).double()
    population = torch.randn(40000, 10, dtype=torch.float64) + 0.5
    names = ["second_moment", "mean", "variance", "correlation"]
    everything = measured(Network(net, population))
    z = {name: [] for name in names}
    for seed in range(300):
        batch = torch.randn(24, 10, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.5
        found = measured(Network(net, batch))
        for name in names:
            m = found[name, "1:tanh"]
            z[name].append((m.value - everything[name, "1:tanh"].value) / m.error)
    for name, values in z.items():
        assert 0.75 < np.mean(np.square(values)) < 1.5, name
        assert abs(np.mean(values)) < 0.25, name
