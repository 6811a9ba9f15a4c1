"""Fills the store of compiled code: `python tests/kernels.py`.

Two processes that need one function at once compile it twice, so that this comes before tests run
side by side. The two parts share little.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np


def points_and_paths() -> None:
    """What a graph of ReLU needs."""
    import landtopo as lt

    teacher = lt.Teacher.orthonormal(2)
    graph = lt.landscape_graph(teacher, widths=[2, 3], starts=20, seed=0)
    assert graph.number_of_nodes()
    lt.connect(lt.TeacherStudent(teacher, 2), np.eye(2), np.eye(2)[::-1], seed=0)


def dynamics() -> None:
    """What flows, training, and what one more neuron can do need."""
    import landtopo as lt
    from landtopo.models.networks.dynamics.ends import RunOptions

    teacher = lt.Teacher.orthonormal(2)
    problem = lt.TeacherStudent(teacher, 2)
    finite = lt.TeacherStudent(teacher, 2, dim=20)
    weights = np.array([[0.9, 0.1], [0.2, 0.7]])
    statistics = lt.summary_statistics(teacher, weights)
    lt.psi_min(problem, weights)
    lt.noise_term(teacher, weights)
    lt.critical_rate(problem, np.eye(2))
    lt.flow_weights(problem, weights)
    lt.flow_statistics(problem, statistics.student, statistics.overlap, rate=0.1)
    for method in ("reduced", "direct"):
        lt.run_sgd(finite, weights, rate=0.1, times=[0.0, 0.5], method=method)
    lt.reachability(finite, runs=5)
    square = lt.TeacherStudent(teacher, 2, dim=2)
    for model in (lt.trained_model(square), lt.constrained_model(square, "normalised")):
        lt.reachability(model, runs=2, options=RunOptions(method="gd"))


def smooth() -> None:
    """What a graph and training with a smooth activation need."""
    import landtopo as lt
    from landtopo.models.networks.dynamics.ends import RunOptions

    teacher = lt.Teacher.orthonormal(2).with_function("erf")
    lt.landscape_graph(teacher, widths=[2, 3], starts=20, seed=0)
    for method in ("flow", "gd"):
        options = RunOptions(method=method)
        lt.reachability(lt.TeacherStudent(teacher, 2), runs=5, options=options)


def with_a_kink() -> None:
    """What a graph of leaky ReLU needs."""
    import landtopo as lt

    teacher = lt.Teacher.orthonormal(2).with_function("leaky:0.5")
    lt.landscape_graph(teacher, widths=[2, 3], starts=20, seed=0)


def clusters() -> None:
    """What a graph of particles needs."""
    import landtopo as lt
    from landtopo.models.clusters import lennard_jones

    lt.landscape_graph(lennard_jones(5), starts=20, seed=0)


PARTS = {
    "plain": (points_and_paths, dynamics),
    "others": (smooth, with_a_kink, clusters),
}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for use in PARTS[sys.argv[1]]:
            use()
    else:
        parts = [subprocess.Popen([sys.executable, Path(__file__), part]) for part in PARTS]
        # All of them end, even where one fails.
        sys.exit(max([abs(part.wait()) for part in parts]))
