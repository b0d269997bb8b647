"""What is exact about the map between machines and the renormalization group, and what training finds.

python examples/variational_rg.py            # minutes
python examples/variational_rg.py --quick    # seconds
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import torch

from lensmaker.systems.boltzmann import RestrictedBoltzmannMachine, Spin
from lensmaker.systems.boltzmann.coarsening import Coarsening
from lensmaker.systems.boltzmann.constructed import bond_machine, decimation_machine, with_log_partition
from lensmaker.systems.boltzmann.effective import Layer, effective_hamiltonian, learned_couplings
from lensmaker.systems.spins import Canonical, chain, ising, square
from lensmaker.theories.spins.enumeration import Enumerated
from lensmaker.theories.variational_rg.bounds import from_above, from_below, with_weights
from lensmaker.theories.variational_rg.theory import VariationalRG
from lensmaker.theories.variational_rg.trace import Trace

T_C = 2 / math.log1p(math.sqrt(2))


def trained(
    system: Canonical, hidden: int, *, seed: int, steps: int, scale: float = 0.3
) -> RestrictedBoltzmannMachine:
    """The machine whose KL from the spins is least, by the exact gradient from random weights."""
    machine = RestrictedBoltzmannMachine(Spin(system.sites), Spin(hidden), biased=False, dtype=torch.float64)
    machine.initialise(seed=seed, scale=scale)
    index = np.arange(2**system.sites)[:, None]
    v = torch.from_numpy(1.0 - 2 * (index >> np.arange(system.sites) & 1))
    p = torch.from_numpy(Enumerated(system).probabilities)
    parameters = [q for q in machine.parameters() if q.requires_grad]
    optimiser = torch.optim.LBFGS(
        parameters, max_iter=steps, history_size=30, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        F = machine.free_energy(v)
        value = p @ F + torch.logsumexp(-F, 0)
        value.backward()
        return value

    optimiser.step(loss)
    return machine.requires_grad_(False)


def predicted(machine: RestrictedBoltzmannMachine, system: Canonical) -> dict[str, float]:
    """Each diagnostic of the map by its name."""
    return {p.quantity.name: p.value for p in VariationalRG().predict(Coarsening(machine, system))}


def conditions() -> dict[str, dict[str, float]]:
    """The identity holds for all, ΔF = 0 for two of them, exact is one."""
    ring = Canonical(ising(chain(6)), 1.0)
    wrong = RestrictedBoltzmannMachine(Spin(6), Spin(2), dtype=torch.float64)
    wrong.initialise(seed=11, scale=0.3)
    log_z = Enumerated(ring).log_partition
    rows = {
        "random": wrong,
        "random, ΔF = 0": with_log_partition(wrong, log_z),
        "a spin for each bond": bond_machine(ring),
    }
    found = {name: predicted(machine, ring) for name, machine in rows.items()}
    print("6 spins on a ring, K = 1\n")
    print(f"{'machine':22}{'identity gap':>14}{'ΔF':>12}{'Var R':>12}{'max |R − c|':>13}{'KL':>12}")
    for name, row in found.items():
        print(f"{name:22}" + "".join(f"{value:13.4g}" for value in row.values()))
    return found


def decimation(quick: bool) -> dict[str, list[float]]:
    """½ ln cosh 2K by a machine that is written down; what trained ones have between hidden spins."""
    K, n = 0.7, 8
    exact = math.log(math.cosh(2 * K)) / 2
    constructed = effective_hamiltonian(decimation_machine(n, K), Layer.HIDDEN)
    print(f"\nA ring of {n} spins, K = {K}: decimation has K' = ½ ln cosh 2K = {exact:.6f}\n")
    print(
        f"constructed: K' = {constructed.coupling(0, 1):.6f}, off by {constructed.coupling(0, 1) - exact:.1e}"
    )
    ring = Canonical(ising(chain(n)), 1 / K)
    found: dict[str, list[float]] = {"constructed": [constructed.coupling(0, 1) - exact]}
    print(
        f"\n{'hidden':>7}{'seed':>6}{'KL':>12}   visible: nearest, others      hidden: largest |K| of pairs"
    )
    for hidden in (4, 8):
        for seed in range(2 if quick else 5):
            machine = trained(ring, hidden, seed=seed, steps=300 if quick else 3000)
            divergence = predicted(machine, ring)["kl_divergence"]
            visible = learned_couplings(effective_hamiltonian(machine), chain(n))
            J = np.abs(effective_hamiltonian(machine, Layer.HIDDEN).hamiltonian.matrix)
            largest = np.sort(J[np.triu_indices(hidden, 1)])[::-1][:4]
            nearest = visible.kind("nearest")
            others = max(abs(k.mean) for k in visible.kinds if k.order == 2 and k.name != "nearest")
            print(
                f"{hidden:7}{seed:6}{divergence:12.2e}   {nearest.mean:.4f} ± {nearest.error:.4f}, {others:.4f}"
                f"      {'  '.join(f'{x:.3f}' for x in largest)}"
            )
            found.setdefault(f"KL of {hidden}", []).append(divergence)
            found.setdefault(f"K' of {hidden}", []).append(float(largest[:4].mean()))
    return found


def both_sides(quick: bool) -> dict[str, float]:
    """Ln Z a site of a 4 × 4 torus at T_c: what a step leaves too much, what a trained machine leaves out."""
    torus, K = Canonical(ising(square(4)), T_C), 1 / T_C
    exact = Enumerated(torus).log_partition / 16
    best = from_above(K, 4)
    rows = {
        f"Kadanoff's step, best p = {best.parameters[0]:.3f}": best.log_partition - exact,
        "Kadanoff's step, p = 0": with_weights(K, 4, [0.0])[0] - exact,
        "Kadanoff's step, p = 2": with_weights(K, 4, [2.0])[0] - exact,
        "Kadanoff's step, p = 20, almost the majority": with_weights(K, 4, [20.0])[0] - exact,
        "strips in a mean field": from_below(K, 4).log_partition - exact,
    }
    print(
        f"\nln Z a site of a 4 × 4 torus at T_c is {exact:.6f}\n\n{'':48}{'bound − exact':>14}{'KL(P ‖ Q)':>12}"
    )
    for name, gap in rows.items():
        print(f"{name:48}{gap:+14.6f}")
    for hidden in (1, 4, 8) if quick else (1, 2, 4, 8, 16, 32):
        machine = trained(torus, hidden, seed=0, steps=60 if quick else 500)
        trace = Trace(Coarsening(machine, torus))
        name = f"trained machine, {hidden} hidden"
        rows[name] = -trace.reverse_divergence / 16
        print(f"{name:48}{rows[name]:+14.6f}{trace.divergence:12.6f}")
    trace = Trace(Coarsening(bond_machine(torus), torus))
    print(
        f"{'a hidden spin for each bond, 32':48}{-trace.reverse_divergence / 16:+14.6f}{trace.divergence:12.1e}"
    )
    return rows


def main(*, quick: bool = False) -> dict[str, object]:
    """All three, printed."""
    return {"conditions": conditions(), "decimation": decimation(quick), "both sides": both_sides(quick)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer seeds and steps")
    main(quick=parser.parse_args().quick)
