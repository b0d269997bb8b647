"""The contract of a layer of units: what its fields do to it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from lensmaker.core import InputError


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
            If they are a continuum.
        """
        if not self.states:
            raise InputError("units with finitely many states", f"{self.name} units", "sample them")
        return torch.tensor(self.states, dtype=torch.float64)[self._digits(len(self.states), first, last)]

    def _digits(self, q: int, first: int, last: int | None) -> Tensor:
        """Whole numbers in base q, a digit for each unit."""
        numbers = torch.arange(first, q**self.count if last is None else last)
        return numbers[:, None] // q ** torch.arange(self.count - 1, -1, -1) % q

    @property
    def log_states(self) -> float:
        """Ln of the number of configurations; infinite where they are a continuum."""
        return self.count * math.log(len(self.states)) if self.states else math.inf

    def check(self, data: Tensor) -> None:
        """Raise what is wrong with data for these units.

        Raises
        ------
        InputError
            If the shape does not fit, a value is not finite, or none of the states.
        """
        if data.ndim < 1 or data.shape[-1] != self.size:
            got = f"shape {tuple(data.shape)}"
            raise InputError(f"data of {self.size} numbers a row", got, "flatten each sample to a row")
        if not bool(torch.isfinite(data).all()):
            row = int((~torch.isfinite(data)).reshape(-1, self.size).any(1).nonzero()[0])
            raise InputError("finite data", f"a number that is not finite in row {row}", "remove or mend it")
        self._check_values(data)

    def _check_values(self, data: Tensor) -> None:
        if not self.states:
            return
        values = torch.tensor(self.states, dtype=data.dtype, device=data.device)
        strange = ~torch.isin(data, values)
        if bool(strange.any()):
            where = int(strange.reshape(-1, self.size).any(1).nonzero()[0])
            value = float(data[strange].reshape(-1)[0])
            listed = ", ".join(f"{s:g}" for s in self.states)
            raise InputError(
                f"data of {listed}", f"{value:g} in row {where}", "binarise it, or choose other units"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.count})"
