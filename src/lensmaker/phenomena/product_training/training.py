"""Many small networks that learn at once, as one batch of matrices."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from lensmaker.core.progress import Progress
from lensmaker.numerics.seeding import stream
from lensmaker.numerics.smooth_functions import SmoothFunction, smooth_function
from lensmaker.phenomena.product_training.plan import Plan, Target

TOLD = 100
"""Steps between two words of progress."""


def target_of(target: Target, x: Tensor) -> Tensor:
    """The product or the sum of the last axis, of variance 1 for x uniform in [−1, 1].

    Examples
    --------
    >>> target_of(Target.PRODUCT, torch.tensor([1.0, -0.5])).item()
    -1.5
    """
    n = x.shape[-1]
    return x.prod(-1) * 3 ** (n / 2) if target is Target.PRODUCT else x.sum(-1) * math.sqrt(3 / n)


class Batch:
    """Networks of one depth, of all widths and seeds; narrow ones have units that are switched off.

    Parameters
    ----------
    plan
        Of the widths and seeds.
    depth
        Hidden layers.
    """

    def __init__(self, plan: Plan, depth: int, target: Target) -> None:
        self.plan, self.depth, self.target = plan, depth, target
        self.σ: SmoothFunction = smooth_function(plan.activation)
        self.generator = stream(f"products of {plan.factors}, {target.value}, depth {depth}", 0)
        width = max(plan.widths)
        each = torch.tensor(plan.widths).repeat_interleave(plan.seeds)
        self.on = (torch.arange(width) < each[:, None]).float()[:, None]
        sizes = [plan.factors, *[width] * depth, 1]
        self.weights, self.biases = [], []
        for k, (before, after) in enumerate(itertools.pairwise(sizes)):
            fan_in = each.float() if k else torch.full((len(each),), float(before))
            w = torch.randn(len(each), before, after, generator=self.generator)
            self.weights.append((w / fan_in.sqrt()[:, None, None]).requires_grad_())
            self.biases.append(torch.zeros(len(each), 1, after, requires_grad=True))

    def __call__(self, x: Tensor) -> Tensor:
        """(networks, rows, n) → (networks, rows)."""
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = self.σ(torch.baddbmm(b, x, w)) * self.on
        return torch.baddbmm(self.biases[-1], x, self.weights[-1])[..., 0]

    def learn(self, progress: Progress | None = None) -> None:
        """All steps; each network sees inputs of its own."""
        plan = self.plan
        optimiser = torch.optim.Adam([*self.weights, *self.biases], lr=plan.rate)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, plan.steps)
        for step in range(plan.steps):
            x = torch.rand(len(self.on), plan.batch, plan.factors, generator=self.generator) * 2 - 1
            loss = (self(x) - target_of(self.target, x)).square().mean(1).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            falling.step()
            if progress is not None and step % TOLD == 0:
                progress(f"{self.target.value}, {self.depth} hidden layers", step, plan.steps)

    @torch.no_grad()
    def errors(self) -> list[list[float]]:
        """Of each width and seed: root mean square on inputs held out, over that of the target; at most 1e6."""
        x = held_out(self.plan)
        missed = (self(x.expand(len(self.on), -1, -1)) - target_of(self.target, x)).double()
        found = missed.square().mean(1).sqrt().nan_to_num(1e6, 1e6).clamp(max=1e6)
        return found.view(len(self.plan.widths), self.plan.seeds).tolist()


def held_out(plan: Plan) -> Tensor:
    """Inputs that no network learns from, (rows, n)."""
    generator = stream("held-out factors", 0)
    return torch.rand(plan.held_out, plan.factors, generator=generator) * 2 - 1


def trained(plan: Plan, depth: int, target: Target, progress: Progress | None = None) -> list[list[float]]:
    """Errors of each width and seed after all steps."""
    batch = Batch(plan, depth, target)
    batch.learn(progress)
    return batch.errors()
