"""How a landscape changes with the model: graphs of one teacher for several activations."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.landscape.compared_models import FamilyInModel, ModelComparison, ModelWidth
from landtopo.landscape.labelled import labelled_connectivity
from landtopo.landscape.tree import check_networks
from landtopo.landscape.widths import WidthRow, width_table
from landtopo.models.networks.landscape.labelled_copies import teacher_of
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry.statistics_distance import StatisticsDistance
from landtopo.objective import Array

__all__ = ["compare_models"]

# Gram matrices of one teacher differ between files by rounding.
_SAME_TEACHER = 1e-9


def compare_models(graphs: Mapping[str, nx.MultiGraph[str]]) -> ModelComparison:
    """Compare landscape graphs of one teacher with different activations.

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
    teachers = {name: _teacher(name, graph) for name, graph in graphs.items()}
    models = tuple(graphs)
    first = teachers[models[0]]
    for name, teacher in teachers.items():
        same = teacher.gram.shape == first.gram.shape
        if not same or np.abs(teacher.gram - first.gram).max() > _SAME_TEACHER:
            raise InvalidArgument(
                f"The graphs of compare_models must have the teacher vectors of the first; those "
                f"of {name} are others."
            )
    tables = {
        name: {row.width: row for row in width_table(graph)} for name, graph in graphs.items()
    }
    distances = {name: _distance(first, teacher) for name, teacher in teachers.items()}
    without = {name: _loss_without(teacher) for name, teacher in teachers.items()}
    entries: list[ModelWidth] = []
    families: list[FamilyInModel] = []
    for width in sorted({width for rows in tables.values() for width in rows}):
        known = {name: _families(graph, width) for name, graph in graphs.items()}
        for name in models:
            if width not in tables[name]:
                continue
            partners = _partners(known[models[0]], known[name], distances[name])
            told = _told(name, width, without[name], graphs[name], partners)
            families += told
            used = {one.partner for one in told}
            entries.append(
                _entry(
                    name,
                    tables[name][width],
                    graphs[name],
                    appear=tuple(one.family for one in told if one.partner is None),
                    go=tuple(family for family in known[models[0]] if family not in used),
                )
            )
    return ModelComparison(models=models, entries=tuple(entries), families=tuple(families))


def _teacher(name: str, graph: nx.MultiGraph[str]) -> Teacher:
    check_networks("compare_models", graph)
    teacher = teacher_of(graph.graph)
    if teacher.function.mixes:
        raise InvalidArgument(
            f"compare_models cannot compare {name}: rotations of its students change nothing, so "
            "that its families are no points in (Q, R)."
        )
    return teacher


def _families(graph: nx.MultiGraph[str], width: int) -> dict[str, Array]:
    """Weights of the families of a width, by loss."""
    found = [(data["loss"], name) for name, data in graph.nodes(data=True)]
    return {
        name: np.asarray(graph.nodes[name]["weights"], dtype=np.float64)
        for _, name in sorted(found)
        if graph.nodes[name]["width"] == width
    }


def _distance(first: Teacher, second: Teacher) -> StatisticsDistance:
    """In the coordinates of the first, with signs of neurons if either model has them."""
    even = next((one for one in (first, second) if one.function.parity == 1), first)
    return StatisticsDistance(first.with_function(even.activation))


def _loss_without(teacher: Teacher) -> float:
    problem = TeacherStudent(teacher, 1)
    return float(PopulationLoss(problem).value(np.zeros((1, teacher.rank))))


def _partners(
    first: Mapping[str, Array], second: Mapping[str, Array], distance: StatisticsDistance
) -> dict[str, tuple[str, float]]:
    """Families of the second that are nearest to one of the first and the other way round."""
    if not first or not second:
        return {}
    apart = np.array([[distance.apart(x, y) for x in first.values()] for y in second.values()])
    names, others = list(first), list(second)
    nearest, back = apart.argmin(axis=1), apart.argmin(axis=0)
    return {
        others[j]: (names[i], float(apart[j, i])) for j, i in enumerate(nearest) if back[i] == j
    }


def _told(
    model: str,
    width: int,
    without: float,
    graph: nx.MultiGraph[str],
    partners: Mapping[str, tuple[str, float]],
) -> list[FamilyInModel]:
    found = []
    for name in _families(graph, width):
        data = graph.nodes[name]
        partner, apart = partners.get(name, (None, None))
        dimension = data.get("flat_dimension")
        found.append(
            FamilyInModel(
                model=model,
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
    model: str,
    row: WidthRow,
    graph: nx.MultiGraph[str],
    *,
    appear: tuple[str, ...],
    go: tuple[str, ...],
) -> ModelWidth:
    return ModelWidth(
        model=model,
        width=row.width,
        families=row.families,
        isolated=row.isolated,
        flat=row.flat,
        undecided=row.undecided,
        lowest_escape=row.lowest_escape,
        starts=row.starts,
        spurious_share=_rest(row.global_share),
        spurious_low=_rest(row.global_high),
        spurious_high=_rest(row.global_low),
        pieces=_pieces(graph, row),
        appear=appear,
        go=go,
    )


def _rest(share: float | None) -> float | None:
    return None if share is None else 1.0 - share


def _pieces(graph: nx.MultiGraph[str], row: WidthRow) -> int:
    if row.zero_components is not None:
        return row.zero_components
    lowest = min(data["loss"] for _, data in graph.nodes(data=True) if data["width"] == row.width)
    return labelled_connectivity(graph, row.width, highest=float(lowest)).components()
