"""neural-tangents as a process of its own: reads a case and its inputs, then runs its kernel when it is told.

    python peer.py inputs.npy '{"layers": [["dense", σ_w, σ_b], ["relu"], …], "get": ["nngp", "ntk"]}'

It is compiled and has run once when it says "ready". Each line "run" is answered with the seconds it took,
"save FILE" with the kernels themselves.
"""

from __future__ import annotations

import json
import sys
import time

import jax
import numpy as np
from neural_tangents import stax


def main(inputs: str, case: str) -> None:
    """Answer the lines of standard input."""
    x, spec = np.load(inputs), json.loads(case)
    if x.dtype == np.float64:
        jax.config.update("jax_enable_x64", True)
    _, _, kernel_fn = stax.serial(*(layer(*parts) for parts in spec["layers"]))
    compiled = jax.jit(lambda x: kernel_fn(x, None, tuple(spec["get"])))
    x = jax.numpy.asarray(x)
    kernels = jax.block_until_ready(compiled(x))
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "save":
            np.savez(path, **kernels._asdict())
            print("saved", flush=True)
        else:
            start = time.perf_counter()
            jax.block_until_ready(compiled(x))
            print(time.perf_counter() - start, flush=True)


def layer(kind: str, *numbers: float) -> object:
    """A layer of stax; of infinitely many units, so that the width given does not matter."""
    if kind == "dense":
        return stax.Dense(1, *numbers)
    if kind == "conv":
        return stax.Conv(1, (3, 3), padding="SAME", W_std=numbers[0], b_std=numbers[1])
    return {"relu": stax.Relu, "pool": stax.GlobalAvgPool}[kind]()


if __name__ == "__main__":
    main(*sys.argv[1:])
