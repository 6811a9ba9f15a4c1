"""From a landscape graph to orbits of labelled copies: stabilisers, and passes with relabellings.

What a copy is. At K = effective width the minima of a family are isolated points, and the
stabiliser of one is its isotropy group. With more neurons the family is a flat set of constant
loss: all students with one reduced network, which slides through corners connect whatever the
numbering of the student neurons (`networks.flat.cells`). At positive loss these corners are no
minima, but the way through them is no higher than the family. Its copies are the reduced networks
that teacher automorphisms make of it, and the stabiliser is S_K times those automorphisms that
permute the neurons of the reduced network. The teacher's own network is kept by all of them.

Of an s that is not homogeneous minima are isolated points unless they are found to be flat, and
then undecided. At zero loss pairs of neurons that cancel (`networks.points.cancelling`) connect
whatever the numbering: two spare ones can be any w and -w, also one that makes another neuron
spare.

Zero loss with linearly dependent teachers has flat sets that join different reduced networks
(`networks.flat.zero_loss`): the corners of the polytope of zero-loss measures become additional
orbits that are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.landscape.labelled_cover import LabelledCopies, Link, Orbit
from landtopo.landscape.tree import transition_graph
from landtopo.models.networks.flat.zero_loss import zero_loss_set
from landtopo.models.networks.points.cancelling import cancelling_pairs, without_pairs
from landtopo.models.networks.points.classify import is_zero_loss
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import (
    PermutationGroup,
    Relabelling,
    both_signs,
    function_automorphisms,
    parse_cycles,
    point_graph,
    symmetry_frame,
    teacher_rotation,
)
from landtopo.models.networks.symmetry.point_groups import symmetry_group
from landtopo.models.networks.symmetry.whole import Symmetry
from landtopo.objective import Array

__all__ = ["ZERO_LOSS_SET", "labelled_copies", "teacher_of"]

#: Id of what joins reduced networks of zero loss without any transition.
ZERO_LOSS_SET = "zero-loss set"


def labelled_copies(
    graph: nx.MultiGraph[str], width: int, teacher: Teacher | None, level: float
) -> LabelledCopies:
    """Orbits and links of one width of a landscape graph.

    Parameters
    ----------
    graph : networkx.MultiGraph
    width : int
    teacher : Teacher or None
        None to make it from the name in the graph, or from the Gram matrix.
    level : float
        Nothing higher is looked at.
    """
    teacher = teacher_of(graph.graph) if teacher is None else teacher
    symmetry = Symmetry(
        width=width,
        automorphisms=function_automorphisms(teacher).group,
        turned=teacher.function.turns,
    )
    reader = _Reader(teacher, symmetry)
    # First, because the passes of a large graph take long.
    for name, data in graph.nodes.items():
        if data["width"] == width and data["loss"] <= level:
            reader.weights(name, data)
    below = transition_graph(graph, width, level=level)
    orbits = {name: reader.orbit(name, graph.nodes[name]) for name in below}
    links, left_out = [], []
    for first, second, key in below.edges(keys=True):
        data = graph.edges[first, second, key]
        ends = orbits[data["from_id"]], orbits[data["to_id"]]
        flat = any(orbit.id in reader.flat for orbit in ends)
        relabelling = _relabelling(symmetry, data, flat)
        if relabelling is None:
            # With one copy at an end, or within one flat set, it does not matter which.
            if any(orbit.stabiliser.order == symmetry.order for orbit in ends):
                relabelling = symmetry.identity
            elif first == second and flat and data["kind"] == "flat":
                continue
            else:
                left_out.append(key)
                continue
        links.append(
            Link(
                id=key,
                start=ends[0].id,
                end=ends[1].id,
                relabelling=relabelling,
                level=float(data["loss"]),
            )
        )
    corners, bridges = reader.zero_loss_bridges()
    return LabelledCopies(
        symmetry=symmetry,
        orbits=(*orbits.values(), *corners),
        links=(*links, *bridges),
        left_out=tuple(left_out),
        undecided=tuple(name for name in orbits if name in reader.undecided),
    )


class _Reader:
    """Makes orbits of families, and remembers what is said of them on the way."""

    def __init__(self, teacher: Teacher, symmetry: Symmetry) -> None:
        self.teacher = teacher
        self.symmetry = symmetry
        self._problem = TeacherStudent(teacher, symmetry.width)
        self.flat: set[str] = set()
        self.undecided: set[str] = set()
        self._zero_loss: dict[str, Array] = {}
        self._groups: dict[bytes, PermutationGroup] = {}

    def orbit(self, name: str, data: Mapping[str, Any]) -> Orbit:
        """The copies of a family, from its representative."""
        weights = self.weights(name, data)
        stabiliser = self._isotropy(weights)
        # In other coordinates than the teacher's, weights lose the symmetries they had with it.
        if stabiliser.order < int(data.get("isotropy_order", 1)):
            raise InvalidArgument(
                "The teacher made from the graph is not the one it was computed for: the isotropy "
                f"group of {name} has order {stabiliser.order} instead of "
                f"{data['isotropy_order']}; pass the 'teacher' argument."
            )
        function, loss = self.teacher.function, float(data["loss"])
        zero_loss = is_zero_loss(loss, weights)
        reduced = reduce_network(weights, self.teacher.rank, function=function).vectors
        if zero_loss and cancelling_pairs(self._problem, reduced):
            reduced = without_pairs(reduced, float(self.teacher.norms.max()))
        if len(reduced) < self.symmetry.width:
            self.flat.add(name)
            count = len(both_signs(self.teacher, reduced))
            kept = self._isotropy(reduced).generators[:, count:]
            stabiliser = self._moved(kept - count)
        if data.get("flat_dimension") is None:
            self.undecided.add(name)
        elif data["flat_dimension"] and name not in self.flat:
            self.undecided.add(name)  # a flat set of which no more is known
        if zero_loss and function.merges:
            self._zero_loss[name] = reduced
        return Orbit(id=name, loss=loss, stabiliser=stabiliser)

    def _moved(self, teachers: NDArray[np.int64]) -> PermutationGroup:
        """All permutations of students with those of teachers; flat families often share it."""
        key = teachers.tobytes()
        if key not in self._groups:
            self._groups[key] = self.symmetry.students(teachers)
        return self._groups[key]

    def zero_loss_bridges(self) -> tuple[list[Orbit], list[Link]]:
        """Corners of the polytope of zero-loss measures, and what joins them and the families."""
        if not self._zero_loss:
            return [], []
        if self.teacher.rank == self.teacher.size or self.teacher.function.turns:
            self.undecided -= self._zero_loss.keys()  # one reduced network, which is isolated
            return [], []
        try:
            whole = zero_loss_set(self.teacher, self.symmetry.width)
        except InvalidArgument:  # a polytope that is too large
            self.undecided |= self._zero_loss.keys()
            return [], []
        self.undecided -= self._zero_loss.keys()
        edges = [face for face in whole.faces if face.dimension == 1]
        corners = [
            face
            for face in whole.faces
            if face.dimension == 0 and any(_is_in(face.signs, edge.signs) for edge in edges)
        ]
        students = self.symmetry.students()
        orbits = [
            Orbit(id=_corner_id(face.signs), loss=0.0, stabiliser=students, counted=False)
            for face in corners
        ]
        joined: list[tuple[tuple[int, ...], tuple[int, ...], Relabelling]] = []
        for edge in edges:
            first, second = (c.signs for c in corners if _is_in(c.signs, edge.signs))
            joined.append((first, second, self.symmetry.identity))
        # A corner and what an automorphism makes of it are copies of each other.
        for images in self.symmetry.automorphisms.generators.tolist():
            element = Relabelling(students=self.symmetry.identity.students, teachers=tuple(images))
            rotation = teacher_rotation(symmetry_frame(self.teacher), images)
            joined += [
                (_signs(face.network @ rotation.T, whole.lines), face.signs, element)
                for face in corners
            ]
        links = [
            Link(
                id=ZERO_LOSS_SET,
                start=_corner_id(first),
                end=_corner_id(second),
                relabelling=element,
                level=0.0,
            )
            for first, second, element in joined
        ]
        for name, network in self._zero_loss.items():
            own = _signs(network, whole.lines)
            links += [
                Link(
                    id=ZERO_LOSS_SET,
                    start=name,
                    end=_corner_id(face.signs),
                    relabelling=self.symmetry.identity,
                    level=0.0,
                )
                for face in corners
                if _is_in(face.signs, own)
            ]
        return orbits, links

    def weights(self, name: str, data: Mapping[str, Any]) -> Array:
        """Representative of a family, refused where there is none."""
        weights = np.asarray(data.get("weights", ()), dtype=np.float64)
        rank = self.teacher.rank
        if weights.ndim != 2 or len(weights) != self.symmetry.width or weights.shape[1] < rank:
            raise InvalidArgument(
                f"Labelled copies need weights of shape ({self.symmetry.width}, {rank} or more) on "
                f"every family; {name} has {weights.shape}."
            )
        return weights

    def _isotropy(self, weights: Array) -> PermutationGroup:
        return symmetry_group(point_graph(self.teacher, weights))


def teacher_of(attributes: Mapping[str, Any]) -> Teacher:
    """The teacher in the coordinates of the weights, as far as a graph's attributes say.

    Raises
    ------
    InvalidArgument
        They do not say it.
    """
    name = str(attributes.get("teacher", ""))
    if "vectors" in attributes:
        return Teacher.from_vectors(attributes["vectors"]).titled(name)
    if name.startswith(("orthonormal:", "equicorrelated:", "random:")):
        return Teacher.from_spec(name)
    if "gram" not in attributes:
        raise InvalidArgument(
            "The 'graph' argument of labelled_connectivity must name its teacher or have the Gram "
            "matrix of its vectors."
        )
    return Teacher.from_gram(attributes["gram"], name=name)


def _relabelling(symmetry: Symmetry, data: Mapping[str, Any], flat: bool) -> Relabelling | None:
    """Which copy a transition leads to; students do not matter where an end is a flat set."""
    students = data.get("permutation", "()" if flat else None)
    teachers = data.get("teacher_permutation")
    if students is None or teachers is None:
        return None
    return Relabelling(
        students=parse_cycles(students, symmetry.width, signs=symmetry.turned),
        teachers=parse_cycles(teachers, symmetry.teachers),
    )


def _signs(network: Array, lines: Array) -> tuple[int, ...]:
    """For each line 1 or -1 if a network has weight in one orientation of it, 0 if in both."""
    overlaps = network[:, : lines.shape[1]] @ lines.T
    nearest = np.argmax(np.abs(overlaps), axis=1)
    used = {
        (int(line), 1 if row[line] > 0 else -1) for row, line in zip(overlaps, nearest, strict=True)
    }
    return tuple(((i, 1) in used) - ((i, -1) in used) for i in range(len(lines)))


def _is_in(corner: tuple[int, ...], face: tuple[int, ...]) -> bool:
    """Whether a corner, given by its signs, belongs to the closure of a face."""
    return all(a in (0, b) for a, b in zip(face, corner, strict=True))


def _corner_id(signs: tuple[int, ...]) -> str:
    return f"{ZERO_LOSS_SET} {signs}"
