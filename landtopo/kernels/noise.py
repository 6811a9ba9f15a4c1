"""The noise of one-pass SGD as sums of orthant moments (compiled).

N_kl = E[(sum_i A_i relu(u_i.x))^2 1(u_k.x > 0) 1(u_l.x > 0)], u_i distinct unit vectors,
= sum_ij A_i A_j E[(u_i.x)(u_j.x) 1(u_i, u_j, u_k, u_l all positive)].
"""

from __future__ import annotations

import numpy as np
from numba import njit

from landtopo.kernels.orthant import make_tables, moment, probability

__all__ = ["noise_sums"]


@njit(cache=True)
def noise_sums(U, amplitudes, students, tolerance):
    """N for the first directions, from all sets of one to four directions.

    Every set is visited once: one quadrature serves all the (k, l) and (i, j) that it is made of.

    Parameters
    ----------
    U : ndarray, shape (n, D)
        Distinct unit vectors; the first `students` of them have a row and column in N.
    amplitudes : ndarray, shape (n,)
        A_i.
    students : int
    tolerance : float
        Absolute error allowed to each four-vector probability.

    Returns
    -------
    N : ndarray, shape (students, students)
    error : ndarray, shape (students, students)
        What the estimated errors of the quadratures add up to.
    """
    n = len(U)
    tables = make_tables(U)
    members = np.empty(4, np.int64)
    N = np.zeros((students, students))
    error = np.zeros((students, students))
    for a in range(students):
        members[0] = a
        _add(members[:1], amplitudes, students, tolerance, tables, N, error)
        for b in range(a + 1, n):
            members[0], members[1] = a, b
            _add(members[:2], amplitudes, students, tolerance, tables, N, error)
            for c in range(b + 1, n):
                members[0], members[1], members[2] = a, b, c
                _add(members[:3], amplitudes, students, tolerance, tables, N, error)
                # k and l are two different members of a set of four: two must be students.
                for d in range(c + 1, n if b < students else 0):
                    members[0], members[1], members[2], members[3] = a, b, c, d
                    _add(members, amplitudes, students, tolerance, tables, N, error)
    for k in range(students):
        for j in range(k):
            N[k, j] = N[j, k]
            error[k, j] = error[j, k]
    return N, error


@njit(cache=True)
def _add(members, A, students, tolerance, tables, N, error):
    """Add all terms with {i, j, k, l} = members, which are in ascending order."""
    n = len(members)
    # Computed only when a term needs it: at zero loss every amplitude vanishes.
    value, uncertainty, known = 0.0, 0.0, False
    order = members.copy()
    for p in range(n):
        for q in range(p, n):
            others = n - (1 if p == q else 2)
            if members[q] >= students or others > 2:
                continue
            k, m = members[p], members[q]
            for r in range(n):
                for s in range(r, n):
                    # i = members[r] and j = members[s] must be or include the others.
                    covered = (r not in (p, q)) + (s not in (p, q) and s != r)
                    i, j = members[r], members[s]
                    weight = (1.0 if r == s else 2.0) * A[i] * A[j]
                    if covered != others or weight == 0.0:
                        continue
                    if not known:
                        value, uncertainty = probability(order, tolerance, tables)
                        known = True
                    N[k, m] += weight * moment(i, j, order, value, tables)
                    error[k, m] += abs(weight * tables[1][i, j]) * uncertainty
