"""Receptive fields as pictures: a row of the grid for each layer of a stack, its fields in the order of their norm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.report.mosaic import Mosaic
from lensmaker.report.numbers import number
from lensmaker.report.png import diverging

ROW = 12
"""Pictures in a row of the grid."""

LINES = 2
"""Rows of the grid for a layer."""


def receptive_fields(data: Mapping[str, Any], most: int = LINES * ROW) -> Mosaic:
    """The fields of each layer, from the largest norm on, each in its own scale of colours.

    Parameters
    ----------
    data
        `machine`, a name; `layers`, arrays (units, rows, columns) from the lowest layer on; `numbers`, words about each
        layer that stand in the caption, may be missing; `centred`, whether the largest |w| is moved to the middle.
    most
        Pictures of a layer that are shown, a multiple of a row's twelve where there are so many.
    """
    layers = [np.asarray(layer, float) for layer in data["layers"]]
    columns = min(ROW, max(min(len(layer), most) for layer in layers))
    middle = bool(data.get("centred", False))
    pictures: list[NDArray[np.uint8]] = []
    names: list[str] = []
    for k, layer in enumerate(layers, start=1):
        chosen = _largest(layer, most)
        shown = _to_the_middle(chosen) if middle else chosen
        scale = np.abs(shown).max((1, 2), keepdims=True)
        drawn = diverging(shown / np.where(scale > 0, scale, 1.0), 1.0)
        lines = -(-len(drawn) // columns)
        empty = np.full((lines * columns - len(drawn), *drawn.shape[1:]), 255, np.uint8)
        pictures += [drawn, empty]
        names += [f"layer {k}", *[""] * (lines - 1)]
    return Mosaic(
        np.concatenate(pictures),
        columns=columns,
        title=f"Receptive fields of {data['machine']}",
        caption=_caption(layers, most, middle, data.get("numbers", ())),
        row_names=names,
        legend=diverging(np.linspace(-1, 1, 121), 1.0),
        ends=("−max |w|", "0", "max |w|"),
    )


def _largest(layer: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    order = np.argsort(-np.linalg.norm(layer.reshape(len(layer), -1), axis=1), kind="stable")
    return layer[order[:most]]


def _to_the_middle(fields: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each torus turned so that its largest |w| is in the middle."""
    _, rows, columns = fields.shape
    peaks = np.abs(fields).reshape(len(fields), -1).argmax(1)
    turned = [
        np.roll(w, (rows // 2 - peak // columns, columns // 2 - peak % columns), (0, 1))
        for w, peak in zip(fields, peaks.tolist(), strict=True)
    ]
    return np.stack(turned)


def _caption(layers: Sequence[NDArray[np.float64]], most: int, middle: bool, words: Sequence[str]) -> str:
    counts = []
    for k, layer in enumerate(layers, start=1):
        shown = f"{most} of {len(layer)}" if len(layer) > most else f"all {len(layer)}"
        told = f"; {words[k - 1]}" if k <= len(words) else ""
        largest = float(np.linalg.norm(layer.reshape(len(layer), -1), axis=1).max())
        counts.append(f"Layer {k}: {shown} units, largest norm {number(largest)}{told}.")
    place = " with its largest weight in the middle" if middle else ""
    return (
        "What each hidden unit sees of the lattice, r⁽ˡ⁾ = r⁽ˡ⁻¹⁾W⁽ˡ⁾, layer by layer, from the largest norm on. "
        f"Each picture is a torus{place}, in its own scale: blue is negative, orange positive; "
        f"the sign of a whole picture means nothing. {' '.join(counts)}"
    )
