"""A network with constrained kernels after Z. Long, Y. Lu, X. Ma, B. Dong, "PDE-Net: Learning PDEs from Data" (2018).

Written here from the paper, as no package of it can be installed with this torch: aTEAM, its authors' library, is no
package, and MindSpore's asks for MindSpore. A block is one step of Euler,

    u(t + δt) = D₀ u + δt Σ_ij c_ij D_ij u,

whose kernels have the moments of the derivative that they stand for, up to the second; the third and the fourth are
learned. (With the second moments of D₀ learned too, as fewer constraints would have it, drift could hide there.) Here
on a line, with constant c, and one term u D₁u more where it is asked for. One block, trained by L-BFGS on all pairs of
looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

TAPS = 5

FIXED = 3
"""Moments of each kernel, 0, 1 and 2."""


@dataclass(frozen=True)
class Found:
    """Coefficients of u, u_x, u_xx and u u_x."""

    potential: float
    drift: float
    diffusivity: float
    self_advection: float


def learned(fields: Tensor, h: float, dt: float, nonlinear: bool, iterations: int = 300) -> Found:
    """From fields (trajectories, looks, points)."""
    reach = TAPS // 2
    z = torch.arange(-reach, reach + 1, dtype=torch.float64)
    powers = torch.arange(TAPS, dtype=torch.float64)
    to_kernel = torch.linalg.inv(z[None] ** powers[:, None])  # moments to taps
    free = [torch.zeros(TAPS - FIXED, dtype=torch.float64, requires_grad=True) for _ in range(FIXED)]
    c = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    before, after = fields[:, :-1].reshape(-1, fields.shape[-1]), fields[:, 1:].reshape(-1, fields.shape[-1])
    seen = torch.stack([torch.roll(before, -int(s), -1) for s in z], -1)
    scale = float((after - before).square().mean())

    def kernel(order: int) -> Tensor:
        fixed = torch.zeros(FIXED, dtype=torch.float64)
        fixed[order] = math.factorial(order)
        moments = torch.cat([fixed, free[order]])
        return to_kernel @ moments / h**order

    optimiser = torch.optim.LBFGS(
        [c, *free], max_iter=iterations, history_size=50, tolerance_grad=1e-12, tolerance_change=1e-15,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> Tensor:
        optimiser.zero_grad()
        zeroth, first, second = (seen @ kernel(order) for order in range(3))
        change = c[0] * zeroth + c[1] * first + c[2] * second + (c[3] * before * first if nonlinear else 0)
        missed = (zeroth + dt * change - after).square().mean() / scale
        missed.backward()
        return missed

    optimiser.step(loss)
    return Found(*c.tolist())
