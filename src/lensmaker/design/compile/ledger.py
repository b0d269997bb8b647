"""What a compiled network costs, how accurate it is, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reached(Enum):
    """Whether the accuracy that was asked for is certified; the value is advice."""

    BEST = ""
    REACHED = " "
    BELOW_FLOOR = (
        "the accuracy is below the floor of this activation in this arithmetic, and what you have is the best: "
        "take torch.float64, a smaller domain, or nn.ReLU()"
    )


@dataclass(frozen=True)
class Ledger:
    """The account of a compiled network.

    Attributes
    ----------
    variables
        Of the polynomial.
    activation, dtype
        What it is made of.
    method
        How products are made, with b and λ or the number of teeth.
    terms, degree
        Of the polynomial.
    products, squares, shared
        Products made, squares among them, and those whose value is used more than once.
    neurons, naive_neurons
        Hidden units; and those of all terms by themselves, multiplied one factor after another.
    depth
        Hidden layers.
    parameters
        Weights and biases, zeros among them.
    lanes
        Values that wait in linear lanes, summed over layers; they are no neurons.
    gate_predicted, gate_bound
        Error of one product of numbers within ±1: predicted, and at worst.
    predicted, bound
        Error of the output on the domain, from these; the second is certified.
    floor
        The smallest certified bound that this activation reaches in this arithmetic.
    accuracy, reached
        What was asked for, and what came of it.
    """

    variables: tuple[str, ...]
    activation: str
    dtype: str
    method: str
    terms: int
    degree: int
    products: int
    squares: int
    shared: int
    neurons: int
    naive_neurons: int
    depth: int
    parameters: int
    lanes: int
    gate_predicted: float
    gate_bound: float
    predicted: float
    bound: float
    floor: float
    accuracy: float | None
    reached: Reached

    def __str__(self) -> str:
        asked = "none" if self.accuracy is None else f"{self.accuracy:.2g}"
        lines = [
            f"{self.terms} terms of degree {self.degree} in {len(self.variables)} variables",
            f"{self.activation}, {self.dtype}: {self.method}",
            f"neurons     {self.neurons} in {self.depth} hidden layers; {self.naive_neurons} term by term",
            f"products    {self.products}, {self.squares} of them squares, {self.shared} used more than once",
            f"lanes       {self.lanes} values waiting, {self.parameters} parameters",
            f"of one gate {self.gate_predicted:.2g} predicted, at most {self.gate_bound:.2g}",
            f"of output   {self.predicted:.2g} predicted, at most {self.bound:.2g}; floor {self.floor:.2g}",
            f"accuracy    {asked} asked for"
            + (f": {self.reached.value}" if self.reached.value.strip() else ""),
        ]
        return "\n".join(lines)
