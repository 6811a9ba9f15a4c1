"""Which families of minima a search by symmetry alone finds, against searches that know of none.

For orthonormal teachers of M neurons and students of M and M + 1. The others are what graphs of
version 0.1.0 were made of: random starts, neurons added to families of the width below, climbs,
bands, and mirrored copies of the lowest family; and the graphs of version 0.1.0 that the tests
keep. Every family of them that some exchange leaves alone has to be among those of
`landtopo.symmetry_search`, which starts from none of them: with two blocks, and where that lacks
one, with three. At zero loss students of M + 1 have one flat set, whose points differ in symmetry:
it is left out. Also tells what there is with four and five anti-aligned neurons at K = M = 10.

    python verification/symmetric_families.py [--sizes 6:10] [--starts 500]

What is finished is kept in results/, and the same command goes on after a kill.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import landtopo as lt
from landtopo.models.networks.landscape.mirrors import mirrored_minima
from landtopo.models.networks.symmetry import equivalence, isotropy, point_graph
from landtopo.points.records import is_zero_loss

MIRRORED = 64
KNOWN = Path(__file__).parent.parent / "tests" / "known"
# K, and the size of the teacher, of the graphs of version 0.1.0.
KEPT = {(6, 6): "orthonormal-6", (8, 8): "orthonormal-8", (8, 9): "orthonormal-9"}
TYPES = ("6 (5+1 of block 1) + 4 (3+1 of block 2)", "5 (4+1 of block 1) + 5 (4+1 of block 2)")


def others(size: int, starts: int, study: lt.Study) -> dict[int, list[Any]]:
    """Weights of minima at both widths that are found without any use of symmetry."""
    teacher = lt.Teacher.orthonormal(size)
    graph = lt.landscape_graph(
        teacher,
        [size, size + 1],
        starts=starts,
        options=lt.ExploreOptions(blocks=0),
        journal=study,
    )
    found: dict[int, list[Any]] = {}
    for width in (size, size + 1):
        here = [data for data in graph.nodes.values() if data["width"] == width]
        lowest = min(here, key=lambda data: float(data["loss"]))["weights"]
        problem = lt.TeacherStudent(teacher, width=width)
        found[width] = [np.asarray(data["weights"]) for data in here]
        found[width] += mirrored_minima(problem, np.asarray(lowest), 0, MIRRORED)["ends"]
        if name := KEPT.get((size, width)):
            kept = lt.read_graph(KNOWN / f"{name}.json")
            found[width] += [np.asarray(data["weights"]) for data in kept.nodes.values()]
    return found


def different(problem: lt.TeacherStudent, weights: list[Any]) -> list[tuple[Any, float]]:
    """Families of minima among some weights, prepared for comparisons, with their losses."""
    graphs: list[tuple[Any, float]] = []
    for one in weights:
        point = lt.classify(problem, one)
        if is_zero_loss(point.loss, point.weights) and problem.width > problem.teacher.size:
            continue
        graph = point_graph(problem.teacher, point.weights)
        if all(equivalence(graph, known) is None for known, _ in graphs):
            graphs.append((graph, point.loss))
    return graphs


def missing(problem: lt.TeacherStudent, weights: list[Any], study: lt.Study) -> list[float]:
    """Losses of families with a symmetry that the search by symmetry lacks."""
    families = different(problem, weights)
    symmetric = [(graph, loss) for graph, loss in families if isotropy(graph).order > 1]
    for blocks in (2, 3):
        found = lt.symmetry_search(problem, blocks=blocks, starts=12, cycle_starts=0, journal=study)
        known = [point_graph(problem.teacher, one.weights) for one in found.minima]
        lost = [one for one in symmetric if all(equivalence(one[0], g) is None for g in known)]
        if not lost:
            break
    size, width = problem.teacher.size, problem.width
    minima = different(problem, [one.weights for one in found.minima])
    further = len(minima) - len(symmetric) + len(lost)
    print(
        f"M = {size}, K = {width}: {len(families)} families of minima without symmetry search, "
        f"{len(symmetric)} with a symmetry ({', '.join(f'{loss:.9g}' for _, loss in symmetric)}); "
        f"the search by symmetry of {blocks} blocks lacks {[loss for _, loss in lost]} of them, "
        f"and has {further} more",
        flush=True,
    )
    if (size, width) == (10, 10):
        tell_types(found)
    return [loss for _, loss in lost]


def tell_types(found: lt.SymmetrySearch) -> None:
    """What there is with four and five anti-aligned neurons."""
    for row in found.rows():
        if row["neurons"] in TYPES:
            print(f"  {row['group']}: {row['found']}")
    for one in found.points:
        if one.anti_aligned in (4, 5) and one.isotropy in ("S_6 x S_4", "S_5 x S_5"):
            print(f"  {one.isotropy}, {one.anti_aligned}: {one.loss:.9g} index {one.point.index}")


def main() -> int:
    """Go through sizes; 1 where a family is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="6:10")
    parser.add_argument("--starts", type=int, default=500)
    options = parser.parse_args()
    low, _, high = options.sizes.partition(":")
    folder = Path("results")
    folder.mkdir(exist_ok=True)
    lost = []
    for size in range(int(low), int(high or low) + 1):
        teacher = lt.Teacher.orthonormal(size)
        path = folder / f"symmetric-{size}.landtopo"
        with (
            lt.Study.open(path, write=True)
            if path.exists()
            else lt.Study.create(path, teacher) as study
        ):
            for width, weights in others(size, options.starts, study).items():
                problem = lt.TeacherStudent(teacher, width=width)
                lost += missing(problem, weights, study)
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
