"""A data set: samples, labels, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from lensmaker.core import InputError


@dataclass(frozen=True, eq=False)
class DataSet:
    """Real samples, ready for a network.

    Attributes
    ----------
    name
        What the data set is called.
    x
        Samples, float32, [N, …]; images are [N, channel, height, width] in [0, 1].
    y
        Index of each sample's class, int64 [N]; None where the samples have no class.
    classes
        Name of each class.
    source, license, citation
        The package and file the samples were read from, their licence, and whom to cite.
    samples
        Name of each sample, where samples have names.

    Examples
    --------
    >>> from lensmaker.data import digits
    >>> digits()
    DataSet('digits', x=(1797, 1, 8, 8), 10 classes)
    """

    name: str
    x: torch.Tensor
    y: torch.Tensor | None
    classes: tuple[str, ...]
    source: str
    license: str
    citation: str
    samples: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for label, per_sample in (("y", self.y), ("samples", self.samples or None)):
            if per_sample is not None and len(per_sample) != len(self.x):
                raise InputError(
                    f"one entry of {label} for each of {len(self.x)} samples",
                    f"{len(per_sample)}",
                    "pass as many as there are samples",
                )

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"DataSet({self.name!r}, x={tuple(self.x.shape)}{classes})"

    def batch(self, n: int, generator: torch.Generator) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """`n` samples drawn without replacement: `(x, y)`, or `x` alone where there are no labels.

        Parameters
        ----------
        n
            Number of samples, 1 to len(self).
        generator
            Source of the draw; the global random state is not touched.

        Raises
        ------
        InputError
            If the data set does not hold `n` samples.

        Examples
        --------
        >>> from lensmaker.data import digits
        >>> x, y = digits().batch(4, torch.Generator().manual_seed(0))
        >>> x.shape, y.tolist()
        (torch.Size([4, 1, 8, 8]), [6, 5, 5, 7])
        """
        if not 1 <= n <= len(self):
            raise InputError(
                f"1 to {len(self)} samples of {self.name}", f"n={n}", "ask for a number in that range"
            )
        rows = torch.randperm(len(self), generator=generator)[:n]
        return self.x[rows] if self.y is None else (self.x[rows], self.y[rows])

    def normalised(self, mean: Sequence[float] | None = None, std: Sequence[float] | None = None) -> DataSet:
        """The data set with each channel shifted and scaled, x → (x − mean)/std.

        Parameters
        ----------
        mean, std
            One number for each channel (axis 1 of x); by default the channel's own mean and standard
            deviation over samples and positions, which become 0 and 1. Pass a training set's to
            normalise its test set alike.

        Raises
        ------
        InputError
            If a channel is constant, or the numbers do not match the channels.

        Examples
        --------
        >>> from lensmaker.data import digits
        >>> x = digits().normalised().x
        >>> round(x.mean().item(), 6) + 0.0, round(x.std(correction=0).item(), 6)
        (0.0, 1.0)
        """
        channels = self.x.shape[1]
        own = self.x.transpose(0, 1).reshape(channels, -1).double()
        shift = own.mean(1) if mean is None else torch.tensor(mean, dtype=torch.float64)
        scale = own.std(1, correction=0) if std is None else torch.tensor(std, dtype=torch.float64)
        if shift.shape != (channels,) or scale.shape != (channels,):
            raise InputError(
                f"a mean and a standard deviation for each of {channels} channels",
                f"{len(shift)} and {len(scale)}",
                "pass one number for each channel",
            )
        if not (scale > 0).all():
            raise InputError(
                "channels that vary",
                f"a standard deviation of {scale.min():g}",
                "pass std, or drop the channel",
            )
        broadcast = (channels, *[1] * (self.x.ndim - 2))
        return replace(self, x=((self.x - shift.view(broadcast)) / scale.view(broadcast)).float())
