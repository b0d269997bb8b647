"""The example batch: what the model is called with, what the loss compares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence

from lensmaker.core import InputError
from lensmaker.numerics.finite import all_finite
from lensmaker.systems.networks.trees import mapped, tensors_in


@dataclass(frozen=True)
class Batch:
    """Arguments of the model and the target of the loss, with the batch axis known.

    Attributes
    ----------
    args, kwargs
        What the model is called with.
    target
        What the loss compares with, None without one.
    samples
        Size of the batch axis.
    axis
        The batch axis of the inputs: 0, or 1 for sequence-first models.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    target: Any
    samples: int
    axis: int = 0

    @classmethod
    def of(cls, batch: Any, axis: int = 0) -> Batch:
        """Read a tensor, an `(x, y)` pair, or a dict for `model(**batch)`.

        Raises
        ------
        InputError
            If there is no sample, a value is not finite, or the form is none of the three.

        Examples
        --------
        >>> Batch.of((torch.zeros(4, 3), torch.zeros(4))).samples
        4
        """
        target: Any = None
        kwargs: dict[str, Any] = {}
        args: tuple[Any, ...] = ()
        if isinstance(batch, Batch):
            return batch
        if isinstance(batch, list | tuple) and len(batch) == 2 and not isinstance(batch[0], PackedSequence):
            x, target = batch
            args = tuple(x) if isinstance(x, list | tuple) else (x,)
            if isinstance(x, dict) or hasattr(x, "keys"):
                args, kwargs = (), dict(x)
        elif hasattr(batch, "keys"):
            kwargs = dict(batch)
        elif isinstance(batch, torch.Tensor):
            args = (batch,)
        else:
            raise InputError(
                "an example batch (a tensor, an (x, y) pair, or a dict for model(**batch))",
                _kind(batch),
                "pass a batch like those the network is trained on, several inputs as ((a, b), y)",
            )
        tensors = tensors_in((args, kwargs))
        if not tensors:
            raise InputError(
                "at least one tensor in the batch", "none", "convert the inputs with torch.as_tensor"
            )
        first = next((t for t in tensors if t.ndim > axis), None)
        if first is None:
            raise InputError(
                f"inputs with a batch axis {axis}",
                f"shapes {', '.join(str(tuple(t.shape)) for t in tensors)}",
                "add the batch axis with unsqueeze(0)",
            )
        if any(t.numel() == 0 for t in tensors):
            raise InputError(
                "a batch with at least one sample", f"a tensor of shape {tuple(first.shape)}", "pass samples"
            )
        for t in (*tensors, *tensors_in(target)):
            if not all_finite(t):
                bad = int((~torch.isfinite(t)).sum())
                place = tuple(int(i) for i in (~torch.isfinite(t)).nonzero()[0])
                raise InputError(
                    "finite input",
                    f"{bad} NaN or infinite values, the first at index {place}",
                    "clean or impute the data first",
                )
        return cls(args, kwargs, target, first.shape[axis], axis)

    def head(self, samples: int) -> Batch:
        """The first `samples` samples, as a batch of its own."""
        n = min(samples, self.samples)

        def narrow(t: torch.Tensor) -> torch.Tensor:
            for axis in dict.fromkeys((self.axis, 0)):
                if t.ndim > axis and t.shape[axis] == self.samples:
                    return t.narrow(axis, 0, n)
            return t

        args, kwargs, target = mapped(torch.Tensor, narrow, (self.args, self.kwargs, self.target))
        return Batch(args, kwargs, target, n, self.axis)

    def cropped(self, extent: int) -> Batch:
        """The batch with at most `extent` positions along the axes of images and sequences, without target.

        Images and volumes (four axes and more) keep their middle, sequences (integers of two axes, floats of
        three) their beginning. The batch itself comes back where nothing is larger.
        """

        def crop(t: torch.Tensor) -> torch.Tensor:
            image = t.is_floating_point() and t.ndim >= 4
            sequence = (t.ndim == 2 and not t.is_floating_point()) or (t.ndim == 3 and t.is_floating_point())
            for axis in range(2, t.ndim) if image else (1 - self.axis,) if sequence else ():
                surplus = t.shape[axis] - extent
                if surplus > 0:
                    t = t.narrow(axis, surplus // 2 if image else 0, extent)
            return t

        args, kwargs = mapped(torch.Tensor, crop, (self.args, self.kwargs))
        cropped = Batch(args, kwargs, None, self.samples, self.axis)
        unchanged = all(a.shape == b.shape for a, b in zip(cropped.tensors, self.tensors, strict=True))
        return self if unchanged else cropped

    def detached(self, *, requires_grad: bool = False) -> Batch:
        """The same batch on memory of its own; float inputs may ask for gradients.

        No tensor is a leaf that asks for gradients: such a one could not be overwritten in place.
        """

        def copy(t: torch.Tensor) -> torch.Tensor:
            return t.detach().requires_grad_(requires_grad and t.is_floating_point()).clone()

        args, kwargs, target = mapped(torch.Tensor, copy, (self.args, self.kwargs, self.target))
        return Batch(args, kwargs, target, self.samples, self.axis)

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors that the model is called with."""
        return tensors_in((self.args, self.kwargs))

    def __str__(self) -> str:
        shapes = ", ".join(f"{str(t.dtype).removeprefix('torch.')}{list(t.shape)}" for t in self.tensors)
        return f"{self.samples} samples: {shapes}"


def _kind(batch: Any) -> str:
    if batch is None:
        return "nothing"
    if isinstance(batch, PackedSequence) or (
        isinstance(batch, tuple) and bool(batch) and isinstance(batch[0], PackedSequence)
    ):
        return "a PackedSequence"
    size = f" of {len(batch)}" if isinstance(batch, list | tuple) else ""
    return f"a {type(batch).__name__}{size}"
