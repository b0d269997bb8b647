"""Times of spin updates beside mcising and peapods at the critical temperature, one thread, in turns.

    python benchmarks/samplers/run.py [--without NAME …] [--sides 64 1024] [--repeats 100] [--seconds 120]

A contestant is set up and has run before it is timed; each turn gives every one of them a few ms, or one sweep: short,
to find quiet moments. An update is a spin that is tried, for Wolff one that is turned over.
Ratios are of the fastest turns, with the range over all turns.
What an independent sample costs, and how far the machine's limits are, is measured after that.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from pathlib import Path

sys.path += [str(Path(__file__).parents[1])]

import numpy as np
from contestants import AGAINST, OWN, PEERS, Contestant, Own, Running
from independent import independent
from limits import limits
from results import RESULTS, paired, save

from lensmaker.systems.spins.sampling import RULES

CRITICAL = 2 / math.log1p(math.sqrt(2))


def main() -> None:
    """Time everything, print a line for each, and save the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--without", nargs="*", default=[], help="contestants to leave out, or packages")
    parser.add_argument("--sides", nargs="*", type=int, default=[64, 1024])
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument(
        "--seconds", type=float, default=120, help="for each independent sample's cost; 0 for none"
    )
    options = parser.parse_args()
    chosen = []
    for c in (*OWN, *PEERS):
        if c.name in options.without or c.package in options.without:
            print(f"{c.name} is left out")
        elif not c.is_there:
            print(
                f"{c.name} is left out: pip install --no-deps {c.package}, as in benchmarks/requirements.txt"
            )
        else:
            chosen.append(c)
    known = json.loads(RESULTS.read_text(encoding="utf-8")).get("samplers", {}) if RESULTS.exists() else {}
    content: dict[str, object] = {
        **known,
        "unit": "ns of a spin update; ratios of the peer's time to lensmaker's",
    }
    update: dict[str, float] = {}
    for side in options.sides:
        start = equilibrium(side)
        content[f"side_{side}"] = compared(side, start, chosen, options.repeats, update)
        save("samplers", content)
    content["limits"] = limits(
        CRITICAL, start, {n: t for n, t in update.items() if n.startswith("multi_spin")}
    )
    print("limits", content["limits"])
    save("samplers", content)
    if options.seconds:
        content["independent_samples_side_64"] = costs(chosen, options.seconds)
        save("samplers", content)


def equilibrium(side: int) -> np.ndarray:
    """A configuration at T_c, by clusters where there is a rule for them."""
    names = [r.name for r in RULES]
    rule, sweeps = ("swendsen_wang", 200) if "swendsen_wang" in names else ("multi_spin", 20_000)
    running = Own(rule, 1, np.ones((side, side), np.int8), CRITICAL)
    running.advance(sweeps)
    return running.walk.spins().reshape(side, side)


def compared(
    side: int, start: np.ndarray, chosen: list[Contestant], repeats: int, update: dict[str, float]
) -> dict[str, object]:
    """Times per update of all in turns, their energies, and the ratios to peers."""
    running = {c.name: c.start(start, CRITICAL) for c in chosen}
    sweeps = {name: sweeps_of_a_turn(r) for name, r in running.items()}
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(repeats):
        for name, r in running.items():
            begin = time.perf_counter()
            updates = r.advance(sweeps[name])
            times[name].append((time.perf_counter() - begin) / updates)
    found: dict[str, object] = {}
    for name, r in running.items():
        each = times[name]
        update[f"{name}_{side}"] = min(each) * 1e9
        found[name] = {
            "ns": round(min(each) * 1e9, 4),
            "updates_per_ns": round(1e-9 / min(each), 4),
            "energy": round(r.energy(), 4),
            "ratios": {
                peer: {"fastest": round(min(times[peer]) / min(each), 2), **paired(times[peer], each)}
                for peer in rivals(name)
                if peer in times
            },
        }
        print(side, name, found[name], flush=True)
    return found


def rivals(name: str) -> list[str]:
    """The peers that a contestant is compared with."""
    if name.startswith(("mcising", "peapods")):
        return []
    return [AGAINST.get(name, "mcising_metropolis"), *(["peapods_metropolis"] if name not in AGAINST else [])]


def sweeps_of_a_turn(running: Running) -> int:
    """As many as take about a turn."""
    running.advance(1)
    count = 1
    while True:
        begin = time.perf_counter()
        running.advance(count)
        if (taken := time.perf_counter() - begin) > running.turn / 4:
            return max(1, round(count * running.turn / taken))
        count *= 2


def costs(chosen: list[Contestant], seconds: float) -> dict[str, object]:
    """Time per independent sample of every rule of lensmaker."""
    found: dict[str, object] = {}
    own = {c.name for c in chosen if c.package == "lensmaker"}
    for name, rule, chains in [(c.name, *rule_of(c.name)) for c in OWN if c.name in own]:
        for label, temperature in (("2.0", 2.0), ("T_c", CRITICAL), ("3.0", 3.0)):
            cost = independent(rule, chains, 64, temperature, seconds)
            found.setdefault(name, {})[label] = cost  # type: ignore[index]
            print(name, label, cost, flush=True)
    return found


def rule_of(name: str) -> tuple[str, int]:
    """The rule and the number of chains in a contestant's name."""
    found = re.fullmatch(r"(\w+)_(\d+)_chains", name)
    return (found[1], int(found[2])) if found else (name, 1)


if __name__ == "__main__":
    main()
