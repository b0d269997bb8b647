"""Does a restricted Boltzmann machine that has learned Ising configurations flow to the critical temperature?

    python examples/rbm_flow.py [folder] [--quick] [--seeds 8]

Machines of ±1 units learn configurations of an Ising torus of 10 × 10: of all temperatures from 0 to 6, as Iso, Shiba
and Yokoo did (Phys. Rev. E 97, 053304), of T_c alone, or of another temperature alone. Each is then iterated,
v → h → v, from cold, critical and hot configurations, and thermometers read the temperature of what comes out: the
energy by Kaufman's exact one of this very torus, |m| by calibrated samples below T_c. Printed is each claim with the
fixed points that decide it, for several numbers of hidden units, epochs and k of contrastive divergence; drawn are the
flows, and the fixed points. Some twenty minutes on one core; an interrupted run goes on. --quick takes a minute.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from lensmaker.phenomena.base import Outcome
from lensmaker.phenomena.rbm_flow import CriticalFlow
from lensmaker.report.claims import claims_table, figures_of


def main(folder: Path, phenomenon: CriticalFlow) -> Outcome:
    """Train what is missing, print each claim, and draw."""
    folder.mkdir(parents=True, exist_ok=True)
    console = Console()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        outcome = phenomenon.run(
            folder,
            lambda what, done, of: bar.update(task, description=what, completed=done, total=of or None),
        )
    console.print(claims_table([finding.to_dict() for finding in outcome.findings]))
    for name, content in figures_of(outcome.pictures).items():
        (folder / name).write_bytes(content)
    console.print(f"The figures and findings.json: {folder}")
    return outcome


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/rbm_flow"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int)
    given = parser.parse_args()
    chosen = CriticalFlow.quick() if given.quick else CriticalFlow()
    if given.seeds is not None:
        chosen = CriticalFlow(replace(chosen.plan, seeds=given.seeds))
    main(given.folder, chosen)
