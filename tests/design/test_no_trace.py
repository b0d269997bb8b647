"""A diagnosis leaves no trace: no random number drawn, no pending gradient spoilt."""

from __future__ import annotations

import torch
from torch import nn

import lensmaker
from design.networks import evidence_on, perceptron, vectors

LOSS = nn.functional.cross_entropy


def faulty() -> nn.Sequential:
    net = perceptron(4)
    net[2].weight.data *= 10
    return net


def test_an_activation_that_draws_random_numbers() -> None:
    net = perceptron(4, 32, nn.RReLU)
    assert net.training
    evidence = evidence_on(net, vectors())
    before = torch.get_rng_state()
    assert len(evidence.lenses) == 4
    assert torch.equal(torch.get_rng_state(), before)
    lensmaker.inspect(net, vectors()[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_pending_gradient_is_what_it_would_have_been() -> None:
    (x, y), expected = vectors(), faulty()
    LOSS(expected(x), y).backward()
    net = faulty()
    before = {n: (p, p.data_ptr(), p._version, p.detach().clone()) for n, p in net.named_parameters()}
    loss = LOSS(net(x), y)
    assert lensmaker.inspect(net, (x, y), LOSS).findings[0].factors
    loss.backward()
    for (name, p), q in zip(net.named_parameters(), expected.parameters(), strict=True):
        same, place, version, value = before[name]
        assert p is same
        assert (p.data_ptr(), p._version) == (place, version)
        assert torch.equal(p, value)
        assert p.grad is not None
        assert torch.equal(p.grad, q.grad)
