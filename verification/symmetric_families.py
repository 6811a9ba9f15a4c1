"""Which families of minima a search by symmetry alone finds, against searches that know of none.

For orthonormal teachers of M neurons and students of M and M + 1: families from random starts and
from mirrored copies of the lowest one, as graphs of version 0.1.0 have them; every one of them that
some exchange leaves alone has to be among those of `landtopo.symmetry_search`, which starts from
neither. Also tells what there is with four and five anti-aligned neurons at K = M = 10.

    python verification/symmetric_families.py [--sizes 6:10] [--starts 500]
"""

from __future__ import annotations

import argparse
import sys

import landtopo as lt
from landtopo.models.networks.landscape.mirrors import mirrored_minima
from landtopo.models.networks.symmetry import equivalence, isotropy, point_graph
from landtopo.points.records import is_zero_loss

MIRRORED = 64


def missing(size: int, width: int, starts: int) -> tuple[int, int, list[float]]:
    """Families without the search by symmetry, those of them with one, and losses it lacks."""
    teacher = lt.Teacher.orthonormal(size)
    problem = lt.TeacherStudent(teacher, width=width)
    plain = lt.find_minima(problem, starts=starts)
    points = [family.weights for family in plain.families]
    lowest = plain.families[0].weights
    points += mirrored_minima(problem, lowest, 0, MIRRORED)["ends"]
    graphs = []
    for weights in points:
        point = lt.classify(problem, weights)
        if is_zero_loss(point.loss, point.weights) and width > size:
            # One flat set, on which points have different symmetries.
            continue
        graph = point_graph(teacher, point.weights)
        if all(equivalence(graph, known) is None for known, _ in graphs):
            graphs.append((graph, point.loss))
    symmetric = [(g, loss) for g, loss in graphs if isotropy(g).order > 1]
    found = lt.symmetry_search(problem, cycle_starts=0)
    known = [point_graph(teacher, one.weights) for one in found.minima]
    lost = [loss for g, loss in symmetric if all(equivalence(g, one) is None for one in known)]
    print(
        f"M = {size}, K = {width}: {len(graphs)} families of minima from {starts} starts and "
        f"{MIRRORED} mirrored copies, {len(symmetric)} with a symmetry; the search by symmetry has "
        f"{len(found.minima)} minima and lacks {len(lost)}: {lost}",
        flush=True,
    )
    if (size, width) == (10, 10):
        for row in found.rows():
            if row["neurons"] in (
                "6 (5+1 of block 1) + 4 (3+1 of block 2)",
                "5 (4+1 of block 1) + 5 (4+1 of block 2)",
            ):
                print(f"  {row['group']}: {row['found']}")
        for one in found.points:
            if one.anti_aligned in (4, 5) and one.isotropy in ("S_6 x S_4", "S_5 x S_5"):
                print(
                    f"  {one.isotropy}, {one.anti_aligned}: {one.loss:.9g} index {one.point.index}"
                )
    return len(graphs), len(symmetric), lost


def main() -> int:
    """Go through sizes; 1 where a family is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="6:10")
    parser.add_argument("--starts", type=int, default=500)
    options = parser.parse_args()
    low, _, high = options.sizes.partition(":")
    sizes = range(int(low), int(high or low) + 1)
    lost = [missing(m, k, options.starts)[2] for m in sizes for k in (m, m + 1)]
    return int(any(lost))


if __name__ == "__main__":
    sys.exit(main())
