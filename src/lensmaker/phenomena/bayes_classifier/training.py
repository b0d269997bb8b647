"""Trainings of one compiled architecture from several starts, all seeds and rates of a size at once."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy

from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.phenomena.bayes_classifier.plan import Plan, Start
from lensmaker.phenomena.bayes_classifier.problems import Problem, wrong

Weights = dict[str, Tensor]

LOOK = 25
"""Updates between looks at what tells when to stop."""

FIRST = "layers.0.gates.weight"
"""What the inputs meet: random weights there allow for their size."""

READ_OUT = ("output.weight", "output.bias", "mu")
"""What learns where only the output layer does."""

ROWS = 2000
"""Examples that are looked at at a time."""


class Reached(NamedTuple):
    """What came of a number of examples, a value for each run.

    Attributes
    ----------
    examples
        0 for the start itself.
    risks
        Nats by which −ln p is above that of the exact posterior, the mean of KL(p ‖ p̃) over examples held out.
    accuracies
        Share of right classes among them.
    stopped
        The update that was taken.
    rates
        Of Adam.
    """

    examples: int
    risks: list[float]
    accuracies: list[float]
    stopped: list[int]
    rates: list[float]


class Data(NamedTuple):
    """Examples of all runs: (runs, n, variables) and (runs, n)."""

    x: Tensor
    y: Tensor

    def part(self, first: int, last: int | None = None) -> Data:
        """Some of each run."""
        return Data(self.x[:, first:last], self.y[:, first:last])

    def over(self, rates: int) -> Data:
        """The same for each rate, run by run."""
        return Data(self.x.repeat_interleave(rates, 0), self.y.repeat_interleave(rates, 0))


def data(problem: Problem, n: int, purpose: str, runs: int) -> Data:
    """Examples of each run's own stream."""
    pairs = [problem.examples(n, purpose, run) for run in range(runs)]
    return Data(torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs]))


class Trainings:
    """The trainings of one task.

    Parameters
    ----------
    problem, plan
        What is learned, and by how much.
    """

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.network = problem.network(accuracy=plan.accuracy)
        self.held_out = data(problem, plan.held_out, "held out", plan.seeds)
        self.seen = data(problem, plan.sizes[-1], "examples", plan.seeds)
        self.posteriors = torch.stack([self.network.classes.posterior(x) for x in self.held_out.x])

    def reached(self, start: Start, examples: int, progress: Progress | None = None) -> Reached:
        """From training sets of one size; from 0, what the start itself has."""
        plan = self.plan
        begun = [self._begin(start, run) for run in range(plan.seeds)]
        if not examples:
            weights = {k: torch.stack([w[k] for w in begun]) for k in begun[0]}
            return Reached(0, *self._measured(weights), [0] * plan.seeds, [0.0] * plan.seeds)
        kept, losses, stopped = self._trained(start, begun, examples, progress)
        best = losses.view(plan.seeds, -1).argmin(1)
        at = torch.arange(plan.seeds) * len(plan.rates) + best
        weights = {name: value[at] for name, value in kept.items()}
        rates = [plan.rates[k] for k in best.tolist()]
        return Reached(examples, *self._measured(weights), stopped[at].tolist(), rates)

    def _begin(self, start: Start, run: int) -> Weights:
        """The weights that a run starts with."""
        made = self.network
        if start in (Start.WRONG, Start.READ_OUT):
            energies, known = zip(*wrong(self.problem.task, self.plan.off), strict=True)
            made = replace(self.problem, energies=energies, log_partitions=known).network(
                accuracy=self.plan.accuracy
            )
        weights = {name: p.detach().clone() for name, p in made.named_parameters()}
        generator = stream(f"{start.value} weights of {self.problem.task.name}", run)
        if start is Start.PERMUTED:
            for value in weights.values():
                order = torch.randperm(value.numel(), generator=generator)
                value.view(-1)[:] = value.view(-1)[order].clone()
        if start is Start.RANDOM:
            size = float((self.seen.x * self.network.scale).square().mean().sqrt())
            for name, value in weights.items():
                gain = math.sqrt(2) / (size if name == FIRST else 1.0)
                value[:] = torch.randn(value.shape, generator=generator, dtype=value.dtype)
                value *= gain / math.sqrt(value.shape[-1]) if value.dim() > 1 else 0.0
        return weights

    def _logits(self, weights: Weights, x: Tensor) -> Tensor:
        found: Tensor = vmap(lambda w, rows: functional_call(self.network, w, (rows,)))(weights, x)
        return found

    def _trained(
        self, start: Start, begun: list[Weights], examples: int, progress: Progress | None
    ) -> tuple[Weights, Tensor, Tensor]:
        """Adam of all runs and rates: the weights that were best on a quarter of the examples."""
        plan, rates = self.plan, len(self.plan.rates)
        count = examples // 4
        telling = self.seen.part(0, count).over(rates)
        learned = self.seen.part(count, examples).over(rates)
        weights = {
            name: torch.stack([w[name] for w in begun]).repeat_interleave(rates, 0).requires_grad_()
            for name in begun[0]
        }
        free = [w for name, w in weights.items() if start is not Start.READ_OUT or name in READ_OUT]
        optimiser = _Adam(free, torch.tensor(plan.rates).repeat(plan.seeds))
        generator = stream(f"batches of {examples}", 0)
        each = torch.arange(len(learned.y))[:, None]
        best = torch.full((len(learned.y),), math.inf, dtype=torch.float64)
        kept = {name: value.detach().clone() for name, value in weights.items()}
        stopped = torch.zeros(len(best), dtype=torch.long)
        for update in range(plan.updates + 1):
            if update % LOOK == 0:
                with torch.no_grad():
                    losses = _losses(self._logits(weights, telling.x), telling.y)
                    better = losses < best
                    best = torch.where(better, losses, best)
                    stopped[better] = update
                    for name, value in weights.items():
                        kept[name][better] = value.detach()[better]
                if progress is not None:
                    what = f"{self.problem.task.value}, {start.value}, {examples} examples"
                    progress(what, update, plan.updates)
            some = learned
            if examples - count > plan.batch:
                chosen = torch.randint(examples - count, (len(best), plan.batch), generator=generator)
                some = Data(learned.x[each, chosen], learned.y[each, chosen])
            optimiser.step(_losses(self._logits(weights, some.x), some.y).sum())
        return kept, best, stopped

    @torch.no_grad()
    def _measured(self, weights: Weights) -> tuple[list[float], list[float]]:
        """Excess risks and accuracies of all runs."""
        logits = torch.cat([self._logits(weights, x) for x in self.held_out.x.split(ROWS, 1)], 1)
        p, q = self.posteriors, logits.log_softmax(-1)
        risks = (torch.xlogy(p, p) - p * q).sum(-1).mean(1).nan_to_num(1e6, 1e6).clamp(0, 1e6)
        right = (logits.argmax(-1) == self.held_out.y).double().mean(1)
        return risks.tolist(), right.tolist()


def _losses(logits: Tensor, y: Tensor) -> Tensor:
    """Mean −ln p of each run."""
    return cross_entropy(logits.transpose(1, 2), y, reduction="none").mean(1)


class _Adam:
    """Adam whose rate is one for each network of a stack; it is their first axis."""

    def __init__(self, weights: list[Tensor], rates: Tensor) -> None:
        self.weights, self.rates, self.steps = weights, rates, 0
        self.first = [torch.zeros_like(w) for w in weights]
        self.second = [torch.zeros_like(w) for w in weights]

    def step(self, loss: Tensor) -> None:
        gradients = torch.autograd.grad(loss, self.weights)
        self.steps += 1
        with torch.no_grad():
            for w, g, m, v in zip(self.weights, gradients, self.first, self.second, strict=True):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                rate = self.rates.to(w.dtype).view(-1, *[1] * (w.dim() - 1))
                size = (v / (1 - 0.999**self.steps)).sqrt() + 1e-8
                w -= rate * (m / (1 - 0.9**self.steps)) / size
