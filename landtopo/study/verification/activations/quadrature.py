"""Loss and gradient of any activation without its pair integral.

All there is to know of u and v lies in the plane that they span, where x = (y, z) is Gaussian with
u along the first axis. What is needed are E[s(u.x) s(v.x)] and E[s'(u.x) s(v.x) x].

Where s(t x) = t^h s(x) for t > 0, x = r (cos phi, sin phi) and the moments of r leave

    E[s'(u.x) s(v.x) x] = |u|^(h-1) |v|^h h! 2^h / 2pi
                          int s'(cos phi) s(cos(phi - t)) (cos phi, sin phi) dphi,

a trigonometric polynomial on each of the four arcs between the places where u.x or v.x changes its
sign; Gauss-Legendre nodes integrate it to rounding, in the widest numbers of the machine. Every
other s is smooth, and the trapezoidal rule of the plane converges faster than any power of its
step; what the grid and one shifted by half a step differ by is its error.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import factorial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.study.verification.quadrature import EPSILON, legendre, norms_of, planes

__all__ = ["Quadrature"]

_Wide = NDArray[Any]

# Half the side of the grid, and its step over the length of the longest vector.
_REACH = 9.5
_GRID = 0.2
# Steps of differences of gradients: about the error where the loss has no third derivative, and a
# square root of it where it is analytic.
_KINKED = EPSILON**0.5
_SMOOTH = 1e-4


class Function(Protocol):
    """What has to be known of s: its values, its slopes where it is smooth, its degree."""

    @property
    def degree(self) -> int | None:
        """The exponent h of s(t x) = t^h s(x), t > 0, if there is one."""
        ...

    @property
    def function(self) -> Callable[[Array], Array]:
        """The values of s."""
        ...

    @property
    def slopes(self) -> Callable[[Array], tuple[Array, Array]] | None:
        """First and second derivative of s, where it has both everywhere."""
        ...


class Quadrature:
    """The loss of students of one teacher.

    Parameters
    ----------
    function : Function
        s.
    vectors : ndarray, shape (M, r)
        The teacher's.
    strengths : ndarray, shape (M,)
        Its output weights; those of the student are 1.
    """

    def __init__(self, function: Function, vectors: Array, strengths: Array) -> None:
        self.function = function
        self.teacher = vectors
        self.strengths = strengths
        self.homogeneous = self.function.degree is not None
        #: Error of a second derivative by differences, for weights and curvatures of order one.
        self.error = 100.0 * _KINKED if self.homogeneous else 1e2 * _SMOOTH**2

    def loss(self, weights: Array) -> tuple[float, float]:
        """The loss of weights (K, D), and the error that the grid shows."""
        neurons, signs = self._stacked(weights)
        found = []
        for shift in (0.0, 0.5):
            pairs = self._integrals(neurons, neurons, shift)[1]
            found.append(float(signs @ pairs @ signs) / 2.0)
            if self.homogeneous:
                return found[0], 0.0
        return found[0], abs(found[0] - found[1])

    def gradient(self, weights: _Wide) -> _Wide:
        """dL/dW, shape (K, D); rows of zero neurons are zero where s has a kink."""
        neurons, signs = self._stacked(weights)
        pulls, _ = self._integrals(neurons[: len(weights)], neurons, 0.0)
        return np.asarray(np.einsum("nmd,m->nd", pulls, signs))

    def hessian(self, weights: Array) -> Array:
        """Shape (K D, K D), by central differences of the gradient."""
        size = weights.size
        step = _KINKED if self.homogeneous else _SMOOTH
        rows = np.empty((size, size), dtype=np.longdouble)
        wide = weights.astype(np.longdouble)
        for i in range(size):
            move = np.zeros(size, dtype=np.longdouble)
            move[i] = step
            ends = [self.gradient(wide + s * move.reshape(weights.shape)) for s in (1, -1)]
            rows[i] = (ends[0] - ends[1]).ravel() / (2 * np.longdouble(step))
        return np.asarray((rows + rows.T) / 2, dtype=np.float64)

    def _stacked(self, weights: _Wide) -> tuple[_Wide, _Wide]:
        """Students and teachers in the same columns, and their output weights in f - f*."""
        spare = weights.shape[1] - self.teacher.shape[1]
        vectors = np.pad(self.teacher, ((0, 0), (0, spare)))
        signs = np.concatenate([np.ones(len(weights)), -self.strengths])
        wide = np.longdouble if self.homogeneous else np.float64
        return np.vstack([weights, vectors]).astype(wide), signs.astype(wide)

    def _integrals(self, first: _Wide, second: _Wide, shift: float) -> tuple[_Wide, _Wide]:
        """E[s'(u.x) s(v.x) x], shape (n, m, D), and E[s(u.x) s(v.x)], shape (n, m)."""
        norms, angles, along, across = planes(first, second)
        if self.homogeneous:
            parts = self._by_angle(norms, norms_of(second), angles)
        else:
            parts = self._by_grid(norms, norms_of(second), angles, shift)
        pull = parts[0][..., None] * along[:, None] + parts[1][..., None] * across
        return pull, parts[2]

    def _by_angle(self, norms: _Wide, lengths: _Wide, angles: _Wide) -> tuple[_Wide, ...]:
        """Integrals along u, across it, and of the product, where s is homogeneous."""
        h = self.function.degree
        assert h is not None
        above, below = (float(side) for side in self.function.function(np.array([1.0, -1.0])))
        quarter = 2 * np.arctan(np.longdouble(1))
        # Between these u.x and v.x keep their signs.
        cuts = [-quarter + 0 * angles, angles - quarter, quarter + 0 * angles, angles + quarter]
        cuts.append(3 * quarter + 0 * angles)
        nodes, weights = legendre()
        totals = [np.zeros(angles.shape, dtype=np.longdouble) for _ in range(3)]
        for place, (low, high) in enumerate(pairwise(cuts)):
            half = (high - low)[..., None] / 2
            phi = (high + low)[..., None] / 2 + half * nodes
            mine, other = np.cos(phi), np.cos(phi - angles[..., None])
            slope = h * np.abs(mine) ** (h - 1) * (above if place < 2 else -below)
            value = np.abs(other) ** h * (above if place in (1, 2) else below)
            product = half * weights * slope * value
            totals[0] += np.sum(product * mine, axis=-1)
            totals[1] += np.sum(product * np.sin(phi), axis=-1)
        moment = np.longdouble(factorial(h) * 2**h) / (4 * quarter)
        sizes = np.where(norms > 0, norms, 1) ** (h - 1) * (norms > 0)
        scale = sizes[:, None] * lengths**h * moment
        # h s(u.x) = u.x s'(u.x).
        totals[2] = norms[:, None] * totals[0] / h
        return tuple(scale * total for total in totals)

    def _by_grid(
        self, norms: _Wide, lengths: _Wide, angles: _Wide, shift: float
    ) -> tuple[_Wide, ...]:
        """The same by the trapezoidal rule, where s is smooth."""
        assert self.function.slopes is not None
        step = _GRID / max(1.0, float(norms.max(initial=0.0)), float(lengths.max(initial=0.0)))
        line = (np.arange(-np.ceil(_REACH / step), np.ceil(_REACH / step) + 1) + shift) * step
        density = np.exp(-0.5 * line**2) * step / np.sqrt(2 * np.pi)
        result = [np.zeros(angles.shape) for _ in range(3)]
        for i, norm in enumerate(norms):
            slope = self.function.slopes(norm * line)[0] * density
            value = self.function.function(norm * line) * density
            for j, length in enumerate(lengths):
                t = angles[i, j]
                argument = length * (np.cos(t) * line[:, None] + np.sin(t) * line)
                other = self.function.function(argument)
                inner, turned = other @ density, other @ (density * line)
                result[0][i, j] = (slope * line) @ inner
                result[1][i, j] = slope @ turned
                result[2][i, j] = value @ inner
        return tuple(result)
