"""A function on the space that a symmetry fixes, and how what is found there holds everywhere.

Points of the space stay in it under the gradient and under the flow, so that a band, a saddle and
its descents can all be had with its few coordinates. What symmetry cannot say is the curvature
across: the index of a critical point, and whether a point of rest is a minimum, are asked of all
coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array, FlowCurve, Objective, Pace
from landtopo.paths.descent import (
    Descent,
    DescentOptions,
    DescentStatus,
    descend_both,
)
from landtopo.paths.refine import Refinement
from landtopo.points.ascend import Ascent, ascend
from landtopo.points.spectrum import lowest_spectrum
from landtopo.symmetry.fixed_space import SharedSymmetry

__all__ = ["Restricted"]

# How far from a point of too high an index the ascent begins that breaks its symmetry.
_AWAY = 0.1
_ROUNDING = 1e-7


class Restricted:
    """An objective of weights on a space that symmetries fix, in orthonormal coordinates.

    Parameters
    ----------
    objective : Objective
        Of weights (K, D), flat.
    symmetry : SharedSymmetry
    """

    def __init__(self, objective: Objective, symmetry: SharedSymmetry) -> None:
        self.objective = objective
        self.symmetry = symmetry
        space = symmetry.space(objective.size // symmetry.width)
        self.basis = space.basis
        self._across = np.ascontiguousarray(space.basis.T)
        columns = objective.size // symmetry.width
        # Neurons of one orbit have the same share in B^T H B: one of them stands for all.
        self._rows = (columns * space.representatives[:, None] + np.arange(columns)).ravel()
        weighted = np.repeat(space.multiplicities, columns)[:, None] * self.basis[self._rows]
        self._weighted = np.ascontiguousarray(weighted.T)

    @property
    def size(self) -> int:
        """Number of coordinates of the space."""
        return int(self.basis.shape[1])

    def lift(self, y: Array) -> Array:
        """Points in all coordinates, shape (..., objective.size)."""
        return np.asarray(y @ self._across)

    def lower(self, x: Array) -> Array:
        """Coordinates of the nearest points of the space, shape (..., size)."""
        return np.asarray(x @ self.basis)

    def value(self, y: Array) -> Array:
        """Values, shape () or (n,)."""
        return self.objective.value(self.lift(y))

    def value_and_gradient(self, y: Array) -> tuple[Array, Array]:
        """Values and gradients with respect to the coordinates of the space."""
        values, gradients = self.objective.value_and_gradient(self.lift(y))
        return values, self.lower(gradients)

    def hessian(self, y: Array) -> Array:
        """Hessian at one point, shape (size, size)."""
        found = self._weighted @ (
            self.objective.hessian_rows(self.lift(y), self._rows) @ self.basis
        )
        return np.asarray(0.5 * (found + found.T))

    def hessian_rows(self, y: Array, rows: NDArray[np.int64]) -> Array:
        """Some rows of the Hessian at one point."""
        return self.hessian(y)[rows]

    def gauge(self, y: Array) -> Array:
        """Orthonormal rows that span the gauge directions; turns outside the span stay inside."""
        return self.lower(self.objective.gauge(self.lift(y)))

    def flow(self, y: Array, pace: Pace, *, space: Array | None = None) -> FlowCurve | None:
        """A stretch of the gradient flow, held in the space."""
        basis = self.basis if space is None else self.basis @ space
        found = self.objective.flow(self.lift(y), pace, space=basis)
        if found is None:
            return None
        return found._replace(points=self.lower(found.points), slopes=self.lower(found.slopes))

    def holds(self, x: Array) -> bool:
        """Whether a point lies in the space, but for rounding."""
        apart = float(np.abs(self.lift(self.lower(x)) - x).max())
        return apart <= _ROUNDING * float(np.abs(x).max())

    def descend_both(
        self,
        transition: Array,
        unstable: Array,
        options: DescentOptions,
        *,
        accept: Callable[[Array], Array | None],
        rest: Callable[[Array], tuple[float, DescentStatus]],
    ) -> tuple[Descent, Descent]:
        """Both descents from a point of the space along a direction in it, in all coordinates.

        Parameters
        ----------
        transition, unstable : ndarray, shape (objective.size,)
        options : DescentOptions
        accept, rest : callable
            As in `descent.descend`, for points in all coordinates.
        """

        def accepts(y: Array) -> Array | None:
            end = accept(self.lift(y))
            return self.lower(end) if end is not None and self.holds(end) else None

        left, right = descend_both(
            self,
            self.lower(transition),
            self.lower(unstable),
            options,
            accept=accepts,
            rest=lambda y: rest(self.lift(y)),
        )
        return self._lifted_descent(left), self._lifted_descent(right)

    def lifted_refinement(self, found: Refinement) -> Refinement:
        """Maxima of a chain in the space with what they led to, in all coordinates.

        Their spectra are still those of the space, with vectors in all coordinates.
        """
        maxima = tuple(
            replace(one, start=self.lift(one.start), ascent=self._lifted_ascent(one.ascent))
            for one in found.maxima
        )
        return replace(found, maxima=maxima)

    def broken(self, found: Ascent) -> Ascent | None:
        """An ascent that leaves the space where its end falls off across it; None if it does not.

        Parameters
        ----------
        found : Ascent
            From `lifted_refinement`.
        """
        assert found.spectrum is not None
        whole = lowest_spectrum(
            self.objective.hessian(found.x),
            self.objective.gauge(found.x),
            zero_tolerance=found.options.zero_tolerance,
        )
        if whole.index <= found.options.index:
            return None
        inside = np.linalg.norm(self.lower(whole.vectors[:, : whole.index].T), axis=1)
        return ascend(
            self.objective,
            found.x + _AWAY * whole.vectors[:, int(np.argmin(inside))],
            found.options,
            direction=found.spectrum.vectors[:, 0],
        )

    def _lifted_ascent(self, found: Ascent) -> Ascent:
        spectrum = found.spectrum
        if spectrum is not None:
            spectrum = replace(spectrum, vectors=self.lift(spectrum.vectors.T).T)
        return replace(
            found, x=self.lift(found.x), points=self.lift(found.points), spectrum=spectrum
        )

    def _lifted_descent(self, side: Descent) -> Descent:
        return replace(
            side,
            x=self.lift(side.x),
            points=self.lift(side.points),
            tangents=self.lift(side.tangents),
        )
