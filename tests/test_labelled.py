"""Labelled connectivity against the graph of all copies, built.

For small groups every element is listed, every coset is a node and every image of a pass an edge;
networkx counts the components. Landscapes that were really computed are also checked without the
relabellings in the file: the passes are descended by an ordinary differential equation, and the
group acts on the weights of their ends. Flat sets are compared with their cells, glued one by one.
Numbers at K = 20 come from |S_K|, and the published levels of K = M = 6 from DESIGN.md.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landtopo.errors import InvalidArgument
from landtopo.export.tables import copies_of
from landtopo.landscape.build import landscape_graph
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.labelled_cover import Link, Orbit
from landtopo.landscape.tree import transition_graph
from landtopo.models.connectivity import connect_copies, labelled_connectivity
from landtopo.models.networks.flat.bridges import zero_loss_graph
from landtopo.models.networks.flat.cells import cells
from landtopo.models.networks.flat.zero_loss import ZeroLossFace, zero_loss_set
from landtopo.models.networks.landscape import labelled_copies
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import (
    PermutationGroup,
    PointGraph,
    Relabelling,
    equivalence,
    is_even,
    isotropy,
    point_graph,
    teacher_automorphisms,
)
from landtopo.objective import Array

Quotient = tuple[int, PermutationGroup, list[Orbit], list[Link]]
Node = tuple[str, frozenset[tuple[int, ...]]]


# --- the cover of a random quotient, built ---------------------------------------------------


@st.composite
def quotients(
    draw: st.DrawFn,
) -> Quotient:
    """A small group S_K x A, orbits with random stabilisers, passes with random relabellings."""
    width, count = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    students, teachers = st.permutations(range(width)), st.permutations(range(count))
    automorphisms = PermutationGroup.from_generators(draw(st.lists(teachers, max_size=2)), count)
    members = [tuple(row.tolist()) for row in automorphisms.elements()]
    elements = st.builds(
        lambda s, t: Relabelling(students=tuple(s), teachers=t), students, st.sampled_from(members)
    )
    levels = st.sampled_from([0.0, 1.0, 2.0, 3.0])
    orbits = [
        Orbit(
            id=f"f{number}",
            loss=draw(levels),
            stabiliser=PermutationGroup.from_generators(
                [element.images() for element in draw(st.lists(elements, max_size=2))],
                width + count,
            ),
            counted=number == 0 or draw(st.integers(0, 4)) > 0,
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    names = st.sampled_from([orbit.id for orbit in orbits])
    links = [
        Link(
            id=f"t{number}",
            start=draw(names),
            end=draw(names),
            relabelling=draw(elements),
            level=draw(levels),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    return width, automorphisms, orbits, links


class Cover:
    """All labelled copies, as left cosets of the stabilisers, and all images of the passes."""

    def __init__(
        self, width: int, automorphisms: PermutationGroup, orbits: list[Orbit], links: list[Link]
    ) -> None:
        self.elements = [
            Relabelling(students=students, teachers=tuple(teachers.tolist()))
            for students in itertools.permutations(range(width))
            for teachers in automorphisms.elements()
        ]
        self.orbits = {orbit.id: orbit for orbit in orbits}
        self.links = links
        self._stabilisers = {
            orbit.id: [Relabelling.from_images(g, width) for g in orbit.stabiliser.elements()]
            for orbit in orbits
        }

    def node(self, orbit: str, element: Relabelling) -> Node:
        coset = frozenset(element.after(own).images() for own in self._stabilisers[orbit])
        return orbit, coset

    def level(self, link: Link) -> float:
        return max(link.level, self.orbits[link.start].loss, self.orbits[link.end].loss)

    def below(self, level: float, links: list[Link] | None = None) -> nx.Graph[Node]:
        graph: nx.Graph[Node] = nx.Graph()
        for orbit in self.orbits.values():
            if orbit.loss <= level:
                graph.add_nodes_from(self.node(orbit.id, g) for g in self.elements)
        for link in self.links if links is None else links:
            if self.level(link) <= level:
                graph.add_edges_from(
                    (self.node(link.start, g), self.node(link.end, g.after(link.relabelling)))
                    for g in self.elements
                )
        return graph

    def count(self, graph: nx.Graph[Node], family: str | None = None) -> int:
        """Components with a copy of one family, or of any that is counted."""
        return sum(
            any(name == family if family else self.orbits[name].counted for name, _ in component)
            for component in nx.connected_components(graph)
        )


@settings(max_examples=80, deadline=None)
@given(quotients())
def test_counts_are_those_of_the_cover(
    quotient: Quotient,
) -> None:
    width, automorphisms, orbits, links = quotient
    found = connect_copies(width, automorphisms, orbits, links)
    cover = Cover(width, automorphisms, orbits, links)
    assert found.group_order == len(cover.elements)
    assert found.components(-1.0) == 0
    for level in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf):
        whole = cover.below(level)
        assert found.components(level) == cover.count(whole)
        for family in found.copies:
            here = cover.count(whole, family)
            assert found.components(level, family=family) == here
            if here:
                start = cover.node(family, cover.elements[0])
                joined = nx.node_connected_component(whole, start)
                copies = [node for node in whole if node[0] == family]
                assert found.copies[family] == len(copies)
                part = Fraction(sum(node[0] == family for node in joined), len(copies))
                assert found.joined_fraction(family, level) == part


@settings(max_examples=60, deadline=None)
@given(quotients())
def test_permutations_and_single_copies(quotient: Quotient) -> None:
    width, automorphisms, orbits, links = quotient
    found = connect_copies(width, automorphisms, orbits, links)
    cover = Cover(width, automorphisms, orbits, links)
    identity = tuple(range(automorphisms.degree))
    first = orbits[0]
    for event in found.family_levels(first.id):
        whole = cover.below(event.level)
        start = cover.node(first.id, cover.elements[0])
        reached = nx.node_connected_component(whole, start)
        joining = [
            students
            for students in itertools.permutations(range(width))
            if cover.node(first.id, Relabelling(students=students, teachers=identity)) in reached
        ]
        assert event.permutations.order == len(joining)
        assert event.permutations.odd == any(not is_even(row) for row in joining)
        everything = set(itertools.permutations(range(width)))
        even = {row for row in everything if is_even(row)}
        kind = event.permutations.kind
        assert (kind == "all") == (set(joining) == everything)
        assert (kind in {"all", "even"}) == (even <= set(joining))
        assert event.copies * event.components == found.copies[first.id]
    other = orbits[-1]
    if other.counted:
        for element in cover.elements[:: max(1, len(cover.elements) // 4)]:
            level = found.joining_level(first.id, element, other=other.id)
            ends = cover.node(first.id, cover.elements[0]), cover.node(other.id, element)
            joined = [
                at
                for at in (0.0, 1.0, 2.0, 3.0)
                if all(end in cover.below(at) for end in ends)
                and nx.has_path(cover.below(at), *ends)
            ]
            assert level == (joined[0] if joined else None)


@settings(max_examples=60, deadline=None)
@given(quotients())
def test_transitions_are_those_that_join_what_was_apart(
    quotient: Quotient,
) -> None:
    width, automorphisms, orbits, links = quotient
    found = connect_copies(width, automorphisms, orbits, links)
    cover = Cover(width, automorphisms, orbits, links)
    for event in found.levels:
        lower = [link for link in links if cover.level(link) < event.level]
        before = nx.number_connected_components(cover.below(event.level, lower))
        causes = []
        for link in links:
            if cover.level(link) == event.level:
                one_more = cover.below(event.level, [*lower, link])
                if nx.number_connected_components(one_more) < before:
                    causes.append(link.id)
        hidden = {orbit.id for orbit in orbits if not orbit.counted}
        if not hidden:
            assert sorted(event.transitions) == causes
            assert event.components == cover.count(cover.below(event.level))
        assert set(event.appeared) == {
            orbit.id for orbit in orbits if orbit.loss == event.level and orbit.counted
        }


@settings(max_examples=40, deadline=None)
@given(quotients(), st.randoms(use_true_random=False))
def test_order_of_input_and_rounding_of_ties_do_not_matter(
    quotient: Quotient, order: random.Random
) -> None:
    width, automorphisms, orbits, links = quotient
    expected = connect_copies(width, automorphisms, orbits, links)
    shuffled = [
        Link(
            id=link.id,
            start=link.end,
            end=link.start,
            relabelling=link.relabelling.inverse(),
            level=link.level + 1e-14 * place,
        )
        for place, link in enumerate(links)
    ]
    order.shuffle(shuffled)
    found = connect_copies(width, automorphisms, orbits[::-1], shuffled)
    assert [event.components for event in found.levels] == [
        event.components for event in expected.levels
    ]
    for event, other in zip(found.levels, expected.levels, strict=True):
        assert sorted(event.transitions) == sorted(other.transitions)
        assert event.level == pytest.approx(other.level, abs=1e-12)
    for family in expected.copies:
        assert [event.components for event in found.family_levels(family)] == [
            event.components for event in expected.family_levels(family)
        ]


# --- what is known of orthonormal teachers ----------------------------------------------------


def global_family(size: int) -> tuple[PermutationGroup, Orbit]:
    teacher = Teacher.orthonormal(size)
    graph = PointGraph.from_weights(teacher.vectors, teacher.vectors)
    automorphisms = teacher_automorphisms(teacher.gram).group
    return automorphisms, Orbit(id="global", loss=0.0, stabiliser=isotropy(graph).group)


def student_cycle(size: int, length: int) -> Relabelling:
    identity = tuple(range(size))
    cycle = (*range(1, length), 0, *range(length, size))
    return Relabelling(students=cycle, teachers=identity)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 10, 20])
def test_three_cycles_then_swaps(size: int) -> None:
    """K = M: M! isolated points, two parity classes when 3-cycles join, one when swaps do.

    The levels are those of K = M = 6; swaps there cost more than twice as much as 3-cycles.
    """
    automorphisms, orbit = global_family(size)
    links = [
        Link(
            id="swap",
            start="global",
            end="global",
            relabelling=student_cycle(size, 2),
            level=0.0599440,
        )
    ]
    if size > 2:
        cycle = student_cycle(size, 3)
        links.append(
            Link(id="cycle", start="global", end="global", relabelling=cycle, level=0.0237577)
        )
    found = connect_copies(size, automorphisms, [orbit], links)
    assert found.group_order == math.factorial(size) ** 2
    assert found.components(0.0) == math.factorial(size)
    assert found.joined_fraction("global", 0.0) == Fraction(1, math.factorial(size))
    assert found.components(0.0237577) == 2
    assert found.components(0.0599440) == 1
    assert found.joining_level("global", "all permutations") == 0.0599440
    assert found.joining_level("global", "all copies") == 0.0599440
    assert found.joining_level("global", "even permutations") == (0.0237577 if size > 2 else 0.0)
    if size > 2:
        assert [event.transitions for event in found.levels] == [(), ("cycle",), ("swap",)]
        kinds = [event.permutations.kind for event in found.family_levels("global")]
        assert kinds == ["identity", "even", "all"]
        assert [event.permutations.classes for event in found.family_levels("global")] == [
            math.factorial(size),
            2,
            1,
        ]
        double = student_cycle(size, 3).after(student_cycle(size, 3))
        assert found.joining_level("global", double) == 0.0237577


@pytest.mark.parametrize("size", [4, 5])
def test_every_class_of_permutations_against_the_built_cover(size: int) -> None:
    """S_4 has normal subgroups besides A_4; double transpositions alone leave six components."""
    automorphisms, orbit = global_family(size)
    identity = tuple(range(size))
    double = Relabelling(students=(1, 0, 3, 2, *range(4, size)), teachers=identity)
    link = Link(id="double", start="global", end="global", relabelling=double, level=1.0)
    found = connect_copies(size, automorphisms, [orbit], [link])
    # The copies of the global family are the permutations: p is joined with p times conjugates.
    graph: nx.Graph[tuple[int, ...]] = nx.Graph()
    for p in itertools.permutations(range(size)):
        for q in itertools.permutations(range(size)):
            moved = list(q)
            conjugate = [0] * size
            for i in range(size):
                conjugate[moved[i]] = moved[double.students[i]]
            graph.add_edge(p, tuple(conjugate[i] for i in p))
    assert found.components(1.0) == nx.number_connected_components(graph)
    assert found.components(1.0) == {4: 6, 5: 2}[size]


# --- landscapes that were computed ------------------------------------------------------------


def ends_by_flow(problem: TeacherStudent, state: Array) -> tuple[Array, Array]:
    """Both minima below a transition state, by integrating the gradient flow.

    Where symmetry makes it end in a saddle it is pushed off and followed on; the other side of that
    saddle is a copy by a symmetry of the transition state, and all symmetries are applied later.
    """
    wide = np.pad(state, ((0, 0), (0, 2)))  # room outside the span
    values, vectors = np.linalg.eigh(PopulationLoss(problem).hessian(wide))
    assert values[0] < -1e-6
    push = 1e-3 * vectors[:, 0].reshape(wide.shape)
    return end_by_flow(problem, wide + push), end_by_flow(problem, wide - push)


def end_by_flow(problem: TeacherStudent, start: Array) -> Array:
    from scipy.integrate import solve_ivp

    loss, shape = PopulationLoss(problem), start.shape
    for _ in range(4):
        flow = solve_ivp(
            lambda _, x: -loss.gradient(x.reshape(shape)).ravel(),
            (0.0, 1e6),
            start.ravel(),
            method="BDF",
            jac=lambda _, x: -loss.hessian(x.reshape(shape)),
            rtol=1e-8,
            atol=1e-10,
        )
        end = np.asarray(flow.y[:, -1].reshape(shape))
        values, vectors = np.linalg.eigh(loss.hessian(end))
        if values[0] > -1e-6:
            break
        start = end + 1e-3 * vectors[:, 0].reshape(shape)
    return end


def all_elements(problem: TeacherStudent) -> list[Relabelling]:
    group = teacher_automorphisms(problem.teacher.gram).group
    return [
        Relabelling(students=students, teachers=tuple(teachers.tolist()))
        for students in itertools.permutations(range(problem.width))
        for teachers in group.elements()
    ]


def built_components(
    graph: nx.MultiGraph[str], problem: TeacherStudent, levels: list[float]
) -> list[int]:
    """Components of isolated labelled minima, all of them as weights; relabellings not used."""
    vectors, rank = problem.teacher.vectors, problem.rank
    elements = all_elements(problem)
    copies: list[Array] = []
    losses: list[float] = []
    whole = transition_graph(graph, problem.width)
    for family, data in whole.nodes(data=True):
        for element in elements:
            moved = element.on_weights(graph.nodes[family]["weights"], vectors)
            if not any(np.abs(moved - known).max() < 1e-6 for known in copies):
                copies.append(moved)
                losses.append(data["loss"])
    places = np.array(copies)
    passes = []
    for first, second, key, level in whole.edges(keys=True, data="level"):
        ends = ends_by_flow(problem, np.asarray(graph.edges[first, second, key]["weights"]))
        for element in elements:
            met = []
            for end in ends:
                moved = element.on_weights(end, vectors)
                assert np.abs(moved[:, rank:]).max() < 1e-4  # minima lie in the span
                distances = np.linalg.norm(places - moved[:, :rank], axis=(1, 2))
                assert distances.min() < 1e-4
                met.append(int(distances.argmin()))
            passes.append((level, *met))
    counts = []
    for level in levels:
        built: nx.Graph[int] = nx.Graph()
        built.add_nodes_from(place for place, loss in enumerate(losses) if loss <= level)
        built.add_edges_from(ends for height, *ends in passes if height <= level)
        counts.append(nx.number_connected_components(built))
    return counts


QUICK = ExploreOptions(modes=3, pairs=2, tries=1, self_moves=1, self_pairs=1)


@pytest.mark.parametrize(
    ("teacher", "widths"),
    [
        (Teacher.orthonormal(3), [3, 4]),
        (Teacher.random(3, seed=1), [3, 4]),
        (Teacher.equicorrelated(3, -0.3), [2]),
        pytest.param(Teacher.equicorrelated(4, -0.3), [4], marks=pytest.mark.slow),
    ],
    ids=["orthonormal", "random", "narrow", "equicorrelated"],
)
def test_computed_landscapes_against_descent_from_every_pass(
    teacher: Teacher, widths: list[int]
) -> None:
    graph = landscape_graph(teacher, widths, starts=24, seed=0, options=QUICK)
    width = widths[0]
    problem = TeacherStudent(teacher, width)
    found = labelled_connectivity(graph, width)
    assert len(found.levels) > 1
    assert found.left_out == ()
    assert found.components(0.0) == (math.factorial(width) if width == teacher.size else 0)
    levels = [event.level for event in found.levels]
    counts = [event.components for event in found.levels]
    assert counts == built_components(graph, problem, levels)
    if len(widths) > 1:
        wider = labelled_connectivity(graph, width + 1)
        assert wider.components(0.0) == 1
        assert wider.joined_fraction(f"w{width + 1}-f0", 0.0) == 1


# --- flat sets --------------------------------------------------------------------------------


def single_family(
    teacher: Teacher, networks: list[Array], width: int, loss: float = 0.1
) -> nx.MultiGraph[str]:
    """A graph of families without transitions; neurons to spare share the last reduced neuron."""
    graph: nx.MultiGraph[str] = nx.MultiGraph(teacher=teacher.name, gram=teacher.gram.tolist())
    for number, network in enumerate(networks):
        spare = width - len(network)
        shares = np.arange(1.0, spare + 2.0) / sum(range(1, spare + 2))
        weights = np.vstack([network[:-1], shares[:, None] * network[-1]])
        graph.add_node(
            f"w{width}-f{number}", width=width, loss=loss, weights=weights, flat_dimension=spare
        )
    return graph


def glued_components(teacher: Teacher, network: Array, width: int) -> int:
    """Components of all cells of all images of a reduced network, glued face by face."""
    images: list[Array] = []
    for element in all_elements(TeacherStudent(teacher, 1)):
        moved = element.on_weights(network[:1], teacher.vectors)
        rotated = np.vstack([element.on_weights(row[None], teacher.vectors) for row in network])
        assert np.allclose(moved, rotated[:1])
        rotated = rotated[np.lexsort(np.round(rotated, 6).T)]
        if not any(np.allclose(rotated, known, atol=1e-6) for known in images):
            images.append(rotated)
    glued: nx.Graph[tuple[int, tuple[int, ...]]] = nx.Graph()
    for number in range(len(images)):
        for labels in cells(width, len(network)):
            glued.add_node((number, labels))
            for place, label in enumerate(labels):
                if label and labels.count(label) > 1:
                    face = (*labels[:place], 0, *labels[place + 1 :])
                    glued.add_edge((number, labels), (number, face))
    return nx.number_connected_components(glued)


def reduced_networks() -> list[tuple[str, Teacher, Array]]:
    three, two = Teacher.orthonormal(3), Teacher.orthonormal(2)
    random = Teacher.random(3, seed=4)
    return [
        ("teacher itself", three, np.eye(3)),
        ("one merged pair", three, np.array([[0.7, 0.7, 0.0], [0.0, 0.0, 1.0]])),
        ("one neuron", three, np.array([[0.9, 0.9, 0.9]])),
        ("one neuron, no symmetry", three, np.array([[0.9, 0.8, 0.3]])),
        ("anti-aligned", three, np.array([[1, 0.1, 0.1], [0.1, 1, 0.1], [0.4, 0.4, -0.8]])),
        ("a chiral pair", three, np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])),
        ("a cycle", three, np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5], [0.5, 0.0, 1.0]])),
        ("two neurons", two, np.array([[1.0, 0.2], [0.2, 1.0]])),
        ("no automorphism", random, np.asarray(random.vectors)),
    ]


@pytest.mark.parametrize(
    ("teacher", "network"),
    [case[1:] for case in reduced_networks()],
    ids=[case[0] for case in reduced_networks()],
)
@pytest.mark.parametrize("spare", [0, 1, 2])
def test_flat_sets_are_their_cells(teacher: Teacher, network: Array, spare: int) -> None:
    width = len(network) + spare
    graph = single_family(teacher, [network], width)
    found = labelled_connectivity(graph, width, teacher=teacher)
    expected = glued_components(teacher, network, width)
    assert found.copies == {f"w{width}-f0": expected}
    assert found.components() == expected


def triangles(count: int) -> Teacher:
    """Sets of three vectors that add up to zero, in planes at right angles."""
    angles = 2 * np.pi * np.arange(3) / 3
    triangle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Teacher.from_vectors(np.kron(np.eye(count), triangle))


@pytest.mark.parametrize(
    ("teacher", "width"),
    [
        *((triangles(1), width) for width in range(3, 8)),
        *((triangles(2), width) for width in (6, 7, 9, 10, 12)),
        *((Teacher.from_vectors([[1, 0], [-1, 0], [0, 1]]), width) for width in (3, 4)),
        *((Teacher.from_vectors([[1, 0], [-0.5, 1], [-1, -1], [0.2, -0.3]]), w) for w in (4, 6, 8)),
    ],
)
def test_zero_loss_of_dependent_teachers(teacher: Teacher, width: int) -> None:
    whole = zero_loss_set(teacher, width)
    graph = single_family(teacher, _inequivalent(teacher, whole.faces), width, loss=0.0)
    found = labelled_connectivity(graph, width, teacher=teacher)
    assert found.components(0.0) == whole.components
    if width <= 7:
        built = zero_loss_graph(teacher, width)
        assert found.components(0.0) == nx.number_connected_components(built)


def _inequivalent(teacher: Teacher, faces: tuple[ZeroLossFace, ...]) -> list[Array]:
    kept: list[Array] = []
    for face in faces:
        graph = point_graph(teacher, face.network)
        known = [point_graph(teacher, one) for one in kept]
        if all(equivalence(graph, one) is None for one in known):
            kept.append(face.network)
    return kept


# --- reading graphs, and what cannot be answered ----------------------------------------------


def computed_like() -> nx.MultiGraph[str]:
    """K = M = 3, orthonormal: the global family and its two kinds of passes."""
    graph = single_family(Teacher.orthonormal(3), [np.eye(3)], 3, loss=1e-31)
    graph.nodes["w3-f0"]["isotropy_order"] = 6
    for key, loss, cycle in (("w3-t0", 0.024, "(1 2 3)"), ("w3-t1", 0.068, "(2 3)")):
        data = {"kind": "saddle", "from_id": "w3-f0", "to_id": "w3-f0", "loss": loss}
        data |= {"permutation": cycle, "teacher_permutation": "()"}
        graph.add_edge("w3-f0", "w3-f0", key=key, **data)
    return graph


def test_queries_and_record() -> None:
    found = labelled_connectivity(computed_like(), 3)
    assert [found.components(level) for level in (-1.0, 0.0, 0.03, 1.0)] == [0, 6, 2, 1]
    assert [event.transitions for event in found.levels] == [(), ("w3-t0",), ("w3-t1",)]
    assert found.components(0.01, family="w3-f0") == 6
    assert found.joined_fraction("w3-f0", 0.05) == Fraction(1, 2)
    record = found.record("w3-f0")
    assert json.loads(json.dumps(record)) == record
    assert [event["components"] for event in record["levels"]] == [6, 2, 1]
    assert [event["permutations"] for event in record["family_levels"]] == [
        "identity",
        "even",
        "all",
    ]
    low = labelled_connectivity(computed_like(), 3, highest=0.03)
    assert [event.components for event in low.levels] == [6, 2]
    assert low.record()["highest"] == 0.03
    # The lowest level of a swap of two neurons, and of neurons together with teachers: none needed.
    identity = (0, 1, 2)
    assert found.joining_level("w3-f0", Relabelling(students=(1, 0, 2), teachers=identity)) == 0.068
    assert found.joining_level("w3-f0", Relabelling(students=(1, 0, 2), teachers=(1, 0, 2))) < 1e-12


def test_unverified_passes_do_not_join() -> None:
    graph = computed_like()
    graph.edges["w3-f0", "w3-f0", "w3-t0"]["verified"] = False
    assert [event.components for event in labelled_connectivity(graph, 3).levels] == [6, 1]


def test_unknown_relabellings_are_left_out_only_where_they_matter() -> None:
    graph = computed_like()
    del graph.edges["w3-f0", "w3-f0", "w3-t0"]["permutation"]
    found = labelled_connectivity(graph, 3)
    assert found.left_out == ("w3-t0",)
    assert [event.components for event in found.levels] == [6, 1]
    # One copy of the flat global family: wherever a pass leads, it leads there.
    wide = single_family(
        Teacher.orthonormal(3), [np.eye(3), np.diag([1.0, 1.0, 0.4]) + 0.1], 4, loss=0.0
    )
    data = {"kind": "saddle", "from_id": "w4-f0", "to_id": "w4-f1", "loss": 0.5}
    wide.add_edge("w4-f0", "w4-f1", key="w4-t0", **data)
    loop = {"kind": "flat", "from_id": "w4-f1", "to_id": "w4-f1", "loss": 0.0}
    wide.add_edge("w4-f1", "w4-f1", key="w4-t1", **loop)
    found = labelled_connectivity(wide, 4)
    assert found.left_out == ()
    assert found.copies == {"w4-f0": 1, "w4-f1": 3}
    assert [event.components for event in found.levels] == [4, 1]
    # Between flat sets the teachers decide: students are renumbered by slides.
    data = {"kind": "saddle", "from_id": "w4-f1", "to_id": "w4-f1", "loss": 0.4}
    wide.add_edge("w4-f1", "w4-f1", key="w4-t2", **data)
    assert labelled_connectivity(wide, 4).left_out == ("w4-t2",)
    wide.edges["w4-f1", "w4-f1", "w4-t2"]["teacher_permutation"] = "(1 3)"
    found = labelled_connectivity(wide, 4)
    assert found.left_out == ()
    assert [event.components for event in found.levels] == [4, 2, 1]


def test_families_of_unknown_flatness_are_named() -> None:
    graph = computed_like()
    graph.nodes["w3-f0"]["loss"] = 1e-3
    assert labelled_connectivity(graph, 3).undecided == ()
    del graph.nodes["w3-f0"]["flat_dimension"]
    assert labelled_connectivity(graph, 3).undecided == ("w3-f0",)
    graph.nodes["w3-f0"]["loss"] = 0.0  # the teacher itself, which is isolated whatever is said
    assert labelled_connectivity(graph, 3).undecided == ()


def test_a_teacher_in_other_coordinates_is_noticed() -> None:
    rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    teacher = Teacher.from_vectors(rotation)
    graph = single_family(teacher, [np.asarray(teacher.vectors)], 3)
    graph.nodes["w3-f0"]["isotropy_order"] = 6
    with pytest.raises(InvalidArgument, match="pass the 'teacher' argument"):
        labelled_connectivity(graph, 3)
    assert labelled_connectivity(graph, 3, teacher=teacher).components() == 6


def test_refusals() -> None:
    graph = computed_like()
    with pytest.raises(InvalidArgument, match="'width'"):
        labelled_connectivity(graph, 4)
    found = labelled_connectivity(graph, 3)
    with pytest.raises(InvalidArgument, match="w3-f7"):
        found.components(0.0, family="w3-f7")
    with pytest.raises(InvalidArgument, match="'level'"):
        found.joined_fraction("w3-f0", -1.0)
    with pytest.raises(InvalidArgument, match="'which'"):
        found.joining_level("w3-f0", "swaps")  # type: ignore[arg-type]
    del graph.nodes["w3-f0"]["weights"]
    with pytest.raises(InvalidArgument, match="need weights"):
        labelled_connectivity(graph, 3)
    automorphisms, orbit = global_family(3)
    with pytest.raises(InvalidArgument, match="different ids"):
        connect_copies(3, automorphisms, [orbit, orbit], [])
    for end, students in (("nowhere", (0, 1, 2)), ("global", (0, 1))):
        element = Relabelling(students=students, teachers=(0, 1, 2))
        link = Link(id="t", start="global", end=end, relabelling=element, level=1.0)
        with pytest.raises(InvalidArgument, match="t "):
            connect_copies(3, automorphisms, [orbit], [link])


def test_families_without_weights_are_seen_before_any_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def looked_at(*_: object, **__: object) -> None:
        raise AssertionError("passes are looked at")

    monkeypatch.setattr(labelled_copies, "transition_graph", looked_at)
    graph = nx.MultiGraph(teacher="orthonormal:2", dim="infinite")
    graph.add_node("w2-f0", width=2, loss=0.0)
    assert copies_of(graph, 2) is None
