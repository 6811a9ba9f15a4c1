"""Graphs of even activations, whose neurons can be turned around, against lists of all copies."""

from __future__ import annotations

import math
from itertools import pairwise, permutations, product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.landscape.explore import ExploreOptions
from landtopo.models.networks.activation import activation_names
from landtopo.models.networks.flat import zero_loss_set
from landtopo.models.networks.flat.turns import turning_path
from landtopo.models.networks.landscape.copies import NetworkSymmetry
from landtopo.models.networks.landscape.relations import simplest_relation
from landtopo.models.networks.symmetry import (
    Relabelling,
    canonical_form,
    closest_copy,
    equivalence,
    isotropy,
    point_graph,
    relative_relabellings,
    symmetry_frame,
)
from landtopo.models.networks.symmetry.whole import Symmetry
from landtopo.objective import Array
from landtopo.symmetry.permutations import (
    compose,
    format_cycles,
    inverse,
    parse_cycles,
    signed,
    unsigned,
)

# Enough to meet what the tests are about.
FEW = ExploreOptions(random_starts=10, mirrors=0, mode_starts=10, line_starts=10, check_pairs=2)


def signed_matrices(size: int) -> list[Array]:
    """All 2^n n! signed permutations as matrices."""
    found = []
    for order in permutations(range(size)):
        for signs in product((1.0, -1.0), repeat=size):
            matrix = np.zeros((size, size))
            matrix[np.arange(size), order] = signs
            found.append(matrix)
    return found


def all_signed(size: int) -> list[tuple[int, ...]]:
    """The same as permutations of neurons and their opposites."""
    return [
        signed([image + size * turned for image, turned in zip(order, turns, strict=True)])
        for order in permutations(range(size))
        for turns in product((0, 1), repeat=size)
    ]


def problem_of(spec: str, size: int) -> lt.TeacherStudent:
    return lt.TeacherStudent(lt.Teacher.orthonormal(size), size, activation=spec)


# ---- Signed permutations, their text and their groups.


def test_texts_of_signed_permutations_are_read_again() -> None:
    for element in all_signed(3):
        assert parse_cycles(format_cycles(element, 3), 3, signs=True) == element
        assert compose(inverse(element), element) == tuple(range(6))
    assert format_cycles(signed([1, 3, 2]), 3) == "(1 2 -1 -2)"
    assert format_cycles((1, 0, 2), 3) == format_cycles((1, 0, 2)) == "(1 2)"
    assert unsigned(parse_cycles("(1 -3)", 3, signs=True), 3) == (2, 1, 0)


@pytest.mark.parametrize("text", ["(1 -1 2)", "(1 2 -1)", "(1 4)", "(1 -2)(2 3)", "(0)"])
def test_what_is_no_signed_permutation_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_cycles(text, 3, signs=True)
    with pytest.raises(InvalidArgument):
        parse_cycles("(1 -2)", 3)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_whole_group_has_all_signed_permutations(size: int) -> None:
    teacher = lt.Teacher.orthonormal(2).with_function("abs")
    automorphisms = lt.teacher_automorphisms(
        symmetry_frame(teacher) @ symmetry_frame(teacher).T
    ).group
    symmetry = Symmetry(width=size, automorphisms=automorphisms, turned=True)
    students = symmetry.students()
    assert students.order == 2**size * math.factorial(size)
    assert symmetry.order == students.order * 8
    told = symmetry.renumberings(students)
    assert (told.classes, told.kind) == (1, "all")
    # Turned around alone, neurons generate 2^n elements, all of them even.
    turns = [
        Relabelling(
            students=signed([i + size * (i == k) for i in range(size)]),
            teachers=symmetry.identity.teachers,
        )
        for k in range(size)
    ]
    told = symmetry.renumberings(symmetry.group(turns))
    assert (told.order, told.odd) == (2**size, False)
    # Opposites must go to opposites.
    mixed = (1, 0, *range(2, 2 * size)) if size > 1 else (0, 0)
    with pytest.raises(InvalidArgument, match="signed S_"):
        symmetry.check("it", (*mixed, *range(2 * size, 2 * size + 4)))


# ---- Points and their copies.


@pytest.mark.parametrize("name", ["generic", "zero", "equal", "opposite", "outside"])
def test_isotropy_is_what_trying_all_elements_gives(name: str) -> None:
    weights = {
        "generic": np.array([[1.0, 0.2, 0.1], [0.3, -0.5, 0.2]]),
        "zero": np.array([[0.0, 0.0], [0.0, 0.0], [0.4, 0.1]]),
        "equal": np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]]),
        "opposite": np.array([[0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]]),
        "outside": np.array([[0.0, 0.0, 0.4], [0.0, 1.3, 0.0]]),
    }[name]
    teacher = lt.Teacher.orthonormal(2).with_function("abs")
    gram, overlap = weights @ weights.T, weights[:, :2]
    fixing = 0
    for left in signed_matrices(len(weights)):
        for right in signed_matrices(2):
            kept = np.allclose(left @ gram @ left.T, gram) and np.allclose(
                left @ overlap @ right.T, overlap
            )
            fixing += int(kept)
    assert isotropy(point_graph(teacher, weights)).order == fixing


def test_copies_are_matched_and_made_by_signed_permutations() -> None:
    teacher = lt.Teacher.orthonormal(3).with_function("abs")
    frame = symmetry_frame(teacher)
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, 5))
    weights[2] = 0.0
    loss = lt.PopulationLoss(lt.TeacherStudent(teacher, 3))
    form = canonical_form(point_graph(teacher, weights))
    for number in rng.choice(48, 12, replace=False):
        element = Relabelling(students=all_signed(3)[number], teachers=tuple(range(6)))
        copy = element.on_weights(weights, frame)
        assert loss.value(copy) == pytest.approx(loss.value(weights), abs=1e-14)
        found = equivalence(point_graph(teacher, weights), point_graph(teacher, copy))
        assert found is not None
        assert found.students == signed(found.students[:3])
        made = found.on_weights(weights, frame)
        assert made @ made.T == pytest.approx(copy @ copy.T, abs=1e-9)
        assert made[:, :3] == pytest.approx(copy[:, :3], abs=1e-9)
        other = canonical_form(point_graph(teacher, copy))
        assert other.matches(form)
        assert other.relabelling.students == signed(other.relabelling.students[:3])
        ends = [one.relabelling.on_weights(w, frame) for one, w in ((form, weights), (other, copy))]
        assert ends[0][:, :3] == pytest.approx(ends[1][:, :3], abs=1e-9)
        closest = closest_copy(weights, copy, frame, turned=True)
        assert closest.distance == pytest.approx(0.0, abs=1e-9)
        assert element.inverse().on_weights(copy, frame) == pytest.approx(weights, abs=1e-12)


@pytest.mark.parametrize("size", [2, 3])
def test_copies_that_lie_differently_are_the_double_cosets(size: int) -> None:
    # At W = V the isotropy group is diagonal, and double cosets are classes of signed permutations
    # up to conjugation and, as minima are joined from both ends, inversion.
    teacher = lt.Teacher.orthonormal(size).with_function("abs")
    found = list(relative_relabellings(point_graph(teacher, np.eye(size))))
    classes = {
        min(compose(compose(h, g), inverse(h)) for h in all_signed(size)) for g in all_signed(size)
    }
    assert len(found) == len(classes)  # pairs of partitions: 5 and 10
    told = {
        simplest_relation(teacher, np.eye(size), np.eye(size), one, loop=True).relabelling.students
        for _, one in found
    }
    assert len(told) == len(classes)
    symmetry = NetworkSymmetry(problem_of("abs", size))
    upright = symmetry.upright(-np.eye(size)[::-1].ravel())
    assert upright.reshape(size, size) == pytest.approx(np.eye(size))


# ---- The graph, against all labelled copies one by one.


def pieces_by_hand(
    graph: nx.MultiGraph[str], problem: lt.TeacherStudent
) -> list[tuple[float, int]]:
    """Levels and numbers of pieces, from all copies of all minima and flows from all passes."""
    size, rank = problem.width, problem.rank
    loss = lt.PopulationLoss(problem)
    group = list(product(signed_matrices(size), signed_matrices(rank)))
    nodes = sorted(graph.nodes.values(), key=lambda data: data["loss"])
    copies: nx.Graph[bytes] = nx.Graph()
    levels = []

    def key(weights: Array) -> bytes:
        return bytes((np.round(weights, 3) + 0.0).tobytes())

    def end(weights: Array) -> Array:
        def slope(_: float, x: Array) -> Array:
            return -loss.gradient(x.reshape(weights.shape)).ravel()

        flow = solve_ivp(
            slope, (0.0, 400.0), weights.ravel(), method="LSODA", rtol=1e-9, atol=1e-10
        )
        found = flow.y[:, -1].reshape(weights.shape)
        assert np.abs(found[:, rank:]).max(initial=0.0) < 1e-3
        return np.asarray(found[:, :rank])

    for data in nodes:
        minima = np.asarray(data["weights"])[:, :rank]
        mine = {key(left @ minima @ right.T): left @ minima @ right.T for left, right in group}
        assert len(mine) == data["orbit_size"]
        for name, weights in mine.items():
            copies.add_node(name, weights=weights)
        levels.append((data["loss"], nx.number_connected_components(copies)))
    known = np.array([weights for _, weights in copies.nodes(data="weights")])
    names = list(copies)
    for data in sorted((d for *_, d in graph.edges(data=True)), key=lambda d: d["loss"]):
        top = np.asarray(data["weights"])
        down = np.linalg.eigh(loss.hessian(top))[1][:, 0].reshape(len(top), -1)
        ends = [end(top + sign * 1e-3 * down) for sign in (1.0, -1.0)]
        for left, right in group:
            pair = []
            for weights in ends:
                apart = np.abs(known - left @ weights @ right.T).max(axis=(1, 2))
                assert apart.min() < 1e-2
                pair.append(names[int(np.argmin(apart))])
            copies.add_edge(*pair)
        count = nx.number_connected_components(copies)
        if count < levels[-1][1]:
            levels.append((data["loss"], count))
    return levels


@pytest.mark.parametrize(("spec", "size"), [("abs", 2), ("abs", 3), ("cos", 2)])
def test_pieces_of_labelled_copies_are_those_of_a_list_of_all(spec: str, size: int) -> None:
    teacher = lt.Teacher.orthonormal(size).with_function(spec)
    problem = lt.TeacherStudent(teacher, size)
    graph = lt.landscape_graph(teacher, widths=[size], starts=20, options=FEW)
    connected = lt.labelled_connectivity(graph, size)
    levels = [(level.level, level.components) for level in connected.levels]
    assert levels == [(pytest.approx(a, abs=1e-12), b) for a, b in pieces_by_hand(graph, problem)]
    assert connected.copies["w" + str(size) + "-f0"] == 2**size * math.factorial(size)
    assert not connected.left_out
    assert not connected.undecided
    if spec == "abs":
        # No spurious minimum.
        assert len(graph) == 1
    if (spec, size) == ("abs", 2):
        # Both neurons half way between the teacher's: L = (S - C^2 / S) / 2 by the pair integral.
        square = 2 + 4 / math.pi
        cross = 4 * math.sqrt(0.5) * (2 / math.pi + 1 / 2)
        assert levels[1][0] == pytest.approx((square - cross**2 / square) / 2, abs=1e-13)
        assert [count for _, count in levels] == [8, 2, 1]


def test_a_way_that_turns_one_neuron_around_says_so() -> None:
    problem = problem_of("abs", 2)
    path = lt.connect(problem, np.eye(2), np.diag([-1.0, 1.0]))
    assert path.verified
    assert path.as_dict()["permutation"] == "(1 -1)"
    # The same from any copy of the pair.
    turned = lt.connect(problem, np.array([[0, -1.0], [1, 0]]), np.array([[0, -1.0], [-1, 0]]))
    assert turned.highest_loss == pytest.approx(path.highest_loss, abs=1e-12)
    assert turned.as_dict()["permutation"] == "(2 -2)"


def test_rotations_of_neurons_are_refused_where_copies_are_joined_by_them() -> None:
    problem = problem_of("quadratic", 2)
    with pytest.raises(InvalidArgument, match=r"other than x\^2, where rotations"):
        lt.connect(problem, np.eye(2), np.diag([-1.0, 1.0]))
    with pytest.raises(InvalidArgument, match=r"other than x\^2"):
        lt.landscape_graph(problem.teacher, widths=[2], starts=5)


@pytest.mark.parametrize(
    ("weights", "nullity"),
    [([[0.4, 0], [0.6, 0], [0, 1]], 5), ([[0.4, 0], [-0.6, 0], [0, -1]], 5)],
)
def test_flat_sets_of_abs_are_those_of_lines(weights: list[list[float]], nullity: int) -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 3, activation="abs")
    report = lt.flat_directions(problem, weights)
    assert (report.flat, report.flat_dimension, report.traced_dimension) == (1, 1, 1)
    assert (report.nullity, report.curved) == (nullity, nullity - 1)
    # The third order in closed form is what is measured along traced curves.
    assert not report.disagreements
    assert any(row.analytic_coefficient for row in report.directions)
    # 3 x 2 x 4 places for two signed neurons, each on four segments; all hang together.
    assert report.zero_set is not None
    assert report.zero_set.f_vector == (24, 48)
    assert report.zero_set.components == 1
    alone = zero_loss_set(problem.teacher, 2)
    assert (alone.f_vector, alone.components) == ((8,), 8)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ([[0.4, 0], [-0.6, 0], [0, 1]], [[-0.4, 0], [0.6, 0], [0, 1]]),
        ([[0.4, 0], [-0.6, 0], [0, 1]], [[0.4, 0], [0.6, 0], [0, -1]]),
        ([[1, 0], [0, 0], [0, 1]], [[0, -1], [-0.3, 0], [0.7, 0]]),
    ],
)
def test_slides_of_abs_turn_neurons_around(
    first: list[list[float]], last: list[list[float]]
) -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 3, activation="abs")
    path = turning_path(np.array(first, float), np.array(last, float))
    assert path is not None
    assert np.array_equal(path[0], first)
    assert np.array_equal(path[-1], last)
    share = np.linspace(0.0, 1.0, 9)[:, None, None]
    points = np.concatenate([a + share * (b - a) for a, b in pairwise(path)])
    assert lt.PopulationLoss(problem).value(points).max() <= 1e-15
    found = lt.connect(problem, np.array(first, float), np.array(last, float))
    assert (found.verified, found.kind) == (True, "flat")


def test_signs_stay_where_neurons_have_no_room() -> None:
    assert turning_path(np.eye(2), np.diag([-1.0, 1.0])) is None
    assert turning_path(np.eye(2), np.array([[1.0, 0.1], [0.0, 1.0]])) is None


def test_a_squared_relu_has_a_flat_arc_where_squares_of_shares_sum_to_one() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 3, activation="squared-relu")
    weights = np.array([[0.4**0.5, 0], [0.6**0.5, 0], [0, 1.0]])
    report = lt.flat_directions(problem, weights)
    assert (report.flat, report.flat_dimension, report.traced_dimension) == (1, 1, 1)
    assert not report.disagreements
    turn = np.linspace(0.0, np.pi / 2, 7)
    for angle in turn:
        weights[:2, 0] = np.cos(angle), np.sin(angle)
        assert lt.PopulationLoss(problem).value(weights) == pytest.approx(0.0, abs=1e-15)


def test_the_table_of_activations_says_what_is_refused() -> None:
    text = (Path(__file__).parents[1] / "docs" / "mathematics.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("| `")]
    cells = {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}
    names = {name.partition(":")[0] for name in activation_names()}
    assert {name.partition(":")[0] for name in cells} == names - {"polynomial"}
    for spec, told in cells.items():
        problem = problem_of(spec, 2)
        assert told[0] == "yes"
        assert told[3].endswith("with signs") == problem.function.turns
        asked = (problem.require_climbs, problem.require_flat, problem.require_labels)
        for require, cell in zip(asked, told[1:], strict=True):
            if cell.startswith("yes"):
                require("it")
            else:
                with pytest.raises(InvalidArgument):
                    require("it")
