"""Data of landscapes of networks, and what loops make of them to work on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array

__all__ = [
    "DenseNetwork",
    "DenseTask",
    "RectifiedNetwork",
    "RectifiedTask",
    "ReluFlow",
    "ReluNetwork",
    "ReluTask",
]


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


class DenseNetwork(NamedTuple):
    """Student and teacher of any activation: the data of a batch.

    Attributes
    ----------
    V : ndarray, shape (M, D)
        Teacher rows in the coordinates of the students.
    constant : float
        E[f*^2].
    a, b : ndarray, shapes (K,) and (M,)
        Output weights of students and teachers.
    formula : landtopo.kernels.formula_calls.Formula
        The activation.
    K : int
        Number of student neurons; points are their D coordinates one after the other.
    """

    V: Array
    constant: float
    a: Array
    b: Array
    formula: Any
    K: int


class DenseTask(NamedTuple):
    """What all loops work on; N columns stand for students and teachers, and for padding.

    Attributes
    ----------
    rows, squares, weights : ndarray, shapes (D, N), (N,), (N,)
        Vectors, their squared lengths, and c_j = a_j or -b_m.
    tables : ndarray, shape (N, size)
        What the activation wants to know of each neuron.
    products, wedges : ndarray, shape (K, N)
        u.v and |u|^2 |v|^2 - (u.v)^2 of all pairs.
    firsts, seconds : ndarray, shapes (3, K, N) and (4, K, N)
        G, G_p, G_c; and a_k c_j times G_pp, G_pc, G_qc, G_cc, if `whole`.
    A, B : ndarray, shapes (K, K) and (K, M)
        dL/dW = A W + B V.
    own : ndarray, shape (K, 3)
        phi, phi' and phi'' of each student.
    whole : ndarray of bool, shape (1,)
    """

    V: Array
    constant: float
    a: Array
    b: Array
    formula: Any
    K: int
    D: int
    rows: Array
    squares: Array
    weights: Array
    tables: Array
    products: Array
    wedges: Array
    firsts: Array
    seconds: Array
    A: Array
    B: Array
    own: Array
    whole: NDArray[np.bool_]


class RectifiedNetwork(NamedTuple):
    """Student and teacher of leaky ReLU with any output weights: the data of a batch.

    Attributes
    ----------
    V : ndarray, shape (M, D)
        Teacher rows in the coordinates of the students.
    constant : float
        sum_mn b_m b_n E[relu(v_m.x) relu(v_n.x)].
    a, b : ndarray, shapes (K,) and (M,)
        Output weights of students and teachers.
    slope : float
        s(x) = slope x for x < 0.
    K : int
    """

    V: Array
    constant: float
    a: Array
    b: Array
    slope: float
    K: int


class RectifiedTask(NamedTuple):
    """What all loops work on, see `landtopo.kernels.rectified`.

    `work` is from `landtopo.kernels.relu.workspace`, `weights` has a_k, then -b_m, and
    dL/dW = A W + B V.
    """

    V: Array
    constant: float
    a: Array
    b: Array
    slope: float
    work: Any
    weights: Array
    A: Array
    B: Array
    K: int
    D: int
