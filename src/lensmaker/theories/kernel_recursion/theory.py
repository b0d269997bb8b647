"""Kernel recursion: second moments, correlations and the tangent kernel at infinite width, exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import INSIDE, InputError, Prediction, Reference, Regime, Table
from lensmaker.core.bibliography import YANG_2019
from lensmaker.systems.networks import Network
from lensmaker.theories.base import Theory
from lensmaker.theories.kernel_recursion.learning import Parametrisation
from lensmaker.theories.kernel_recursion.reading import Reading, read

CHO_SAUL_2009 = Reference(
    "cho2009", "Y. Cho, L. K. Saul", "Kernel methods for deep learning", 2009, "NeurIPS", "arXiv:1112.3712"
)
WILLIAMS_1997 = Reference(
    "williams1997", "C. K. I. Williams", "Computing with infinite networks", 1997, "NeurIPS"
)
LEE_2018 = Reference(
    "lee2018",
    "J. Lee, Y. Bahri, R. Novak, S. S. Schoenholz, J. Pennington, J. Sohl-Dickstein",
    "Deep neural networks as Gaussian processes",
    2018,
    "ICLR",
    "arXiv:1711.00165",
)
JACOT_2018 = Reference(
    "jacot2018",
    "A. Jacot, F. Gabriel, C. Hongler",
    "Neural tangent kernel: convergence and generalization in neural networks",
    2018,
    "NeurIPS",
    "arXiv:1806.07572",
)
NOVAK_2019 = Reference(
    "novak2019",
    "R. Novak, L. Xiao, J. Lee, Y. Bahri, G. Yang, J. Hron, D. A. Abolafia, J. Pennington, J. Sohl-Dickstein",
    "Bayesian deep convolutional networks with many channels are Gaussian processes",
    2019,
    "ICLR",
    "arXiv:1810.05148",
)
ARORA_2019 = Reference(
    "arora2019",
    "S. Arora, S. S. Du, W. Hu, Z. Li, R. Salakhutdinov, R. Wang",
    "On exact computation with an infinitely wide neural net",
    2019,
    "NeurIPS",
    "arXiv:1904.11955",
)


@dataclass(frozen=True)
class KernelRecursion(Theory):
    """The kernels K and Θ of a batch at every element, by closed recursions: no sampling, no width.

    At each element: the mean of K(x, x), the mean of the cosines K(x, x′)/√(K(x, x) K(x′, x′)), and the mean of
    Θ(x, x), positions averaged. `lensmaker.kernels` gives the matrices themselves at the output.

    Parameters
    ----------
    samples
        So many of the batch are followed; if there are more, the predictions have the error of a mean over these.
    parametrisation
        What Θ differentiates by.

    Examples
    --------
    >>> layer = torch.nn.Linear(4, 3, bias=False)
    >>> _ = torch.nn.init.constant_(layer.weight, 0.5)
    >>> table = KernelRecursion().predict(Network(torch.nn.Sequential(layer, torch.nn.ReLU()), torch.eye(4)))
    >>> [f"{p.where} {p.quantity.symbol} = {p.value:.4f}" for p in table]
    ['0:linear q = 0.2500', '0:linear c = 0.0000', '0:linear Θ = 0.2500',
     '1:relu q = 0.1250', '1:relu c = 0.3183', '1:relu Θ = 0.1250']
    """

    samples: int = 16
    parametrisation: Parametrisation = Parametrisation.NTK

    name = "kernel_recursion"
    summary = "Kernels of the network at infinite width, from layer to layer, for all pairs of inputs."
    quantities = ("second_moment", "correlation", "tangent_kernel")
    assumptions = (
        "weights are independent and Gaussian, with zero mean and the σ_w and σ_b of the actual ones",
        "every layer is infinitely wide, and each offset of a kernel has the same σ_w",
        "signals that are added depend on different weights",
    )
    references = (CHO_SAUL_2009, WILLIAMS_1997, LEE_2018, JACOT_2018, NOVAK_2019, ARORA_2019, YANG_2019)

    def predict(self, system: Network) -> Table[Prediction]:
        tensors = system.batch.tensors
        if len(tensors) != 1 or system.batch.axis != 0:
            got = str(system.batch)
            raise InputError("one tensor with samples first", got, "kernels compare two such inputs")
        train = system.probes(2)
        reading = read(train, self.parametrisation)
        x = system.batch.head(self._followed(reading)).tensors[0].double()
        places = [(e.where, v.index) for e in train.visible() if (v := train.signal_output(e)) is not None]
        wanted = {reading.slots[v] for _, v in places if v in reading.slots}
        found, doubt = reading.recursion.matrices(x, None, wanted, True) if wanted else ({}, "")
        reason = reading.doubt or doubt
        unseen = math.sqrt(1 - len(x) / system.batch.samples)
        predictions = []
        for where, value in places:
            if value in reading.slots:
                regime = Regime(reason) if reason else INSIDE
                numbers = _read(*found[reading.slots[value]])
            elif value in reading.lost:
                regime, numbers = Regime(reading.lost[value]), ((math.nan, 0.0),) * 3
            else:
                continue  # the data, before the first weight
            for name, (number, error) in zip(self.quantities, numbers, strict=True):
                predictions.append(self.prediction(name, where, number, unseen * error, regime))
        return Table(predictions)

    def _followed(self, reading: Reading) -> int:
        positions = max((math.prod(space) for space in reading.recursion.spaces.values()), default=1)
        numbers = positions ** (1 + reading.recursion.full)
        return max(2, min(self.samples, math.isqrt(_MOST // numbers)))


_MOST = 2**27
"""Pairs of inputs times pairs of positions that one prediction looks at."""


def _read(K: Tensor, Θ: Tensor | None) -> tuple[tuple[float, float], ...]:
    """Mean and error of the mean of the diagonal of K, of the cosines, of the diagonal of Θ."""
    assert Θ is not None
    q = K.diagonal()
    n = len(K)
    cosines = K / torch.outer(q, q).sqrt()
    others = (cosines.sum(1) - cosines.diagonal()) / (n - 1) if n > 1 else cosines.new_full((1,), math.nan)
    found = []
    for numbers, samples in ((q, 1), (others, 2), (Θ.diagonal(), 1)):  # a mean over pairs varies with both
        error = samples * float(numbers.std()) / math.sqrt(n) if n > 1 else math.nan
        found.append((float(numbers.mean()), error))
    return tuple(found)
