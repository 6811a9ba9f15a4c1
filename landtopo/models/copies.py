"""All copies of labelled points of a model for `JoinedCopies`: its symmetry, one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.symmetry.groups import Images, PermutationGroup
from landtopo.tolerances import same_value

__all__ = ["ModelCopies"]


class ModelCopies:
    """The symmetry of a model for `JoinedCopies`.

    Points that differ by the gauge are one. Of a connected set of minima every point stands for
    itself, and no path leads along the set, unless the model gives one point for all of it.

    Parameters
    ----------
    model : SmoothModel
    """

    def __init__(self, model: SmoothModel) -> None:
        self.symmetry = model.shape.symmetry
        self._shown_for = model.shown_for
        self._degree = len(self.symmetry.identity(np.zeros(model.size)))
        self._met = Known(self.symmetry.mark, slack=same_value)
        self._stabilisers: list[PermutationGroup] = []

    def locate(self, x: Array, value: float) -> tuple[int, Images]:
        """The family of a minimum, and the element that makes its copy of the representative."""
        x = self._shown_for(x)
        number, element = self._met.place(x, value)
        if element is None:
            self._stabilisers.append(self.group(self.fixing(x)))
            element = self.symmetry.identity(x)
        return number, np.array(element)

    def stabiliser(self, family: int) -> PermutationGroup:
        """What leaves the representative as it is."""
        return self._stabilisers[family]

    def group(self, elements: Sequence[Images]) -> PermutationGroup:
        """The group that some elements generate."""
        return PermutationGroup.from_generators([one.tolist() for one in elements], self._degree)

    def fixing(self, x: Array) -> Sequence[Images]:
        """Elements that leave a point as it is."""
        return [np.array(element) for element in self.symmetry.fixing(x)]

    def act(self, element: Images, points: Array) -> Array:
        """Apply an element to points, shape (..., size)."""
        rows = points.reshape(-1, points.shape[-1])
        moved = [self.symmetry.act(element.tolist(), row) for row in rows]
        return np.array(moved).reshape(points.shape)
