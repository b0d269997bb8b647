"""What is known of ln Z: a value, its error, and whether the two can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import t as student

from lensmaker.core import Convergence


@dataclass(frozen=True)
class LogPartition:
    """ln Z ± its standard error.

    Attributes
    ----------
    value, error
        Of ln Z; the error is 0 where it is exact.
    runs
        Independent runs, or columns of chains, that the error was told from.
    convergence
        Whether the interval can be trusted; if not, what to do.

    Examples
    --------
    >>> low, high = LogPartition(5.0, 0.1, 31, Convergence.CONVERGED).interval(0.95)
    >>> round(low, 3), round(high, 3)  # Student's t of 30 degrees of freedom, 2.042
    (4.796, 5.204)
    """

    value: float
    error: float
    runs: int
    convergence: Convergence

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Ends of the interval that holds ln Z at this rate."""
        width = float(student.ppf((1 + level) / 2, max(1, self.runs - 1))) * self.error
        return self.value - width, self.value + width

    def __str__(self) -> str:
        low, high = self.interval()
        said = f" ({self.convergence.value})" if self.convergence.value else ""
        return f"ln Z = {self.value:.3f} ± {self.error:.3f}, 95 %: {low:.3f} … {high:.3f}{said}"
