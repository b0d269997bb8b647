"""A chain of residual branches x → x + f_l(x), whose layers are moments in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensmaker.core import InputError

_RESTLESS = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


@dataclass(frozen=True, eq=False)
class ResidualChain:
    r"""Branches f_l of one architecture with weights w_l, as Euler steps of ẋ = f(x; w(t)) of length 1.

    Between the layers weights go straight from one to the next, w(l + s) = (1 − s) w_l + s w_{l+1}, and the last ones
    stay: w(t) for 0 ≤ t ≤ L is as long as the network is deep, and r steps a layer are the network refined r times.

    Attributes
    ----------
    branches
        f_0, …, f_{L−1}, in evaluation mode if they have dropout or batch norms.
    start
        x, with the samples along the first axis.

    Raises
    ------
    InputError
        If there is no branch, their weights differ in names or shapes, they draw or keep statistics, or one does not
        keep the shape.

    Examples
    --------
    >>> branch = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.constant_(branch.weight, -0.5)
    >>> chain = ResidualChain((branch,) * 2, torch.ones(1, 1))
    >>> chain.run(1).item(), chain.run(2).item()  # (1 − ½)² and (1 − ¼)⁴
    (0.25, 0.31640625)
    """

    branches: Sequence[nn.Module]
    start: Tensor

    def __post_init__(self) -> None:
        if not self.branches:
            raise InputError(
                "one branch or more", "none", "pass the functions that are added to their inputs"
            )
        shapes = [{n: tuple(v.shape) for n, v in b.state_dict().items()} for b in self.branches]
        for i, other in enumerate(shapes):
            if other != shapes[0]:
                raise InputError(
                    "branches of one architecture",
                    f"branch {i} with {other}, and branch 0 with {shapes[0]}",
                    "cut the network where its shape changes, and look at each part",
                )
        for branch in self.branches:
            restless = (m for m in branch.modules() if m.training and isinstance(m, _RESTLESS))
            if (module := next(restless, None)) is not None:
                name = type(module).__name__
                raise InputError("branches in evaluation mode", f"{name} in training mode", "call .eval()")
        shape = self._increment(0.0, self.start).shape
        if shape != self.start.shape:
            raise InputError(
                f"branches that keep the shape {tuple(self.start.shape)}",
                f"{tuple(shape)}",
                "pass what is added to its own input",
            )

    @property
    def layers(self) -> int:
        """L."""
        return len(self.branches)

    def run(self, refinement: int) -> Tensor:
        """The output with so many steps for each layer, each as much shorter; 1 is the network itself."""
        x = self.start
        for n in range(self.layers * refinement):
            x = x + self._increment(n / refinement, x) / refinement
        return x

    def rate(self, time: float, x: Tensor) -> Tensor:
        """f(x; w(t)), differentiable in x."""
        return self._call(time, x)

    def _increment(self, time: float, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self._call(time, x)

    def _call(self, time: float, x: Tensor) -> Tensor:
        layer = min(int(time), self.layers - 1)
        share = time - layer
        branch = self.branches[layer]
        if share == 0 or layer == self.layers - 1:
            found: Tensor = branch(x)
            return found
        own, following = branch.state_dict(), self.branches[layer + 1].state_dict()
        mixed = {
            name: torch.lerp(value, following[name], share) if value.is_floating_point() else value
            for name, value in own.items()
        }
        between: Tensor = torch.func.functional_call(branch, mixed, (x,))
        return between
