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

from landtopo.objective import Array, Objective
from landtopo.paths.descent import (
    Descent,
    DescentOptions,
    DescentStatus,
    descend_both,
)
from landtopo.paths.refine import Refinement
from landtopo.points.ascend import Ascent, ascend
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.spectrum import lowest_spectrum
from landtopo.symmetry.shared import Shared

__all__ = ["Restricted"]

# How far from a point of too high an index the ascent begins that breaks its symmetry.
_AWAY = 0.1
_ROUNDING = 1e-7


class Restricted:
    """A space that symmetries fix, the objective on it, and the way to all coordinates.

    Parameters
    ----------
    objective : Objective
        In all coordinates x.
    symmetry : Shared
    inside : Objective
        The same in coordinates y of the space, x = basis @ y.
    basis : ndarray, shape (objective.size, inside.size)
        Orthonormal columns.
    """

    def __init__(
        self, objective: Objective, symmetry: Shared, inside: Objective, basis: Array
    ) -> None:
        self.objective = objective
        self.symmetry = symmetry
        self.inside = Counted(inside)
        self.basis = basis
        self._across = np.ascontiguousarray(basis.T)

    @property
    def evaluations(self) -> Evaluations:
        """What was asked for on the space; the rest is counted by the objective."""
        return self.inside.evaluations

    def lift(self, y: Array) -> Array:
        """Points in all coordinates, shape (..., objective.size)."""
        return np.asarray(y @ self._across)

    def lower(self, x: Array) -> Array:
        """Coordinates of the nearest points of the space, shape (..., size)."""
        return np.asarray(x @ self.basis)

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
            self.inside,
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
            replace(one, start=self.lift(one.start), ascent=self.lifted_ascent(one.ascent))
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

    def lifted_ascent(self, found: Ascent) -> Ascent:
        """An ascent in all coordinates; its spectrum is still that of the space."""
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
