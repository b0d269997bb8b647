"""The contract of a layer of units: what its fields do to it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import InputError

MOST_BITS = 62
"""log₂ of the most configurations that whole numbers can number."""

MOST_AT_ONCE = 24
"""log₂ of the most configurations that are listed at once."""


class Units(ABC):
    """Independent units s in fields x, P(s) ∝ e^{Σ_i x_i s_i − e(s)}: all that a machine has to know of a layer.

    Configurations and fields are of shape (…, size). A subclass supplies e, ln Z(x) = ln Σ_s e^{x·s − e(s)}, its
    slope ⟨s⟩, and samples. Methods that end in an underscore overwrite what they are given.

    Attributes
    ----------
    name
        Under which files and the command line know it.
    count
        How many units.
    states
        The values of one unit, () where they are a continuum.
    """

    name: ClassVar[str]
    states: ClassVar[tuple[float, ...]] = ()

    def __init__(self, count: int) -> None:
        if count < 1:
            raise InputError("a layer of one unit or more", f"{count}", "pass the number of units")
        self.count = count

    @property
    def size(self) -> int:
        """Numbers in a configuration."""
        return self.count

    @property
    def spec(self) -> dict[str, float | int | str]:
        """What a file has to say for the layer to be made again."""
        return {"name": self.name, "count": self.count}

    def energy(self, s: Tensor) -> Tensor:
        """e(s), (…, size) → (…); 0 for units whose states are all alike."""
        return s.new_zeros(s.shape[:-1])

    @abstractmethod
    def log_partition(self, x: Tensor) -> Tensor:
        """Ln Z(x) of all units, (…, size) → (…)."""

    @abstractmethod
    def mean_(self, x: Tensor) -> Tensor:
        """Fields become ⟨s⟩."""

    @abstractmethod
    def sample_(self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None) -> Tensor:
        """Fields become a sample; `noise` is a buffer of their shape that may be overwritten."""

    def mean_and_sample_(
        self, x: Tensor, sample: Tensor, generator: torch.Generator, noise: Tensor | None = None
    ) -> None:
        """Fields become ⟨s⟩, and `sample` a sample."""
        sample.copy_(x)
        self.sample_(sample, generator, noise)
        self.mean_(x)

    def mean(self, x: Tensor) -> Tensor:
        """⟨s⟩ in fields x, the slope of ln Z."""
        return self.mean_(x.clone())

    def sample(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """A sample in fields x."""
        return self.sample_(x.clone(), generator)

    def field_of_mean(self, mean: Tensor) -> Tensor:
        """The fields in which ⟨s⟩ is `mean`, (size,): where biases start from data."""
        raise NotImplementedError(f"{self.name} units have no field for a mean")

    def configurations(self, first: int = 0, last: int | None = None) -> Tensor:
        """Those numbered first … last − 1 of all, (…, size), the last unit changing fastest; double precision.

        Raises
        ------
        InputError
            If they are a continuum, or too many to be numbered or held.
        """
        if not math.isfinite(self.log_states):
            raise InputError("units with finitely many states", f"{self.name} units", "sample them")
        bits = self.log_states / math.log(2)
        if bits > MOST_BITS + 1e-6:
            raise InputError(f"no more than 2^{MOST_BITS} configurations", f"2^{bits:.4g}", "sample them")
        end = round(math.exp(self.log_states)) if last is None else last
        if end - first > 1 << MOST_AT_ONCE:
            got, fix = f"{end - first}", "ask for a part, by first and last"
            raise InputError(f"no more than 2^{MOST_AT_ONCE} configurations at once", got, fix)
        return self.numbered(torch.arange(first, end))

    def numbered(self, numbers: Tensor) -> Tensor:
        """The configurations of these numbers, (n,) → (n, size); double precision."""
        return torch.tensor(self.states, dtype=torch.float64)[self._digits(len(self.states), numbers)]

    def _digits(self, q: int, numbers: Tensor) -> Tensor:
        """Whole numbers in base q, a digit for each unit."""
        return numbers[:, None] // q ** torch.arange(self.count - 1, -1, -1) % q

    @property
    def log_states(self) -> float:
        """Ln of the number of configurations; infinite where they are a continuum."""
        return self.count * math.log(len(self.states)) if self.states else math.inf

    def check(self, data: Tensor, first: int = 0) -> None:
        """Raise what is wrong with data for these units, whose rows are numbered from `first`.

        Raises
        ------
        InputError
            If the shape does not fit, a value is not finite, or none of the states.
        """
        self._check_shape(data, first)
        self._check_values(data, first)

    def _check_shape(self, data: Tensor, first: int) -> None:
        if data.ndim < 1 or data.shape[-1] != self.size:
            got = f"shape {tuple(data.shape)}"
            raise InputError(f"data of {self.size} numbers a row", got, "flatten each sample to a row")
        if not bool(torch.isfinite(data).all()):
            row = first + int((~torch.isfinite(data)).reshape(-1, self.size).any(1).nonzero()[0])
            raise InputError("finite data", f"a number that is not finite in row {row}", "remove or mend it")

    def check_means(self, data: Tensor, first: int = 0) -> None:
        """Raise what is wrong with data as means of these units: a machine below may hand on what it expects.

        Raises
        ------
        InputError
            If the shape does not fit, or a value is not finite, or beyond the states.
        """
        self._check_shape(data, first)
        if self.states and not bool(((data >= min(self.states)) & (data <= max(self.states))).all()):
            listed = f"{min(self.states):g} to {max(self.states):g}"
            got = f"{float(data.min()):g} to {float(data.max()):g}"
            raise InputError(f"means from {listed}", got, "scale them, or choose other units")

    def _check_values(self, data: Tensor, first: int) -> None:
        if not self.states:
            return
        values = torch.tensor(self.states, dtype=data.dtype, device=data.device)
        strange = ~torch.isin(data, values)
        if bool(strange.any()):
            where = first + int(strange.reshape(-1, self.size).any(1).nonzero()[0])
            value = float(data[strange].reshape(-1)[0])
            listed = ", ".join(f"{s:g}" for s in self.states)
            raise InputError(
                f"data of {listed}", f"{value:g} in row {where}", "binarise it, or choose other units"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.count})"
