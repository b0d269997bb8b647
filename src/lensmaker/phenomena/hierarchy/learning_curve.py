"""How many examples a kind of network needs: trained on ever more of them, until what was held out is learned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.hierarchy.networks import Shape, alike
from lensmaker.phenomena.hierarchy.plan import Kind, Plan

LOOK = 100
"""Updates between looks at the loss."""

ROWS = 1024
"""Words that are looked at at a time."""


class Words(NamedTuple):
    """Of all runs: leaves as ones at symbols, (runs, n, leaves, alphabet), and classes, (runs, n)."""

    x: Tensor
    y: Tensor

    def part(self, first: int, last: int | None = None) -> Words:
        """Some of each run."""
        return Words(self.x[:, first:last], self.y[:, first:last])


class Trained(NamedTuple):
    """What came of one size of training sets.

    Attributes
    ----------
    examples
        In each run's training set.
    errors
        Of words held out, one for each run.
    losses
        On the training sets, at the end.
    """

    examples: int
    errors: list[float]
    losses: list[float]


def words(plan: Plan, kind: Kind, levels: int) -> Words:
    """Different words of each run's grammar, those held out first; their leaves permuted where the kind says so."""
    x, y = [], []
    for seed in range(plan.seeds):
        grammar = plan.grammar(levels, seed)
        count = plan.unseen(levels) + plan.sizes(levels)[-1]
        leaves, labels = grammar.draw(count, stream("words of a hierarchy", seed))
        if kind is Kind.SCRAMBLED:
            leaves = leaves[:, torch.randperm(grammar.leaves, generator=stream("permuted leaves", seed))]
        x.append(one_hot(leaves, plan.alphabet).to(torch.float32))
        y.append(labels)
    return Words(torch.stack(x), torch.stack(y))


def curve(
    plan: Plan, kind: Kind, levels: int, known: Sequence[Trained] = (), progress: Progress | None = None
) -> Iterator[Trained]:
    """Errors for training sets that grow, until all runs are below a half of the error that is asked for.

    Parameters
    ----------
    known
        The first of them, where they are known.
    """
    if known and max(known[-1].errors) < asked(plan) / 2:
        return
    every = words(plan, kind, levels)
    held_out, rest = every.part(0, plan.unseen(levels)), every.part(plan.unseen(levels))
    shape, sizes = alike(kind, plan.alphabet, plan.classes, levels, plan.width), plan.sizes(levels)
    for number, examples in enumerate(sizes[len(known) :], start=len(known)):
        if progress is not None:
            progress(f"{kind.value}, {levels} levels, {examples} examples", number, len(sizes))
        found = trained(plan, shape, rest.part(0, examples), held_out)
        yield found
        if max(found.errors) < asked(plan) / 2:
            return


def asked(plan: Plan) -> float:
    """The error at which classes are said to be learned."""
    return plan.error * (1 - 1 / plan.classes)


def trained(plan: Plan, shape: Shape, seen: Words, held_out: Words) -> Trained:
    """Adam on random batches of each run's own words."""
    n, runs = seen.y.shape[1], len(seen.y)
    generators = [stream(f"{shape.kind.value} of {n} words", seed) for seed in range(runs)]
    parameters = shape.start(generators)
    optimiser = torch.optim.Adam(parameters, lr=plan.rate)
    each = torch.arange(runs)[:, None]
    losses = torch.full((runs,), math.inf)
    for update in range(1, plan.updates + 1):
        if n <= plan.batch:
            x, y = seen
        else:
            chosen = torch.stack([torch.randint(n, (plan.batch,), generator=g) for g in generators])
            x, y = seen.x[each, chosen], seen.y[each, chosen]
        loss = cross_entropy(shape.logits(parameters, x).flatten(0, 1), y.flatten()) * runs
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if update % LOOK == 0:
            losses = looked(shape, parameters, seen)[1]
            if float(losses.max()) < plan.fitted:
                break
    return Trained(n, looked(shape, parameters, held_out)[0].tolist(), losses.tolist())


@torch.no_grad()
def looked(shape: Shape, parameters: list[Tensor], words: Words) -> tuple[Tensor, Tensor]:
    """Share of wrong classes and mean loss of each run."""
    wrong, loss = torch.zeros(len(words.y)), torch.zeros(len(words.y))
    for x, y in zip(words.x.split(ROWS, 1), words.y.split(ROWS, 1), strict=True):
        logits = shape.logits(parameters, x)
        wrong += (logits.argmax(2) != y).sum(1)
        loss += cross_entropy(logits.transpose(1, 2), y, reduction="none").sum(1)
    return wrong / words.y.shape[1], loss / words.y.shape[1]


class Need(NamedTuple):
    """Examples that a run needs, and whether it is only known that it needs more than that."""

    examples: float
    is_bound: bool


def need(curve: Sequence[Trained], run: int, error: float) -> Need:
    """Where the error of a run falls below what is asked for the first time, between sizes on a scale of logarithms."""
    before: tuple[float, float] | None = None
    for point in curve:
        x, y = math.log(point.examples), point.errors[run]
        if y <= error:
            if before is None:
                return Need(point.examples, False)
            share = (before[1] - error) / (before[1] - y)
            return Need(math.exp(before[0] + share * (x - before[0])), False)
        before = x, y
    return Need(curve[-1].examples, True)
