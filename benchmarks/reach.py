"""Training runs followed to their ends a second, and a finite-rate fixed point, on one thread.

Times are processor times, which a busy machine does not stretch much. Chunks of runs share
nothing, so two cores halve them.
"""

from __future__ import annotations

import time

import click
import numpy as np

from landtopo.models.networks.dynamics.ends import RunOptions, follow_runs
from landtopo.models.networks.dynamics.finite_rate import follow_rate
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import GaussianStart


@click.command(help=__doc__)
@click.option("--runs", default=400, show_default=True, help="Runs of each kind.")
@click.option("--sizes", default="6,10,17", show_default=True)
def main(runs: int, sizes: str) -> None:
    print("K = M  method  ms a run  10^4 runs on two cores  gradients a run  unfinished")
    for size in map(int, sizes.split(",")):
        problem = TeacherStudent(Teacher.orthonormal(size), size)
        for method in ("gd", "flow"):
            options = RunOptions(method=method)
            follow_runs(problem, GaussianStart(), options, 0, 0, 1)
            begin = time.process_time()
            ends = follow_runs(problem, GaussianStart(), options, 0, 0, runs)
            each = (time.process_time() - begin) / runs
            print(
                f"{size:5d}  {method:6s} {1e3 * each:9.2f} {1e4 * each / 2:20.0f} s "
                f"{ends['evaluations'].mean():16.0f} {int(np.sum(ends['status'] != 0)):11d}",
                flush=True,
            )
    print("K = M  points on the branch  fold at rate  seconds")
    for size, starts in ((6, 3000), (10, 20)):
        problem = TeacherStudent(Teacher.orthonormal(size), size)
        found = find_minima(problem, starts=starts, seed=0)
        family = next(family for family in found.families if not family.is_global)
        follow_rate(problem, family.weights)
        begin = time.process_time()
        branch = follow_rate(problem, family.weights)
        spent = time.process_time() - begin
        print(f"{size:5d} {len(branch.rates):21d} {branch.vanishes:13.6f} {spent:8.2f}")


if __name__ == "__main__":
    main()
