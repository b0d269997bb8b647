"""The system under test: a network with its batch and its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from lensmaker.core import InputError, ModelError
from lensmaker.systems.networks.batch import Batch
from lensmaker.systems.networks.garbage import full_collections_put_off
from lensmaker.systems.networks.record import LossFn, ParameterGradients, record
from lensmaker.systems.networks.recorder import Observer
from lensmaker.systems.networks.train import Train
from lensmaker.systems.networks.undisturbed import remembered


class Network:
    """A module, an example batch and a loss: what theories predict and instruments measure.

    Parameters
    ----------
    model
        Any `torch.nn.Module`; never changed by what is done here.
    batch
        A tensor, an `(x, y)` pair, or a dict for `model(**batch)`.
    loss_fn
        `loss_fn(output, y)`; None where the model returns its own `.loss` or no gradient is wanted.
    batch_axis
        0, or 1 for sequence-first models.
    seed
        For dropout and its like inside the passes.

    Examples
    --------
    >>> network = Network(nn.Linear(3, 2), torch.ones(5, 3))
    >>> network.probes(2).samples
    2
    """

    def __init__(
        self,
        model: nn.Module,
        batch: Any,
        loss_fn: LossFn | None = None,
        *,
        batch_axis: int = 0,
        seed: int = 0,
    ) -> None:
        if not isinstance(seed, int) or not 0 <= seed < 2**63 - 1:
            raise InputError("a seed that is a whole number from 0", f"{seed!r}", "pass 0, for instance")
        self.model = model
        self.batch = Batch.of(batch, batch_axis)
        self.loss_fn = loss_fn
        self.seed = seed
        self._whole: Train | None = None
        self._restore: Callable[[], object] | None = None
        self._probes: Train | None = None

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """One copy of the model, taken now, serves all passes inside; nobody else may change it meanwhile."""
        restore = remembered(self.model, self.loss_fn)
        self._restore = partial(restore, False)
        try:
            with full_collections_put_off():
                yield
        finally:
            self._restore, self._probes = None, None
            restore(True)

    def observe(
        self,
        *observers: Observer,
        gradients: bool = False,
        on_parameter_gradients: Callable[[ParameterGradients], None] | None = None,
    ) -> Train:
        """One pass of the whole batch; the train that comes back keeps shapes, not contents."""
        train = record(
            self.model,
            self.batch,
            self.loss_fn,
            keep=False,
            gradients=gradients,
            observers=observers,
            on_parameter_gradients=on_parameter_gradients,
            seed=self.seed,
            restore=self._restore,
        )
        self._whole = train
        return train

    @property
    def whole(self) -> Train:
        """The train of the latest pass of the whole batch."""
        return self._whole or self.observe()

    def probes(self, samples: int) -> Train:
        """One pass of the first few samples, with the content of every value kept for replays.

        Of the whole batch, where the model does not run on a part of it (the nodes of a graph, say). While the
        model is held still, the latest train serves again.
        """
        if self._probes is not None and self._probes.samples == min(samples, self.batch.samples):
            return self._probes
        self._probes = None  # its contents are let go before there are others
        train = self._first(samples)
        if self._restore is not None:
            self._probes = train
        return train

    def _first(self, samples: int) -> Train:
        pass_of = partial(
            record, self.model, loss_fn=self.loss_fn, keep=True, seed=self.seed, restore=self._restore
        )
        try:
            return pass_of(self.batch.head(samples))
        except ModelError:
            if samples >= self.batch.samples:
                raise
            return pass_of(self.batch)

    def head(self, samples: int) -> Network:
        """The same network with the first few samples alone, and without its loss."""
        small = Network(
            self.model, self.batch.head(samples), None, batch_axis=self.batch.axis, seed=self.seed
        )
        small._restore = self._restore
        return small

    def cropped(self, extent: int) -> Network:
        """The same network on inputs of at most `extent` positions along each axis, where it runs on them.

        The network itself comes back where nothing is to be cropped, or where it needs its input size. The
        loss gradient at the boundary stays that of the uncropped batch.
        """
        batch = self.batch.cropped(extent)
        if batch is self.batch:
            return self
        small = Network(self.model, batch, None, batch_axis=batch.axis, seed=self.seed)
        small._restore = self._restore
        try:
            small._whole = record(
                self.model, batch.head(2), None, keep=False, seed=self.seed, restore=self._restore
            )
        except ModelError:
            return self
        small._whole.boundary_gradients = self.whole.boundary_gradients
        return small

    def boundary_gradients(self, train: Train) -> tuple[torch.Tensor | None, ...]:
        """The whole batch's loss gradient at the boundary of `train`, narrowed to the samples of `train`.

        None where the boundary is another one: a cropped network without a loss ends at all of its outputs.
        """
        narrowed = [
            None if g is None else narrow_to(g, train.values[v].shape)
            for g, v in zip(self.whole.boundary_gradients, train.boundary, strict=False)
        ]
        shapes = [train.values[v].shape for v in train.boundary]
        return tuple(g if g is None or g.shape == s else None for g, s in zip(narrowed, shapes, strict=False))


def narrow_to(tensor: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The leading part of `tensor` that has the given shape.

    Examples
    --------
    >>> narrow_to(torch.arange(6).view(3, 2), (2, 2)).tolist()
    [[0, 1], [2, 3]]
    """
    return tensor[tuple(slice(0, n) for n in shape)]
