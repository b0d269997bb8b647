"""What is scattered at, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from lensmaker.core import InputError


@dataclass(frozen=True)
class Plan:
    """The numbers of the run.

    Attributes
    ----------
    seeds
        Independent sets of media, and disjoint sets of trajectories and flows of the real data.
    media
        That are drawn for each seed.
    points, trajectories, looks
        Of each recording; points are 1/2 apart and looks 1.
    noise
        Standard deviation, of fields of variance 1.
    layers
        Of the networks that are trained.
    inhomogeneous
        Trajectories through the media that differ from point to point.
    burgers, burgers_looks
        Trajectories of each set, and how many looks of them.
    flows
        Steady flows of each set; 50 are there.
    margin
        Margin of equalities of synthetic media, relative; of those that differ from point to point twice as much.

    Raises
    ------
    InputError
        If there are too few seeds, or more flows than there are.
    """

    seeds: int = 8
    media: int = 12
    points: int = 32
    trajectories: int = 150
    looks: int = 4
    noise: float = 0.1
    layers: int = 4
    inhomogeneous: int = 200
    burgers: int = 40
    burgers_looks: int = 6
    flows: int = 6
    margin: float = 0.03

    def __post_init__(self) -> None:
        most = 50
        if (
            self.seeds < 3
            or self.media < 2
            or self.seeds * self.flows > most
            or self.seeds * self.burgers > 500
        ):
            raise InputError(
                "three seeds, two media, at most 50 flows and 500 trajectories in all",
                f"{self.seeds}, {self.media}, {self.seeds * self.flows} and {self.seeds * self.burgers}",
                "leave them as they are",
            )
