"""Connections between labelled minima, by landtopo and by the common tools, on one potential.

Run it with a Python that has landtopo's dependencies and, for the comparison, ``pele`` (0.1.2),
``ase`` and ``topsearch``; tools that are missing are left out:

    python benchmarks/paths_side_by_side.py --widths 6 10 20 --limit 300

Every tool gets the same compiled loss, one value and gradient a call, in K (K + 1) coordinates: an
orthonormal teacher of K neurons and one direction outside its span, so that there is no continuous
symmetry to be projected out. Three tasks each: a three-cycle and a swap between copies of the
global minimum, and global to the nearest copy of a spurious minimum. Every tool runs each task with
several seeds in one process of its own, after a small problem that loads its modules and compiled
code, so that what is timed is the search alone; the process is ended at the time limit. What a tool
found is judged by landtopo: the saddle's gradient after the tool's own convergence, its index, and
whether the tool's own chain joins the two ends.

Seconds are processor time and, where it says so, wall time, both the median over the seeds.
Gradient equivalents count a Hessian as its measured time in gradients. For a ratio of times two
tools run by turns in one process:

    python benchmarks/paths_side_by_side.py --by-turns --tools "landtopo first" pele
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

TASKS = ("three-cycle", "swap", "global-spurious")
TOOLS = ("landtopo", "landtopo first", "pele", "pele tuned", "ase", "topsearch")
# |grad| that is asked of saddles.
ACCURACY = 1e-12


def ends(width: int, task: str) -> tuple[Any, Any, Any]:
    """The problem and the two ends in K (K + 1) coordinates."""
    import landtopo.models.networks.points.search as search
    from landtopo.models.networks.problem import Teacher, TeacherStudent
    from landtopo.models.networks.symmetry import closest_copy

    problem = TeacherStudent(Teacher.orthonormal(width), width, width + 1)
    a = np.eye(width, width + 1)
    if task == "global-spurious":
        found = search.find_minima(problem, starts=1000 if width < 8 else 60, seed=0)
        weights = next(np.array(f.weights) for f in found.families if f.loss > 1e-6)
        b = np.zeros_like(a)
        b[:, :width] = closest_copy(a[:, :width], weights, problem.teacher.vectors).weights[
            :, :width
        ]
        return problem, a, b
    length = 3 if task == "three-cycle" else 2
    order = [*range(1, length), 0, *range(length, width)]
    return problem, a, a[order]


class Counting:
    """The compiled loss, counting its calls."""

    def __init__(self, problem: Any) -> None:
        from landtopo.models.networks.loss import PopulationLoss, WeightObjective

        self.objective = WeightObjective(PopulationLoss(problem), columns=problem.width + 1)
        self.gradients = self.hessians = 0

    def energy_gradient(self, x: Any) -> tuple[float, Any]:
        """Value and gradient at one point."""
        self.gradients += 1
        value, gradient = self.objective.value_and_gradient(np.asarray(x, dtype=float))
        return float(value), gradient

    def hessian(self, x: Any) -> Any:
        """Exact Hessian at one point."""
        self.hessians += 1
        return self.objective.hessian(np.asarray(x, dtype=float))

    def describe(self, x: Any) -> dict[str, float]:
        """Value, gradient and number of negative eigenvalues at a saddle."""
        value, gradient = self.objective.value_and_gradient(np.asarray(x, dtype=float))
        values = np.linalg.eigvalsh(self.objective.hessian(np.asarray(x, dtype=float)))
        return {
            "loss": float(value),
            "grad_norm": float(np.linalg.norm(gradient)),
            "index": int(np.sum(values < -1e-6)),
        }


def run_landtopo(
    problem: Any, a: Any, b: Any, seed: int, improve: int | None = None
) -> dict[str, Any]:
    from landtopo.models.networks.paths.connect import ConnectOptions, connect
    from landtopo.paths.join import JoinOptions

    join = JoinOptions() if improve is None else JoinOptions(improve=improve)
    path = connect(problem, a, b, seed=seed, options=ConnectOptions(join=join))
    states = [
        {"loss": t.loss, "grad_norm": t.grad_norm, "index": t.index} for t in path.transition_states
    ]
    counted = path.evaluations
    return {
        "connected": path.verified,
        "highest": path.highest_loss if path.verified else None,
        "saddles": states,
        "gradients": counted.gradient + counted.value,
        "hessians": counted.hessian,
    }


def run_landtopo_first(problem: Any, a: Any, b: Any, seed: int) -> dict[str, Any]:
    return run_landtopo(problem, a, b, seed, improve=0)


def run_pele_tuned(problem: Any, a: Any, b: Any, seed: int) -> dict[str, Any]:
    return run_pele(problem, a, b, seed, tuned=True)


def run_pele(problem: Any, a: Any, b: Any, seed: int, tuned: bool = False) -> dict[str, Any]:
    """DoubleEndedConnect with the bands of its authors; tuned: with bands made for these losses."""
    import networkx as nx
    from pele.potentials import BasePotential
    from pele.systems import BaseSystem

    counting = Counting(problem)

    class Potential(BasePotential):  # type: ignore[misc]
        def getEnergy(self, coords: Any) -> float:
            return counting.energy_gradient(coords)[0]

        def getEnergyGradient(self, coords: Any) -> tuple[float, Any]:
            return counting.energy_gradient(coords)

    class System(BaseSystem):  # type: ignore[misc]
        def get_potential(self) -> Any:
            return Potential()

        def get_mindist(self, **_: Any) -> Any:
            return lambda x, y: (float(np.linalg.norm(x - y)), x, y)

        def get_orthogonalize_to_zero_eigenvectors(self) -> Any:
            return None

        def get_compare_exact(self, **_: Any) -> Any:
            return lambda x, y: bool(np.linalg.norm(x - y) < 1e-3)

        def get_nzero_modes(self) -> int:
            return 0

        def get_metric_tensor(self, coords: Any) -> Any:
            return None

    system = System()
    # Default tolerances are far too wide for losses of 0.02: minima would not be told apart, and
    # saddles are wanted as accurate as landtopo's. pele measures the root mean square.
    rms = ACCURACY / np.sqrt(a.size)
    system.params.structural_quench_params.tol = rms
    local = system.params.double_ended_connect.local_connect_params
    local.tsSearchParams.tol = rms
    local.tsSearchParams.tangentSpaceQuenchParams["tol"] = rms
    local.tsSearchParams.nsteps_tangent2 = 200
    if tuned:
        local.NEBparams.NEBquenchParams["tol"] = 1e-3
        local.NEBparams.k = 1.0
    # Copies have equal energies; pele's database tells minima apart by energy and geometry.
    database = system.create_database()
    first, last = (
        database.addMinimum(float(counting.energy_gradient(w.ravel())[0]), w.ravel())
        for w in (a, b)
    )
    connect = system.get_double_ended_connect(
        first, last, database, verbosity=0, merge_minima=True, max_dist_merge=1e-3
    )
    connect.connect()
    connected = bool(connect.success())
    states = [counting.describe(ts.coords) for ts in database.transition_states()]
    highest = None
    if connected:
        kept = nx.Graph()
        for ts in sorted(database.transition_states(), key=lambda ts: ts.energy):
            kept.add_edge(ts.minimum1.id(), ts.minimum2.id())
            if {first.id(), last.id()} <= set(kept) and nx.has_path(kept, first.id(), last.id()):
                highest = float(ts.energy)
                break
    return {
        "connected": connected,
        "highest": highest,
        "saddles": states,
        "gradients": counting.gradients,
        "hessians": counting.hessians,
    }


def run_ase(problem: Any, a: Any, b: Any, seed: int) -> dict[str, Any]:
    """Improved tangents and the ODE optimiser, then the dimer from the highest image."""
    from ase import Atoms
    from ase.calculators.calculator import Calculator, all_changes
    from ase.mep import NEB, DimerControl, MinModeAtoms, MinModeTranslate
    from ase.mep.neb import NEBOptimizer

    counting = Counting(problem)
    size = a.size
    atoms = -(-size // 3)

    class Loss(Calculator):  # type: ignore[misc]
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

        def calculate(self, atoms: Any = None, properties: Any = None, changes: Any = all_changes):  # type: ignore[no-untyped-def]
            super().calculate(atoms, properties, changes)
            value, gradient = counting.energy_gradient(self.atoms.positions.ravel()[:size])
            forces = np.zeros(self.atoms.positions.size)
            forces[:size] = -gradient
            self.results = {"energy": value, "forces": forces.reshape(-1, 3)}

    def image(w: Any) -> Any:
        padded = np.zeros(3 * atoms)
        padded[:size] = w.ravel()
        result = Atoms("H" * atoms, positions=padded.reshape(-1, 3))
        result.calc = Loss()
        return result

    rng = np.random.default_rng(seed)
    images = []
    for share in np.linspace(0, 1, 15):
        w = (1 - share) * a + share * b
        # The straight line is symmetric; without noise the band stays on it.
        images.append(image(w + np.sin(np.pi * share) * 0.02 * rng.standard_normal(a.shape)))
    neb = NEB(images, climb=False, method="improvedtangent", k=0.1)
    NEBOptimizer(neb, method="ODE", logfile=None).run(fmax=2e-3, steps=300)
    energies = [im.get_potential_energy() for im in images]
    top = images[int(np.argmax(energies))]
    dimer = MinModeAtoms(top, DimerControl(initial_eigenmode_method="gauss", logfile=None))
    MinModeTranslate(dimer, logfile=None).run(fmax=1e-9, steps=2000)
    saddle = counting.describe(top.positions.ravel()[:size])
    return {
        "connected": None,
        "highest": saddle["loss"],
        "saddles": [saddle],
        "gradients": counting.gradients,
        "hessians": 0,
    }


def run_topsearch(problem: Any, a: Any, b: Any, seed: int) -> dict[str, Any]:
    import networkx as nx
    from topsearch.data.coordinates import StandardCoordinates
    from topsearch.data.kinetic_transition_network import KineticTransitionNetwork
    from topsearch.global_optimisation.basin_hopping import BasinHopping
    from topsearch.global_optimisation.perturbations import StandardPerturbation
    from topsearch.potentials.potential import Potential
    from topsearch.sampling.exploration import NetworkSampling
    from topsearch.similarity.similarity import StandardSimilarity
    from topsearch.transition_states.hybrid_eigenvector_following import HybridEigenvectorFollowing
    from topsearch.transition_states.nudged_elastic_band import NudgedElasticBand

    counting = Counting(problem)

    class Loss(Potential):  # type: ignore[misc]
        def function(self, position: Any) -> float:
            return counting.energy_gradient(position)[0]

        def gradient(self, position: Any, displacement: float = 1e-6) -> Any:
            return counting.energy_gradient(position)[1]

        def function_gradient(self, position: Any) -> tuple[float, Any]:
            return counting.energy_gradient(position)

        def hessian(self, position: Any, displacement: float = 1e-4) -> Any:
            return counting.hessian(position)

    potential = Loss()
    coords = StandardCoordinates(ndim=a.size, bounds=[(-3.0, 3.0)] * a.size)
    network = KineticTransitionNetwork()
    for w in (a, b):
        network.add_minimum(w.ravel(), counting.energy_gradient(w.ravel())[0])
    similarity = StandardSimilarity(1e-2, 1e-6)
    step = StandardPerturbation(max_displacement=1.0, proportional_distance=False)
    sampling = NetworkSampling(
        network,
        coords,
        BasinHopping(ktn=network, potential=potential, similarity=similarity, step_taking=step),
        HybridEigenvectorFollowing(
            potential=potential, ts_conv_crit=1e-5, ts_steps=100, pushoff=1e-1
        ),
        NudgedElasticBand(
            potential=potential,
            force_constant=1.0,
            image_density=10.0,
            max_images=30,
            neb_conv_crit=1e-2,
        ),
        similarity,
    )
    for _ in range(10):
        sampling.get_transition_states("ConnectUnconnected", 2)
        if nx.has_path(network.G, 0, 1):
            break
    connected = nx.has_path(network.G, 0, 1)
    states = [
        counting.describe(data["coords"]) | {"pair": [int(u), int(v)]}
        for u, v, data in network.G.edges(data=True)
    ]
    highest = None
    kept = nx.Graph()
    for state in sorted(states, key=lambda s: float(s["loss"])):
        kept.add_edge(*state["pair"])
        if {0, 1} <= set(kept) and nx.has_path(kept, 0, 1):
            highest = state["loss"]
            break
    return {
        "connected": connected,
        "highest": highest,
        "saddles": states,
        "gradients": counting.gradients,
        "hessians": counting.hessians,
    }


RUNNERS: dict[str, Callable[[Any, Any, Any, int], dict[str, Any]]] = {
    "landtopo": run_landtopo,
    "landtopo first": run_landtopo_first,
    "pele": run_pele,
    "pele tuned": run_pele_tuned,
    "ase": run_ase,
    "topsearch": run_topsearch,
}


def one(tool: str, width: int, task: str, seeds: int, repeats: int) -> dict[str, Any]:
    """Run a tool with every seed, its modules and compiled code loaded beforehand."""
    small, first, last = ends(3, "three-cycle")
    RUNNERS[tool](small, first, last, 0)
    problem, a, b = ends(width, task)
    counting = Counting(problem)
    x = a.ravel() + 0.01
    gradient, hessian = (_typical(call, x) for call in (counting.energy_gradient, counting.hessian))
    runs = []
    for seed in [*range(seeds)] * repeats:
        # pele and topsearch draw from the global generator.
        np.random.seed(seed)  # noqa: NPY002
        wall, cpu = time.perf_counter(), time.process_time()
        run = RUNNERS[tool](problem, a, b, seed)
        run["cpu"], run["wall"] = time.process_time() - cpu, time.perf_counter() - wall
        run["equivalents"] = run["gradients"] + run["hessians"] * hessian / gradient
        runs.append(run)
    return {"runs": runs, "hessian_in_gradients": hessian / gradient}


def alternating(
    tools: list[str], width: int, task: str, seeds: int, repeats: int
) -> dict[str, Any]:
    """Wall time of each tool, by turns in one process: both meet the machine in the same mood."""
    small, first, last = ends(3, "three-cycle")
    problem, a, b = ends(width, task)
    for tool in tools:
        RUNNERS[tool](small, first, last, 0)
        RUNNERS[tool](problem, a, b, 0)
    walls: dict[str, list[float]] = {tool: [] for tool in tools}
    joined = dict.fromkeys(tools, 0)
    for seed in [*range(seeds)] * repeats:
        for tool in tools:
            np.random.seed(seed)  # noqa: NPY002
            began = time.perf_counter()
            run = RUNNERS[tool](problem, a, b, seed)
            walls[tool].append(time.perf_counter() - began)
            joined[tool] += bool(run["connected"])
    return {"walls": walls, "joined": joined}


def _typical(call: Callable[[Any], Any], x: Any) -> float:
    """Median time of a call: a mean would count whatever else the machine does in between."""
    times = []
    for _ in range(400):
        began = time.perf_counter()
        call(x)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def ratio_row(width: int, task: str, result: dict[str, Any] | None, limit: float) -> str:
    """One line of the table of ratios: the second tool's time over the first one's."""
    if result is None:
        return f"| {width} | {task} | no result in {limit:.0f} s | | | |"
    first, second = (np.array(walls) for walls in result["walls"].values())
    joined = list(result["joined"].values())
    ratios = np.sort(second / first)
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    return (
        f"| {width} | {task} | {1e3 * np.median(first):.1f} | {1e3 * np.median(second):.1f} | "
        f"{np.median(ratios):.1f} ({low:.1f} to {high:.1f}) | "
        f"{joined[0]} and {joined[1]} of {len(first)} |"
    )


def row(tool: str, width: int, task: str, result: dict[str, Any] | None, limit: float) -> str:
    """One line of the table."""
    if result is None:
        return f"| {width} | {task} | {tool} | failed, or no result in {limit:.0f} s | | | | | |"
    runs = result["runs"]
    saddles = [saddle for run in runs for saddle in run["saddles"]]
    worst = max((s["grad_norm"] for s in saddles), default=float("nan"))
    indices = sorted({int(s["index"]) for s in saddles})
    verdicts = [run["connected"] for run in runs]
    joined = "band only" if None in verdicts else f"{sum(verdicts)} of {len(runs)}"
    found = [run["highest"] for run in runs if run["highest"] is not None]
    highest = f"{min(found):.9f}" if found else "-"
    if found and max(found) > min(found) + 1e-8:
        highest += f" to {max(found):.9f}"
    cpu, wall, equivalents = (
        float(np.median([run[name] for run in runs])) for name in ("cpu", "wall", "equivalents")
    )
    return (
        f"| {width} | {task} | {tool} | {joined} | {highest} | {cpu:.3f} | {wall:.3f} | "
        f"{equivalents:.0f} | index {indices}, grad {worst:.0e} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[6, 10, 20])
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--tools", nargs="+", default=list(TOOLS), choices=TOOLS)
    parser.add_argument("--limit", type=float, default=300.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3, help="of every seed, for the times")
    parser.add_argument("--by-turns", action="store_true", help="only times, two tools by turns")
    parser.add_argument("--one", nargs=3, metavar=("TOOL", "WIDTH", "TASK"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.one:
        tool, width, task = arguments.one
        if arguments.by_turns:
            found = alternating(
                arguments.tools, int(width), task, arguments.seeds, arguments.repeats
            )
            arguments.out.write_text(json.dumps(found))
            return
        arguments.out.write_text(
            json.dumps(one(tool, int(width), task, arguments.seeds, arguments.repeats))
        )
        return
    present = [t for t in arguments.tools if importlib.util.find_spec(t.split()[0]) is not None]
    if arguments.by_turns:
        print(f"| K | task | {present[0]}, ms | {present[1]}, ms | times faster | joined |")
        print("| --- | --- | --- | --- | --- | --- |")
    else:
        print(
            "| K | task | tool | joined | highest saddle | seconds | wall | gradient equivalents "
            "| saddles |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for width in arguments.widths:
        for task in arguments.tasks:
            if arguments.by_turns:
                result = _in_a_process(arguments, present[0], width, task)
                print(ratio_row(width, task, result, arguments.limit), flush=True)
                continue
            for tool in present:
                result = _in_a_process(arguments, tool, width, task)
                print(row(tool, width, task, result, arguments.limit), flush=True)


def _in_a_process(
    arguments: argparse.Namespace, tool: str, width: int, task: str
) -> dict[str, Any] | None:
    """What this script found in a process of its own; None if it failed or took too long."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        command = [sys.executable, str(Path(__file__).resolve())]
        command += ["--one", tool, str(width), task, "--out", str(out)]
        command += ["--seeds", str(arguments.seeds), "--repeats", str(arguments.repeats)]
        if arguments.by_turns:
            command += ["--by-turns", "--tools", *arguments.tools]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                command,
                timeout=arguments.limit,
                cwd=folder,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        return json.loads(out.read_text()) if out.exists() else None


if __name__ == "__main__":
    main()
