"""The vocabulary: quantities, predictions, measurements, comparisons, references, errors."""

from lensmaker.core.bench import BenchRecord, ElementRecord, Finding, Training
from lensmaker.core.built import CHANGED_Z, Built, Origin, what_training_built
from lensmaker.core.compare import compare
from lensmaker.core.errors import (
    CorrectionError,
    InputError,
    LensmakerError,
    MissingDataError,
    MissingDependencyError,
    ModelError,
    WeightsError,
)
from lensmaker.core.geometry import LayerGeometry, PointSpreadRecord, principal_axes
from lensmaker.core.quantities import QUANTITIES, Quantity, Scale, quantity
from lensmaker.core.records import (
    AGREEMENT_Z,
    INSIDE,
    Comparison,
    Convergence,
    Measurement,
    Prediction,
    Regime,
    Verdict,
)
from lensmaker.core.references import Reference
from lensmaker.core.tables import Table, flatten, jsonable
from lensmaker.core.where import Where

__all__ = [
    "AGREEMENT_Z",
    "CHANGED_Z",
    "INSIDE",
    "QUANTITIES",
    "BenchRecord",
    "Built",
    "Comparison",
    "Convergence",
    "CorrectionError",
    "ElementRecord",
    "Finding",
    "InputError",
    "LayerGeometry",
    "LensmakerError",
    "Measurement",
    "MissingDataError",
    "MissingDependencyError",
    "ModelError",
    "Origin",
    "PointSpreadRecord",
    "Prediction",
    "Quantity",
    "Reference",
    "Regime",
    "Scale",
    "Table",
    "Training",
    "Verdict",
    "WeightsError",
    "Where",
    "compare",
    "flatten",
    "jsonable",
    "principal_axes",
    "quantity",
    "what_training_built",
]
