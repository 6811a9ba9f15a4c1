"""What happens before any test: kernels are compiled once, not once in every worker."""

from __future__ import annotations

import numpy as np
import pytest


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fill numba's cache before workers start: two that compile at once do the work twice."""
    config = session.config
    workers = config.getoption("numprocesses", None)
    if workers and not hasattr(config, "workerinput") and not config.option.collectonly:
        use_kernels()


def use_kernels() -> None:
    """Small calls that between them need nearly every compiled function."""
    import landtopo as lt

    teacher = lt.Teacher.orthonormal(2)
    problem = lt.TeacherStudent(teacher, 2)
    finite = lt.TeacherStudent(teacher, 2, dim=20)
    graph = lt.landscape_graph(teacher, widths=[2, 3], starts=20, seed=0)
    assert graph.number_of_nodes()
    weights = np.array([[0.9, 0.1], [0.2, 0.7]])
    statistics = lt.summary_statistics(teacher, weights)
    lt.connect(problem, np.eye(2), np.eye(2)[::-1], seed=0)
    lt.psi_min(problem, weights)
    lt.noise_term(teacher, weights)
    lt.flow_weights(problem, weights)
    lt.flow_statistics(problem, statistics.student, statistics.overlap, rate=0.1)
    for method in ("reduced", "direct"):
        lt.run_sgd(finite, weights, rate=0.1, times=[0.0, 0.5], method=method)
    lt.reachability(finite, runs=5)
