"""Minima are the attractive fixed points of the flow of (Q, R): every critical point found, tried.

    python verification/dynamics_fixed_points.py

For K = M = 6 .. 10 and K = M + 1, orthonormal teachers: the largest difference between the
spectrum of the flow's Jacobian and what Hessian and normal block predict, over all families of
minima that 2000 starts find and over saddles of index 1; and whether points moved by 1e-3 in a
random direction, in and outside the span, return (minima) or leave (saddles), as the spectrum
says. The searches are kept in results/ and go on where they were interrupted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from landtopo.models.networks.dynamics.ends import RunOptions, finish_runs
from landtopo.models.networks.dynamics.fixed_points import Attraction, Stability, attraction
from landtopo.models.networks.points.saddles import find_saddles
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.objective import Array
from landtopo.study import Study

TRIES = 5
MOVED = 1e-3
STARTS = 2000
CLIMBS = 60


def returns(problem: TeacherStudent, found: Attraction, rng: np.random.Generator) -> int:
    """How many of `TRIES` perturbed copies flow back to the point, or to its flat set."""
    width = problem.width
    point = np.zeros((width, problem.rank + width))
    point[:, : found.point.weights.shape[1]] = found.point.weights
    starts = point + MOVED / np.sqrt(point.size) * rng.standard_normal((TRIES, *point.shape))
    ends = finish_runs(problem, starts, RunOptions())
    same_loss = np.abs(ends["loss"] - found.point.loss) < 1e-10
    # On a flat set, and up to rotations outside the span, another point of it is as good.
    return int(np.sum(same_loss & (_distances(ends["weights"], point) < 0.05)))


def _distances(weights: Array, point: Array) -> Array:
    """Distances of the products of all neurons, which no rotation changes."""
    grams = weights @ weights.transpose(0, 2, 1)
    return np.asarray(np.linalg.norm(grams - point @ point.T, axis=(1, 2)))


def main() -> None:
    folder = Path("results")
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    wrong = 0
    print("M   K   what     families  largest mismatch  verdicts agree  moved points as predicted")
    for size in range(6, 11):
        teacher = Teacher.orthonormal(size)
        with Study.resume(folder / f"fixed-points-{size}.landtopo", teacher) as study:
            study.begin("fixed-points", {"starts": STARTS, "climbs": CLIMBS})
            for width in (size, size + 1):
                problem = TeacherStudent(teacher, width)
                minima = find_minima(problem, starts=STARTS, journal=study).families
                saddles = find_saddles(problem, index=1, starts=CLIMBS, journal=study).families
                for what, families in (("minima", minima), ("saddles", saddles)):
                    found = [attraction(problem, family.weights) for family in families]
                    agree = sum(one.agrees for one in found)
                    as_predicted = 0
                    for one in found:
                        back = returns(problem, one, rng)
                        repels = one.stability is Stability.REPELLING
                        as_predicted += TRIES - back if repels else back
                    wrong += len(found) - agree + len(found) * TRIES - as_predicted
                    worst = max((one.mismatch for one in found), default=0.0)
                    wrong += worst > 1e-8
                    print(
                        f"{size:<3d} {width:<3d} {what:8s} {len(found):8d} {worst:17.1e} "
                        f"{agree:9d} of {len(found):<3d} {as_predicted:12d} of "
                        f"{len(found) * TRIES}",
                        flush=True,
                    )
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
