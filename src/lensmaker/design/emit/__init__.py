"""Field equation → network: layers that integrate it, with orders and a largest stable step."""

from lensmaker.design.emit.emitter import emit
from lensmaker.design.emit.layers import LocallyConnected
from lensmaker.design.emit.network import Emission, FieldNetwork
from lensmaker.design.emit.schemes import Scheme
from lensmaker.design.emit.stability import largest_step

__all__ = ["Emission", "FieldNetwork", "LocallyConnected", "Scheme", "emit", "largest_step"]
