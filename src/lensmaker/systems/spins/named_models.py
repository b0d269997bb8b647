"""The models of Potts and of Blume and Capel."""

from __future__ import annotations

import numpy as np

from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.multistate import Multistate, multistate


def potts(lattice: Lattice, q: int, J: float = 1.0) -> Multistate:
    """The Potts model H = −J Σ_bonds δ(σ_i, σ_j), σ = 0 … q − 1.

    Two states are an Ising model of J/2: δ = (1 + s s′)/2.
    R. B. Potts, Proc. Camb. Phil. Soc. 48, 106 (1952); F. Y. Wu, Rev. Mod. Phys. 54, 235 (1982).

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.spins.lattices import chain
    >>> potts(chain(4), q=3).energy(torch.tensor([0, 0, 1, 2])).item()
    -1.0
    """
    return multistate(lattice, -J * np.eye(q), name=f"potts {q}")


def blume_capel(lattice: Lattice, J: float = 1.0, D: float = 0.0, h: float = 0.0) -> Multistate:
    """The model of Blume and Capel, H = −J Σ_bonds s_i s_j + D Σ_i s_i² − h Σ_i s_i, s = −1, 0, 1.

    State σ stands for s = σ − 1. The crystal field D (Δ) favours empty sites, s = 0; D → −∞ is the Ising model.
    M. Blume, Phys. Rev. 141, 517 (1966); H. W. Capel, Physica 32, 966 (1966).

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.spins.lattices import chain
    >>> blume_capel(chain(3), D=0.5).energy(torch.tensor([[2, 2, 2], [2, 1, 0]])).tolist()
    [-1.5, 2.0]
    """
    s = np.array([-1.0, 0.0, 1.0])
    return multistate(lattice, -J * np.outer(s, s), D * s**2 - h * s, values=s, name="blume-capel")
