"""What a monitor looks at from time to time, because it costs more than a glance."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.core import InputError


@dataclass(frozen=True)
class Looks:
    """Every how many readings a monitor estimates the log-likelihood, and how long chains remember; 0 for never.

    Attributes
    ----------
    log_likelihood, mixing
        Readings from one look to the next.
    runs, steps
        Of annealing in each direction.
    chains, sweeps
        Whose autocorrelation is measured.

    Examples
    --------
    >>> [epoch for epoch in range(1, 11) if Looks(mixing=5).mixes_at(epoch)]
    [5, 10]
    """

    log_likelihood: int = 0
    mixing: int = 0
    runs: int = 64
    steps: int = 250
    chains: int = 32
    sweeps: int = 500

    def __post_init__(self) -> None:
        for name in ("log_likelihood", "mixing"):
            if getattr(self, name) < 0:
                got = f"{name}={getattr(self, name)}"
                raise InputError("a number of readings of 0 or more", got, "pass 0 for never")
        for name, least in (("runs", 2), ("steps", 1), ("chains", 1), ("sweeps", 8)):
            if getattr(self, name) < least:
                got = f"{getattr(self, name)}"
                raise InputError(f"{name} of {least} or more", got, f"pass {name}={least}")

    def appraises_at(self, epoch: int) -> bool:
        """Whether the log-likelihood is estimated after this epoch."""
        return bool(self.log_likelihood and epoch) and epoch % self.log_likelihood == 0

    def mixes_at(self, epoch: int) -> bool:
        """Whether the mixing time is measured after this epoch."""
        return bool(self.mixing and epoch) and epoch % self.mixing == 0
