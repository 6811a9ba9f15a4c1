"""Data of a ReLU landscape, and what loops make of it to work on."""

from __future__ import annotations

from typing import Any, NamedTuple

from landtopo.objective import Array

__all__ = ["ReluFlow", "ReluNetwork", "ReluTask"]


class ReluNetwork(NamedTuple):
    """Student and teacher: the data of a batch.

    Attributes
    ----------
    V : ndarray, shape (M, D)
        Teacher rows in the coordinates of the students.
    constant : float
        sum_mn g(v_m, v_n).
    K : int
        Number of student neurons; points are their D coordinates one after the other.
    """

    V: Array
    constant: float
    K: int


class ReluTask(NamedTuple):
    """What the minimiser works on: `work` is from `landtopo.kernels.relu.workspace`."""

    V: Array
    constant: float
    work: Any
    K: int
    D: int


class ReluFlow(NamedTuple):
    """What flows work on, from `landtopo.kernels.fast.fast_task`.

    Attributes
    ----------
    V : ndarray, shape (M, D)
    directions : ndarray, shape (D, M)
    lengths : ndarray, shape (M,)
        The teacher's unit vectors and norms.
    rows, columns : ndarray of int
        Places of the entries of V that are not zero where there are few; else empty.
    C, z, P, S : ndarray, shape (pairs,)
        Tables of all pairs.
    units, norms, own, A : ndarray, shapes (K, D), (K,), (K,), (K, K)
        Of the students.
    """

    V: Array
    directions: Array
    lengths: Array
    rows: Array
    columns: Array
    C: Array
    z: Array
    P: Array
    S: Array
    units: Array
    norms: Array
    own: Array
    A: Array
