"""The landscape graph of small problems, from search to file.

Established here: the published and derived numbers; every transition state is critical with index 1
and an independent integration of the gradient flow leads from it to the representative of its first
family and to the copy of the second one that its relabelling names; relations are the simplest of
their double coset; neurons that are added go where an independent criterion says; the graph is
the same for any number of processes and after any interruption; what was not joined is said.
"""

from __future__ import annotations

import itertools
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from landtopo.export import write_graph
from landtopo.export.prepare import prepare
from landtopo.landscape.build import landscape_graph
from landtopo.landscape.catalogue import Catalogue
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.pool import Piece
from landtopo.landscape.rungs import LineageOptions
from landtopo.landscape.schema import LINEAGE, columns_of
from landtopo.landscape.transitions import Found, absorb, follow
from landtopo.models.connectivity import labelled_connectivity, width_table
from landtopo.models.functions import function_model
from landtopo.models.networks.landscape.lineage import fates_from, fates_of
from landtopo.models.networks.landscape.mirrors import mirrored_minima, mirrored_starts
from landtopo.models.networks.landscape.relations import simplest_relation
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.points.saddle_starts import mode_starts
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.statistics import summary_statistics
from landtopo.models.networks.symmetry import (
    Relabelling,
    cycle_type,
    isotropy,
    parse_cycles,
    symmetry_frame,
)
from landtopo.objective import Array
from landtopo.points.records import Kind
from landtopo.study import Study

QUICK = ExploreOptions(
    random_starts=32,
    mode_starts=16,
    line_starts=8,
    self_pairs=1,
    check_pairs=1,
    patience=16,
)


def passes(graph: nx.MultiGraph[str], width: int) -> list[dict[str, Any]]:
    """Transitions of a width by height."""
    edges = [
        data
        for first, _, data in graph.edges(data=True)
        if data["kind"] != LINEAGE and graph.nodes[first]["width"] == width
    ]
    return sorted(edges, key=lambda data: float(data["loss"]))


def lineage(graph: nx.MultiGraph[str]) -> list[dict[str, Any]]:
    return [data for _, _, data in graph.edges(data=True) if data["kind"] == LINEAGE]


def relabelling(data: Mapping[str, Any], width: int, size: int) -> Relabelling:
    return Relabelling(
        students=parse_cycles(data["permutation"], width),
        teachers=parse_cycles(data["teacher_permutation"], size),
    )


def flow_ends(problem: TeacherStudent, state: Array) -> list[Array]:
    """Where the gradient flow leads on both sides of a transition state, by an implicit method."""
    loss = PopulationLoss(problem)
    vector = np.linalg.eigh(loss.hessian(state))[1][:, 0]
    ends = []
    for sign in (1.0, -1.0):
        solution = solve_ivp(
            lambda _, x: -loss.gradient(x.reshape(state.shape)).ravel(),
            (0.0, 1e5),
            state.ravel() + sign * 1e-3 * vector,
            method="BDF",
            jac=lambda _, x: -loss.hessian(x.reshape(state.shape)),
            rtol=1e-7,
            atol=1e-9,
        )
        ends.append(solution.y[:, -1].reshape(state.shape))
    return ends


def distance(first: Array, second: Array, rank: int) -> float:
    """Between labelled points, through W_in and W_out W_out^T, which no rotation changes."""
    inside = np.abs(first[:, :rank] - second[:, :rank]).max()
    outside = first[:, rank:] @ first[:, rank:].T - second[:, rank:] @ second[:, rank:].T
    return max(float(inside), float(np.abs(outside).max(initial=0.0)))


# --- numbers ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def six() -> nx.MultiGraph[str]:
    # The spurious family is met in 0.3 % of the starts.
    return landscape_graph(Teacher.orthonormal(6), [6, 7], starts=2500, seed=0, options=QUICK)


def test_six_neurons(six: nx.MultiGraph[str]) -> None:
    best, spurious = six.nodes["w6-f0"], six.nodes["w6-f1"]
    assert best["loss"] < 1e-25
    assert (best["flat_dimension"], best["orbit_size"]) == (0, 720)
    assert spurious["loss"] == pytest.approx(0.0250805810, abs=5e-11)
    assert spurious["smallest_eigenvalue"] == pytest.approx(0.0047003547, abs=5e-11)
    assert (spurious["anti_aligned"], spurious["psi_min"] < 0) == (1, True)
    between = [
        data
        for data in passes(six, 6)
        if (data["from_id"], data["to_id"]) == ("w6-f0", "w6-f1") and data["index"] == 1
    ]
    assert 0 < between[0]["barrier_to"] < 1e-4
    assert between[0]["grad_norm"] <= 1e-12
    (cycle, *_) = passes(six, 6)
    assert cycle["loss"] == pytest.approx(0.0237577390, abs=5e-11)
    assert (cycle["cycle_type"], cycle["parity"], cycle["permutation"]) == (
        "3 1^3",
        "even",
        "(1 2 3)",
    )


def test_seven_neurons_are_flat_and_have_no_other_minimum(six: nx.MultiGraph[str]) -> None:
    wide = [data for _, data in six.nodes(data=True) if data["width"] == 7]
    assert [(data["is_global"], data["flat_dimension"]) for data in wide] == [(True, 1)]
    ends = {(data["from_id"], data["operation"], data["fate"]) for data in lineage(six)}
    assert ("w6-f0", "zero neuron", "stays") in ends
    assert ("w6-f0", "split", "stays") in ends
    assert ("w6-f1", "zero neuron", "flows") in ends
    # Every spurious minimum known for an orthonormal teacher becomes a saddle when it is split.
    assert {fate for name, _, fate in ends if name != "w6-f0"} == {"flows"}
    splits = [d["neuron"] for d in lineage(six) if d["from_id"] == "w6-f1" and "neuron" in d]
    assert len(splits) == 2  # one aligned neuron of five, and the anti-aligned one


@pytest.mark.parametrize(
    ("dim", "lowest"), [(2, 0.0861788), (3, 0.0736129), (None, 0.0736129)], ids=["2", "3", "inf"]
)
def test_swap_of_two_neurons(dim: int | None, lowest: float) -> None:
    graph = landscape_graph(Teacher.orthonormal(2), 2, starts=30, dim=dim, options=QUICK)
    data = passes(graph, 2)[0]
    assert data["loss"] == pytest.approx(lowest, abs=5e-8)
    assert (data["permutation"], data["parity"]) == ("(1 2)", "odd")
    assert data["outside_span"] == (dim != 2)


# --- the contract -----------------------------------------------------------------------------

LANDSCAPES: list[tuple[str, Teacher, list[int], int | None]] = [
    ("equal", Teacher.orthonormal(3), [3], None),
    ("spare", Teacher.orthonormal(2), [3, 4], 2),
    ("tight", Teacher.orthonormal(3), [3], 4),
    ("narrow", Teacher.orthonormal(4), [2, 3], None),
    ("one", Teacher.orthonormal(1), [1, 2], None),
    ("negative", Teacher.equicorrelated(4, -0.3), [4, 5], None),
    ("random", Teacher.random(3, dim=5, seed=2), [3], None),
    ("unequal", Teacher.from_vectors(np.diag([0.5, 1.0, 2.0])), [3], None),
    (
        "dependent",
        Teacher.from_vectors([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]]),
        [3, 4],
        None,
    ),
]


@pytest.mark.parametrize(
    ("teacher", "widths", "dim"), [case[1:] for case in LANDSCAPES], ids=[c[0] for c in LANDSCAPES]
)
def test_contract(teacher: Teacher, widths: list[int], dim: int | None) -> None:
    graph = landscape_graph(teacher, widths, starts=60, dim=dim, options=QUICK)
    for owner, rows in (
        ("graph", [graph.graph]),
        ("node", [data for _, data in graph.nodes(data=True)]),
        ("edge", [data for _, _, data in graph.edges(data=True)]),
    ):
        known = {column.name for column in columns_of(owner)}  # type: ignore[arg-type]
        assert all(set(row) <= known for row in rows)
    assert len(prepare(graph).edges) == graph.number_of_edges()
    assert [set(graph.graph[name]) for name in ("coverage", "transition_search")] == 2 * [
        {str(width) for width in widths}
    ]
    sums: dict[tuple[str, str, int], float] = {}
    for data in lineage(graph):
        key = data["from_id"], data["operation"], data.get("neuron", 0)
        sums[key] = sums.get(key, 0.0) + data["fraction"]
        # Flows go down; what stays keeps its loss.
        losses = [graph.nodes[data[end]]["loss"] for end in ("from_id", "to_id")]
        assert losses[1] < losses[0] + (1e-12 if data["fate"] == "stays" else 0.0)
    assert all(total <= 1 + 1e-12 for total in sums.values())
    for width in widths:
        problem = TeacherStudent(teacher, width, dim)
        families = [node for node, data in graph.nodes(data=True) if data["width"] == width]
        parts = nx.connected_components(
            nx.Graph((d["from_id"], d["to_id"]) for d in passes(graph, width))
        )
        joined = [part for part in parts if part <= set(families)]
        if len(families) > 1 and not any(part == set(families) for part in joined):
            failed = graph.graph["failed_pairs"][str(width)]
            assert all(one["tries"] >= 1 for one in failed)
        for data in passes(graph, width):
            if data["kind"] == "saddle":
                check_transition(graph, problem, data)


def check_transition(
    graph: nx.MultiGraph[str], problem: TeacherStudent, data: Mapping[str, Any]
) -> None:
    """One transition against an independent integration of the flow."""
    ends = [graph.nodes[data[name]] for name in ("from_id", "to_id")]
    assert ends[0]["loss"] <= ends[1]["loss"] + 1e-11
    assert (data["index"], data["grad_norm"] <= 1e-12) == (1, True)
    assert data["barrier_from"] > 0
    assert data["barrier_to"] > 0
    assert max(loss for _, loss in data["profile"]) == pytest.approx(data["loss"], abs=1e-9)
    if "parity" not in data:
        # On a flat set students are renumbered by sliding.
        assert data["permutation"] == "()"
    if "parity" not in data or data["through_saddle"]:
        return  # an end lies somewhere on a flat set, or symmetry stops the flow on the way
    state = np.asarray(data["weights"])
    rank, vectors = problem.rank, symmetry_frame(problem.teacher)
    g = relabelling(data, problem.width, len(vectors))
    wanted = [np.asarray(end["weights"]) for end in ends]
    wanted[1] = g.on_weights(wanted[1], vectors)
    wide = [np.pad(w, ((0, 0), (0, state.shape[1] - w.shape[1]))) for w in wanted]
    found = flow_ends(problem, state)
    # The flow is integrated to 1e-7 of its scale, over times in which errors decay.
    apart = [
        max(distance(a, b, rank) for a, b in zip(o, wide, strict=True))
        for o in (found, found[::-1])
    ]
    assert min(apart) < 1e-4


# --- relations --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [("orthonormal:4", 4), ("equicorrelated:4:-0.3", 4)])
def test_relations_are_the_simplest_of_their_double_coset(case: tuple[str, int]) -> None:
    teacher = Teacher.from_spec(case[0])
    families = find_minima(TeacherStudent(teacher, case[1]), starts=40).families
    rng = np.random.default_rng(0)
    for first, second in itertools.combinations_with_replacement(families, 2):
        a, b = first.weights, second.weights
        groups = [isotropy(summary_statistics(teacher, w)).group for w in (a, b)]
        h, k = ([np.asarray(e) for e in group.elements()] for group in groups)
        for _ in range(4):
            students = tuple(rng.permutation(case[1]).tolist())
            given = Relabelling(students=students, teachers=tuple(rng.permutation(4).tolist()))
            loop = first is second
            found = simplest_relation(teacher, a, b, given, loop=loop)
            pair = [a, given.on_weights(b, teacher.vectors)]
            pair = pair[::-1] if found.reversed else pair
            pair = [found.carrier.on_weights(w, teacher.vectors) for w in pair]
            copy = found.relabelling.on_weights(b, teacher.vectors)
            # Isotropy groups are known to 1e-7.
            assert np.abs(pair[0] - a).max() < 1e-6
            assert np.abs(pair[1] - copy).max() < 1e-6
            images = [np.array(given.images())]
            images += [np.argsort(images[0])] if loop else []
            coset = [x[g[y]] for g in images for x in h for y in k]
            best = min(
                (int(np.sum(c[4:] != np.arange(4, 8))), int(np.sum(c[:4] != np.arange(4))))
                for c in coset
            )
            moved = [
                sum(i != j for i, j in enumerate(p))
                for p in (found.relabelling.teachers, found.relabelling.students)
            ]
            assert tuple(moved) == best


def test_a_cycle_is_told_from_its_smallest_numbers() -> None:
    teacher = Teacher.orthonormal(8)
    given = Relabelling(students=(0, 6, 2, 3, 1, 5, 4, 7), teachers=tuple(range(8)))
    found = simplest_relation(teacher, np.eye(8), np.eye(8), given, loop=True)
    assert found.relabelling.students == (1, 2, 0, 3, 4, 5, 6, 7)
    assert cycle_type(found.relabelling.students) == cycle_type(given.students)


def test_relations_that_move_many_neurons_leave_the_teachers_in_place() -> None:
    teacher = Teacher.orthonormal(12)
    shift = tuple((i + 1) % 12 for i in range(12))
    given = Relabelling(students=tuple(range(12)), teachers=shift)
    found = simplest_relation(teacher, np.eye(12), np.eye(12), given, loop=True)
    assert found.relabelling.teachers == tuple(range(12))
    assert cycle_type(found.relabelling.students) == (12,)
    # It still lies as the given copy does: the carrier takes one pair to the other.
    pair = [np.eye(12), given.on_weights(np.eye(12), teacher.vectors)]
    moved = [found.carrier.on_weights(w, teacher.vectors) for w in pair]
    assert np.array_equal(moved[0], np.eye(12))
    assert np.abs(moved[1] - found.relabelling.on_weights(np.eye(12), np.eye(12))).max() < 1e-12


# --- ways through saddles ------------------------------------------------------------------


def test_descents_into_saddles_are_followed_on_and_marked() -> None:
    """At the pass of 0.10443 one descent keeps a symmetry and ends in a saddle."""
    problem = TeacherStudent(Teacher.equicorrelated(4, -0.3), 4)
    (best, spurious) = find_minima(problem, starts=60).families
    climbs = [
        one
        for family in (best, spurious)
        for one in itertools.islice(mode_starts(problem, family.point, seed=0), 60)
    ]
    found = [one for one in follow(NetworkModel(problem), climbs).found if one.through_saddle]
    assert found
    for one in found:
        state = classify(problem, one.state)
        assert (state.index, state.kind) == (1, Kind.SADDLE)
        for end in (one.start, one.end):
            assert classify(problem, end).kind is Kind.MINIMUM
        assert one.losses.max() == pytest.approx(state.loss, abs=1e-12)
        # An accurate integration of the flow stops in the saddle.
        ends = [classify(problem, end) for end in flow_ends(problem, state.weights)]
        assert any(end.kind is Kind.SADDLE for end in ends)
    catalogue = Catalogue(NetworkModel(problem))
    for family in (best, spurious):
        catalogue.add_family(family)
    for one in (*found, *found):  # met twice, kept once
        absorb(catalogue, one, found_by="test")
    assert len(catalogue.transitions) == len(found)
    assert all(way.through_saddle for way in catalogue.transitions)
    assert sum(met["test"] for met in catalogue.met) == 2 * sum(one.times for one in found)


def test_odd_permutations_are_joined_past_a_saddle_alone() -> None:
    """The swap pass of the triangle: both its descents end in the same saddle, by symmetry."""
    angles = 2 * np.pi * np.arange(3) / 3
    teacher = Teacher.from_vectors(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    graph = landscape_graph(teacher, [3], starts=60, options=QUICK)
    (swap,) = [data for data in passes(graph, 3) if data["parity"] == "odd"]
    assert swap["through_saddle"]
    assert swap["loss"] == pytest.approx(0.1432291817, abs=1e-9)
    pieces = [level.components for level in labelled_connectivity(graph, 3).levels]
    assert pieces == [12, 2, 1]


def test_every_escape_of_a_zero_neuron_is_followed_to_a_minimum() -> None:
    """One of the two ends in a saddle by symmetry, where the loss falls by less than rounding."""
    problem = TeacherStudent(Teacher.equicorrelated(4, -0.3), 3)
    spurious = find_minima(problem, starts=60).families[1]
    (grown, *_) = fates_from(fates_of(problem, spurious.weights, 0, LineageOptions()))
    assert grown.operation == "zero neuron"
    assert (grown.counts, grown.directions, grown.followed) == ((1, 1), 2, 2)
    losses = [classify(problem.with_width(4), end).loss for end in grown.ends]
    assert sorted(losses) == pytest.approx([0.0, 0.01126191986], abs=1e-10)


# --- mirrors ----------------------------------------------------------------------------------


def test_mirrored_neurons_lead_to_minima_that_starts_never_meet() -> None:
    """M = 6 has minima with 0, 1 and 6 anti-aligned neurons, M = 8 with 0, 1, 2, 6, 7 and 8."""
    for size, losses in (
        (6, [0.0, 0.0250805810, 0.0556685813]),
        (8, [0.0, 0.0215080, 0.0397932, 0.0550455, 0.0618346, 0.0677317]),
    ):
        problem = TeacherStudent(Teacher.orthonormal(size), size)
        found = mirrored_minima(problem, np.eye(size), 0, 64)
        points = sorted(
            (classify(problem, end) for end in found["ends"]), key=lambda point: point.loss
        )
        assert all(point.kind is Kind.MINIMUM for point in points)
        assert [point.loss for point in points] == pytest.approx(losses, abs=1e-7)
        last = read_point(problem, points[-1].weights)
        assert np.all(last.cosine < 0)
        assert found["outcomes"] == {"minimum": size}


@pytest.mark.parametrize(
    ("teacher", "count"),
    [
        (Teacher.orthonormal(7), 7),  # one for every number of neurons
        (Teacher.random(4, seed=3), 15),  # every set
        (Teacher.equicorrelated(5, -0.25), 5),  # the vectors add up to zero
    ],
    ids=["symmetric", "none", "no mean"],
)
def test_mirrored_starts_are_inequivalent(teacher: Teacher, count: int) -> None:
    size = teacher.size
    weights = teacher.vectors if teacher.rank == size else teacher.vectors[:, : teacher.rank]
    starts = list(mirrored_starts(TeacherStudent(teacher, size), weights))
    assert len(starts) == count
    mean = teacher.vectors.sum(axis=0)
    for start in starts:
        # The projection on the mean direction is kept.
        assert start @ mean == pytest.approx(teacher.vectors @ mean, abs=1e-12)
        norms = np.linalg.norm(start, axis=1)
        assert norms == pytest.approx(teacher.norms)


# --- corners ----------------------------------------------------------------------------------


def test_a_flat_set_at_positive_loss_is_left_over_its_corner() -> None:
    """A split neuron shrinks to zero at no cost and grows again elsewhere: the barrier is zero."""
    teacher = Teacher.from_vectors([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    graph = landscape_graph(teacher, [3, 4], starts=300, options=QUICK)
    low, high = (graph.nodes[name] for name in ("w4-f0", "w4-f1"))
    assert (low["flat_dimension"], high["flat_dimension"]) == (1, 1)
    (way,) = [data for data in passes(graph, 4) if data["kind"] == "corner"]
    assert (way["from_id"], way["to_id"]) == ("w4-f0", "w4-f1")
    assert way["barrier_to"] == 0.0
    assert way["barrier_from"] == high["loss"] == way["loss"]
    losses = np.array(way["profile"])[::-1, 1]
    level = losses > high["loss"] - 1e-14
    # First along the flat set, then down without a rise.
    assert np.abs(losses[level] - high["loss"]).max() < 1e-14
    assert np.all(np.diff(losses) < 1e-14)
    assert losses[-1] < 1e-10
    (row,) = [row for row in width_table(graph) if row.width == 4]
    assert row.lowest_escape == 0.0
    corner = np.asarray(way["weights"])
    others = corner[np.linalg.norm(corner, axis=1) > 0]
    assert len(others) == 3
    assert classify(TeacherStudent(teacher, 3), others).loss == pytest.approx(high["loss"])


# --- what is not taken ------------------------------------------------------------------------


def test_what_is_no_pass_is_not_taken() -> None:
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    catalogue = Catalogue(NetworkModel(problem))
    for family in find_minima(problem, starts=10).families:
        catalogue.add_family(family)
    vectors = np.eye(2)
    line = np.linspace(0.0, 1.0, 5)

    def way(kind: Any, state: Array) -> Found:
        return Found(
            kind=kind,
            state=state,
            start=vectors,
            end=vectors[::-1].copy(),
            positions=line,
            losses=np.zeros(5),
        )

    # Copies of an isolated minimum cannot be joined flatly, whatever a search says.
    assert not absorb(catalogue, way("flat", np.empty((0, 0))), found_by="test")
    # A minimum, and a point that is not critical, are no transition states.
    assert not absorb(catalogue, way("saddle", vectors), found_by="test")
    assert not absorb(catalogue, way("saddle", 1.5 * vectors + 0.1), found_by="test")
    assert catalogue.transitions == []


def test_keys_say_everything_that_a_piece_depends_on() -> None:
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    other = np.array([[1.0, 0.0], [0.0, 1.0 + 1e-15]])
    arguments = [(np.eye(2), 0), (np.eye(2), 1), (other, 0), (np.eye(2)[None], 0), ([1, [2]], 0)]
    keys = {Piece(name="x", function=dict, arguments=(problem, *rest)).key for rest in arguments}
    assert len(keys) == len(arguments)


# --- resumption -------------------------------------------------------------------------------

TEACHER = "equicorrelated:3:-0.3"


class Stop(Exception):
    """Raised in place of a kill."""


class Memory:
    """A journal that can be told to fail."""

    def __init__(self) -> None:
        self.pieces: dict[str, Mapping[str, Any]] = {}
        self.left = math.inf

    def recall(self, key: str) -> Mapping[str, Any] | None:
        return self.pieces.get(key)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        if self.left <= 0:
            raise Stop
        self.left -= 1
        self.pieces[key] = value


def small(journal: Any = None, jobs: int = 1) -> nx.MultiGraph[str]:
    return landscape_graph(
        Teacher.from_spec(TEACHER),
        [2, 3],
        starts=200,
        seed=0,
        jobs=jobs,
        options=QUICK,
        journal=journal,
    )


def content(graph: nx.MultiGraph[str], folder: Path) -> bytes:
    write_graph(graph, folder / "graph.json")
    return (folder / "graph.json").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return content(small(), tmp_path_factory.mktemp("whole"))


def test_processes_change_nothing(
    uninterrupted: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Processes from the first piece on.
    monkeypatch.setattr("landtopo.landscape.pool._ALONE", 0.0)
    assert content(small(jobs=2), tmp_path) == uninterrupted


def test_functions_of_the_user_are_never_called_by_two_threads() -> None:
    threads = set()

    def bowl(x: Array) -> float:
        threads.add(threading.get_ident())
        return float((x[0] ** 2 - 1.0) ** 2 + x[1] ** 2)

    model = function_model(bowl, low=[-2.0, -1.0], high=[2.0, 1.0])
    landscape_graph(model, starts=20, seed=0, jobs=2)
    assert threads == {threading.get_ident()}


def test_interruptions_change_nothing(uninterrupted: bytes, tmp_path: Path) -> None:
    journal = Memory()
    for allowed in (1, 3, 7):
        journal.left = allowed
        with pytest.raises(Stop):
            small(journal)
    journal.left = math.inf
    assert content(small(journal), tmp_path) == uninterrupted
    journal.left = 0  # everything is there: nothing is computed again
    assert content(small(journal), tmp_path) == uninterrupted


def test_kill_changes_nothing(uninterrupted: bytes, tmp_path: Path) -> None:
    file = tmp_path / "study.landtopo"
    script = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_landscape import *\n"
        "with Study.resume(sys.argv[1], Teacher.from_spec(TEACHER), seed=0) as study:\n"
        "    small(study)\n"
    )
    command = [sys.executable, "-c", script, str(file), str(Path(__file__).parent)]
    child = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and child.poll() is None:
            if file.exists() and file.stat().st_size:
                with Study.open(file) as study:
                    if len(study.steps("climbs")) >= 3:
                        break
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    with Study.resume(file, Teacher.from_spec(TEACHER), seed=0) as study:
        assert study.steps("climbs")
        assert content(small(study), tmp_path) == uninterrupted


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\n"
        "import landtopo.landscape.pool as pool\n"
        "from landtopo.run import Run\n"
        "pool._ALONE = 0.0\n"
        "def nap(_, number):\n"
        "    open(os.path.join(sys.argv[1], str(os.getpid())), 'w').close()\n"
        "    time.sleep(0.2)\n"
        "    return {}\n"
        "pieces = [pool.Piece(name='nap', function=nap, arguments=(0, i)) for i in range(500)]\n"
        "pool.Pool(Run(jobs=2)).run(pieces)\n"
    ).replace("sys.argv[1]", repr(str(tmp_path)))
    child = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    try:
        assert within(300, lambda: child.poll() is not None or len(list(tmp_path.iterdir())) == 2)
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    workers = [int(file.name) for file in tmp_path.iterdir()]
    assert within(20, lambda: not any(map(is_alive, workers)))


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_alive(process: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_copies_on_a_flat_set_are_joined_at_its_own_height() -> None:
    graph = landscape_graph(Teacher.orthonormal(2), [3], starts=20)
    flat = [data for *_, data in graph.edges(data=True) if data["kind"] == "flat"]
    assert [(data["from_id"], data["to_id"]) for data in flat] == [("w3-f0", "w3-f0")]
    assert flat[0]["loss"] < 1e-20
