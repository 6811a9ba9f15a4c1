"""Converged minima a second on one thread, against pele's L-BFGS in C++ on the same loss.

pele asks for the energy and gradient through its Python potential. It is given landtopo's own
compiled loss, so the difference is the minimiser and the calls, not the formula: once through
`PopulationLoss`, as a user would write it, and once through the bare kernel. Times are processor
times, which a busy machine does not stretch much.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from landtopo.kernels.minimise import minimise_batch
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.problem import Teacher, TeacherStudent


def pele_rate(evaluate: Callable[[np.ndarray], Any], weights: np.ndarray) -> float:
    from pele.optimize import lbfgs_cpp
    from pele.potentials import BasePotential

    class Potential(BasePotential):  # type: ignore[misc]
        def getEnergy(self, x):  # type: ignore[no-untyped-def]
            return float(evaluate(x)[0])

        def getEnergyGradient(self, x):  # type: ignore[no-untyped-def]
            value, gradient = evaluate(x)
            return float(value), gradient.ravel()

    potential = Potential()
    start = time.process_time()
    done = 0
    for point in weights:
        # pele compares the root mean square of the gradient with tol
        result = lbfgs_cpp(point.ravel(), potential, tol=1e-9 / np.sqrt(point.size), nsteps=20_000)
        done += bool(np.linalg.norm(result.grad) < 1e-9)
    return done / (time.process_time() - start)


def through_loss(loss: PopulationLoss, size: int) -> Callable[[np.ndarray], Any]:
    return lambda x: loss.value_and_gradient(x.reshape(size, size))


def main() -> None:
    print("   K    minima/s    |grad|max   pele, PopulationLoss       pele, bare kernel")
    for size, count in ((6, 2000), (10, 1000), (20, 200)):
        loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(size), size))
        network = loss.network(size)
        starts = np.random.default_rng(0).standard_normal((count, size, size)) / np.sqrt(size)
        minimise_batch(starts[:2].copy(), network, 1e-12, 20_000)
        weights = starts.copy()
        begin = time.process_time()
        norms, statuses, _ = minimise_batch(weights, network, 1e-12, 20_000)
        rate = int(np.sum(statuses == 0)) / (time.process_time() - begin)
        worst = norms[statuses == 0].max()
        line = f"{size:4d} {rate:11.0f} {worst:12.1e}"
        for evaluate in (through_loss(loss, size), WeightObjective(loss).value_and_gradient):
            try:
                other = pele_rate(evaluate, starts[: max(20, count // 10)])
            except ImportError:
                other = float("nan")
            line += f" {other:13.0f} {rate / other:6.1f}x"
        print(line)


if __name__ == "__main__":
    main()
