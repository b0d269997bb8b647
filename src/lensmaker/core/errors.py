"""Errors that explain themselves: what was expected, what came, how to mend it."""

from __future__ import annotations


class LensmakerError(Exception):
    """A misuse that lensmaker explains in one sentence.

    Parameters
    ----------
    expected, got, fix
        What was needed, what arrived, and what the reader can do about it; each a clause
        without a full stop.

    Examples
    --------
    >>> str(InputError("a batch of at least one sample", "a tensor of shape (0, 3)", "pass samples"))
    'Expected a batch of at least one sample, but got a tensor of shape (0, 3): pass samples.'
    """

    def __init__(self, expected: str, got: str, fix: str) -> None:
        self.expected = expected
        self.got = got
        self.fix = fix
        super().__init__(f"Expected {expected}, but got {got}: {fix}.")


class InputError(LensmakerError, ValueError):
    """The model, the batch, the loss or an option is not what the call needs."""


class ModelError(LensmakerError, RuntimeError):
    """The inspected model itself raised; its own exception is the `__cause__`."""


class WeightsError(LensmakerError, ValueError):
    """A weights file is missing, corrupt, unsafe, or does not fit the model."""


class MissingDataError(LensmakerError, FileNotFoundError):
    """A data set or trained network is not installed on this machine."""


class MissingDependencyError(LensmakerError, ImportError):
    """An optional dependency is not installed."""


class CorrectionError(LensmakerError, RuntimeError):
    """A correction cannot be applied to, or undone on, this network."""
