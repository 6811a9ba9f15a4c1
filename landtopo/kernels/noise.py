"""The noise of one-pass SGD as sums of orthant moments, and its derivatives (compiled).

N_kl = E[(sum_i A_i relu(u_i.x))^2 1(u_k.x > 0) 1(u_l.x > 0)], u_i distinct unit vectors,
= sum_ij A_i A_j E[(u_i.x)(u_j.x) 1(u_i, u_j, u_k, u_l all positive)].
"""

from __future__ import annotations

import math

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.orthant import make_tables, moment, probability

__all__ = ["noise_slopes", "noise_sums"]

_TWO_PI = 2.0 * math.pi
_COLLINEAR = 1.0 - 1e-12


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


@njit(cache=True)
def noise_slopes(X, signs, students, tolerance):
    """Derivatives of N with respect to the scalar products of the vectors.

    With z_a = x_a.g, F = e^2 1(z_k > 0) 1(z_l > 0) and e = sum_c A_c relu(z_c), Gaussian
    integration by parts gives d E[F] / d(x_a.x_b) = E[d^2 F / dz_a dz_b] for a != b: the
    probability of an orthant of four, an expectation of e on the plane z_b = 0 for every b in
    {k, l}, and one of e^2 where both planes meet. Derivatives with respect to |x_a|^2 follow from
    the degree of homogeneity in x_a.

    Parameters
    ----------
    X : ndarray, shape (n, D)
        Vectors, none of them zero, no two parallel among the first `students`.
    signs : ndarray, shape (n,)
        A_c.
    students : int
    tolerance : float
        Absolute error allowed to each four-vector probability.

    Returns
    -------
    ndarray, shape (students, students, students, n)
        dN_kl / d(x_a.x_b) with both orders of a != b moved together.
    """
    n, D = X.shape
    lengths = np.empty(n)
    U = np.empty((n, D))
    for a in range(n):
        lengths[a] = math.sqrt(np.dot(X[a], X[a]))
        U[a] = X[a] / lengths[a]
    tables = make_tables(U)
    orthants = np.zeros((n, n, students, students))
    outputs = np.zeros((n, students, students))
    members = np.empty(4, np.int64)
    amplitudes = signs * lengths
    for a in range(students):
        members[0] = a
        _collect(members[:1], amplitudes, students, tolerance, tables, orthants, outputs)
        for b in range(a + 1, n):
            members[0], members[1] = a, b
            _collect(members[:2], amplitudes, students, tolerance, tables, orthants, outputs)
            for c in range(b + 1, n):
                members[0], members[1], members[2] = a, b, c
                _collect(members[:3], amplitudes, students, tolerance, tables, orthants, outputs)
                for d in range(c + 1, n if b < students else 0):
                    members[0], members[1], members[2], members[3] = a, b, c, d
                    _collect(members, amplitudes, students, tolerance, tables, orthants, outputs)
    planes, corners = _on_planes(X, lengths, signs, students)
    slopes = np.zeros((students, students, students, n))
    for k in range(students):
        for m in range(k, students):
            slope = slopes[k, m]
            for a in range(students):
                euler = 2.0 * amplitudes[a] * outputs[a, k, m]
                for b in range(n):
                    if b == a:
                        continue
                    total = 2.0 * signs[a] * signs[b] * orthants[a, b, k, m]
                    if b == k:
                        total += 2.0 * signs[a] * planes[a, k, m]
                    elif b == m:
                        total += 2.0 * signs[a] * planes[a, m, k]
                    if a == k:
                        total += 2.0 * signs[b] * planes[b, k, m]
                    elif a == m:
                        total += 2.0 * signs[b] * planes[b, m, k]
                    if k != m and ((a == k and b == m) or (a == m and b == k)):
                        total += corners[k, m]
                    slope[a, b] = total
                    euler -= np.dot(X[a], X[b]) * total
                slope[a, a] = euler / (2.0 * lengths[a] ** 2)
            slopes[m, k] = slope
    return slopes


@njit(cache=True)
def _collect(members, A, students, tolerance, tables, orthants, outputs):
    """Probabilities P(i, j, k, m) and E[e relu(u_i.x) 1(k) 1(m)] from one set of directions."""
    n = len(members)
    order = members.copy()
    value, known = 0.0, False
    for p in range(n):
        for q in range(p, n):
            others = n - (1 if p == q else 2)
            if members[q] >= students or others > 2:
                continue
            k, m = members[p], members[q]
            for r in range(n):
                for s in range(r, n):
                    if (r not in (p, q)) + (s not in (p, q) and s != r) != others:
                        continue
                    if not known:
                        value, _ = probability(order, tolerance, tables)
                        known = True
                    i, j = members[r], members[s]
                    second = moment(i, j, order, value, tables)
                    outputs[i, k, m] += A[j] * second
                    if i != j:
                        outputs[j, k, m] += A[i] * second
                        orthants[i, j, k, m] = value
                        orthants[j, i, k, m] = value


@njit(cache=True)
def _on_planes(X, lengths, signs, students):
    """Expectations on the planes of the students and where two of them meet.

    Returns
    -------
    planes : ndarray, shape (n, students, students)
        E[e 1(z_a > 0) 1(z_o > 0) delta(z_b)] at [a, b, o]; without z_o where o = b.
    corners : ndarray, shape (students, students)
        E[e^2 delta(z_k) delta(z_l)], k < l.
    """
    n, D = X.shape
    planes = np.zeros((n, students, students))
    corners = np.zeros((students, students))
    inside = np.empty((n, D))
    units = np.zeros((n, D))
    rest = np.empty((n, D))
    sizes = np.empty(n)
    for b in range(students):
        normal = X[b] / lengths[b]
        for c in range(n):
            inside[c] = X[c] - np.dot(X[c], normal) * normal
            sizes[c] = math.sqrt(np.dot(inside[c], inside[c]))
            units[c] = 0.0
            if c != b and sizes[c] > 0.0:
                units[c] = inside[c] / sizes[c]
        cosines = units @ units.T
        density = 1.0 / (math.sqrt(_TWO_PI) * lengths[b])
        for o in range(students):
            for a in range(n):
                total = 0.0
                for c in range(n):
                    if a != b and c != b:
                        total += signs[c] * sizes[c] * _first_moment(c, a, o, b, cosines)
                planes[a, b, o] = density * total
        for k in range(b):
            for c in range(n):
                rest[c] = inside[c] - np.dot(inside[c], units[k]) * units[k]
            total = 0.0
            for c in range(n):
                for d in range(n):
                    if c not in (b, k) and d not in (b, k):
                        total += signs[c] * signs[d] * _second_moment(rest[c], rest[d])
            corners[k, b] = total / (_TWO_PI * lengths[b] * sizes[k])
    return planes, corners


@njit(cache=True)
def _first_moment(c, a, o, none, cosines):
    """E[u_c.x 1(u_c, u_a, u_o all positive)]; `none` in place of o is no condition.

    By parts: a sum over the bounding planes of the probability of the other half-spaces there.
    """
    first = a if a != c else o
    second = o if a != c and o not in (a, c) else none
    if first in (c, none):
        total = 1.0
    elif second == none:
        total = 0.5 + 0.5 * cosines[c, first]
    else:
        x, y, z = cosines[c, first], cosines[c, second], cosines[first, second]
        if min(abs(x), abs(y), abs(z)) > _COLLINEAR:
            # On one line, as in a plane that b has cut: a half-space or nothing.
            return 1.0 / math.sqrt(_TWO_PI) if x > 0.0 and y > 0.0 else 0.0
        volume = math.sqrt(max(1.0 + 2.0 * x * y * z - x * x - y * y - z * z, 0.0))
        total = 0.25 + math.atan2(z - x * y, volume) / _TWO_PI
        total += x * (0.25 + math.atan2(y - x * z, volume) / _TWO_PI)
        total += y * (0.25 + math.atan2(x - y * z, volume) / _TWO_PI)
    return total / math.sqrt(_TWO_PI)


@njit(cache=True)
def _second_moment(u, v):
    """E[relu(u.x) relu(v.x)]."""
    minus, plus, x, y = 0.0, 0.0, math.sqrt(np.dot(u, u)), math.sqrt(np.dot(v, v))
    if x == 0.0 or y == 0.0:
        return 0.0
    for i in range(len(u)):
        minus += (u[i] / x - v[i] / y) ** 2
        plus += (u[i] / x + v[i] / y) ** 2
    angle = 2.0 * math.atan2(math.sqrt(minus), math.sqrt(plus))
    return x * y * (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / _TWO_PI
