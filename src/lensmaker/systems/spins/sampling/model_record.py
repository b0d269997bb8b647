"""A Hamiltonian as facts and arrays, to be written to files and told from others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.hamiltonian import Hamiltonian, Term
from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.multistate import Multistate

Model = Hamiltonian | Multistate
Arrays = dict[str, NDArray[Any]]

_OF_LATTICE = ("bonds", "directions", "positions")
_OF_STATES = ("bonds", "weights", "pair", "single", "values")


def record(model: Model) -> tuple[dict[str, Any], Arrays]:
    """What JSON can hold of a Hamiltonian, and its arrays by name.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> facts, arrays = record(ising(chain(4)))
    >>> facts["couplings"], sorted(arrays)
    ({'J': 1.0}, ['cliques0', 'lattice_bonds', 'lattice_directions', 'lattice_positions', 'weights0'])
    """
    facts: dict[str, Any] = {"sites": model.sites, "states": len(model.states), "lattice": None}
    arrays: Arrays = {}
    if isinstance(model, Multistate):
        facts["name"] = model.name
        arrays |= {n: np.asarray(a) for n in _OF_STATES if (a := getattr(model, n)) is not None}
    else:
        facts |= {"couplings": dict(model.couplings), "terms": [t.name for t in model.terms]}
        for k, term in enumerate(model.terms):
            arrays |= {f"cliques{k}": term.cliques, f"weights{k}": term.weights}
    if (lattice := model.lattice) is not None:
        facts["lattice"] = {
            "name": lattice.name,
            "shape": [int(n) for n in lattice.shape],
            "periodic": [bool(p) for p in lattice.periodic],
            "basis": lattice.basis,
        }
        arrays |= {f"lattice_{n}": getattr(lattice, n) for n in _OF_LATTICE}
    return facts, arrays


def digest(model: Model) -> str:
    """A number that two Hamiltonians share if their records are equal, in hexadecimal."""
    facts, arrays = record(model)
    found = hashlib.sha256(json.dumps(facts).encode())
    for name, array in arrays.items():
        found.update(f"{name} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:32]


def model_of(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    """The Hamiltonian of a record.

    Raises
    ------
    KeyError
        If a part is missing.
    """
    lattice = None
    if (at := facts["lattice"]) is not None:
        parts = {n: arrays[f"lattice_{n}"] for n in _OF_LATTICE}
        lattice = Lattice(at["name"], tuple(at["shape"]), tuple(at["periodic"]), **parts, basis=at["basis"])
    if "name" in facts:
        bonds, weights, pair, single = (arrays[n] for n in _OF_STATES[:-1])
        values = arrays.get("values")
        return Multistate(facts["name"], facts["sites"], bonds, weights, pair, single, values, lattice)
    terms = tuple(
        Term(name, arrays[f"cliques{k}"], arrays[f"weights{k}"]) for k, name in enumerate(facts["terms"])
    )
    return Hamiltonian(facts["sites"], terms, dict(facts["couplings"]), lattice)
