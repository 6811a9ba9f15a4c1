"""Results scale with the teacher: weights with it, losses with its square, counts not at all.

A teacher that is longer by a power of two must give the same digits; one that is longer by any
other factor the same families, passes and barriers.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from landtopo.landscape.build import landscape_graph
from landtopo.landscape.explore import ExploreOptions
from landtopo.models.networks.paths.connect import connect
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.saddles import find_saddles
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.starts import GaussianStart
from landtopo.models.networks.units import in_units, unit_of
from landtopo.points.records import Kind
from landtopo.units import rescaled

BASE = Teacher.equicorrelated(3, -0.3)
QUICK = ExploreOptions(
    random_starts=24, modes=8, mode_starts=24, line_starts=8, patience=30, check_pairs=2
)


def longer(factor: float) -> Teacher:
    return Teacher.from_vectors(factor * BASE.vectors)


def graph_of(factor: float) -> nx.MultiGraph[str]:
    return landscape_graph(
        longer(factor),
        [2, 3],
        starts=100,
        init=GaussianStart(scale=factor),
        options=QUICK,
    )


@pytest.mark.parametrize(
    ("length", "unit"), [(1.0, 1.0), (0.8, 1.0), (100.0, 128.0), (3e-3, 2**-8)]
)
def test_unit_is_the_closest_power_of_two(length: float, unit: float) -> None:
    teacher = Teacher.from_vectors([[length, 0.0], [0.0, length / 10]])
    assert unit_of(teacher) == unit
    problem = TeacherStudent(teacher, 2)
    scaled = in_units(problem)
    assert np.array_equal(scaled.teacher.vectors * unit, teacher.vectors)
    assert np.array_equal(scaled.teacher.gram * unit**2, teacher.gram)
    assert unit_of(scaled.teacher) == 1.0
    assert (scaled is problem) == (unit == 1.0)


def test_records_scale_there_and_back() -> None:
    family = find_minima(TeacherStudent(BASE, 2), starts=20).families[0]
    there = rescaled(family, 8.0)
    assert there.loss == 64 * family.loss
    assert there.psi_min == 8 * family.psi_min
    assert np.array_equal(there.weights, 8 * family.weights)
    assert np.array_equal(there.point.eigenvalues, family.point.eigenvalues)
    assert not there.weights.flags.writeable
    back = rescaled(there, 0.125)
    assert (back.loss, back.point.grad_norm) == (family.loss, family.point.grad_norm)


@pytest.fixture(scope="module")
def small() -> nx.MultiGraph[str]:
    return graph_of(1.0)


@pytest.mark.parametrize("factor", [1024.0, 2.0**-10, 100.0, 0.013])
def test_graph_scales_with_the_teacher(small: nx.MultiGraph[str], factor: float) -> None:
    graph = graph_of(factor)
    exact = np.log2(factor) % 1 == 0
    close = {"rel": 0.0, "abs": 0.0} if exact else {"rel": 1e-9, "abs": 1e-13 * factor**2}
    assert list(graph) == list(small)
    for node, data in graph.nodes.items():
        other = small.nodes[node]
        assert data["loss"] == pytest.approx(factor**2 * other["loss"], **close)
        assert data["index"] == other["index"]
        assert data["orbit_size"] == other["orbit_size"]
        assert data["eigenvalues"] == pytest.approx(other["eigenvalues"], abs=1e-9)
        if exact:
            assert data["count"] == other["count"]
            assert np.array_equal(data["weights"], factor * np.asarray(other["weights"]))
    passes = [
        sorted(
            (d["from_id"], d["to_id"], d["kind"], round(d["loss"] / scale**2, 9))
            for d in each.edges.values()
            if d["kind"] != "lineage"
        )
        for each, scale in ((graph, factor), (small, 1.0))
    ]
    assert passes[0] == passes[1]
    assert passes[0]
    for data in graph.edges.values():
        if data["kind"] == "saddle":
            top = max(loss for _, loss in data["profile"])
            assert top == pytest.approx(data["loss"], rel=1e-9)
            assert data["barrier_to"] > 0


@pytest.mark.parametrize("factor", [64.0, 100.0])
def test_saddles_and_paths_scale_with_the_teacher(factor: float) -> None:
    problems = [TeacherStudent(longer(f), 3) for f in (1.0, factor)]
    losses = []
    for problem, scale in zip(problems, (1.0, factor), strict=True):
        found = find_saddles(
            problem, starts=20, sources=("random",), init=GaussianStart(scale=scale)
        )
        assert found.problem == problem
        for family in found.families:
            point = classify(problem, family.weights)
            assert (point.kind, point.index) == (Kind.SADDLE, 1)
        losses.append([family.loss / scale**2 for family in found.families])
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    paths = []
    for problem in problems:
        start = problem.teacher.vectors
        paths.append(connect(problem, start, start[[1, 0, 2]]))
    assert all(path.verified for path in paths)
    assert paths[1].problem == problems[1]
    assert paths[1].barrier == pytest.approx(factor**2 * paths[0].barrier, rel=1e-9)
    # Step lengths are in units too, so that another factor gives other points on the same curve.
    length = factor * paths[0].positions[-1]
    assert paths[1].positions[-1] == pytest.approx(length, rel=0 if factor == 64 else 1e-3)
    assert paths[1].transition_states[0].grad_norm <= paths[1].transition_states[0].grad_tolerance
