"""Converged minima a second on one thread, against pele's L-BFGS in C++ on the same loss.

pele asks for the energy and gradient through its Python potential, which here calls landtopo's own
compiled kernel, so the difference is the minimiser and the calls, not the formula. Times are
processor times, which a busy machine does not stretch.
"""

from __future__ import annotations

import time

import numpy as np

from landtopo.kernels.minimise import minimise_batch
from landtopo.loss import PopulationLoss, WeightObjective
from landtopo.problem import Teacher, TeacherStudent


def pele_rate(objective: WeightObjective, weights: np.ndarray) -> float:
    from pele.optimize import lbfgs_cpp
    from pele.potentials import BasePotential

    class Potential(BasePotential):  # type: ignore[misc]
        def getEnergy(self, x):  # type: ignore[no-untyped-def]
            return float(objective.value(x))

        def getEnergyGradient(self, x):  # type: ignore[no-untyped-def]
            value, gradient = objective.value_and_gradient(x)
            return float(value), gradient

    potential = Potential()
    start = time.process_time()
    done = 0
    for point in weights:
        # pele compares the root mean square of the gradient with tol
        result = lbfgs_cpp(point.ravel(), potential, tol=1e-9 / np.sqrt(point.size), nsteps=20_000)
        done += bool(np.linalg.norm(result.grad) < 1e-9)
    return done / (time.process_time() - start)


def main() -> None:
    print("   K    minima/s    |grad|max   pele minima/s   ratio")
    for size, count in ((6, 2000), (10, 1000), (20, 200)):
        loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(size), size))
        rows, constant = loss.frame(size)
        starts = np.random.default_rng(0).standard_normal((count, size, size)) / np.sqrt(size)
        minimise_batch(starts[:2].copy(), rows, constant, 1e-12, 20_000)
        weights = starts.copy()
        begin = time.process_time()
        norms, statuses, _ = minimise_batch(weights, rows, constant, 1e-12, 20_000)
        rate = int(np.sum(statuses == 0)) / (time.process_time() - begin)
        try:
            other = pele_rate(WeightObjective(loss), starts[: max(20, count // 10)])
        except ImportError:
            other = float("nan")
        worst = norms[statuses == 0].max()
        print(f"{size:4d} {rate:11.0f} {worst:12.1e} {other:13.0f} {rate / other:9.1f}x")


if __name__ == "__main__":
    main()
