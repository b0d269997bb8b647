"""What is fitted, and which networks are run."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import smooth_function


@dataclass(frozen=True)
class Case:
    """A product that one hidden layer is fitted to, with a size that is said to be the least.

    Attributes
    ----------
    activation
        Name of σ.
    factors
        n.
    least
        Units that are said to be enough, and one fewer not.
    biases
        Whether each unit has a bias, and the output one; else σ(x + shift) has none.
    shift
        Makes a σ of which no Taylor coefficient is 0.
    source
        Who says so.
    """

    activation: str
    factors: int
    least: int
    biases: bool
    shift: float = 0.0
    source: str = "2^n of the theorem"

    @property
    def words(self) -> str:
        """Of the claim."""
        shift = f"(x + {self.shift:g})" if self.shift else ""
        biases = "with biases" if self.biases else "without biases"
        return (
            f"{self.activation}{shift} {biases}, n = {self.factors}: {self.least} units, "
            f"not {self.least - 1} ({self.source})"
        )


HALF = "2^(n−1)"
DIFFERENCE = "2^n − 1"

CASES = (
    Case("exp", 2, 4, biases=False),
    Case("softplus", 2, 4, biases=False, shift=1.0),
    Case("tanh", 2, 4, biases=False, shift=0.5),
    Case("exp", 2, 3, biases=True, source=DIFFERENCE),
    Case("tanh", 2, 3, biases=True, source=DIFFERENCE),
    Case("softplus", 2, 3, biases=True, source=DIFFERENCE),
    Case("silu", 2, 2, biases=True, source=HALF),
    Case("gelu", 2, 2, biases=True, source=HALF),
    Case("exp", 3, 8, biases=False),
    Case("softplus", 3, 8, biases=False, shift=1.0),
    Case("exp", 3, 7, biases=True, source=DIFFERENCE),
    Case("softplus", 3, 7, biases=True, source=DIFFERENCE),
    Case("tanh", 3, 4, biases=True, source=HALF),
    Case("silu", 3, 4, biases=True, source=HALF),
)


@dataclass(frozen=True)
class Plan:
    """The numbers of the run.

    Attributes
    ----------
    cases
        That are fitted.
    starts
        Of each fit, the best of which counts.
    activations, factors
        Of networks that are written down and run.
    bias
        The ordinary one, beside that which is chosen.
    compared
        n at which flat and tree are compared.
    seeds
        Sets of inputs, each with a scale of its own within 10 % of the best.
    inside
        Inputs in the cube beside its corners.

    Raises
    ------
    InputError
        If an activation is unknown, or there are too few seeds or starts.
    """

    cases: tuple[Case, ...] = CASES
    starts: int = 16
    activations: tuple[str, ...] = ("softplus", "tanh", "gelu")
    factors: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8, 9, 10)
    bias: float = 0.5
    compared: int = 8
    seeds: int = 8
    inside: int = 1000

    def __post_init__(self) -> None:
        for name in (*self.activations, *(c.activation for c in self.cases)):
            smooth_function(name)
        if self.seeds < 2 or self.starts < 2:
            got = f"{self.seeds} and {self.starts}"
            raise InputError("two seeds and two starts or more", got, "leave them as they are")
        if self.compared not in self.factors:
            expected = f"a comparison at one of the n = {self.factors}"
            raise InputError(expected, f"n = {self.compared}", "add it to factors")
