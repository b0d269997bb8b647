"""How physical are a magnet, digits and a trained network? The degree, locality and symmetry of their Hamiltonians.

    python examples/how_physical.py [--quick]

Three kinds of subject, each beside the same with its pixels moved to random places:

- the Ising model on a torus at two temperatures: couplings of all pairs of spins, from samples, by pseudo-likelihood;
- handwritten digits as spins: the 6 × 6 pixels in the middle of scikit-learn's 8 × 8, +1 where more than half is ink,
  with a penalty l2 = 0.01. One more control deals each pixel anew among the pictures: the same fields, no couplings;
- ln p(shirt)/p(T-shirt) of a small convolutional network, trained here on Fashion-MNIST, as a polynomial of its
  input: pictures averaged over squares, 4 × 4 pixels (and 7 × 7, to degree 2, without --quick), each pixel with mean 0
  and variance 1 over the pictures. The control is a network that was trained on moved pixels.

Of terms of degree 1, 2, … there stands what they explain: of the variance of the log-odds, or of ln 2 a spin of the
pseudo-likelihood. Then the mean distance of two sites in a product, weighted by c², and the shares of Σc² that are the
same after translations and reflections; in brackets what the same couplings give at random places, ± one deviation.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Grid
from torch import Tensor, nn

from lensmaker.core import Measurement, Table
from lensmaker.data import Split, digits, fashion_mnist
from lensmaker.instruments.couplings import PseudoLikelihood, observe
from lensmaker.instruments.polynomials import LearnedHamiltonian, LearnedPolynomial
from lensmaker.systems.polynomials import Tabulated
from lensmaker.systems.spins import Canonical, ising, sample, square

FORMS = ("coupling_distance", "translation_share", "reflection_share")
T_SHIRT, SHIRT = 0, 6


class Subject(NamedTuple):
    """What was looked at, and what was measured."""

    name: str
    found: Table[Measurement]

    def share(self, degree: int) -> Measurement | None:
        """Of terms of a degree."""
        read = self.found.select(quantity="degree_share", where=f"[degree={degree}]")
        return read[0] if len(read) else None

    def form(self, name: str) -> tuple[Measurement, Measurement]:
        """At the sites, and at shuffled sites."""
        return (
            self.found.select(quantity=name, where="sites")[0],
            self.found.select(quantity=name, where="shuffled sites")[0],
        )


def moved(sites: int) -> NDArray[np.int64]:
    """New places of pixels."""
    return np.random.default_rng(7).permutation(sites)


def magnets(side: int, samples: int) -> list[Subject]:
    """Ising models above T_c, and one with its spins moved."""
    found = []
    for T in (4.0, 3.0):
        spins = sample(Canonical(ising(square(side)), T), samples, seed=0).by_chain().numpy()
        learn = LearnedHamiltonian()
        found.append(Subject(f"Ising, T = {T:g}", learn.measure(observe(spins, ising(square(side))))))
    elsewhere = observe(spins[..., moved(side**2)], ising(square(side)))
    return [*found, Subject("  spins moved", learn.measure(elsewhere))]


def written_digits() -> list[Subject]:
    """As spins, with pixels moved, and with each pixel dealt anew among the pictures."""
    pixels = digits().x[:, 0, 1:7, 1:7].reshape(-1, 36)
    rng = np.random.default_rng(0)
    spins = np.where(pixels.numpy() > 0.5, 1, -1)[rng.permutation(len(pixels))]
    dealt = np.stack([rng.permutation(column) for column in spins.T], 1)
    learn = LearnedHamiltonian(method=PseudoLikelihood(l2=0.01))
    place = ising(square(6, periodic=False))
    return [
        Subject("digits", learn.measure(observe(spins, place))),
        Subject("  pixels moved", learn.measure(observe(spins[:, moved(36)], place))),
        Subject("  pixels dealt anew", learn.measure(observe(dealt, place))),
    ]


def coarse(side: int, split: Split) -> tuple[Tensor, Tensor]:
    """Pictures averaged over squares, (N, side²), each pixel with the mean and variance that the training set has."""
    data = fashion_mnist(split)
    train = data if split is Split.TRAIN else fashion_mnist(Split.TRAIN)
    pool = nn.AdaptiveAvgPool2d(side)
    known, x = pool(train.x).flatten(1), pool(data.x).flatten(1)
    assert data.y is not None
    return (x - known.mean(0)) / known.std(0), data.y


def trained(x: Tensor, y: Tensor, side: int, epochs: int) -> nn.Module:
    """Two layers of 3 × 3 kernels and a linear one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            nn.Conv2d(1, 16, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(16 * side * side, 10),
        )
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    draw = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=draw).split(250):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
    return network.eval()


def clothes(side: int, degree: int, pictures: int, epochs: int, rows: int) -> list[Subject]:
    """The log-odds of a network, and of one that has learned from moved pixels."""
    x, y = coarse(side, Split.TRAIN)
    test, labels = coarse(side, Split.TEST)
    found = []
    for name, places in (
        (f"clothes {side} × {side}", np.arange(side**2)),
        ("  pixels moved", moved(side**2)),
    ):
        network = trained(x[:pictures, places], y[:pictures], side, epochs)
        with torch.no_grad():
            logits = network(test[:, places])
        right = (logits.argmax(1) == labels).double().mean().item()
        odds = (logits[:, SHIRT] - logits[:, T_SHIRT])[:rows]
        system = Tabulated.of(test[:rows, places], odds, sides=(side, side))
        table = LearnedPolynomial(degree=degree).measure(system)
        found.append(Subject(f"{name} ({right:.0%} right)", table))
    return found


def told(read: Measurement | None, digits: int = 3) -> str:
    """Value ± error."""
    if read is None:
        return ""
    return "none" if np.isnan(read.value) else f"{read.value:.{digits}f} ± {read.error:.{digits}f}"


def beside(here: Measurement, elsewhere: Measurement) -> str:
    """At the sites, and in brackets at shuffled ones."""
    return told(here, 2) + ("" if np.isnan(here.value) else f" ({told(elsewhere, 2)})")


def main(quick: bool) -> list[Subject]:
    """Measure, print and return."""
    found = magnets(4 if quick else 6, 2000 if quick else 20_000)
    found += written_digits()
    found += clothes(4, 3, 6000, 3, 1500) if quick else clothes(4, 4, 20_000, 5, 5000)
    if not quick:
        found += clothes(7, 2, 20_000, 5, 10_000)
    degrees = (1, 2, 3) if quick else (1, 2, 3, 4)
    grid = Grid("", *(f"degree {k}" for k in degrees), "distance", "same when translated", "reflected")
    for subject in found:
        shares = [told(subject.share(k)) for k in degrees]
        grid.add_row(subject.name, *shares, *(beside(*subject.form(name)) for name in FORMS))
    Console(width=170).print(grid)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    main(parser.parse_args().quick)
