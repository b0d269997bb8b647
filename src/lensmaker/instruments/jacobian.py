"""The network linearised: growth of tangent vectors, and singular values of input → layer maps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError, Measurement, Reference, Table, Where
from lensmaker.instruments.base import Instrument
from lensmaker.instruments.layout import Layout, Layouts
from lensmaker.instruments.linear_ray import Refraction, sources, walk
from lensmaker.instruments.refraction import Tangents, content
from lensmaker.instruments.sums import numbers, squares
from lensmaker.numerics.resampling import Estimate, jackknife, ratio
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Network, Train
from lensmaker.systems.networks.coupling import couplings

_WORK = 2**26
"""Entries of all tangents at all elements beyond which there are fewer tangents: long ones average by themselves."""


class Jacobian(Instrument):
    """Growth of tangent vectors from the input of the network to each element, and across each element.

    T = ⟨δy²⟩/⟨δx₀²⟩, χ = ⟨δy²⟩/⟨δx²⟩ with δx at the first signal input of the element (none where δx = 0:
    nothing grows out of nothing), and the mean squared singular value ⟨s²⟩ = |J|²_F/n_in = T·n_out/n_in of the
    map J from one sample's input, for δx₀ isotropic at the float inputs of the network, or at what embeddings make
    of its integers. The mean over δx₀ is taken over random Gaussian vectors; exactly, over a basis, where a sample
    has few inputs and does not mix with the others of its batch: then the largest singular value s_max is measured
    as well. Errors are jackknife errors over the samples (whose vectors are independent), over the vectors where
    there is a single sample.

    Parameters
    ----------
    samples
        Number of samples, the first of the batch.
    tangents
        Number of random vectors for each, less where so many would have too many entries in all.
    dense_inputs
        Up to how many inputs the basis is used.
    seed
        Draws the vectors, and what random elements draw.

    References
    ----------
    J. Pennington, S. Schoenholz, S. Ganguli, NeurIPS 2017; B. Poole et al., NeurIPS 2016.

    Examples
    --------
    >>> net = torch.nn.Linear(2, 2, bias=False)
    >>> _ = net.weight.data.copy_(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
    >>> [(m.quantity.name, round(m.value, 5)) for m in Jacobian().measure(Network(net, torch.ones(2, 2)))]
    [('tangent', 5.0), ('chi', 5.0), ('jacobian_norm', 5.0), ('jacobian_max', 3.0)]
    """

    name = "jacobian"
    summary = "Growth of tangent vectors and singular values of the maps from the input to each layer."
    quantities = ("tangent", "chi", "jacobian_norm", "jacobian_max")
    references = (
        Reference(
            "pennington2017",
            "J. Pennington, S. Schoenholz and S. Ganguli",
            "Resurrecting the sigmoid in deep learning through dynamical isometry",
            2017,
            "NeurIPS",
            "arXiv:1711.04735",
        ),
    )

    def __init__(self, samples: int = 8, tangents: int = 4, dense_inputs: int = 64, seed: int = 0) -> None:
        self.samples = samples
        self.tangents = tangents
        self.dense_inputs = dense_inputs
        self.seed = seed

    def measure(self, system: Any) -> Table[Measurement]:
        return Table(self._measure(system))

    def _measure(self, network: Network) -> Iterator[Measurement]:
        coupled = bool(couplings(network.whole, network.batch.axis))
        bench = _Bench.of(network, network.batch.samples if coupled else self.samples)
        if not bench.sources:
            return
        dense = bench.inputs <= self.dense_inputs and not bench.samples_mix(self.seed)
        start = bench.basis() if dense else bench.gaussian(self._tangents(bench), self.seed)
        first = bench.power(start)
        powers = {value: bench.power({value: tangents}) for value, tangents in start.items()}
        for step in bench.visible(start, self.seed):
            where, n = step.element.where, bench.train.samples
            out = powers[step.value] = bench.power({step.value: step.tangents})
            tangent = _growth(out, first)
            yield self.measurement("tangent", where, *tangent, n)
            if step.source is not None and step.incoming is not None:
                into = powers.get(step.source)
                into = bench.power({step.source: step.incoming}) if into is None else into
                if into.any():
                    yield self.measurement("chi", where, *_growth(out, into), n)
            scale = step.tangents[0].numel() / n / bench.inputs
            yield self.measurement("jacobian_norm", where, scale * tangent.value, scale * tangent.error, n)
            if dense and bench.layouts[step.value].is_known:
                largest = bench.singular_values(step)[:, 0]
                yield self.measurement("jacobian_max", where, *jackknife(largest), n)

    def _tangents(self, bench: _Bench) -> int:
        """Fewer vectors for each sample where many samples are followed, or vectors of many entries."""
        samples, affordable = bench.train.samples, _WORK // max(1, bench.entries)
        least = 1 if samples > 1 else min(self.tangents, 2)  # a lone sample's error is that over its vectors
        return max(least, min(self.tangents, self.tangents * self.samples // samples, affordable))


def jacobian_spectrum(network: Network, samples: int = 8, seed: int = 0) -> dict[Where, NDArray[np.float64]]:
    """Singular values, in descending order, of the map from one sample's input to each visible element.

    Each array has shape (samples, min(n_in, n_out)). The cost is that of n_in passes over the samples.

    Raises
    ------
    InputError
        If the samples of a batch influence each other, so that one sample has no Jacobian of its own.

    Examples
    --------
    >>> net = torch.nn.Tanh()
    >>> jacobian_spectrum(Network(net, torch.zeros(1, 3)))[Where("", operation="tanh")].tolist()
    [[1.0, 1.0, 1.0]]
    """
    bench = _Bench.of(network, samples)
    if bench.samples_mix(seed):
        raise InputError(
            "samples that do not influence each other", "a network that mixes them", "call model.eval() first"
        )
    return {
        step.element.where: bench.singular_values(step)
        for step in bench.visible(bench.basis(), seed)
        if bench.layouts[step.value].is_known
    }


@dataclass(frozen=True)
class _Bench:
    """A recorded train with the layout of each value, and where tangents start."""

    train: Train
    layouts: dict[int, Layout]
    sources: tuple[int, ...]

    @classmethod
    def of(cls, network: Network, samples: int) -> _Bench:
        train = network.probes(samples)
        follower = Layouts(train.samples, network.batch.axis)
        with torch.no_grad():
            for element in train.before_loss():
                if any(train.values[i].is_signal for i in element.outputs):
                    inputs, outputs = (
                        [content(train, i) for i in e] for e in (element.inputs, element.outputs)
                    )
                    follower.follow(element, inputs, outputs)
        layouts = {v.index: follower.of(v.index, torch.Size(v.shape)) for v in train.values}
        return cls(train, layouts, tuple(sources(train)))

    @property
    def inputs(self) -> int:
        """Number of entries of one sample where tangents start."""
        return sum(int(np.prod(self.train.values[i].shape)) for i in self.sources) // self.train.samples

    @property
    def entries(self) -> int:
        """Number of entries of one tangent at all visible elements."""
        outputs = (self.train.signal_output(e) for e in self.train.visible())
        return sum(math.prod(v.shape) for v in outputs if v is not None)

    def visible(self, start: dict[int, Tangents], seed: int) -> Iterator[Refraction]:
        shown = {e.index for e in self.train.visible()}
        return (step for step in walk(self.train, start, seed=seed) if step.element.index in shown)

    def gaussian(self, count: int, seed: int) -> dict[int, Tangents]:
        """Independent normal entries."""
        generator = stream("tangents", seed)
        start = {}
        for i in self.sources:
            x = content(self.train, i)
            drawn = torch.randn(count, *x.shape, generator=generator, dtype=torch.float64)
            start[i] = list(drawn.to(x).unbind())
        return start

    def basis(self) -> dict[int, Tangents]:
        """The unit vectors of one sample's inputs, the same in all samples."""
        start, begin = {}, 0
        for i in self.sources:
            x = content(self.train, i)
            rows = self.layouts[i].rows(torch.arange(x.numel()).view(x.shape))
            place = torch.empty(x.numel(), dtype=torch.int64)  # of each entry within its sample
            place[rows] = torch.arange(begin, begin + rows.shape[1])
            start[i] = [(place == k).view(x.shape).to(x) for k in range(self.inputs)]
            begin += rows.shape[1]
        return start

    def samples_mix(self, seed: int) -> bool:
        """Whether a tangent of the first sample alone reaches the others; yes if that cannot be told."""
        if self.train.samples == 1:
            return False
        start = self.gaussian(1, seed)
        for i, t in start.items():
            if not self.layouts[i].is_known:
                return True
            others = self.layouts[i].owners(torch.arange(t[0].numel()), t[0].shape) != 0
            t[0].view(-1)[others.to(t[0].device)] = 0
        return any(
            self.layouts[step.value].is_known
            and bool((self.power({step.value: step.tangents})[:, 1:] != 0).any())
            for step in self.visible(start, seed)
        )

    def power(self, tangents: dict[int, Tangents]) -> NDArray[np.float64]:
        """Mean square of each vector in each sample, over all given values: shape (K, samples)."""
        sums, entries = [], 0
        for value, stack in tangents.items():
            rows = [self.layouts[value].rows(t) for t in stack]
            sums.append(rows[0].shape[1] * np.stack([squares(r) for r in rows]))
            entries += rows[0].shape[1]
        return np.asarray(sum(sums) / entries)

    def singular_values(self, step: Refraction) -> NDArray[np.float64]:
        """Of the Jacobian of each sample, whose columns are the tangents of a basis; nan where it is not finite."""
        columns = torch.stack([self.layouts[step.value].rows(t) for t in step.tangents], dim=-1).double()
        finite = columns.isfinite().flatten(1).all(1)
        found = torch.linalg.svdvals(torch.where(finite[:, None, None], columns, 0.0))
        return numbers(torch.where(finite[:, None], found, torch.nan))


def _growth(out: NDArray[np.float64], into: NDArray[np.float64]) -> Estimate:
    """⟨out⟩/⟨into⟩ of the powers of K vectors in each sample, both of shape (K, samples)."""
    axis = 0 if out.shape == into.shape and out.shape[1] > 1 else 1
    return jackknife(np.stack([out.mean(axis), into.mean(axis)], axis=-1), ratio)
