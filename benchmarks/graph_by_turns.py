"""Whole graphs against a frozen copy of an earlier version, by turns, each in a process of its own.

    python benchmarks/graph_by_turns.py [--reference REVISION] [--rounds N] [--jobs J] [--starts N]
                                        [CASE ...]

A case is a teacher and widths, such as orthonormal:6 6:7 in one word: "orthonormal:6 6:7". The
command `landtopo graph` is timed from its start to its end, kernels compiled beforehand. Beside the
time stand what was found at each width: families, passes, and parts of the graph that nothing
joins. Every family and pass of the reference must be there again: what is missing is listed below
the table.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import networkx as nx

# The last revision of version 0.1.0.
REFERENCE = "0fdfe21"
CASES = ("orthonormal:6 6:7", "orthonormal:10 10:11")
# Losses are told apart to so many digits.
DIGITS = 8
HERE = Path(__file__).resolve().parent.parent
RUN = "import sys; from landtopo_cli import main; sys.exit(main())"


def freeze(revision: str, folder: Path) -> None:
    """Write library and command of an earlier revision to a folder."""
    archive = subprocess.run(
        ["git", "archive", revision, "landtopo", "cli"], check=True, capture_output=True, cwd=HERE
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def command(tree: Path, *arguments: str) -> tuple[float, dict[str, Any]]:
    """Seconds and JSON of `landtopo` as it stands in a folder."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "cli")]),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments, "--json", "--quiet"],
        capture_output=True,
        env=environment,
        cwd=tree,
    )
    seconds = time.perf_counter() - begin
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr.decode())
    return seconds, json.loads(done.stdout)


def found(record: dict[str, Any]) -> dict[int, tuple[Counter[float], Counter[float], int]]:
    """Losses of families and of passes, and the number of parts, of every width."""
    widths = {family["id"]: family["width"] for family in record["families"]}
    result = {}
    for width in sorted(set(widths.values())):
        families = Counter(
            round(family["loss"], DIGITS)
            for family in record["families"]
            if family["width"] == width
        )
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from(name for name, own in widths.items() if own == width)
        passes: Counter[float] = Counter()
        for edge in record["edges"]:
            if edge["kind"] != "lineage" and widths[edge["from_id"]] == width:
                graph.add_edge(edge["from_id"], edge["to_id"])
                if edge["kind"] != "flat":
                    passes[round(edge["loss"], DIGITS)] += 1
        result[width] = families, passes, nx.number_connected_components(graph)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--reference", default=REFERENCE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--starts", type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        freeze(options.reference, Path(folder))
        trees = {"old": Path(folder), "new": HERE}
        small = ("graph", "--teacher", "orthonormal:2", "--widths", "2:3", "--starts", "20")
        for tree in trees.values():
            command(tree, *small)
        print("| case | version | s, median (from, to) | width: families, passes, parts |")
        print("|---|---|---|---|")
        missing = []
        for case in options.cases:
            teacher, widths = case.split()
            asked = ["graph", "--teacher", teacher, "--widths", widths, "--seed", "0"]
            asked += ["--jobs", str(options.jobs)]
            if options.starts is not None:
                asked += ["--starts", str(options.starts)]
            missing += measured(trees, case, asked, options.rounds)
    print(*missing, sep="\n")


def measured(trees: dict[str, Path], case: str, asked: list[str], rounds: int) -> list[str]:
    """Print the rows of a case; what the reference has and the working tree has not."""
    times: dict[str, list[float]] = {"old": [], "new": []}
    results = {}
    for turn in range(rounds):
        for name in ("new", "old") if turn % 2 else ("old", "new"):
            seconds, record = command(trees[name], *asked)
            times[name].append(seconds)
            results[name] = found(record)
    for name, runs in times.items():
        middle = f"{statistics.median(runs):.1f} ({min(runs):.1f}, {max(runs):.1f})"
        sizes = "; ".join(
            f"{width}: {families.total()}, {passes.total()}, {parts}"
            for width, (families, passes, parts) in results[name].items()
        )
        print(f"| {case} | {name} | {middle} | {sizes} |", flush=True)
    missing = []
    for width, (families, passes, _) in results["old"].items():
        now = results["new"][width]
        for kind, old, new in (("family", families, now[0]), ("pass", passes, now[1])):
            lost = sorted((old - new).elements())
            missing += [f"{case}, width {width}: no {kind} at {loss}" for loss in lost]
    return missing


if __name__ == "__main__":
    main()
