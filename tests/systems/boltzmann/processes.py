"""Scripts that run in one process or in several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(script: Path, processes: int, *arguments: object) -> str:
    """What a script says, by itself or by torchrun."""
    many = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(many if processes > 1 else []), str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()
