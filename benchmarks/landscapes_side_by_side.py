"""Whole landscapes by landtopo, pele and topsearch, in one run: what each finds, and at what cost.

The others live in an environment of their own, whose interpreter is an argument:

    python3.11 -m venv .venv-others
    .venv-others/bin/pip install pele==0.1.2 topsearch==0.0.3
    python benchmarks/landscapes_side_by_side.py --others .venv-others/bin/python

Each tool searches each landscape with its own method, in a process of its own and until it is done
or its processor time is used up (`--seconds`); what it has by then counts. pele: basin hopping, and
double-ended connections of pairs of minima by all its strategies. topsearch: the same, with its
nudged bands and hybrid eigenvector following. landtopo: `landscape_graph`.

Since each stops by a rule of its own, it is also told after how many seconds a tool had all points
that another one ended with. For that pele goes on when it is done, until its time is used up: with
fresh connections of random pairs of minima, which look for other ways than those it knows.

What a tool found is judged by landtopo, alike for all: Newton's method with the exact Hessian, the
index, and both descents from each transition state. Copies by permutation, motion and mirror image
are one point. Seconds are processor time of the search alone, compiled code and modules loaded
before; evaluations are values with gradients, and products with Hessians in compiled climbs
(Hessians are counted apart).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

LANDSCAPES = ("mueller-brown", "lj:7", "lj:8")
TOOLS = ("landtopo", "pele", "topsearch")
_STEPS = {"mueller-brown": 30, "lj:7": 100, "lj:8": 200}


class OutOfTimeError(Exception):
    """The processor time is used up."""


def mueller_brown(x: Any) -> tuple[float, Any]:
    """Value and gradient; the constants are those of the paper."""
    depth = np.array([-200.0, -100.0, -170.0, 15.0])
    xx, xy = np.array([-1.0, -1.0, -6.5, 0.7]), np.array([0.0, 0.0, 11.0, 0.6])
    yy = np.array([-10.0, -10.0, -6.5, 0.7])
    dx, dy = x[0] - np.array([1.0, 0.0, -0.5, -1.0]), x[1] - np.array([0.0, 0.5, 1.5, 1.0])
    terms = depth * np.exp(xx * dx**2 + xy * dx * dy + yy * dy**2)
    slope = np.array([terms @ (2 * xx * dx + xy * dy), terms @ (xy * dx + 2 * yy * dy)])
    return float(terms.sum()), slope


def by_pele(landscape: str, found: dict[str, Any]) -> None:
    """Basin hopping, then connections between pairs of minima."""
    from pele.landscape import ConnectManager
    from pele.potentials import LJ, BasePotential
    from pele.systems import BaseSystem, LJCluster

    class Counted(BasePotential):  # type: ignore[misc]
        """Counts what is asked of the compiled potential."""

        def __init__(self) -> None:
            self.inner = LJ() if landscape != "mueller-brown" else None

        def getEnergy(self, coords: Any) -> float:
            return float(self.getEnergyGradient(coords)[0])

        def getEnergyGradient(self, coords: Any) -> tuple[float, Any]:
            found["evaluations"] += 1
            if self.inner is None:
                return mueller_brown(coords)
            energy, gradient = self.inner.getEnergyGradient(coords)
            return float(energy), gradient

    class Plane(BaseSystem):  # type: ignore[misc]
        """A function of two coordinates without symmetry."""

        def get_potential(self) -> Any:
            return Counted()

        def get_random_configuration(self) -> Any:
            return np.random.uniform([-1.5, -0.5], [1.2, 2.0])  # noqa: NPY002

        def get_mindist(self, **_: Any) -> Callable[..., Any]:
            return lambda x, y: (float(np.linalg.norm(x - y)), x, y)

        def get_compare_exact(self, **_: Any) -> Callable[..., bool]:
            return lambda x, y: bool(np.linalg.norm(x - y) < 1e-3)

        def get_orthogonalize_to_zero_eigenvectors(self) -> None:
            return None

    class Cluster(LJCluster):  # type: ignore[misc]
        def get_potential(self) -> Any:
            return Counted()

    np.random.seed(0)  # noqa: NPY002 what it draws from
    size = 0 if landscape == "mueller-brown" else int(landscape.split(":")[1])
    system = Cluster(size) if size else Plane()
    database = system.create_database()

    def added(one: Any) -> None:
        note(found, one.coords)

    # It keeps weak references only.
    database.on_minimum_added.connect(added)
    database.on_ts_added.connect(added)
    if size:
        hopping = system.get_basinhopping(database=database, outstream=io.StringIO())
        hopping.run(_STEPS[landscape])
    else:
        for _ in range(_STEPS[landscape]):
            end = system.get_random_minimized_configuration()
            database.addMinimum(end.energy, end.coords)
    for strategy in ("gmin", "untrap", "combine", "random"):
        manager = ConnectManager(database, strategy=strategy, verbosity=-1)
        for _ in range(40):
            try:
                first, last = manager.get_connect_job(strategy)
            except (manager.NoMoreConnectionsError, AssertionError):
                # It also asserts that there are transition states.
                break
            system.get_double_ended_connect(first, last, database, verbosity=-1).connect()
    found["done"] = time.process_time(), found["evaluations"]
    while True:
        first, last = np.random.choice(database.minima(), 2, replace=False)  # noqa: NPY002
        system.get_double_ended_connect(
            first, last, database, verbosity=-1, fresh_connect=True
        ).connect()


def by_topsearch(landscape: str, found: dict[str, Any]) -> None:
    """Basin hopping, then connections to the nearest minima, as in its examples."""
    from topsearch.data.coordinates import AtomicCoordinates, StandardCoordinates
    from topsearch.data.kinetic_transition_network import KineticTransitionNetwork
    from topsearch.global_optimisation.basin_hopping import BasinHopping
    from topsearch.global_optimisation.perturbations import (
        AtomicPerturbation,
        StandardPerturbation,
    )
    from topsearch.potentials.atomic import LennardJones
    from topsearch.potentials.potential import Potential
    from topsearch.sampling.exploration import NetworkSampling
    from topsearch.similarity.molecular_similarity import MolecularSimilarity
    from topsearch.similarity.similarity import StandardSimilarity
    from topsearch.transition_states.hybrid_eigenvector_following import (
        HybridEigenvectorFollowing,
    )
    from topsearch.transition_states.nudged_elastic_band import NudgedElasticBand

    class Plane(Potential):  # type: ignore[misc]
        def __init__(self) -> None:
            self.atomistic = False

        def function(self, position: Any) -> float:
            return self.function_gradient(position)[0]

        def gradient(self, position: Any, displacement: float = 1e-6) -> Any:
            return self.function_gradient(position)[1]

        def function_gradient(self, position: Any) -> tuple[float, Any]:
            found["evaluations"] += 1
            return mueller_brown(position)

    class Cluster(LennardJones):  # type: ignore[misc]
        def function_gradient(self, position: Any) -> tuple[Any, Any]:
            found["evaluations"] += 1
            return super().function_gradient(position)

    class Network(KineticTransitionNetwork):  # type: ignore[misc]
        def add_minimum(self, min_coords: Any, energy: float) -> None:
            note(found, min_coords)
            super().add_minimum(min_coords, energy)

        def add_ts(self, ts_coords: Any, *rest: Any) -> None:
            note(found, ts_coords)
            super().add_ts(ts_coords, *rest)

    np.random.seed(0)  # noqa: NPY002 what it draws from
    network = Network()
    if landscape == "mueller-brown":
        coords = StandardCoordinates(ndim=2, bounds=[(-1.5, 1.2), (-0.5, 2.0)])
        potential, similar = Plane(), StandardSimilarity(0.05, 1e-2)
        step = StandardPerturbation(max_displacement=1.0, proportional_distance=False)
        band, push = NudgedElasticBand(potential, 50.0, 50.0, 20, 1e-2), 1e-2
    else:
        size = int(landscape.split(":")[1])
        # From random places its minimiser lets clusters fall apart; from a cube it does not.
        corners = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        start = 1.1 * corners[:size].astype(float).ravel()
        start += np.random.uniform(-0.05, 0.05, 3 * size)  # noqa: NPY002
        coords = AtomicCoordinates(["C"] * size, start)
        potential = Cluster()
        similar = MolecularSimilarity(0.05, 1e-4, allow_inversion=True)
        step = AtomicPerturbation(max_displacement=1.0, max_atoms=size // 2)
        band, push = NudgedElasticBand(potential, 50.0, 10.0, 20, 1e-2), 1e-1
    hopping = BasinHopping(network, potential, similar, step)
    following = HybridEigenvectorFollowing(potential, 1e-5, 100, push)
    sampling = NetworkSampling(network, coords, hopping, following, band, similar)
    sampling.get_minima(coords, _STEPS[landscape], 1e-4, 100.0 if coords.ndim == 2 else 2.0,
                        test_valid=False)  # fmt: skip
    sampling.get_transition_states("ClosestEnumeration", 4)
    sampling.get_transition_states("ConnectUnconnected", 4)


def by_landtopo(landscape: str, found: dict[str, Any]) -> None:
    """The graph, as the command makes it."""
    import landtopo as lt
    from landtopo.kernels import climb
    from landtopo.landscape.catalogue import Catalogue
    from landtopo.models.named import named_model

    model = named_model(landscape)

    def counted(objective: Any) -> Any:
        """The function, with a count of what is asked of it outside compiled climbs."""
        both, hessian = objective.value_and_gradient, objective.hessian

        def value_and_gradient(x: Any) -> Any:
            found["evaluations"] += len(np.atleast_2d(x))
            return both(x)

        def counted_hessian(x: Any) -> Any:
            found["hessians"] += 1
            return hessian(x)

        objective.value_and_gradient, objective.hessian = value_and_gradient, counted_hessian
        return objective

    inner = climb.climb_batch

    def climb_batch(*arguments: Any) -> Any:
        """Climbs, with the gradients and products with Hessians that each tells of."""
        result = inner(*arguments)
        found["evaluations"] += int(result[3][:, 1:].sum())
        return result

    added = {name: getattr(Catalogue, name) for name in ("add_family", "add_transition")}

    def noted(name: str) -> Any:
        def add(catalogue: Catalogue, one: Any) -> None:
            note(found, one.point.x * model.length)
            added[name](catalogue, one)

        return add

    in_units = model.scaled
    model.scaled = lambda objective: counted(in_units(objective))
    climb.climb_batch = climb_batch
    for name in added:
        setattr(Catalogue, name, noted(name))
    lt.landscape_graph(model)
    climb.climb_batch = inner
    for name, method in added.items():
        setattr(Catalogue, name, method)


def note(found: dict[str, Any], x: Any) -> None:
    """Keep a point with the processor time at which it was found."""
    found["points"].append((time.process_time(), np.ravel(x).tolist()))


SEARCHES = {"landtopo": by_landtopo, "pele": by_pele, "topsearch": by_topsearch}


def work(tool: str, landscape: str, seconds: float) -> None:
    """One search in this process; what was found is printed as JSON."""
    found: dict[str, Any] = {"evaluations": 0, "hessians": 0, "points": [], "done": None}

    def stop(*_: Any) -> None:
        raise OutOfTimeError

    if tool == "landtopo":
        # Compiled code and modules first.
        warm = {**found, "points": []}
        by_landtopo("lj:4" if landscape != "mueller-brown" else "himmelblau", warm)
    status = "done"
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        here = Path.cwd()
        os.chdir(folder)
        try:
            SEARCHES[tool](landscape, found)
        except OutOfTimeError:
            status = "time used up"
        except Exception as error:
            status = f"failed: {type(error).__name__}: {error}"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            os.chdir(here)
    last = time.process_time()
    done, evaluations = found["done"] or (last, found["evaluations"])
    answer = {
        "points": [(at - began, x) for at, x in found["points"]],
        "evaluations": evaluations,
        "hessians": found["hessians"],
        "seconds": done - began,
        "status": "done" if found["done"] else status,
        "went_on": last - began,
    }
    print(json.dumps(answer))


@dataclass(frozen=True)
class Known:
    """A point that a tool found, for the first time after so many seconds; a state joins minima."""

    seconds: float
    mark: Any
    is_state: bool
    joins: bool


def judged(landscape: str, answer: dict[str, Any]) -> list[Known]:
    """Different minima and transition states in the order in which they were found, by landtopo."""
    from landtopo.landscape.transitions import follow
    from landtopo.models.named import named_model
    from landtopo.points.climbs import SaddleStart
    from landtopo.points.records import Kind

    model = named_model(landscape)
    known: list[Known] = []
    for seconds, x in answer["points"]:
        point = model.strata.judge(model.inside(np.array(x)))
        is_state = point.kind is Kind.SADDLE and point.index == 1
        if not is_state and point.kind is not Kind.MINIMUM:
            continue
        mark = model.strata.mark(point)
        if all(one.mark.match(mark) is None for one in known):
            joins = is_state and bool(follow(model, [SaddleStart(x=point.x)]).found)
            known.append(Known(seconds=seconds, mark=mark, is_state=is_state, joins=joins))
    return known


def time_to(own: list[Known], wanted: list[Known], answer: dict[str, Any]) -> str:
    """After how many seconds a tool had all that another one ended with, or how much it has."""
    times = [
        next((one.seconds for one in own if one.mark.match(point.mark) is not None), None)
        for point in wanted
    ]
    reached = [at for at in times if at is not None]
    if len(reached) == len(wanted):
        return f"{max(reached, default=0.0):.2f}"
    return f"{len(reached)} of {len(wanted)} after {answer['went_on']:.0f}"


def row(answer: dict[str, Any], points: list[Known]) -> str:
    """What a tool had when it was done, and what that took."""
    states = [one for one in points if one.is_state]
    counts = len(points) - len(states), len(states), sum(one.joins for one in states)
    spent = answer["evaluations"], answer["hessians"], f"{answer['seconds']:.1f}"
    return " | ".join(map(str, (*counts, *spent, answer["status"])))


def main() -> None:
    """Every tool on every landscape, and the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--others", help="interpreter with pele and topsearch")
    parser.add_argument("--seconds", type=float, default=300.0, help="processor time a search")
    parser.add_argument("--landscapes", nargs="+", default=LANDSCAPES)
    parser.add_argument("--tools", nargs="+", default=TOOLS, choices=TOOLS)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(*given.work, given.seconds)
        return
    tools = [name for name in given.tools if name == "landtopo" or given.others]
    own = "landscape | tool | minima | transition states | verified connections | evaluations"
    own += " | Hessians | seconds | ended"
    columns = (*own.split(" | "), *(f"all of {tool}" for tool in tools))
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    for landscape in given.landscapes:
        answers = {}
        for tool in tools:
            python = sys.executable if tool == "landtopo" else given.others
            command = [python, __file__, "--work", tool, landscape, "--seconds", str(given.seconds)]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                print(f"| {landscape} | {tool} | {ran.stderr.strip().splitlines()[-1]} |")
                continue
            answers[tool] = json.loads(ran.stdout.strip().splitlines()[-1])
        points = {tool: judged(landscape, answer) for tool, answer in answers.items()}
        ended = {
            tool: [one for one in points[tool] if one.seconds <= answer["seconds"]]
            for tool, answer in answers.items()
        }
        for tool, answer in answers.items():
            times = [time_to(points[tool], wanted, answer) for wanted in ended.values()]
            print(f"| {landscape} | {tool} | {row(answer, ended[tool])} | {' | '.join(times)} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
