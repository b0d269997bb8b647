"""The commands about machines that are trained: what they draw, and what they give to data."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import pairwise
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lensmaker import report as show
from lensmaker.cli.boltzmann_data import machine_in, opened
from lensmaker.cli.boltzmann_kinds import Reading, Visible, image_shape
from lensmaker.cli.console import check_outputs, print_, progress_bar
from lensmaker.core import InputError, jsonable
from lensmaker.report.numbers import number

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from lensmaker.core.progress import Progress
    from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine
    from lensmaker.systems.boltzmann.training import Rows


class Method(Enum):
    """How ln Z is found."""

    AUTO = "auto"
    EXACT = "exact"
    ANNEALING = "annealing"
    INTEGRATION = "integration"


Machine = Annotated[Path, typer.Argument(metavar="MACHINE", help="What fit wrote, or an HDF5 file of rbms.")]
Key = Annotated[str | None, typer.Option(help="Name of the array, in data files of several.")]
Threshold = Annotated[
    float | None, typer.Option(help="Binarise the data: what is above is the higher state.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**62, help="Seed of all random numbers.")]


def sample(
    machine: Machine,
    out: Annotated[Path, typer.Option(help="The samples: .npz or .npy, a row for each chain.")],
    n: Annotated[
        int, typer.Option("--n", min=1, max=2**31, help="How many chains, each of one sample.")
    ] = 100,
    sweeps: Annotated[int, typer.Option(min=1, help="Gibbs sweeps of each chain.")] = 1000,
    start: Annotated[
        Path | None, typer.Option("--from", metavar="DATA", help="Rows to start from; else random states.")
    ] = None,
    key: Key = None,
    threshold: Threshold = None,
    seed: Seed = 0,
    figure: Annotated[Path | None, typer.Option(help="Draw the chains: .html, .svg or .png.")] = None,
    means: Annotated[bool, typer.Option(help="Draw means given the hidden layer, not states.")] = False,
    shape: Annotated[str | None, typer.Option(help="Sides of a picture: 28x28; else a square.")] = None,
) -> None:
    """Draw samples of a machine by Gibbs sweeps, and picture the chains on their way."""
    from lensmaker.numerics.seeding import stream

    check_outputs(out, figure, inputs=(machine, start))
    if out.suffix not in (".npz", ".npy"):
        raise InputError("samples .npz or .npy", f"{out}", "name them so")
    picture_kind(figure)
    if start is None and (key is not None or threshold is not None):
        raise InputError(
            "--key and --threshold of rows to start from", "no such rows", "pass --from data.npz"
        )
    model = machine_in(machine)
    pictured = figure is not None or shape is not None
    sides = image_shape(shape, model.visible.size) if pictured else ()
    generator = stream("boltzmann samples", seed)
    v = model.random(n, generator) if start is None else _drawn(model, start, key, threshold, n, seed)
    history, moments = [v[:16]], moments_of(sweeps)
    with progress_bar() as progress:
        for before, after in pairwise(moments):
            v = model.gibbs(v, after - before, generator)
            history.append(_means(model, v[:16], generator) if means else v[:16])
            progress("sweeping", after, sweeps)
    if lost := int((~v.isfinite()).any(1).sum()):
        got = f"{lost} of {n} chains that ran away within {sweeps} sweeps"
        raise InputError("a machine whose samples stay finite", got, "train it again at a lower rate")
    _write_samples(out, model, v)
    began = "from random states" if start is None else f"from rows of {start.name}"
    if figure is not None:
        from lensmaker.report.boltzmann_samples import samples
        from lensmaker.report.figure_page import mosaic_file

        told = {"machine": str(model), "history": [h.numpy() for h in history], "sweeps": moments}
        shown = "means given the hidden layer" if means else "samples"
        drawn = samples(told | {"shape": sides, "start": began, "shown": shown})
        show.write_bytes(figure, mosaic_file(drawn, figure.suffix))
    print_(f"{n} chains of {sweeps} sweeps {began}, of {model}; seed {seed}. {out} holds a sample of each.")


def loglikelihood(
    machine: Machine,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Rows, in a file as fit reads it.")],
    key: Key = None,
    threshold: Threshold = None,
    method: Annotated[Method, typer.Option(help="By default exact where that can be.")] = Method.AUTO,
    runs: Annotated[int, typer.Option(max=2**31, help="Runs of annealing, up and down.")] = 256,
    steps: Annotated[
        int, typer.Option(max=2**31, help="Steps of each run, or sweeps of integration.")
    ] = 1000,
    seed: Seed = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the numbers.")] = None,
) -> None:
    """Say what a machine gives to data: mean ln P(v) of rows, with ln Z exact or estimated."""
    check_outputs(json, inputs=(machine, data))
    if json is not None and json.suffix != ".json":
        raise InputError("numbers .json", f"{json}", "name them so")
    model = machine_in(machine)
    rows = _rows(model, data, key, threshold)
    with progress_bar() as progress:
        found = log_likelihood(
            model, rows.source, method, seed=seed, runs=runs, steps=steps, progress=progress
        )
    print_(f"{len(rows)} rows of {data.name} to {model}.")
    print_(f"ln P = {found}.")
    print_(f"ln Z = {number(found.log_partition, 8)}, {found.method}.")
    if found.note:
        print_(f"Note: {found.note}.")
    if json is not None:
        show.write_text(json, dumps(jsonable(asdict(found)), indent=2, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class LogLikelihood:
    """Mean ln P(v) of rows, in nats.

    Attributes
    ----------
    value, spread
        The mean, and its standard error from the rows that there happen to be; None of one row.
    low, high
        Ends of the 95 % interval that ln Z leaves; the mean itself where ln Z is exact.
    log_partition, method
        ln Z, and how it was found.
    rows
        How many.
    note
        Advice where the estimate has not arrived.
    """

    value: float
    spread: float | None
    low: float
    high: float
    log_partition: float
    method: str
    rows: int
    note: str

    def __str__(self) -> str:
        digits = 2 if self.spread is not None and self.spread > 0.05 else 4
        interval = f", 95 % from ln Z: {self.low:.{digits}f} … {self.high:.{digits}f}"
        if self.spread is None:
            spread = " (one row: no error from the choice of rows)"
        else:
            spread = f" ± {self.spread:.{digits}f} from the choice of rows" if self.spread else ""
        return f"{self.value:.{digits}f} nats a row{interval if self.low < self.high else ''}{spread}"


def log_likelihood(
    machine: RestrictedBoltzmannMachine,
    rows: Any,
    method: Method,
    *,
    seed: int,
    runs: int,
    steps: int,
    progress: Progress | None = None,
) -> LogLikelihood:
    """Mean ln P(v) = ⟨−F(v)⟩ − ln Z.

    Raises
    ------
    InputError
        If ln Z is to be exact, and neither layer is small enough.
    """
    from lensmaker.systems.boltzmann import likelihood

    ways: dict[Method, likelihood.Method] = {
        Method.EXACT: likelihood.Summation(),
        Method.ANNEALING: likelihood.Annealing(runs, steps),
        Method.INTEGRATION: likelihood.Integration(sweeps=steps),
    }
    way = ways.get(method, likelihood.fitting(machine))
    if isinstance(way, likelihood.Annealing):
        way = ways[Method.ANNEALING]
    found = likelihood.log_likelihood(machine, rows, seed=seed, method=way, progress=progress)
    exact = isinstance(way, likelihood.Summation)
    told = {
        Method.EXACT: "exact",
        Method.ANNEALING: f"annealed by {runs} runs of {steps} steps, up and down",
        Method.INTEGRATION: f"integrated over chains of {steps} sweeps that exchange",
    }
    how = told[next(name for name, one in ways.items() if type(one) is type(way))]
    spread = found.row_error if found.rows > 1 else None
    ends = (found.value, found.value) if exact else found.interval()
    z = found.log_partition.value
    return LogLikelihood(found.value, spread, *ends, z, how, found.rows, found.convergence.value)


# -- parts of the commands --------------------------------------------------------------------------


def picture_kind(figure: Path | None) -> None:
    """Raise if a picture is to be of a kind that is not drawn.

    Raises
    ------
    InputError
        If so.
    """
    if figure is not None and figure.suffix not in (".html", ".svg", ".png"):
        raise InputError("a figure .html, .svg or .png", f"{figure}", "name it so")


def moments_of(sweeps: int) -> list[int]:
    """When chains are looked at: 0, 1, 2, 5, 10, … and at the end.

    Examples
    --------
    >>> moments_of(30)
    [0, 1, 2, 5, 10, 20, 30]
    """
    steps = [k * 10**p for p in range(len(str(sweeps))) for k in (1, 2, 5)]
    return [0, *(k for k in steps if k < sweeps), sweeps]


def _rows(machine: RestrictedBoltzmannMachine, data: Path, key: str | None, threshold: float | None) -> Rows:
    """Rows of a file, as states of the machine's visible units."""
    from lensmaker.systems.boltzmann import Potts
    from lensmaker.systems.boltzmann.training import rows_of

    flat, visible = opened(data, key), machine.visible
    states = visible.q if isinstance(visible, Potts) else None
    named = visible.name in {kind.value for kind in Visible}
    kind = Visible(visible.name) if named else Visible.GAUSSIAN  # any real numbers
    return rows_of(Reading(kind, threshold, states).table(flat))


def _drawn(
    machine: RestrictedBoltzmannMachine,
    data: Path,
    key: str | None,
    threshold: float | None,
    n: int,
    seed: int,
) -> Tensor:
    """Rows of a file, drawn at random, and again where there are too few."""
    import torch

    from lensmaker.numerics.seeding import stream

    rows = _rows(machine, data, key, threshold)
    numbers = torch.randint(len(rows), (n,), generator=stream("rows to start from", seed))
    dtype = machine.visible_bias.dtype
    v = torch.cat([rows.read(k, k + 1, dtype) for k in numbers.tolist()])
    machine.visible.check(v)
    return v


def _means(machine: RestrictedBoltzmannMachine, v: Tensor, generator: Any) -> Tensor:
    """⟨v⟩ given a sample of the hidden layer given v."""
    import torch

    with torch.no_grad():
        h = machine.hidden.sample_(machine.hidden_field(v), generator)
        return machine.visible.mean_(machine.visible_field(h))


def _write_samples(path: Path, machine: RestrictedBoltzmannMachine, v: Tensor) -> None:
    """As `fit` reads them: Potts units as their states."""
    import numpy as np

    from lensmaker.systems.boltzmann import Potts

    values: NDArray[Any] = v.numpy()
    if isinstance(machine.visible, Potts):
        values = values.reshape(len(v), -1, machine.visible.q).argmax(-1).astype(np.int16)
    elif machine.visible.states:
        values = values.astype(np.int8)
    held = io.BytesIO()
    if path.suffix == ".npz":
        np.savez_compressed(held, samples=values)
    else:
        np.save(held, values)
    show.write_bytes(path, held.getvalue())
