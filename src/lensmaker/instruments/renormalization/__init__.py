"""The renormalization group in samples: operators, the linearised flow with its exponents, couplings by level."""

from lensmaker.instruments.renormalization.couplings import RenormalisedCouplings
from lensmaker.instruments.renormalization.flow_matrix import FlowMatrix, flow_matrix, linearised
from lensmaker.instruments.renormalization.monte_carlo import MonteCarloRG
from lensmaker.instruments.renormalization.operators import (
    CORNER,
    DIAGONAL,
    EVEN,
    KNIGHT,
    NEIGHBOUR,
    ODD,
    PLAQUETTE,
    ROW,
    SPIN,
    TWO_APART,
    Operator,
    sums,
)

__all__ = [
    "CORNER",
    "DIAGONAL",
    "EVEN",
    "KNIGHT",
    "NEIGHBOUR",
    "ODD",
    "PLAQUETTE",
    "ROW",
    "SPIN",
    "TWO_APART",
    "FlowMatrix",
    "MonteCarloRG",
    "Operator",
    "RenormalisedCouplings",
    "flow_matrix",
    "linearised",
    "sums",
]
