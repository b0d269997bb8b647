"""From words of the command line to units, weights and estimators."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from lensmaker.cli.boltzmann_tables import Binarised, Flat, OneHot
from lensmaker.core import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine, Units
    from lensmaker.systems.boltzmann.phases import ModelPhase
    from lensmaker.systems.boltzmann.training import Rows


class Visible(Enum):
    """Units that data can be of."""

    BINARY = "binary"
    SPIN = "spin"
    POTTS = "potts"
    GAUSSIAN = "gaussian"


class Hidden(Enum):
    """Units that a hidden layer can be of."""

    BINARY = "binary"
    SPIN = "spin"
    GAUSSIAN = "gaussian"
    RECTIFIED = "rectified"


class Phase(Enum):
    """The estimators of the model's half of the gradient."""

    CD = "cd"
    PCD = "pcd"
    TEMPERED = "tempered"
    EXACT = "exact"


class Device(Enum):
    """Where a machine learns."""

    CPU = "cpu"
    CUDA = "cuda"


class Operands(Enum):
    """What factors of products can be rounded to."""

    BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class Reading:
    """How the numbers of a file become states of visible units.

    Attributes
    ----------
    kind
        The units; decided from the data where nothing is said.
    threshold
        What is above it is the higher of two states.
    states
        Of Potts units.
    variance
        Of Gaussian units.
    """

    kind: Visible | None = None
    threshold: float | None = None
    states: int | None = None
    variance: float | None = None

    def table(self, flat: Flat) -> Any:
        """Rows of states.

        Raises
        ------
        InputError
            If an option does not go with the units.
        """
        potts = self.kind is Visible.POTTS
        if potts != (self.states is not None):
            got = "units of no number of states" if potts else "--states without them"
            raise InputError("--states for Potts units", got, "pass --visible-units potts --states 3")
        if self.variance is not None and self.kind is not Visible.GAUSSIAN:
            fix = "pass --visible-units gaussian, or leave it out"
            raise InputError("--variance for Gaussian units", "--variance without them", fix)
        if self.states is not None:
            return OneHot(flat, self.states)
        if self.threshold is None:
            return flat
        if not math.isfinite(self.threshold) or self.kind is Visible.GAUSSIAN:
            got = f"--threshold {self.threshold:g} for {self.kind.value if self.kind else 'them'}"
            raise InputError("a finite threshold, for units of two states", got, "leave it out, or mend it")
        return Binarised(flat, self.threshold, -1.0 if self.kind is Visible.SPIN else 0.0, 1.0)

    def units(self, table: Any) -> Units:
        """The visible layer.

        Raises
        ------
        InputError
            If the data are not finite, or none of the units can be chosen by them.
        """
        from lensmaker.systems.boltzmann import Binary, Gaussian, Potts, Spin

        size = table.shape[1]
        if self.kind is Visible.POTTS and self.states is not None:
            return Potts(size // self.states, q=self.states)
        if self.kind is Visible.GAUSSIAN:
            return Gaussian(size, 1.0 if self.variance is None else self.variance)
        if self.kind is not None:
            return Binary(size) if self.kind is Visible.BINARY else Spin(size)
        return decided(table)


def decided(table: Any) -> Units:
    """Binary units for data of 0 and 1, spins for data of −1 and 1.

    Raises
    ------
    InputError
        If the data are anything else.
    """
    import torch

    from lensmaker.systems.boltzmann import Binary, Gaussian, Spin
    from lensmaker.systems.boltzmann.training import rows_of

    rows = rows_of(table)
    block = first_rows(rows, Gaussian(rows.size))  # any finite numbers
    for units in (Binary(rows.size), Spin(rows.size)):
        if bool(torch.isin(block, torch.tensor(units.states)).all()):
            return units
    strange = ~torch.isin(block, torch.tensor([0.0, 1.0]))
    row = int(strange.any(1).nonzero()[0])
    got = f"{float(block[row][strange[row]][0]):g} in row {row}"
    fix = "pass --threshold to binarise grey data, or --visible-units to say what they are"
    raise InputError("data of 0 and 1, or of -1 and 1, to choose units by", got, fix)


def first_rows(rows: Rows, visible: Units) -> Tensor:
    """As many rows as are read at once.

    Raises
    ------
    InputError
        If they are no states of the units.
    """
    import torch

    block = rows.read(0, min(len(rows), rows.block), torch.float32)
    rows.check(visible, block, 0)
    return block


def summable(machine: RestrictedBoltzmannMachine) -> None:
    """Raise if neither layer can be summed over.

    Raises
    ------
    InputError
        If so.
    """
    from lensmaker.systems.boltzmann import Exact

    try:
        _ = Exact(machine)
    except InputError as error:
        raise InputError(error.expected, error.got, "pass another --phase, or fewer --hidden units") from None


def placed(device: Device) -> str:
    """The device as torch calls it; of several GPUs, each process of torchrun has one.

    Raises
    ------
    InputError
        If torch can use no GPU.
    """
    import torch

    if device is Device.CPU:
        return "cpu"
    if not torch.cuda.is_available():
        raise InputError("a GPU that torch can use", "--device cuda and none", "leave --device out")
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"


def rounded(machine: RestrictedBoltzmannMachine, operands: Operands | None) -> torch.dtype | None:
    """What factors of products are rounded to.

    Raises
    ------
    InputError
        If products of this machine's weights cannot be taken so.
    """
    import torch

    from lensmaker.systems.boltzmann.weights.rounded import Rounded

    if operands is None:
        return None
    try:
        _ = Rounded(machine.weights, torch.bfloat16)
    except InputError as error:
        raise InputError(error.expected, error.got, "leave --operands out") from None
    return torch.bfloat16


def phase(name: Phase, **options: int | None) -> ModelPhase:
    """The estimator, with the options that were given.

    Raises
    ------
    InputError
        If it has no such option.
    """
    from lensmaker.systems.boltzmann import phases

    kinds: dict[Phase, type[ModelPhase]] = {
        Phase.CD: phases.ContrastiveDivergence,
        Phase.PCD: phases.PersistentContrastiveDivergence,
        Phase.TEMPERED: phases.TemperedChains,
        Phase.EXACT: phases.ExactMoments,
    }
    kind = kinds[name]
    given = {option: value for option, value in options.items() if value is not None}
    known = {f.name for f in fields(kind)}
    for option in given:
        if option not in known:
            raise InputError(f"no {option} for {name.value}", f"--{option}", "leave it out")
    return kind(**given)


def sides(text: str | None, what: str) -> tuple[int, ...] | None:
    """28x28 as numbers.

    Raises
    ------
    InputError
        If it is something else.

    Examples
    --------
    >>> sides("28x32", "a shape"), sides(None, "a shape")
    ((28, 32), None)
    """
    if text is None:
        return None
    parts = text.lower().replace("×", "x").split("x")
    if not all(p.isdecimal() and int(p) for p in parts):
        raise InputError(f"{what} such as 28x28", repr(text), "pass whole numbers with x between them")
    return tuple(int(p) for p in parts)


def image_shape(text: str | None, numbers: int) -> tuple[int, ...]:
    """The sides of the pictures that so many numbers make: as given, or of a square.

    Raises
    ------
    InputError
        If the numbers do not fit.

    Examples
    --------
    >>> image_shape(None, 784), image_shape("2x6", 12)
    ((28, 28), (2, 6))
    """
    given = sides(text, "a shape")
    if given is None:
        side = math.isqrt(numbers)
        if side * side != numbers:
            raise InputError(
                "a square number of units, or --shape", f"{numbers} units", "pass --shape HEIGHTxWIDTH"
            )
        return side, side
    if math.prod(given) != numbers:
        got = f"--shape {text} and {numbers} units"
        raise InputError("a shape of as many sites as there are units", got, "mend the shape")
    return given


def made(
    visible: Units,
    hidden: Hidden | None,
    count: int,
    kernel: str | None,
    shape: str | None,
    biases: bool,
) -> RestrictedBoltzmannMachine:
    """The machine that is asked for, its weights still 0.

    Parameters
    ----------
    count
        Hidden units, or filters where there is a kernel.
    kernel, shape
        Sides of the kernel, and of the torus that it is moved over.

    Raises
    ------
    InputError
        If the kernel does not fit the units.
    """
    from lensmaker.systems.boltzmann import (
        Binary,
        Convolutional,
        Gaussian,
        Potts,
        Rectified,
        RestrictedBoltzmannMachine,
        Spin,
    )

    kinds: dict[Hidden | None, Callable[[int], Units]] = {
        Hidden.BINARY: Binary,
        Hidden.SPIN: Spin,
        Hidden.GAUSSIAN: Gaussian,
        Hidden.RECTIFIED: Rectified,
        None: Spin if isinstance(visible, Spin) else Binary,
    }
    kind = kinds[hidden]
    at = sides(kernel, "a kernel")
    if at is None:
        return RestrictedBoltzmannMachine(visible, kind(count), biased=biases)
    if isinstance(visible, Potts):
        raise InputError("a kernel over one number a site", "Potts units", "leave --convolutional out")
    torus = image_shape(shape, visible.size)
    weights = Convolutional(torus, at, filters=count)
    return RestrictedBoltzmannMachine(visible, kind(count * visible.size), weights, biased=biases)
