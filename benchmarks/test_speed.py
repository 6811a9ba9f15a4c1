"""How long people wait: `make benchmark` prints a table of these.

Nothing is asserted about time, which says more about the machine than about the code; compare two
states of the code with `--benchmark-save` and `--benchmark-compare`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from landtopo.models.networks import symmetry
from landtopo.models.networks.flat import flat_directions
from landtopo.models.networks.flat.paths import flat_path
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry.graph import PointGraph


def test_script_starts(benchmark: Any) -> None:
    script = Path(sys.executable).with_name("landtopo")
    benchmark(subprocess.run, [script, "--version"], capture_output=True, check=True)


def test_flat_report_of_eleven_neurons(benchmark: Any) -> None:
    teacher = Teacher.orthonormal(10)
    weights = np.vstack([0.6 * teacher.vectors[:1], teacher.vectors])
    weights[1] *= 0.4
    report = benchmark(flat_directions, TeacherStudent(teacher, 11), weights)
    assert report.flat_dimension == 1


def test_flat_path_of_seven_neurons(benchmark: Any) -> None:
    teacher = Teacher.orthonormal(6)
    start = np.vstack([teacher.vectors, np.zeros(6)])
    problem = TeacherStudent(teacher, 7)
    path = benchmark(flat_path, problem, start, start[[1, 2, 0, 4, 3, 6, 5]])
    assert path.barrier <= 1e-12


def test_equivalence_of_three_hundred_points(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    shapes = [np.eye(20) + 0.05 - 1.85 * np.diag(np.arange(20.0) < count) for count in range(6)]
    weights = np.array([rng.permutation(shapes[i % 6], axis=0) for i in range(300)])
    students = weights @ weights.transpose(0, 2, 1)
    found = benchmark(symmetry.equivalence_classes, students, weights, np.eye(20))
    assert len(found.representatives) == 6


def test_isotropy_of_a_hundred_neurons(benchmark: Any) -> None:
    weights = np.eye(100) + 0.05 - 1.85 * np.diag(np.arange(100.0) < 3)
    point = PointGraph.from_weights(weights, np.eye(100))
    assert benchmark(symmetry.isotropy, point).name == "S_97 x S_3"
