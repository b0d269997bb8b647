"""Fine-tuning of a deep belief network: where its dreams begin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from lensmaker.core import Reference
from lensmaker.systems.boltzmann.phases import (
    ContrastiveDivergence,
    ModelPhase,
    PersistentContrastiveDivergence,
)


@dataclass(frozen=True)
class Tuning(ABC):
    """Awake, from the way up of the data, the network learns to generate; in dreams, from the way down, to recognise.

    Awake: ∂/∂W_k ln P(s_k | s_{k+1}), and the data's half of the top machine. Asleep: ∂/∂R_k ln q(s_{k+1} | s_k), and
    the model's half of the top machine, from the same dreams. A subclass says what these begin with.

    Attributes
    ----------
    name
        Under which files know it.
    bias
        One sentence on what the change is off by.
    references
        The sources it rests on.
    """

    name: ClassVar[str]
    bias: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]]

    @property
    @abstractmethod
    def phase(self) -> ModelPhase:
        """What gives rows of the top machine, where dreams begin."""


@dataclass(frozen=True)
class WakeSleep(Tuning):
    """Dreams of the network alone: chains in the top machine that never see data, k sweeps from one to the next.

    Parameters
    ----------
    steps
        k.
    chains
        How many; as many as a batch has rows where nothing is said.
    """

    steps: int = 5
    chains: int | None = None

    name = "wake_sleep"
    bias = "The way up learns from dreams, not data: it follows no slope of the bound; chains as persistent ones."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "hinton1995",
            "G. E. Hinton, P. Dayan, B. J. Frey, R. M. Neal",
            'The "wake-sleep" algorithm for unsupervised neural networks',
            1995,
            "Science 268, 1158",
        ),
    )

    def __post_init__(self) -> None:
        _ = self.phase

    @property
    def phase(self) -> ModelPhase:
        return PersistentContrastiveDivergence(self.steps, self.chains)


@dataclass(frozen=True)
class UpDown(Tuning):
    """Dreams that begin with the way up of the data, after k sweeps of the top machine: the contrastive form.

    Parameters
    ----------
    steps
        k.
    """

    steps: int = 5

    name = "up_down"
    bias = "As wake–sleep, and dreams stay near data: modes far from them are not seen."
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "hinton2006",
            "G. E. Hinton, S. Osindero, Y.-W. Teh",
            "A fast learning algorithm for deep belief nets",
            2006,
            "Neural Comput. 18, 1527",
        ),
    )

    def __post_init__(self) -> None:
        _ = self.phase

    @property
    def phase(self) -> ModelPhase:
        return ContrastiveDivergence(self.steps)


TUNINGS: tuple[type[Tuning], ...] = (WakeSleep, UpDown)
"""Every algorithm there is."""
