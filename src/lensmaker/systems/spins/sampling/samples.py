"""Samples: configurations drawn from a distribution, and where they come from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.provenance import Provenance

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Samples:
    """Configurations of a system at a temperature.

    Attributes
    ----------
    spins
        Of ±1, or of the states 0 … q − 1, int8, (n, N). Sample i is of chain i mod chains, one after another in time.
    system
        What they were drawn from.
    provenance
        How.
    """

    spins: Tensor
    system: Canonical[Any]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.spins)

    def by_chain(self) -> Tensor:
        """The samples as (chains, steps, N); a last step that not all chains have taken is left out."""
        chains = self.provenance.chains
        steps = len(self.spins) // chains
        return self.spins[: steps * chains].unflatten(0, (steps, chains)).transpose(0, 1)

    def to_xarray(self) -> xr.Dataset:
        """Spins, energy and magnetisation with their chain and sweep; the provenance as attributes."""
        from lensmaker.systems.spins.sampling.storage import to_xarray

        return to_xarray(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write them to a zarr folder, which `xarray.open_zarr` opens.

        Raises
        ------
        InputError
            If there is something at the path already.
        """
        from lensmaker.systems.spins.sampling.storage import save

        save(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str], *, partial: bool = False) -> Samples:
        """Read what `save`, or `sample` with a path, wrote.

        Parameters
        ----------
        partial
            Whether an interrupted run is read as far as it went.

        Raises
        ------
        InputError
            If there are no samples at the path, or they are damaged or not complete.
        """
        from lensmaker.systems.spins.sampling.storage import load

        return load(path, partial=partial)

    def __str__(self) -> str:
        p = self.provenance
        settled = "" if p.is_settled else "; burn-in was not shown to be enough"
        how = f"{p.rule}, {p.chains} chains, {p.thin} sweeps apart after {p.burn_in}, seed {p.seed}"
        return f"{len(self)} samples of {self.system.hamiltonian} at T = {self.system.temperature:g} ({how}){settled}"

    def __repr__(self) -> str:
        return f"Samples({len(self)} × {self.system.sites} spins, T = {self.system.temperature:g})"


def columns(samples: Samples) -> dict[str, Any]:
    """Energy a spin, magnetisation, chain and sweep of each sample, (n,)."""
    import numpy as np

    from lensmaker.systems.spins.sampling.chains import Observer

    energy, magnetisation = Observer(samples.system.hamiltonian).read(samples.spins.numpy())
    number, p = np.arange(len(samples)), samples.provenance
    return {
        "energy": energy,
        "magnetisation": magnetisation,
        "chain": number % p.chains,
        "sweep": p.burn_in + p.thin * (1 + number // p.chains),
    }
