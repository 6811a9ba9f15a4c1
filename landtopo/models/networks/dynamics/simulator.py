"""One-pass SGD, compiled: in d coordinates, and exactly in r + K + 1 of them.

Step: w_k <- w_k - (eta/d) (f - f*) s'(w_k.x) x, x ~ N(0, I_d) drawn anew each time.

**The process of (Q, R) at finite d needs no d-dimensional vectors.** Let P be the span of the
teacher and the students, D = r + K its dimension (or a bound of it), d > D. Given the weights,
x = x_P + chi u with x_P ~ N(0, I_D) in coordinates of P and, independently, chi^2 chi-square
distributed with d - D degrees of freedom and u uniform on the unit sphere of the complement of P.
Pre-activations, and so the coefficients c_k = (eta/d)(f - f*) s'(w_k.x) of the step, depend on x_P
alone. After the step, w_k - c_k (x_P + chi u), scalar products with teachers involve x_P only,
and scalar products of students x_P and chi only: u has dropped out. So (Q, R) after the step is a
function of (Q, R), x_P and chi with the law it has in d dimensions, and by induction the whole
process is that of direct SGD, for every finite d > r + K, not only in the limit. A step costs
O((r + K) K) however large d is.

In coordinates: W = [W_in | L | 0] with L lower triangular (K x K), x = (x_in, x_L, chi). The step
is a rank-one update of [L | 0]; two sweeps of plane rotations of its columns (of the basis, which
is free outside the teacher's span) make it lower triangular with a zero last column again.
When d - r <= K there is no complement, L is any K x (d - r) matrix, and the step is the plain one.
"""

from __future__ import annotations

import math

import numpy as np

from landtopo.kernels.compiled import njit

__all__ = ["direct_run", "reduced_run", "reduced_step"]


@njit(cache=True)
def _coefficients(W, V, x, rate, c):
    """c_k = rate (f - f*) s'(w_k.x), s'(0) = 0."""
    error = 0.0
    for k in range(W.shape[0]):
        z = 0.0
        w = W[k]
        for i in range(w.shape[0]):
            z += w[i] * x[i]
        c[k] = z
        if z > 0.0:
            error += z
    for m in range(V.shape[0]):
        y = 0.0
        v = V[m]
        for i in range(v.shape[0]):
            y += v[i] * x[i]
        if y > 0.0:
            error -= y
    for k in range(W.shape[0]):
        c[k] = rate * error if c[k] > 0.0 else 0.0


@njit(cache=True)
def _triangular(W, rank, c, x, chi):
    """Subtract c (x, chi)^T from [L | 0] and turn the basis so that L is triangular again.

    W[:, rank:] = L, shape (K, K); x, shape (K,), is overwritten.
    """
    K = W.shape[0]
    # Turn (x, chi) into (length, 0, ..., 0); L becomes lower Hessenberg with K + 1 columns.
    over = np.zeros(K)
    last = chi
    for j in range(K - 1, -1, -1):
        length = math.hypot(x[j], last)
        if length > 0.0:
            cos, sin = x[j] / length, last / length
        else:
            cos, sin = 1.0, 0.0
        last = length
        # Columns j and j + 1 of [L | 0]; column j + 1 has entries from row j on only.
        for k in range(j, K):
            a = W[k, rank + j]
            b = W[k, rank + j + 1] if j + 1 < K else over[k]
            W[k, rank + j] = cos * a + sin * b
            b = cos * b - sin * a
            if j + 1 < K:
                W[k, rank + j + 1] = b
            else:
                over[k] = b
    for k in range(K):
        W[k, rank] -= c[k] * last
    # Remove the entries above the diagonal again, row by row.
    for j in range(K):
        a = W[j, rank + j]
        b = W[j, rank + j + 1] if j + 1 < K else over[j]
        length = math.hypot(a, b)
        if b == 0.0:
            continue
        cos, sin = a / length, b / length
        W[j, rank + j] = length
        if j + 1 < K:
            W[j, rank + j + 1] = 0.0
        for k in range(j + 1, K):
            a = W[k, rank + j]
            b = W[k, rank + j + 1] if j + 1 < K else over[k]
            W[k, rank + j] = cos * a + sin * b
            b = cos * b - sin * a
            if j + 1 < K:
                W[k, rank + j + 1] = b
            else:
                over[k] = b


@njit(cache=True)
def reduced_step(W, V, rate, x, chi, c):
    """One step in r + K coordinates, given the sample's coordinates and the rest's length.

    Parameters
    ----------
    W : ndarray, shape (K, r + K)
        W[:, r:] lower triangular; overwritten.
    V : ndarray, shape (M, r)
    rate : float
        eta / d.
    x : ndarray, shape (r + K,)
        Overwritten.
    chi : float
        Length of the sample's part outside the r + K coordinates.
    c : ndarray, shape (K,)
        Overwritten.
    """
    K, rank = W.shape[0], V.shape[1]
    _coefficients(W, V, x, rate, c)
    for k in range(K):
        if c[k] != 0.0:
            for i in range(rank):
                W[k, i] -= c[k] * x[i]
    _triangular(W, rank, c, x[rank:], chi)


@njit(cache=True)
def _plain_step(W, V, rate, x, c):
    _coefficients(W, V, x, rate, c)
    for k in range(W.shape[0]):
        step = c[k]
        if step != 0.0:
            w = W[k]
            for i in range(w.shape[0]):
                w[i] -= step * x[i]


@njit(cache=True)
def _record(W, V, Q, R):
    rank = V.shape[1]
    for k in range(W.shape[0]):
        for j in range(k + 1):
            total = 0.0
            for i in range(W.shape[1]):
                total += W[k, i] * W[j, i]
            Q[k, j] = total
            Q[j, k] = total
        for m in range(V.shape[0]):
            total = 0.0
            for i in range(rank):
                total += W[k, i] * V[m, i]
            R[k, m] = total


@njit(cache=True)
def direct_run(W, V, rate, steps, generator, Q, R):
    """SGD on W (K, d), overwritten; the first r of the d coordinates span the teacher V (M, r).

    Parameters
    ----------
    rate : float
        eta / d.
    steps : ndarray of int, shape (n,)
        Ascending numbers of steps at which (Q, R) is recorded.
    generator : numpy.random.Generator
    Q, R : ndarray, shapes (n, K, K) and (n, K, M)
        Overwritten.
    """
    d = W.shape[1]
    x = np.empty(d)
    c = np.empty(W.shape[0])
    done = 0
    for record in range(len(steps)):
        while done < steps[record]:
            for i in range(d):
                x[i] = generator.standard_normal()
            _plain_step(W, V, rate, x, c)
            done += 1
        _record(W, V, Q[record], R[record])


@njit(cache=True)
def reduced_run(W, V, rate, freedom, steps, generator, Q, R):
    """The same process in r + K coordinates, W[:, r:] lower triangular; overwritten.

    Parameters
    ----------
    rate : float
        eta / d.
    freedom : int
        d - r - K >= 1.
    steps, generator, Q, R
        As for `direct_run`.
    """
    x = np.empty(W.shape[1])
    c = np.empty(W.shape[0])
    done = 0
    for record in range(len(steps)):
        while done < steps[record]:
            for i in range(len(x)):
                x[i] = generator.standard_normal()
            chi = math.sqrt(generator.chisquare(freedom))
            reduced_step(W, V, rate, x, chi, c)
            done += 1
        _record(W, V, Q[record], R[record])
