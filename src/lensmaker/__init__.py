"""An optical bench for neural networks: predict, measure, compare, diagnose and correct."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lensmaker.core import LensmakerError
    from lensmaker.inspection import Report, inspect
    from lensmaker.systems.networks.prescription import prescription
    from lensmaker.theories.kernel_recursion.kernels import Kernels, kernels

__all__ = ["Kernels", "LensmakerError", "Report", "inspect", "kernels", "prescription"]

__version__ = "0.1.0.dev0"

_HOMES = {
    "Kernels": "lensmaker.theories.kernel_recursion.kernels",
    "LensmakerError": "lensmaker.core",
    "Report": "lensmaker.inspection",
    "inspect": "lensmaker.inspection",
    "kernels": "lensmaker.theories.kernel_recursion.kernels",
    "prescription": "lensmaker.systems.networks.prescription",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'lensmaker' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
