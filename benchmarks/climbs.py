"""Climbs a second from random starts: run it in the checkouts that are to be compared, by turns.

    for turn in 1 2 3; do (cd OLD && python benchmarks/climbs.py); (cd NEW && ...); done

The starts are the same in all versions; CPU time, one thread, after a climb that loads the kernels.
"""

import time

import numpy as np

import landtopo as lt
from landtopo.models.networks.loss import WeightObjective
from landtopo.points.ascend import AscentOptions, ascend

COUNTS = {6: 40, 10: 40, 17: 20}


def main() -> None:
    """Print one line for each width."""
    for width, count in COUNTS.items():
        problem = lt.TeacherStudent(lt.Teacher.orthonormal(width), width=width)
        loss = WeightObjective(lt.PopulationLoss(problem), columns=width + 1)
        starts = np.random.default_rng(0).standard_normal((count, loss.size)) / np.sqrt(width)
        options = AscentOptions(steps=150)
        ascend(loss, starts[0], options)
        began = time.process_time()
        found = [ascend(loss, start, options) for start in starts]
        took = time.process_time() - began
        ended = sum(one.converged for one in found)
        print(f"K = M = {width}: {1e3 * took / count:.1f} ms a climb, {ended} of {count} converged")


if __name__ == "__main__":
    main()
