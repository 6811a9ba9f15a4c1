"""Fills the store of compiled code: `python tests/kernels.py`.

Two processes that need one function at once compile it twice, so that this comes before tests run
side by side. The two parts share little.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np


def compile_kernels() -> None:
    """Small calls that between them need nearly every compiled function of ReLU."""
    beside = subprocess.Popen([sys.executable, Path(__file__), "dynamics"])
    use_landscape()
    assert beside.wait() == 0


def use_landscape() -> None:
    """What points and paths need."""
    import landtopo as lt

    teacher = lt.Teacher.orthonormal(2)
    problem = lt.TeacherStudent(teacher, 2)
    graph = lt.landscape_graph(teacher, widths=[2, 3], starts=20, seed=0)
    assert graph.number_of_nodes()
    lt.connect(problem, np.eye(2), np.eye(2)[::-1], seed=0)


def use_dynamics() -> None:
    """What flows, training, and what one more neuron can do need."""
    import landtopo as lt

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


if __name__ == "__main__":
    if sys.argv[1:] == ["dynamics"]:
        use_dynamics()
    else:
        compile_kernels()
