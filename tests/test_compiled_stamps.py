"""Compiled code is as old as the contents of its sources, and of nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import pytest

from landtopo.kernels import contract, network, stamps
from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers, gradient
from landtopo.kernels.descent import descend_batch
from landtopo.kernels.stamps import source_stamp, type_stamp
from landtopo.kernels.tasks import ReluNetwork


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose module `loops` imports `formulas`, which imports `sums`; `other` is apart."""
    (tmp_path / "loops.py").write_text("from landtopo.formulas import g\n")
    (tmp_path / "formulas.py").write_text("import landtopo.sums\n")
    (tmp_path / "sums.py").write_text("ONE = 1\n")
    (tmp_path / "other.py").write_text("TWO = 2\n")
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(stamps, "_PACKAGE", tmp_path)
    monkeypatch.setattr(stamps, "_stamp", stamps._stamp.__wrapped__)
    return tmp_path


def test_a_stamp_follows_imports_and_nothing_else(package: Path) -> None:
    loops = str(package / "loops.py")
    before = source_stamp(loops)
    (package / "other.py").write_text("TWO = 3\n")
    assert source_stamp(loops) == before
    (package / "sums.py").write_text("ONE = 2\n")
    assert source_stamp(loops) != before


def test_touching_or_moving_a_file_changes_no_stamp(package: Path) -> None:
    loops = package / "loops.py"
    before = source_stamp(str(loops))
    for file in package.glob("*.py"):
        os.utime(file, (0, 0))
    assert source_stamp(str(loops)) == before


def test_every_loop_depends_on_its_formulas_by_the_type_of_its_data() -> None:
    """The loops import no formula; the type of the data brings their stamp."""
    files = {Path(file).stem for file in _closure(Path(network.__file__), Path(stamps._PACKAGE))}
    assert {"relu", "curvature", "fast", "zero_loss"} <= files
    assert type_stamp(ReluNetwork)
    assert type_stamp(tuple) == ""
    key = descend_batch._cache._index_key(
        (numba.float64[:, :, ::1], numba.typeof(ReluNetwork(np.eye(2), 1.0, 2))),
        descend_batch.targetctx.codegen(),
    )
    assert type_stamp(ReluNetwork) in key


def _closure(first: Path, folder: Path) -> set[str]:
    found: set[str] = set()
    waiting = [str(first)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(stamps._imported(Path(file).read_text()))
    assert all(Path(file).is_relative_to(folder) for file in found)
    return found


class Bowl(NamedTuple):
    """1/2 sum_i c_i x_i^2: a landscape that the library knows nothing of."""

    curvature: np.ndarray


@answers(contract.flow_task, Bowl)
@njit(error_model="numpy")
def _task(data):
    return data


@answers(contract.shaped, Bowl)
@njit(error_model="numpy")
def _shaped(task, x):
    return x


@answers(gradient, Bowl)
@njit(error_model="numpy")
def _gradient(task, X, G):
    for i in range(len(X)):
        G[i] = task.curvature[i] * X[i]


@answers(contract.constrain, Bowl)
@njit(error_model="numpy")
def _anywhere(bowl, x):
    pass


def test_loops_take_any_landscape_that_answers() -> None:
    """Gradient descent contracts coordinate i of a bowl by 1 - step c_i a step."""
    curvature = np.array([0.5, 1.0, 4.0])
    start = np.array([[1.0, -2.0, 3.0]])
    points = start.copy()
    norms, _, evaluations = descend_batch(points, Bowl(curvature), 0.1, 0.0, 10)
    np.testing.assert_allclose(points, start * (1 - 0.1 * curvature) ** 10, rtol=1e-13)
    assert evaluations.tolist() == [10]
    assert norms[0] > 0


def test_a_question_without_an_answer_says_which() -> None:
    class Nothing(NamedTuple):
        x: float

    with pytest.raises(numba.TypingError, match="has no flow_task"):
        descend_batch(np.ones((1, 2)), Nothing(1.0), 0.1, 0.0, 1)
