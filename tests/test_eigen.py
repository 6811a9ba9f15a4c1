"""Eigenvectors also where LAPACK's divide and conquer does not converge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landtopo.eigen import eigh
from landtopo.kernels.eigen import eigh_compiled, rotated
from landtopo.objective import Array

#: A Krylov space of a climb of fourteen neurons, on which OpenBLAS 0.3.31 gave up.
CLUSTERED = np.load(Path(__file__).parent / "data" / "clustered-64.npy")


def check(matrix: Array, values: Array, vectors: Array) -> None:
    size = len(matrix)
    scale = np.linalg.norm(matrix)
    assert np.all(np.diff(values) >= 0)
    assert np.abs(vectors.T @ vectors - np.eye(size)).max() < 1e-13
    assert np.abs(matrix @ vectors - vectors * values).max() <= 1e-14 * scale


def by_reflections(matrix: Array) -> tuple[Array, Array]:
    values, rows = eigh_compiled(matrix)
    return values, rows.T


@pytest.mark.parametrize("solve", [eigh, by_reflections, rotated])
def test_a_matrix_that_lapack_gives_up_on(solve: Any) -> None:
    check(CLUSTERED, *solve(CLUSTERED))


@pytest.mark.parametrize("solve", [by_reflections, rotated])
@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_compiled_loops_find_clusters(size: int, solve: Any) -> None:
    rng = np.random.default_rng(size)
    axes = np.linalg.qr(rng.standard_normal((size, size)))[0]
    exact = np.sort(rng.integers(-2, 3, size=size).astype(float))
    matrix = (axes * exact) @ axes.T
    values, vectors = solve((matrix + matrix.T) / 2)
    assert np.abs(values - exact).max() < 1e-13
    check((matrix + matrix.T) / 2, values, vectors)


def test_reflections_on_matrices_that_fall_apart_or_are_graded() -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((12, 12))
    graded = (noise + noise.T) * np.outer(10.0 ** -np.arange(12), 10.0 ** -np.arange(12))
    parts = np.kron(np.eye(3), np.ones((4, 4)))
    for matrix in (np.zeros((3, 3)), np.diag([3.0, -1.0, 3.0, 0.0]), parts, graded):
        values, vectors = by_reflections(matrix)
        assert np.abs(values - np.linalg.eigvalsh(matrix)).max() <= 1e-14 * np.linalg.norm(matrix)
        check(matrix, values, vectors)


def test_a_stack_where_lapack_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    stack = rng.standard_normal((3, 5, 5))
    stack += stack.swapaxes(1, 2)
    expected = np.linalg.eigvalsh(stack)

    def fails(*_: Any) -> None:
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(np.linalg, "eigh", fails)
    # As LAPACK's, it looks at the lower triangle only.
    values, vectors = eigh(np.tril(stack))
    assert np.abs(values - expected).max() < 1e-13
    for matrix, own, axes in zip(stack, values, vectors, strict=True):
        check(matrix, own, axes)
    with pytest.raises(np.linalg.LinAlgError):
        eigh(np.full((2, 2), np.nan))
