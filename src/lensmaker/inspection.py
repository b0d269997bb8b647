"""inspect(), the main job: a system is studied by theories, which predict, and instruments, which measure."""

from __future__ import annotations

import dataclasses
import io
import os
import platform
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lensmaker import report as show
from lensmaker.core import (
    BenchRecord,
    CorrectionError,
    Finding,
    InputError,
    LayerGeometry,
    LensmakerError,
    Measurement,
    Prediction,
    Reference,
    Table,
    Training,
    compare,
    what_training_built,
)
from lensmaker.design.aberration import Aberration
from lensmaker.design.correction import Change, Correction, apply, versions
from lensmaker.design.diagnose import ABERRATIONS, diagnose
from lensmaker.design.evidence import Evidence
from lensmaker.instruments import INSTRUMENTS
from lensmaker.instruments.attention import AttentionEntropy
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.convolutions.input_spectrum import InputSpectrum
from lensmaker.instruments.convolutions.point_spread_gradients import PointSpreadGradients
from lensmaker.instruments.gradients import Gradients
from lensmaker.instruments.jacobian import Jacobian
from lensmaker.instruments.saturation import Saturation
from lensmaker.instruments.signals import Signals
from lensmaker.instruments.spectra import Spectra, spectra_of
from lensmaker.instruments.together import measure_together
from lensmaker.instruments.training import training_state
from lensmaker.phenomena.geometry import geometry
from lensmaker.systems.networks import Network
from lensmaker.systems.networks.prescription import prescribe
from lensmaker.theories import THEORIES
from lensmaker.theories.base import Theory
from lensmaker.theories.field_equation.theory import FieldEquation
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.point_spread.theory import PointSpread
from lensmaker.theories.random_weights import RandomWeights

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console, ConsoleOptions, RenderResult

Progress = Callable[[str], None]


def inspect(
    model: nn.Module,
    batch: Any,
    loss_fn: Callable[..., torch.Tensor] | None = None,
    *,
    trained: bool | None = None,
    batch_axis: int = 0,
    seed: int = 0,
    progress: Progress = lambda stage: None,
) -> Report:
    """Predict, measure, compare and diagnose a network, layer by layer, without a trace.

    Parameters
    ----------
    model
        Any `torch.nn.Module`, in the mode it is to be inspected in; it is left bitwise as it was.
    batch
        A tensor, an `(x, y)` pair, or a dict for `model(**batch)`.
    loss_fn
        `loss_fn(output, y)`; None where the model returns its own `.loss`, or where gradients do not matter.
    trained
        Whether the weights are trained; None: inferred from their spectra. For a fresh network a deviation
        from the theory is news, for a trained one it is what training built.
    batch_axis
        1 for sequence-first models.
    seed
        For dropout, probes and clouds; the same seed gives the same report.
    progress
        Called with the name of each stage as it begins.

    Returns
    -------
    Report
        The record with its table, findings and corrections.

    Raises
    ------
    InputError, ModelError
        If batch, model or loss cannot be used; one sentence says what to change.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> layers = [m for _ in range(12) for m in (nn.Linear(64, 64), nn.ReLU())]
    >>> report = inspect(nn.Sequential(*layers, nn.Linear(64, 10)), torch.randn(8, 64))
    >>> [f.aberration for f in report.findings]
    ['depth_gain']
    """
    asked = _asked(trained)
    network = Network(model, batch, loss_fn, batch_axis=batch_axis, seed=seed)
    with network.held_still():
        progress("measuring signals and gradients")
        measurements = measure(network, seed)
        progress("measuring weight spectra")
        spectra = spectra_of(network)
        measurements += Spectra().measure(network, spectra)
        training, reason = asked or training_state(network, spectra)
        progress("predicting")
        theory = MeanField(FiniteWidth(seed=seed + 1), seed=seed)
        predictions = theory.predict(network)
        null = RandomWeights().predict(network) if training is Training.TRAINED else Table[Prediction]()
        layers, unread = geometry_of(network, progress)
    progress("diagnosing")
    elements = prescribe(network.whole)
    diagnosis = diagnose(Evidence(network, network.whole, elements, predictions, measurements, training))
    comparisons, unmeasured, unpredicted = compare(predictions + null, measurements)
    record = BenchRecord(
        type(model).__name__,
        str(network.batch),
        training,
        reason,
        elements,
        comparisons,
        unmeasured,
        unpredicted,
        diagnosis.findings,
        references=references(
            {theory.name, FiniteWidth.name}
            | {p.theory for p in null}
            | {m.instrument for m in measurements}
            | {f.aberration for f in diagnosis.findings}
            | ({member.name for member in GEOMETRY_BY} if layers else set())
        ),
        versions=(("python", platform.python_version()), ("torch", torch.__version__)),
        built=what_training_built((e.where for e in elements), comparisons, measurements)
        if null
        else Table(),
        notes=tuple(network.whole.notes) + (_NO_LOSS if network.whole.loss is None else ()) + unread,
        geometry=layers,
    )
    return Report(record, network, diagnosis.changes)


class Report:
    """What an inspection found, and the means to act on it.

    Attributes
    ----------
    record
        The findings, comparisons and the rest, as plain data.

    Notes
    -----
    It shows itself in a terminal (`print(report)`, rich's `console.print(report)`) and in a notebook.
    """

    def __init__(self, record: BenchRecord, network: Network, changes: Mapping[str, Change]) -> None:
        self.record = record
        self._network = network
        self._changes = changes
        self._correction: Correction | None = None
        self._inspected = versions(network.model)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What harms the network: layer, cause, number, correction and predicted effect."""
        return self.record.findings

    def correct(self) -> Report:
        """Apply the corrections of all findings, and measure the network again beside the predicted effect.

        The comparison is in `record.corrected`; `undo()` takes the corrections back bitwise. Nothing happens
        where no finding has a correction.

        Raises
        ------
        CorrectionError
            If they are applied already, or a weight has changed since the inspection or cannot be scaled; the
            network is then unchanged.
        """
        if self._correction is not None:
            raise CorrectionError("a network without these corrections", "one that has them", "undo() first")
        now = versions(self._network.model)
        if changed := [name for name in self._changes if now.get(name) != self._inspected.get(name)]:
            raise CorrectionError(
                "the weights that were inspected", f"{changed[0]} changed since", "inspect the network again"
            )
        if self._changes:
            correction = apply(self._network.model, self._changes)
            try:
                effect = next(f.effect for f in self.findings if f.effect)
                corrected, _, _ = compare(effect, measure(self._network, self._network.seed))
            except BaseException:
                correction.undo()
                self._inspected = versions(self._network.model)
                raise
            self._correction = correction
            self.record = dataclasses.replace(self.record, corrected=corrected)
        return self

    def undo(self) -> Report:
        """Restore every corrected parameter bitwise.

        Raises
        ------
        CorrectionError
            If no correction is applied, or the weights have changed since.
        """
        if self._correction is None:
            fix = "call correct() first" if self._changes else "leave it, since no finding has one"
            raise CorrectionError("a correction to undo", "none applied", fix)
        self._correction.undo()
        self._correction, self._inspected = None, versions(self._network.model)
        self.record = dataclasses.replace(self.record, corrected=Table())
        return self

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained HTML file that opens offline."""
        show.write_text(path, show.to_html(self.record, cites=_cites()))

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The whole record as JSON, also written to `path` if one is given."""
        text = show.to_json(self.record)
        if path is not None:
            show.write_text(path, text)
        return text

    def to_frame(self) -> pd.DataFrame:
        """One row for each predicted or measured value, as a pandas data frame."""
        return show.to_frame(self.record)

    def _repr_html_(self) -> str:
        return show.to_notebook_html(self.record)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield show.render(self.record)

    def __repr__(self) -> str:
        from rich.console import Console

        console = Console(width=110, file=io.StringIO(), record=True)
        console.print(self)
        return console.export_text()


def measure(network: Network, seed: int = 0) -> Table[Measurement]:
    """What signals, gradients and the Jacobian read off a network, from one pass and one linear ray."""
    together = measure_together(network, [Signals(), Saturation(), AttentionEntropy(), Gradients()])
    return sum(together.values(), Jacobian(seed=seed).measure(network))


def geometry_of(
    network: Network, progress: Progress = lambda stage: None
) -> tuple[Table[LayerGeometry], tuple[str, ...]]:
    """The convolutions as differential operators, at a small part of an inspection's cost; else a note why not.

    One sample is looked at, two where the model is in training mode, and the point spread of four layers is measured.
    """
    if not any(e.operation.startswith("conv") for e in network.whole.before_loss()):
        return Table(), ()
    progress("reading convolutions")
    try:
        samples = 2 if network.model.training else 1
        return geometry(network, samples=samples, errors=False, layers=LOOKED_AT), ()
    except LensmakerError as error:
        return Table(), (f"convolutions were not read as differential operators: {error}",)


def references(names: Collection[str] | None = None) -> tuple[Reference, ...]:
    """The sources of the named theories, instruments and aberrations; None: of all there are."""
    used = [m for m in _MEMBERS if names is None or m.name in names]
    return tuple({r.key: r for member in used for r in member.references}.values())


def _cites() -> dict[str, list[str]]:
    """Theory or instrument → keys of its references."""
    return {member.name: [r.key for r in member.references] for member in _MEMBERS}


def _asked(trained: object) -> tuple[Training, str] | None:
    if trained is None:
        return None
    if not isinstance(trained, bool):
        raise InputError(
            "trained to be True, False or None", repr(trained), "leave it out to have it inferred"
        )
    return (Training.TRAINED if trained else Training.FRESH), "as the caller said"


_MEMBERS: tuple[type[Theory] | type[Instrument] | type[Aberration], ...] = (
    *THEORIES,
    *INSTRUMENTS,
    *ABERRATIONS,
)

LOOKED_AT = 4
"""Layers whose point spread an inspection measures."""

GEOMETRY_BY = (FieldEquation, PointSpread, InputSpectrum, PointSpreadGradients)

_NO_LOSS = (
    "no loss was given, so gradients are neither predicted nor measured: pass a loss_fn to have them",
)
