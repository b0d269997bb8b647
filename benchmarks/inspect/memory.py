"""Peak memory of one process that trains a network, or inspects it.

    python benchmarks/inspect/memory.py mobilenet_v2 step|inspect

`peak` is the largest resident memory of the whole process, as its user sees it; `before` what it holds before the
work: Python, the libraries, the network and the batch. A training step is forward, backward and SGD with momentum,
twice, for the momentum is there from the second step on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch
from inspect_networks import CASES, loss_fn

import lensmaker


def main(name: str, work: str) -> None:
    """Do the work and print the two figures in MiB."""
    torch.manual_seed(0)
    model, (x, y) = next(case for case in CASES if case.name == name).make()
    before = _peak()
    if work == "inspect":
        lensmaker.inspect(model, (x, y), loss_fn)
    else:
        optimiser = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)
        for _ in range(2):
            optimiser.zero_grad()
            loss_fn(model(x), y).backward()
            optimiser.step()
    print(json.dumps({"before": before, "peak": _peak()}))


def _peak() -> int:
    # `ru_maxrss` begins with the memory of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def peaks(name: str) -> dict[str, object]:
    """Both figures of both kinds of work, each in a process of its own, and the ratio of the peaks."""
    found = {work: _measured(name, work) for work in ("step", "inspect")}
    ratio = round(found["inspect"]["peak"] / found["step"]["peak"], 2)
    return {"unit": "MiB", **found, "ratio": ratio}


def _measured(name: str, work: str) -> dict[str, int]:
    done = subprocess.run([sys.executable, __file__, name, work], capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
