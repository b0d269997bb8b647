"""What reading the fields of all convolutions of MobileNetV2 costs, beside one forward pass at 32 × 3 × 224².

    python benchmarks/field/run.py

In turns, on one thread: the forward pass as its user runs it (evaluation mode, no gradients); recording one photograph;
reading, from that record: folding, moments, metrics, curvature, class and validity of each of the 52 convolutions.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
from results import paired, save

from lensmaker.core import InputError
from lensmaker.data.mobilenet_v2 import MobileNetV2
from lensmaker.systems.networks import Train, record
from lensmaker.theories.field_equation.connection import curvature
from lensmaker.theories.field_equation.kind import kind_of
from lensmaker.theories.field_equation.theory import read
from lensmaker.theories.field_equation.validity import validity_wavelength

REPEATS = 5


def main() -> None:
    """Time in turns, print and save."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = MobileNetV2().eval()
    batch = torch.randn(32, 3, 224, 224)

    def forward() -> None:
        with torch.no_grad():
            model(batch)

    train = record(model, batch[:1], keep=False)
    read_all(train)
    rows: list[tuple[float, float, float]] = []
    for _ in range(REPEATS):
        taken = seconds(forward), seconds(lambda: record(model, batch[:1], keep=False))
        rows.append((*taken, seconds(lambda: read_all(train))))
    forwards, records, readings = (list(column) for column in zip(*rows, strict=True))
    both = [a + b for a, b in zip(records, readings, strict=True)]
    result = {
        "convolutions": len(read(train)),
        "forward_seconds": [round(t, 3) for t in forwards],
        "record_seconds": [round(t, 3) for t in records],
        "read_seconds": [round(t, 3) for t in readings],
        "read_over_forward": paired(readings, forwards),
        "record_and_read_over_forward": paired(both, forwards),
    }
    for name, value in result.items():
        print(name, value)
    save("field", result)


def read_all(train: Train) -> None:
    """Everything that the theory says of a layer without its input."""
    for field in read(train):
        _ = field.gain, field.potential
        if field.has_sum:
            _ = field.drift, field.axes, field.covariance, field.is_indefinite
        kind_of(field)
        validity_wavelength(field)
        try:
            curvature(field)
        except InputError:
            continue


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
