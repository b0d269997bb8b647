"""Any PyTorch module, recorded as a train of elements with a prescription."""

from lensmaker.systems.networks.batch import Batch
from lensmaker.systems.networks.network import Network
from lensmaker.systems.networks.operations import Family, canonical_name, family_of
from lensmaker.systems.networks.record import record
from lensmaker.systems.networks.recorder import Observer
from lensmaker.systems.networks.train import Element, Origin, Ref, Train, Value
from lensmaker.systems.networks.undisturbed import undisturbed

__all__ = [
    "Batch",
    "Element",
    "Family",
    "Network",
    "Observer",
    "Origin",
    "Ref",
    "Train",
    "Value",
    "canonical_name",
    "family_of",
    "record",
    "undisturbed",
]
