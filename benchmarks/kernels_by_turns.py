"""Compiled loops against a frozen copy of an earlier version, by turns in one process.

    python benchmarks/kernels_by_turns.py [--reference REVISION] [--rounds N] [--processes N]

The reference is taken from the history of the repository. Both minimise, follow and descend from
the same starts; end points must be the same to the last bit. Where arrays and code come to lie in
memory changes times by several percent from process to process, so the medians are over processes.
The gate is a median ratio of at most 1.02 for the minimiser and the flow.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from landtopo.kernels.descent import descend_batch
from landtopo.kernels.flow import flow_batch
from landtopo.kernels.minimise import minimise_batch
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent

# The last revision of version 0.1.0.
REFERENCE = "0fdfe21"
# Neurons, and starts of the minimiser; flows and descents follow one.
CASES = {6: 4, 12: 1, 17: 1}


def freeze(revision: str, folder: Path) -> None:
    """Write the kernels of an earlier revision to a folder, as a package of another name."""
    archive = subprocess.run(
        ["git", "archive", revision, "landtopo/kernels", "landtopo/objective.py"],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parent.parent,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    (folder / "landtopo").rename(folder / "frozen")
    (folder / "frozen" / "__init__.py").touch()
    for source in (folder / "frozen").rglob("*.py"):
        source.write_text(source.read_text().replace("landtopo.", "frozen."))


def module_of_frozen(name: str) -> Any:
    """A module of the frozen package."""
    return importlib.import_module(f"frozen.kernels.{name}")


def by_turns(tasks: dict[str, Callable[[], Any]], rounds: int) -> tuple[float, bool]:
    """Ratio new / old of the times that a tenth of the runs stay below, and whether bits agree."""
    results = {name: task() for name, task in tasks.items()}
    same = all(np.array_equal(a, b) for a, b in zip(results["new"], results["old"], strict=True))
    times: dict[str, list[float]] = {"new": [], "old": []}
    for turn in range(rounds):
        for name in ("new", "old") if turn % 2 else ("old", "new"):
            begin = time.perf_counter()
            tasks[name]()
            times[name].append(time.perf_counter() - begin)
    return float(np.quantile(times["new"], 0.1) / np.quantile(times["old"], 0.1)), same


def measured(old: Callable[[str], Any], rounds: int) -> dict[str, tuple[float, bool]]:
    """Ratio and agreement of every case."""
    return {
        f"{size} {loop}": by_turns(pair(loop, size, count, old), rounds)
        for size, count in CASES.items()
        for loop in ("minimise", "flow", "descend")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", default=REFERENCE)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        sys.path.insert(0, options.folder)
        print(json.dumps(measured(module_of_frozen, options.rounds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        freeze(options.reference, Path(folder))
        command = [sys.executable, __file__, "--folder", folder, "--rounds", str(options.rounds)]
        runs = [
            json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            for _ in range(options.processes)
        ]
    print("| K = M | loop | time new / old, median (from, to) | same bits |")
    print("|---|---|---|---|")
    for case in runs[0]:
        size, loop = case.split()
        ratios = [run[case][0] for run in runs]
        same = "yes" if all(run[case][1] for run in runs) else "NO"
        middle = statistics.median(ratios)
        print(f"| {size} | {loop} | {middle:.3f} ({min(ratios):.3f}, {max(ratios):.3f}) | {same} |")


def pair(loop: str, size: int, count: int, old: Callable[[str], Any]) -> dict[str, Any]:
    """The same task for both versions."""
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(size), size))
    rows, constant = loss.frame(size)
    network = loss.network(size)
    count = count if loop == "minimise" else 1
    starts = np.random.default_rng(0).standard_normal((count, size, size)) / np.sqrt(size)

    def run(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        def task() -> Any:
            points = starts.copy()
            return (points, *function(points, *arguments))

        return task

    if loop == "minimise":
        end = 1e-12, 20_000
        return {
            "new": run(minimise_batch, network, *end),
            "old": run(old("minimise").minimise_batch, rows, constant, *end),
        }
    if loop == "flow":
        end = 1e-3, 1e-6, 1e6, 10**6
        return {
            "new": run(flow_batch, network, *end),
            "old": run(old("flow").flow_batch, rows, *end),
        }
    end = 0.1, 1e-4, 4000
    return {
        "new": run(descend_batch, network, *end),
        "old": run(old("descent").descend_batch, rows, *end),
    }


if __name__ == "__main__":
    main()
