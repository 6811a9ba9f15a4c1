"""All copies of labelled points of a network: S_K x Aut(T), and the flat sets of split neurons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.symmetry import (
    GraphMark,
    PermutationGroup,
    PointGraph,
    Relabelling,
    function_automorphisms,
    symmetry_frame,
    teacher_rotation,
)
from landtopo.models.networks.symmetry.fixed_space import EXACT
from landtopo.models.networks.symmetry.point_groups import symmetry_group
from landtopo.models.networks.symmetry.relabelling import renumbered
from landtopo.models.networks.symmetry.whole import Symmetry
from landtopo.objective import Array
from landtopo.points.known import Known
from landtopo.symmetry.groups import Images
from landtopo.tolerances import same_value

__all__ = ["NetworkCopies"]


class NetworkCopies:
    """The symmetry of the network landscape for `JoinedCopies`.

    Elements are permutations of the K students and the rows of the
    teacher's frame (`landtopo.models.networks.symmetry.frame`). Where neurons are zero or
    parallel, weight slides between them, and the point stands for all students with its reduced
    network: renumbering students then leads to nothing new.

    Parameters
    ----------
    setting : NetworkSetting
    """

    def __init__(self, setting: NetworkSetting) -> None:
        self.setting = setting
        self.problem = setting.loss.problem
        automorphisms = setting.automorphisms.group
        if self._told_apart is not None:
            automorphisms = PermutationGroup.from_generators((), len(self._told_apart))
        self.symmetry = Symmetry(
            width=self.problem.width,
            automorphisms=automorphisms,
            turned=self.problem.function.turns,
        )
        self._met: Known[GraphMark] = Known(_itself, slack=same_value)
        self._stabilisers: list[PermutationGroup] = []

    def locate(self, x: Array, value: float) -> tuple[int, Images]:
        """The family of a minimum, and the element that makes its copy of the representative."""
        width = self.problem.width
        reduced = reduce_network(
            self.setting.weights(x), self.problem.rank, function=self.problem.function
        )
        flat = reduced.effective_width < width
        graph = self.graph(reduced.vectors if flat else self.setting.weights(x))
        mark = GraphMark(graph, self.symmetry.sides if flat else None)
        number, element = self._met.place(mark, value)
        if element is not None:
            return number, np.array(element)
        kept = symmetry_group(graph)
        if flat:
            count = graph.width
            kept = self.symmetry.students((kept.generators[:, count:] - count).tolist())
        self._stabilisers.append(kept)
        return number, np.array(self.symmetry.identity.images())

    def stabiliser(self, family: int) -> PermutationGroup:
        """What leaves the representative, or the flat set it belongs to, as it is."""
        return self._stabilisers[family]

    def group(self, elements: Sequence[Images]) -> PermutationGroup:
        """The group that some elements generate."""
        return self.symmetry.group(
            Relabelling.from_images(element, self.symmetry.sides) for element in elements
        )

    def fixing(self, x: Array) -> Sequence[Images]:
        """Elements that leave a point as it is, and generate all that do."""
        return list(symmetry_group(self.graph(self.setting.weights(x))).generators)

    def act(self, element: Images, points: Array) -> Array:
        """Apply an element to points, shape (..., size)."""
        relabelling = Relabelling.from_images(element, self.symmetry.sides)
        weights = self.relabelled(relabelling, self.setting.weights(points))
        return np.asarray(weights.reshape(points.shape))

    def relabelled(self, relabelling: Relabelling, weights: Array) -> Array:
        """Copies of points by an element of S_K x Aut(T), shape (..., K, D).

        Rotations that only exchange axes do so exactly, and add no rounding to what they carry.
        """
        rotation = teacher_rotation(symmetry_frame(self.problem.teacher), relabelling.teachers)
        whole = np.round(rotation)
        if np.abs(rotation - whole).max() <= EXACT:
            rotation = whole
        turned = weights.copy()
        turned[..., : self.problem.rank] = weights[..., : self.problem.rank] @ rotation.T
        return renumbered(turned, relabelling.students)

    def graph(self, weights: Array) -> PointGraph:
        """A point for comparison up to its whole symmetry, shape (k, D) of any width k."""
        return PointGraph.from_weights(
            weights,
            symmetry_frame(self.problem.teacher),
            turned=self.symmetry.turned,
            teacher_labels=self._told_apart,
        )

    @cached_property
    def _told_apart(self) -> Array | None:
        """Numbers of the frame, where not all that points show to be symmetries of it are exact.

        Points are compared to a tolerance, and what is a symmetry of the teacher only to that
        tolerance makes no critical points of critical points.
        """
        teacher = self.problem.teacher
        if function_automorphisms(teacher).order == self.setting.automorphisms.order:
            return None
        return np.arange(len(symmetry_frame(teacher)), dtype=np.float64)


def _itself(mark: GraphMark) -> GraphMark:
    return mark
