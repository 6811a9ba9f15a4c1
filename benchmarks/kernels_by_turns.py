"""Compiled loops against a frozen copy of an earlier version, by turns in one process.

    python benchmarks/kernels_by_turns.py [--reference REVISION] [--rounds N]

The reference is taken from the history of the repository. Both minimise, follow and descend from
the same starts; end points must be the same to the last bit, and times are processor times of the
one thread that runs. The gate is a median ratio of at most 1.02.
"""

from __future__ import annotations

import argparse
import importlib
import io
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
from landtopo.loss import PopulationLoss
from landtopo.problem import Teacher, TeacherStudent

# The last revision of version 0.1.0.
REFERENCE = "0fdfe21"
CASES = {6: (400, 60), 12: (60, 12), 17: (24, 6)}


def frozen(revision: str, folder: Path) -> Callable[[str], Any]:
    """Modules of the kernels of an earlier revision, under another name."""
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
    sys.path.insert(0, str(folder))
    return lambda name: importlib.import_module(f"frozen.kernels.{name}")


def by_turns(tasks: dict[str, Callable[[], Any]], rounds: int) -> tuple[float, bool]:
    """Median of the ratios new / old, pair by pair, and whether the results are the same."""
    results = {name: task() for name, task in tasks.items()}
    same = all(
        np.array_equal(a, b) for a, b in zip(results["new"], results["old"], strict=True)
    )
    ratios = []
    for turn in range(rounds):
        times = {}
        for name in ("new", "old") if turn % 2 else ("old", "new"):
            begin = time.process_time()
            tasks[name]()
            times[name] = time.process_time() - begin
        ratios.append(times["new"] / times["old"])
    return statistics.median(ratios), same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", default=REFERENCE)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        old = frozen(options.reference, Path(folder))
        print("| K = M | loop | time new / old | same bits |")
        print("|---|---|---|---|")
        for size, (many, few) in list(CASES.items())[:int(__import__("os").environ.get("CASES","9"))]:
            for loop in ("minimise", "flow", "descend"):
                tasks = pair(loop, size, many if loop == "minimise" else few, old)
                ratio, same = by_turns(tasks, options.rounds)
                print(f"| {size} | {loop} | {ratio:.3f} | {'yes' if same else 'NO'} |", flush=True)


def pair(loop: str, size: int, count: int, old: Callable[[str], Any]) -> dict[str, Any]:
    """The same task for both versions."""
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(size), size))
    rows, constant = loss.frame(size)
    network = loss.network(size)
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
