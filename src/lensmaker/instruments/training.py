"""Fresh or trained? Whether the weights can still be the independent random numbers they start as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lensmaker.core import Training
from lensmaker.instruments.spectra import Spectrum, Weighed, spectrum
from lensmaker.numerics.finite import all_finite
from lensmaker.numerics.independence import bulk_p, entries_p, rows_and_columns_p
from lensmaker.numerics.seeding import stream
from lensmaker.numerics.side_by_side import side_by_side
from lensmaker.systems.networks import Network

FALSE_ALARM = 1e-3
"""Rate at which a fresh network is called trained, at most."""

LARGEST_SIDE = 1024
"""Rows and columns of a larger matrix are drawn: a part of a random matrix is a random matrix."""

MOST_WEIGHTS = 24
"""Of a network with more weights so many are tested, evenly spread over its depth."""

ENTRIES = 2**16
"""Entries of a larger matrix are drawn for the test of their law."""


@dataclass(frozen=True)
class Evidence:
    """The outcome of one test of one parameter.

    Attributes
    ----------
    parameter
        Its name.
    p_value
        Probability of an outcome like this one, were the parameter as it is at the start.
    strength
        Settles between outcomes that are all but impossible: the number of spikes.
    sentence
        What was seen.
    """

    parameter: str
    p_value: float
    strength: float
    sentence: str

    def __str__(self) -> str:
        p = f"p = {self.p_value:.1g}" if self.p_value > 1e-99 else "p < 1e-99"
        return f"`{self.parameter}`: {self.sentence} ({p})"


def training_state(network: Network, spectra: Sequence[Weighed] = ()) -> tuple[Training, str]:
    r"""Whether a network is fresh or trained, and the strongest evidence for that.

    A fresh weight has independent entries, uniform or (truncated) Gaussian of mean zero, or is a
    construction: a constant, an orthogonal matrix, rows of equal norm. Five tests of each weight look for
    a departure: singular values above the Tracy–Widom edge, a bulk that is not Marchenko and Pastur's,
    entries of another law, rows and columns whose norms spread too much; and the shift of a normalisation
    (its scale, where it has none), which starts constant. The network is trained if the smallest of N
    p-values is below 1e-3/N (Bonferroni), so a fresh one is called trained at a rate of 1e-3 at most.

    Parameters
    ----------
    network
        The network; its parameters are read.
    spectra
        Those of its weights that are known already.

    Notes
    -----
    Running statistics of batch norm are no evidence: a forward pass alone moves them. Taken for trained
    are also fresh weights of a kind not listed, such as the bilinear kernels of an upsampling.

    References
    ----------
    C. H. Martin, M. W. Mahoney, JMLR 22 (2021) 165, for how training leaves the Marchenko–Pastur law.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    >>> state, reason = training_state(Network(net, torch.ones(2, 64)))
    >>> state.name, reason.partition(":")[0]
    ('FRESH', '10 tests find the weights independent random numbers')
    >>> with torch.no_grad():
    ...     _ = net[0].weight.add_(0.2 * torch.ones(64, 64))
    >>> training_state(Network(net, torch.ones(2, 64)))[1][:65]
    '`0.weight`: 1 singular value above the random edge, expected 0 (p'
    """
    found = evidence(network.model, spectra=spectra)
    if not found:
        return Training.FRESH, "there is no weight to judge by"
    strongest = min(found, key=lambda e: (max(e.p_value, 1e-99), -e.strength))
    if strongest.p_value >= FALSE_ALARM / len(found):
        independent = f"{len(found)} tests find the weights independent random numbers"
        return Training.FRESH, f"{independent}: the smallest p-value is {strongest.p_value:.1g}"
    failed = sum(e.p_value < FALSE_ALARM / len(found) for e in found)
    return Training.TRAINED, f"{strongest}; {failed} of {len(found)} tests say so"


def evidence(model: nn.Module, seed: int = 0, spectra: Sequence[Weighed] = ()) -> list[Evidence]:
    """The outcomes of all tests, each parameter once; of many weights, some.

    Parameters
    ----------
    model
        Any module; only its parameters are read.
    seed
        For the parts that are drawn of large weights.
    spectra
        Those that are known already.
    """
    known = {_place(w.weights.weight): w.spectrum for w in spectra}
    shifts = set(_starting_constant(model))
    floats = {
        n: p.detach().squeeze()
        for n, p in model.named_parameters()
        if p.is_floating_point() and not p.is_meta
    }
    weights = [n for n, values in floats.items() if n not in shifts and values.ndim > 1]
    if len(weights) > MOST_WEIGHTS:
        weights = [weights[round(i)] for i in np.linspace(0, len(weights) - 1, MOST_WEIGHTS)]
    chosen = shifts.union(weights)

    def judged(name: str) -> list[Evidence]:
        values = floats[name]
        if not all_finite(values):
            return []
        if name in shifts:
            return [_shift(name, values)]
        generator = stream(f"training state of {name}", seed)
        return [e for part in _parts(values.flatten(1).cpu()) for e in _weight(name, part, generator, known)]

    return [e for found in side_by_side(judged, (n for n in floats if n in chosen)) for e in found]


def _starting_constant(model: nn.Module) -> Iterator[str]:
    """Names of the parameters that every normalisation starts as a constant."""
    for path, module in model.named_modules():
        if "norm" in type(module).__name__.lower():
            own = [n for n, p in module.named_parameters(recurse=False) if p.ndim == 1]
            if own:
                yield (path + "." if path else "") + ("bias" if "bias" in own else own[0])


def _parts(matrix: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Queries, keys and values, where one matrix makes all three: each may be drawn by a scale of its own."""
    rows, columns = matrix.shape
    return matrix.chunk(3) if rows == 3 * columns else (matrix,)


def _shift(name: str, values: torch.Tensor) -> Evidence:
    low, high = values.min().item(), values.max().item()
    return Evidence(
        name,
        float(low == high),
        0,
        f"{values.numel()} values from {low:.2g} to {high:.2g}, all equal at the start",
    )


Known = dict[tuple[object, ...], Spectrum | None]


def _place(weight: torch.Tensor) -> tuple[object, ...]:
    """Where in memory a matrix lies, read along its rows or its columns."""
    matrix = weight.detach().flatten(1)
    return matrix.data_ptr(), *sorted(matrix.shape)


def _weight(name: str, matrix: torch.Tensor, generator: torch.Generator, known: Known) -> Iterator[Evidence]:
    whole, zero = matrix, matrix == 0
    if zero.any():
        nonzero = matrix[~zero]
        # Rows and columns of zeros are left out: padding and pruning put them there.
        matrix = matrix[~zero.all(1)][:, ~zero.all(0)]
    else:
        nonzero = matrix.flatten()
    entries = _drawn(nonzero, 0, ENTRIES, generator)
    for side in (0, 1):
        matrix = _drawn(matrix, side, LARGEST_SIDE, generator)
    if min(matrix.shape, default=0) < 2 or _constructed(matrix.double()):
        return
    found = known.get(_place(matrix)) if matrix.shape == whole.shape else None
    matrix = matrix.double()
    found = found or spectrum(matrix)
    eigenvalues = found.singular_values**2
    if eigenvalues[0] - eigenvalues[-1] <= 1e-4 * eigenvalues[0]:
        return
    plural = "" if found.spikes == 1 else "s"
    yield Evidence(
        name,
        found.p_value,
        found.spikes,
        f"{found.spikes} singular value{plural} above the random edge, expected 0",
    )
    yield Evidence(
        name,
        bulk_p(eigenvalues, found.shape[1]),
        0,
        "singular values spread otherwise than those of a random matrix",
    )
    yield Evidence(name, entries_p(_floats(entries)), 0, "entries neither uniform nor Gaussian around zero")
    p_values = rows_and_columns_p(_floats(matrix))
    for axis, W, p_value in zip(("row", "column"), (matrix, matrix.T), p_values, strict=True):
        norms = W.norm(dim=1)
        spread = (norms.std() / norms.mean()).item()
        sentence = f"{axis} norms spread by {spread:.0%}, more than independent entries allow"
        yield Evidence(name, p_value, 0, sentence)


def _constructed(matrix: torch.Tensor) -> bool:
    """Whether all rows have one norm, as in a constant, a table of sines and cosines, or an identity."""
    norms = matrix.norm(dim=1)
    return bool(norms.max() - norms.min() <= 1e-5 * norms.max())


def _drawn(tensor: torch.Tensor, axis: int, most: int, generator: torch.Generator) -> torch.Tensor:
    n = tensor.shape[axis]
    if n <= most:
        return tensor
    chosen = torch.zeros(n, dtype=torch.bool)
    chosen[torch.randint(n, (most,), generator=generator)] = True
    return tensor.index_select(axis, chosen.nonzero().squeeze(1))


def _floats(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.double().numpy()
