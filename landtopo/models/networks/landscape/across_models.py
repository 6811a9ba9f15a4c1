"""How a landscape changes with the model: graphs of one teacher for several kinds of students.

Students with a trained second layer or a constraint are models of functions, whose graphs name how
they are made again. Theirs are compared as students with output weights 1, which a point with
negative or other output weights is not: it has no counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.landscape.compared_models import FamilyInModel, ModelComparison, ModelWidth
from landtopo.landscape.schema import STUDENTS
from landtopo.landscape.tree import check_networks
from landtopo.landscape.widths import WidthRow, counted_row
from landtopo.models.connectivity import labelled_connectivity, width_table
from landtopo.models.named import named_over
from landtopo.models.networks.as_function import NetworkShape
from landtopo.models.networks.landscape.labelled_copies import teacher_of
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry.statistics_distance import StatisticsDistance
from landtopo.objective import Array
from landtopo.points.stationary import LEAST
from landtopo.tolerances import LEVEL

__all__ = ["compare_models", "name_of_model"]

# Gram matrices of one teacher differ between files by rounding.
_SAME_TEACHER = 1e-9


def compare_models(graphs: Mapping[str, nx.MultiGraph[str]]) -> ModelComparison:
    """Compare landscape graphs of one teacher with different students.

    These may differ in their activation, and in that their second layer is trained or their
    neurons are constrained.

    Families of two models correspond if each is nearest to the other in the summary statistics
    (Q, R), modulo renumberings of students and automorphisms of the teacher, and modulo the sign of
    each neuron where one of the two activations is even; of flat families it is the stored point
    that counts. That says which points lie alike, not that one turns into the other: for that a
    parameter between the models is followed (`sweep`).

    Parameters
    ----------
    graphs : mapping of str to networkx.MultiGraph
        Graphs of `landscape_graph` by names of the models.

    Returns
    -------
    ModelComparison

    Raises
    ------
    InvalidArgument
        There are fewer than two graphs, or they are of different teacher vectors.

    Examples
    --------
    >>> import landtopo as lt
    >>> teacher = lt.Teacher.orthonormal(2)
    >>> graphs = {
    ...     name: lt.landscape_graph(teacher.with_function(name), widths=2, starts=20)
    ...     for name in ("relu", "leaky:0.5")
    ... }
    >>> [entry.families for entry in lt.compare_models(graphs).entries]
    [1, 1]
    """
    if len(graphs) < 2:
        raise InvalidArgument("The 'graphs' argument of compare_models must hold two or more.")
    known_models = {name: _Landscape(name, graph) for name, graph in graphs.items()}
    teachers = {name: one.teacher for name, one in known_models.items()}
    models = tuple(graphs)
    first = teachers[models[0]]
    for name, teacher in teachers.items():
        same = teacher.gram.shape == first.gram.shape
        if not same or np.abs(teacher.gram - first.gram).max() > _SAME_TEACHER:
            raise InvalidArgument(
                f"The graphs of compare_models must have the teacher vectors of the first; those "
                f"of {name} are others."
            )
    tables = {name: {row.width: row for row in one.rows()} for name, one in known_models.items()}
    distances = {name: _distance(first, teacher) for name, teacher in teachers.items()}
    without = {name: _loss_without(teacher) for name, teacher in teachers.items()}
    entries: list[ModelWidth] = []
    families: list[FamilyInModel] = []
    for width in sorted({width for rows in tables.values() for width in rows}):
        known = {name: one.families(width) for name, one in known_models.items()}
        for name in models:
            if width not in tables[name]:
                continue
            partners = _partners(known[models[0]], known[name], distances[name])
            told = _told(known_models[name], width, without[name], known[name], partners)
            families += told
            used = {one.partner for one in told}
            entries.append(
                _entry(
                    known_models[name],
                    tables[name][width],
                    appear=tuple(one.family for one in told if one.partner is None),
                    go=tuple(family for family in known[models[0]] if family not in used),
                )
            )
    return ModelComparison(models=models, entries=tuple(entries), families=tuple(families))


def name_of_model(graph: nx.MultiGraph[str]) -> str:
    """The activation of a graph's students, and what else they are, in short.

    Parameters
    ----------
    graph : networkx.MultiGraph
    """
    activation = _Landscape("the graph", graph).teacher.activation
    kind, _, more = str(graph.graph.get(STUDENTS, "")).partition(" | ")[0].partition(":")
    return f"{activation}, {'trained' if kind == 'trained' else more}" if kind else activation


@dataclass(frozen=True)
class _Landscape:
    """One of the graphs that are compared, and its students."""

    name: str
    graph: nx.MultiGraph[str]

    @cached_property
    def shapes(self) -> dict[int, NetworkShape]:
        """By width, of students that are models of functions; else none."""
        source = self.graph.graph.get(STUDENTS)
        if source is None:
            return {}
        widths = sorted({int(data["width"]) for _, data in self.graph.nodes(data=True)})
        told = ",".join(map(str, widths))
        found: Any = named_over(source, f"width={told}")
        return {model.stage: model.shape for model in found.models}

    @cached_property
    def teacher(self) -> Teacher:
        if self.graph.graph.get(STUDENTS) is None:
            check_networks("compare_models", self.graph)
            teacher = teacher_of(self.graph.graph)
        elif not self.shapes:
            raise InvalidArgument(f"compare_models cannot compare {self.name}: it has no minimum.")
        else:
            teacher = next(iter(self.shapes.values())).problem.teacher
        if teacher.function.mixes:
            raise InvalidArgument(
                f"compare_models cannot compare {self.name}: rotations of its students change "
                "nothing, so that its families are no points in (Q, R)."
            )
        return teacher

    def families(self, width: int) -> dict[str, Array | None]:
        """Weights of the families of a width, by loss; None of what is no plain student."""
        found = [(data["loss"], name) for name, data in self._nodes(width).items()]
        shape = self.shapes.get(width)
        if shape is not None:
            nodes = self.graph.nodes
            return {
                name: shape.plain(np.array(nodes[name]["coordinates"])) for _, name in sorted(found)
            }
        return {
            name: np.asarray(self.graph.nodes[name]["weights"], dtype=np.float64)
            for _, name in sorted(found)
        }

    def _nodes(self, width: int) -> dict[str, Mapping[str, Any]]:
        return {name: data for name, data in self.graph.nodes(data=True) if data["width"] == width}

    def rows(self) -> list[WidthRow]:
        """One row a width."""
        if not self.shapes:
            return list(width_table(self.graph))
        return [self._row(width) for width in self.shapes]

    def _row(self, width: int) -> WidthRow:
        """Of students that are models, with the lowest families in the place of global ones."""
        nodes = self._nodes(width)
        level = self.level(width)
        lowest = tuple(
            sorted(name for name, one in nodes.items() if one["loss"] <= level + _near(level))
        )
        # Isolated points meet nothing at their own loss.
        alone = all(nodes[name].get("flat_dimension") == 0 for name in lowest)
        copies = sum(int(nodes[name]["orbit_size"]) for name in lowest) if alone else None
        return counted_row(
            self.graph, width, nodes, lowest, zero_components=copies, joined=None, step=None
        )

    def level(self, width: int) -> float:
        """The lowest loss."""
        return min(float(data["loss"]) for data in self._nodes(width).values())

    def lowest_escape(self, row: WidthRow) -> float | None:
        """The lowest barrier; zero from sets without bound, whose ends lead down."""
        shape = self.shapes.get(row.width)
        if shape is not None:
            for escape in row.escapes:
                if shape.is_unbounded(np.array(self.graph.nodes[escape.family]["coordinates"])):
                    return 0.0
        return row.lowest_escape

    def pieces(self, row: WidthRow) -> int | None:
        """Labelled components of the lowest families at their own loss, where they are known."""
        if self.shapes or row.zero_components is not None:
            return row.zero_components
        highest = self.level(row.width)
        return labelled_connectivity(self.graph, row.width, highest=highest).components()


def _near(level: float) -> float:
    return max(LEVEL, LEAST) * (1.0 + abs(level))


def _distance(first: Teacher, second: Teacher) -> StatisticsDistance:
    """In the coordinates of the first, with signs of neurons if either model has them."""
    even = next((one for one in (first, second) if one.function.parity == 1), first)
    return StatisticsDistance(first.with_function(even.activation))


def _loss_without(teacher: Teacher) -> float:
    problem = TeacherStudent(teacher, 1)
    return float(PopulationLoss(problem).value(np.zeros((1, teacher.rank))))


def _partners(
    known: Mapping[str, Array | None],
    others: Mapping[str, Array | None],
    distance: StatisticsDistance,
) -> dict[str, tuple[str, float]]:
    """Families of the second that are nearest to one of the first and the other way round."""
    first = {name: x for name, x in known.items() if x is not None}
    second = {name: x for name, x in others.items() if x is not None}
    if not first or not second:
        return {}
    apart = np.array([[distance.apart(x, y) for x in first.values()] for y in second.values()])
    names, rest = list(first), list(second)
    nearest, back = apart.argmin(axis=1), apart.argmin(axis=0)
    return {rest[j]: (names[i], float(apart[j, i])) for j, i in enumerate(nearest) if back[i] == j}


def _told(
    one: _Landscape,
    width: int,
    without: float,
    families: Mapping[str, Array | None],
    partners: Mapping[str, tuple[str, float]],
) -> list[FamilyInModel]:
    found = []
    for name in families:
        data = one.graph.nodes[name]
        partner, apart = partners.get(name, (None, None))
        dimension = data.get("flat_dimension")
        found.append(
            FamilyInModel(
                model=one.name,
                width=width,
                family=name,
                loss=float(data["loss"]),
                unexplained=float(data["loss"]) / without,
                flat=None if dimension is None else dimension > 0,
                partner=partner,
                distance=apart,
            )
        )
    return found


def _entry(
    one: _Landscape, row: WidthRow, *, appear: tuple[str, ...], go: tuple[str, ...]
) -> ModelWidth:
    return ModelWidth(
        model=one.name,
        width=row.width,
        families=row.families,
        isolated=row.isolated,
        flat=row.flat,
        undecided=row.undecided,
        lowest_escape=one.lowest_escape(row),
        starts=row.starts,
        spurious_share=_rest(row.global_share),
        spurious_low=_rest(row.global_high),
        spurious_high=_rest(row.global_low),
        pieces=one.pieces(row),
        lowest=one.level(row.width),
        appear=appear,
        go=go,
    )


def _rest(share: float | None) -> float | None:
    return None if share is None else 1.0 - share
