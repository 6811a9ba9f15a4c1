"""The group S_K x Aut(T): orders, orbits, names, equivalences, canonical forms, closest copies.

Established here by brute force over the whole group for small widths, by igraph (another program,
by another algorithm) for random coloured graphs, and by construction for large ones: orders of
automorphism and isotropy groups; that equivalence finds a map if and only if there is one; that
canonical forms of equivalent points agree to the noise that was added, ties included; the number of
labelled copies and of double cosets; that closest copies are closest. The action is checked against
the loss, which must not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product
from math import factorial

import igraph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from landtopo.errors import InvalidArgument
from landtopo.models.networks import symmetry
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.statistics import summary_statistics
from landtopo.models.networks.symmetry import PermutationGroup, PointGraph, Relabelling
from landtopo.objective import Array
from landtopo.symmetry.search import automorphism_group, canonical_order

FAST = settings(max_examples=60, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
NOISE = 1e-10


def circulant(*first: float) -> Array:
    return np.array([np.roll(first, shift) for shift in range(len(first))], dtype=float)


def block_teacher(*blocks: tuple[int, float]) -> Array:
    """Gram matrix with blocks (size, correlation) that are orthogonal to each other."""
    size = sum(count for count, _ in blocks)
    gram = np.zeros((size, size))
    start = 0
    for count, correlation in blocks:
        part = slice(start, start + count)
        gram[part, part] = correlation
        start += count
    np.fill_diagonal(gram, 1.0)
    return gram


def point(weights: Array, vectors: Array | None = None) -> PointGraph:
    return PointGraph.from_weights(
        weights, np.eye(weights.shape[1]) if vectors is None else vectors
    )


def brute_automorphisms(gram: Array) -> list[tuple[int, ...]]:
    return [
        images
        for images in permutations(range(len(gram)))
        if np.allclose(gram[np.ix_(images, images)], gram, atol=1e-8)
    ]


def brute_group(width: int, teacher: Array) -> Iterator[Relabelling]:
    for teachers in brute_automorphisms(teacher):
        for students in permutations(range(width)):
            yield Relabelling(students=students, teachers=teachers)


def tied_values(rng: np.random.Generator, shape: tuple[int, ...], kinds: int) -> Array:
    """Values from few well separated levels, so that ties are everywhere."""
    levels = np.cumsum(rng.uniform(0.1, 1.0, size=kinds)) - 0.7
    return np.asarray(levels[rng.integers(kinds, size=shape)])


def random_statistics(
    rng: np.random.Generator, width: int, teachers: int, kinds: int
) -> tuple[Array, Array, Array]:
    """Q, R, T with many ties. They need not be positive semidefinite: no algorithm here asks."""
    q = tied_values(rng, (width, width), kinds)
    r = tied_values(rng, (width, teachers), kinds)
    t = tied_values(rng, (teachers, teachers), kinds)
    q, t = np.tril(q) + np.tril(q, -1).T, np.tril(t) + np.tril(t, -1).T
    np.fill_diagonal(t, rng.choice([1.0, 1.5], size=teachers))
    return q, r, t


def random_relabelling(
    rng: np.random.Generator, width: int, automorphisms: PermutationGroup
) -> Relabelling:
    return Relabelling(
        students=tuple(rng.permutation(width).tolist()),
        teachers=tuple(automorphisms.random(rng).tolist()),
    )


def noisy_copy(
    rng: np.random.Generator, statistics: tuple[Array, Array, Array], element: Relabelling
) -> tuple[Array, Array, Array]:
    q, r = element.on_statistics(*statistics[:2])
    noise = rng.uniform(-NOISE, NOISE, size=q.shape)
    return q + noise + noise.T, r + rng.uniform(-NOISE, NOISE, size=r.shape), statistics[2]


# Permutations and their text


@FAST
@given(st.permutations(range(9)), st.permutations(range(9)))
def test_permutations_form_a_group_and_parity_is_the_determinant(
    first: list[int], second: list[int]
) -> None:
    both = symmetry.compose(first, second)
    assert all(both[i] == first[second[i]] for i in range(9))
    assert symmetry.compose(first, symmetry.inverse(first)) == symmetry.identity(9)
    assert symmetry.is_even(first) == (np.linalg.det(np.eye(9)[list(first)]) > 0)
    assert symmetry.cycle_type(first) == symmetry.cycle_type(
        symmetry.compose(symmetry.compose(second, first), symmetry.inverse(second))
    )
    assert sum(symmetry.cycle_type(first)) == 9
    assert symmetry.parse_cycles(symmetry.format_cycles(first), 9) == tuple(first)


def test_cycle_text_counts_from_one() -> None:
    assert symmetry.parse_cycles("(1 2 3)", 4) == (1, 2, 0, 3)
    assert symmetry.parse_cycles(" (4,1) (2 3) ", 4) == (3, 2, 1, 0)
    assert symmetry.parse_cycles("()", 3) == (0, 1, 2)
    assert symmetry.parse_cycles("(2)", 3) == (0, 1, 2)
    assert symmetry.format_cycles((0, 1)) == "()"
    assert symmetry.format_cycles((1, 2, 0, 4, 3)) == "(1 2 3)(4 5)"
    assert symmetry.cycle_type((1, 2, 0, 3)) == (3, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 2 3", "cycles such as"),
        ("(1 2", "cycles such as"),
        ("", "cycles such as"),
        ("(1 a)", "cycles such as"),
        ("(1 5)", "neurons 1 to 4"),
        ("(0 1)", "neurons 1 to 4"),
        ("(1 2)(2 3)", "names 2 twice"),
    ],
)
def test_bad_cycle_text_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        symmetry.parse_cycles(text, 4)


# Permutation groups


def mathieu_11() -> list[tuple[int, ...]]:
    return [
        symmetry.parse_cycles("(1 2 3 4 5 6 7 8 9 10 11)", 11),
        symmetry.parse_cycles("(3 7 11 8)(4 10 5 6)", 11),
    ]


@pytest.mark.parametrize(
    ("generators", "degree", "order"),
    [
        ([], 5, 1),
        ([symmetry.parse_cycles("(1 2)", 4)], 4, 2),
        (
            [symmetry.parse_cycles("(1 2)", 8), symmetry.parse_cycles("(1 2 3 4 5 6 7 8)", 8)],
            8,
            40320,
        ),
        ([symmetry.parse_cycles("(1 2 3)", 7), symmetry.parse_cycles("(3 4 5 6 7)", 7)], 7, 2520),
        # The Mathieu groups M11 and M24 (orders from the ATLAS of finite groups).
        (mathieu_11(), 11, 7920),
        (
            [
                (*((i + 1) % 23 for i in range(23)), 23),
                symmetry.parse_cycles(
                    "(3 17 10 7 9)(4 13 14 19 5)(8 18 11 12 23)(15 20 22 21 16)", 24
                ),
                symmetry.parse_cycles(
                    "(1 24)(2 23)(3 12)(4 16)(5 18)(6 10)(7 20)(8 14)(9 21)(11 17)(13 22)(15 19)",
                    24,
                ),
            ],
            24,
            244823040,
        ),
    ],
)
def test_orders_of_known_groups(generators: list[tuple[int, ...]], degree: int, order: int) -> None:
    group = PermutationGroup.from_generators(generators, degree)
    assert group.order == order
    assert PermutationGroup.from_generators(generators, degree, order=order).order == order


def test_order_of_a_large_subgroup_is_proved() -> None:
    """S_10 x A_10 acting twice over: generated by random products, of known order."""
    rng = np.random.default_rng(3)
    generators = []
    for _ in range(4):
        left = rng.permutation(10)
        right = rng.permutation(10)
        if not symmetry.is_even(right.tolist()):
            right[[0, 1]] = right[[1, 0]]
        generators.append([*left, *(right + 10), *(left + 20), *(right + 30)])
    group = PermutationGroup.from_generators(generators, 40)
    assert group.order == factorial(10) * factorial(10) // 2


def test_elements_members_and_cosets() -> None:
    group = PermutationGroup.from_generators(mathieu_11(), 11)
    elements = {tuple(element.tolist()) for element in group.elements()}
    assert len(elements) == 7920
    assert next(iter(group.elements())).tolist() == list(range(11))
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert tuple(group.random(rng).tolist()) in elements
        other = tuple(rng.permutation(11).tolist())
        assert (other in group) == (other in elements)
    part = PermutationGroup.from_generators(mathieu_11()[1:], 11)
    inside = [tuple(element.tolist()) for element in part.elements()]
    cosets = list(group.coset_representatives(part, 7920))
    assert cosets[0].tolist() == list(range(11))
    covered = {symmetry.compose(first.tolist(), second) for first in cosets for second in inside}
    assert len(cosets) * part.order == 7920
    assert covered == elements
    with pytest.raises(InvalidArgument, match="number of cosets, 1980; got 100"):
        list(group.coset_representatives(part, 100))


# Teacher automorphisms


@pytest.mark.parametrize(
    ("gram", "order", "name"),
    [
        (np.eye(6), 720, "S_6"),
        (np.eye(100), factorial(100), "S_100"),
        (Teacher.equicorrelated(5, -0.25).gram, 120, "S_5"),
        (Teacher.equicorrelated(5, 0.9).gram, 120, "S_5"),
        (Teacher.random(6, seed=1).gram, 1, "trivial"),
        (np.diag([1.0, 1.0, 4.0]), 2, "S_2 x S_1"),
        (block_teacher((3, 0.2), (3, 0.2)), 72, "S_3 wr S_2"),
        (block_teacher((3, 0.2), (3, 0.3)), 36, "S_3 x S_3"),
        (block_teacher((2, 0.5), (2, 0.5), (2, 0.5)), 48, "S_2 wr S_3"),
        (circulant(1, 0.3, 0, 0, 0.3), 10, "D_5"),
        (circulant(1, 0.3, 0, 0.3), 8, "D_4"),
        (np.ones((1, 1)), 1, "trivial"),
        # v_1 + v_2 + v_3 = 0, and two equal vectors.
        (Teacher.equicorrelated(3, -0.5).gram, 6, "S_3"),
        (Teacher.from_vectors([[1, 0], [1, 0], [0, 1]]).gram, 2, "S_2 x S_1"),
    ],
)
def test_teacher_automorphisms(gram: Array, order: int, name: str) -> None:
    found = symmetry.teacher_automorphisms(gram)
    assert (found.order, found.name) == (order, name)
    for images in found.generators:
        assert np.abs(gram[np.ix_(images, images)] - gram).max() <= found.tolerance
    if len(gram) <= 6:
        assert order == len(brute_automorphisms(gram))


def test_teacher_labels_and_tolerance_restrict_automorphisms() -> None:
    assert symmetry.teacher_automorphisms(np.eye(4), teacher_labels=[1, 1, -1, -1]).order == 4
    gram = np.eye(3)
    gram[2, 2] += 1e-5
    exact = symmetry.teacher_automorphisms(gram)
    assert exact.order == 2
    assert exact.smallest_step == pytest.approx(1e-5)
    assert symmetry.teacher_automorphisms(gram, tolerance=1e-4).order == 6


# Isotropy


@FAST
@given(SEEDS, st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_isotropy_and_orbit_size_by_brute_force(
    seed: int, width: int, teachers: int, kinds: int
) -> None:
    rng = np.random.default_rng(seed)
    q, r, t = random_statistics(rng, width, teachers, kinds)
    found = symmetry.isotropy((q, r, t))
    copies = set()
    fixing = set()
    count = 0
    for element in brute_group(width, t):
        count += 1
        image = element.on_statistics(q, r)
        copies.add((image[0].tobytes(), image[1].tobytes()))
        if np.array_equal(image[0], q) and np.array_equal(image[1], r):
            fixing.add(element)
    assert found.order == len(fixing)
    assert set(found.elements()) == fixing
    automorphisms = symmetry.teacher_automorphisms(t)
    assert automorphisms.order * factorial(width) == count
    assert symmetry.orbit_size(width, automorphisms.order, found.order) == len(copies)
    for orbit in found.student_orbits:
        assert {element.students[orbit[0]] for element in fixing} == set(orbit)
    for orbit in found.teacher_orbits:
        assert {element.teachers[orbit[0]] for element in fixing} == set(orbit)


def anti_aligned(width: int, count: int) -> Array:
    weights = np.eye(width) + 0.05
    weights[range(count), range(count)] = -0.8
    weights[:count, count:] += 0.02
    weights[count:, :count] -= 0.03
    return weights


@pytest.mark.parametrize(
    ("weights", "name", "order"),
    [
        (np.eye(6), "S_6", 720),
        (anti_aligned(6, 1), "S_5 x S_1", 120),
        (anti_aligned(10, 2), "S_8 x S_2", 2 * factorial(8)),
        (anti_aligned(6, 3), "S_3 x S_3", 36),
        (anti_aligned(100, 1), "S_99 x S_1", factorial(99)),
        (np.vstack([np.diag([0.7, 1, 1, 1]), [[0.3, 0, 0, 0]]]), "S_3 x S_1", 6),
        (np.vstack([np.diag([0.5, 1, 1, 1]), [[0.5, 0, 0, 0]]]), "S_3 x S_2", 12),
        (np.vstack([np.eye(3), np.zeros((1, 3))]), "S_3", 6),
        (np.vstack([np.eye(3), np.zeros((2, 3))]), "S_3 x S_2", 12),
        (np.repeat(np.eye(3), 2, axis=0) / 2, "S_2 wr S_3", 48),
        (np.repeat(np.eye(2), 2, axis=0) / 2, "S_2 wr S_2", 8),
        (np.ones((1, 6)), "S_6", 720),
        (np.ones((2, 3)), "S_3 x S_2", 12),
        (np.zeros((3, 4)), "S_4 x S_3", 144),
        (circulant(1, 0.3, 0.1), "C_3", 3),
        (circulant(1, 0.3, 0.1, 0), "C_4", 4),
        (circulant(1, 0.3, 0, 0, 0.3), "D_5", 10),
        (np.array([[float(i in pair) for i in range(4)] for pair in combinations(range(4), 2)]),
         "S_4", 24),
        (np.random.default_rng(0).normal(size=(5, 5)), "trivial", 1),
        (np.diag([3.0, 2.0, 1.0, 1.0]), "S_2 x S_1 x S_1", 2),
        (np.diag([5.0, 4.0, 3.0, 1.0, 1.0]), "S_2 x S_1^3", 2),
    ],
)  # fmt: skip
def test_names_of_isotropy_groups(weights: Array, name: str, order: int) -> None:
    found = symmetry.isotropy(point(weights))
    assert (found.name, found.order) == (name, order)
    for element in found.generators:
        q, r = element.on_statistics(weights @ weights.T, weights)
        assert np.allclose(q, weights @ weights.T, atol=1e-12)
        assert np.allclose(r, weights, atol=1e-12)


def test_quaternion_group_is_not_called_dihedral() -> None:
    """A group of order 8 with an element that inverts another but is no involution."""
    # Left multiplication by i and j on (1, i, -1, -i, j, ij, -j, -ij), acting on itself.
    i = (1, 2, 3, 0, 5, 6, 7, 4)
    j = (4, 7, 6, 5, 2, 1, 0, 3)
    group = PermutationGroup.from_generators([i, j], 8)
    assert group.order == 8
    assert symmetry.name_group(group, 8)[0] == "order 8"


@pytest.mark.parametrize(
    ("cycles", "degree", "name"),
    [
        (["(1 2 3)", "(2 3 4)"], 4, "A_4"),
        (["(1 2 3)", "(3 4 5 6 7)"], 7, "A_7"),
        (["(1 2)(3 4)", "(1 3)(2 4)"], 4, "C_2 x C_2"),
        (["(1 2 3)(4 5 6)", "(1 4)(2 6)(3 5)"], 6, "S_3"),
        (["(1 2 3 4 5 6)"], 6, "C_6"),
        (["(1 2 3)(4 5)"], 5, "C_3 x S_2"),
        (["(1 2)(3 4)(5 6)"], 6, "S_2"),
        (["(1 2)(3 4)", "(3 4)(5 6)"], 6, "C_2 x C_2"),
        (["(1 2 3 4 5)", "(2 3 5 4)"], 5, "order 20"),
    ],
)
def test_names_of_abstract_groups(cycles: list[str], degree: int, name: str) -> None:
    group = PermutationGroup.from_generators(
        [symmetry.parse_cycles(text, degree) for text in cycles], degree
    )
    assert symmetry.name_group(group, degree)[0] == name


def test_factors_say_what_moves_in_step() -> None:
    weights = np.vstack([anti_aligned(6, 2), np.zeros((2, 6))])
    found = symmetry.isotropy(point(weights))
    assert found.name == "S_4 x S_2 x S_2"
    assert {(factor.name, factor.students, factor.teachers) for factor in found.factors} == {
        ("S_4", ((2, 3, 4, 5),), ((2, 3, 4, 5),)),
        ("S_2", ((0, 1),), ((0, 1),)),
        ("S_2", ((6, 7),), ()),
    }


def test_labels_tell_neurons_apart() -> None:
    labelled = PointGraph.from_statistics(
        np.eye(4), np.eye(4), np.eye(4), student_labels=[1, 1, 2, 2]
    )
    assert symmetry.isotropy(labelled).order == 4
    other = PointGraph.from_statistics(np.eye(4), np.eye(4), np.eye(4), student_labels=[1, 2, 2, 2])
    swapped = PointGraph.from_statistics(
        np.eye(4), np.eye(4), np.eye(4), student_labels=[2, 1, 2, 1]
    )
    assert symmetry.equivalence(labelled, other) is None
    found = symmetry.equivalence(labelled, swapped)
    assert found is not None
    assert set(found.students[:2]) == {1, 3}
    assert symmetry.canonical_form(labelled).matches(symmetry.canonical_form(swapped))
    assert not symmetry.canonical_form(labelled).matches(symmetry.canonical_form(other))


def test_tolerance_and_evidence() -> None:
    weights = np.eye(4)
    weights[0, 0] += 1e-9
    found = symmetry.isotropy(point(weights))
    assert found.order == 24
    assert found.widest_tie == pytest.approx(2e-9, rel=1e-6)
    assert found.smallest_step == pytest.approx(1, abs=1e-8)
    assert symmetry.isotropy(point(weights), tolerance=1e-10).order == 6


def test_orbit_size_refuses_orders_that_do_not_fit() -> None:
    assert symmetry.orbit_size(20, factorial(20), factorial(19)) == factorial(20) * 20
    with pytest.raises(InvalidArgument, match="must divide 3! x 2; got 5"):
        symmetry.orbit_size(3, 2, 5)


# Agreement with igraph


@FAST
@given(SEEDS, st.integers(2, 7), st.integers(2, 3))
def test_group_order_agrees_with_igraph_vf2(seed: int, size: int, kinds: int) -> None:
    """VF2 counts edge-coloured automorphisms one by one, so graphs are small."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(kinds, size=(size, size))
    colours = np.tril(colours, -1) + np.tril(colours, -1).T
    classes = rng.integers(2, size=size)
    np.fill_diagonal(colours, classes + kinds)
    graph = igraph.Graph.Full(size)
    edge_colours = [int(colours[edge.tuple]) for edge in graph.es]
    count = graph.count_automorphisms_vf2(color=classes.tolist(), edge_color=edge_colours)
    assert automorphism_group(colours, classes).order == count


@FAST
@given(SEEDS, st.integers(1, 40), st.floats(0.05, 0.95))
def test_group_order_agrees_with_igraph_bliss(seed: int, size: int, density: float) -> None:
    """BLISS on graphs made of repeated parts, so that there are symmetries to find."""
    rng = np.random.default_rng(seed)
    part = np.triu(rng.random((3, 3)) < density, 1)
    copies = -(-size // 3)
    adjacency = np.kron(np.eye(copies), part + part.T)[:size, :size].astype(np.int64)
    hubs = rng.integers(2, size=size)
    adjacency[0] |= hubs
    adjacency[:, 0] |= hubs
    np.fill_diagonal(adjacency, 0)
    graph = igraph.Graph.Adjacency(adjacency.tolist(), mode="undirected")
    group = automorphism_group(adjacency, np.zeros(size, dtype=np.int64))
    assert group.order == graph.count_automorphisms()


def cycle_graph(*lengths: int) -> NDArray[np.int64]:
    size = sum(lengths)
    adjacency = np.zeros((size, size), dtype=np.int64)
    start = 0
    for length in lengths:
        for i in range(length):
            a, b = start + i, start + (i + 1) % length
            adjacency[a, b] = adjacency[b, a] = 1
        start += length
    return adjacency


def rook() -> NDArray[np.int64]:
    cells = list(product(range(4), repeat=2))
    return np.array(
        [[int(a != b and (a[0] == b[0] or a[1] == b[1])) for a in cells] for b in cells]
    )


def shrikhande() -> NDArray[np.int64]:
    steps = {(0, 1), (1, 0), (1, 1), (0, 3), (3, 0), (3, 3)}
    cells = list(product(range(4), repeat=2))
    return np.array(
        [[int(((a[0] - b[0]) % 4, (a[1] - b[1]) % 4) in steps) for a in cells] for b in cells]
    )


@pytest.mark.parametrize(
    ("left", "right", "orders"),
    [
        (cycle_graph(7), cycle_graph(3, 4), (14, 48)),
        (cycle_graph(6), cycle_graph(3, 3), (12, 72)),
        (rook(), shrikhande(), (1152, 192)),
    ],
)
def test_graphs_that_refinement_alone_cannot_tell_apart(
    left: NDArray[np.int64], right: NDArray[np.int64], orders: tuple[int, int]
) -> None:
    """Regular graphs of one degree, and two strongly regular ones with the same parameters.

    The orders are classical: dihedral groups, S_4 wr S_2 for the rook's graph, 192 for the other.
    """
    size = len(left)
    none = np.zeros(size, dtype=np.int64)
    rng = np.random.default_rng(0)
    keys = []
    for graph, order in zip((left, right), orders, strict=True):
        assert automorphism_group(graph, none).order == order
        seen = set()
        for _ in range(10):
            mixed = rng.permutation(size)
            moved = graph[np.ix_(mixed, mixed)]
            found = canonical_order(moved, none)
            seen.add(moved[np.ix_(found, found)].tobytes())
        assert len(seen) == 1
        keys.append(seen.pop())
    assert keys[0] != keys[1]
    empty = (np.empty((size, 0)), np.empty((0, 0)))
    assert symmetry.equivalence((left, *empty), (right, *empty)) is None


# Equivalence and canonical forms


@FAST
@given(SEEDS, st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
def test_copies_are_recognised_in_spite_of_ties_and_noise(
    seed: int, width: int, teachers: int, kinds: int
) -> None:
    rng = np.random.default_rng(seed)
    statistics = random_statistics(rng, width, teachers, kinds)
    automorphisms = symmetry.teacher_automorphisms(statistics[2])
    element = random_relabelling(rng, width, automorphisms.group)
    copy = noisy_copy(rng, statistics, element)

    found = symmetry.equivalence(statistics, copy)
    assert found is not None
    assert found.teachers in automorphisms.group
    image = found.on_statistics(*statistics[:2])
    assert np.abs(image[0] - copy[0]).max() <= 3 * NOISE
    assert np.abs(image[1] - copy[1]).max() <= 3 * NOISE

    left, right = symmetry.canonical_form(statistics), symmetry.canonical_form(copy)
    assert left.key == right.key
    assert left.matches(right)
    assert np.abs(left.gram - right.gram).max() <= 3 * NOISE
    order = np.concatenate([left.students, width + left.teachers])
    assert np.array_equal(left.gram, point_matrix(statistics)[np.ix_(order, order)])
    assert np.all(np.diff(np.diag(left.gram)[:width]) <= left.tolerance)

    # The canonical copies are the same point, with the teachers in their own numbering.
    assert left.relabelling.teachers in automorphisms.group
    first = left.relabelling.on_statistics(*statistics[:2])
    second = right.relabelling.on_statistics(*copy[:2])
    assert np.abs(first[0] - second[0]).max() <= 3 * NOISE
    assert np.abs(first[1] - second[1]).max() <= 3 * NOISE

    assert np.abs(
        symmetry.invariants(*statistics[:2]) - symmetry.invariants(*copy[:2])
    ).max() <= 3 * NOISE  # fmt: skip


def point_matrix(statistics: tuple[Array, Array, Array]) -> Array:
    return PointGraph.from_statistics(*statistics).gram


@FAST
@given(SEEDS, st.integers(1, 3), st.integers(1, 3))
def test_equivalence_decides_like_brute_force(seed: int, width: int, teachers: int) -> None:
    rng = np.random.default_rng(seed)
    q, r, t = random_statistics(rng, width, teachers, 2)
    r2 = r.copy()
    rng.shuffle(r2.reshape(-1))
    same = any(
        np.array_equal(image[0], q) and np.array_equal(image[1], r2)
        for image in (element.on_statistics(q, r) for element in brute_group(width, t))
    )
    assert (symmetry.equivalence((q, r, t), (q, r2, t)) is not None) == same
    left, right = symmetry.canonical_form((q, r, t)), symmetry.canonical_form((q, r2, t))
    assert left.matches(right) == same


def test_points_outside_the_span_are_told_apart_through_their_products() -> None:
    inside = np.array([[0.6, 0.0], [0.0, 0.6]])
    together = np.hstack([inside, [[0.5, 0.0], [0.5, 0.0]]])
    apart = np.hstack([inside, [[0.5, 0.0], [0.0, 0.5]]])
    turned = np.hstack([inside, [[0.3, 0.4], [0.3, 0.4]]])
    vectors = np.eye(2)
    assert symmetry.equivalence(point(together, vectors), point(apart, vectors)) is None
    assert symmetry.equivalence(point(together, vectors), point(turned, vectors)) is not None
    assert symmetry.isotropy(point(together, vectors)).name == "S_2"


def test_different_sizes_and_values_are_not_equivalent() -> None:
    assert symmetry.equivalence(point(np.eye(3)), point(np.eye(4))) is None
    moved = np.eye(3)
    moved[0, 0] += 1e-6
    assert symmetry.equivalence(point(np.eye(3)), point(moved)) is None
    assert symmetry.equivalence(point(np.eye(3)), point(moved), tolerance=1e-5) is not None


def test_value_on_any_grid_line_is_no_problem() -> None:
    """Rounding to any number of digits would separate these copies."""
    weights = np.diag([0.5, 0.5, 0.25]) + 0.05
    for shift in (-NOISE, NOISE):
        copy = weights + shift * np.array([[1, -1, 1], [-1, 1, -1], [1, 1, -1]])
        assert symmetry.canonical_form(point(weights)).matches(symmetry.canonical_form(point(copy)))


def test_long_chains_of_near_values_are_cut_and_nothing_hangs() -> None:
    """Values in steps below the tolerance must not all become one colour."""
    width = 40
    weights = np.diag(1 + 4e-8 * np.arange(width))
    found = symmetry.isotropy(point(weights))
    assert found.widest_tie <= found.tolerance
    assert found.order < factorial(width)
    assert symmetry.equivalence(point(weights), point(weights[::-1, ::-1])) is not None


def test_equivalence_classes_of_many_points() -> None:
    rng = np.random.default_rng(5)
    width = 6
    bases = [anti_aligned(width, count) for count in range(4)]
    bases += [rng.normal(size=(width, width)) for _ in range(3)]
    chosen = rng.integers(len(bases), size=400)
    group = symmetry.teacher_automorphisms(np.eye(width)).group
    students, overlaps = [], []
    for number in chosen:
        element = random_relabelling(rng, width, group)
        weights = element.on_weights(bases[number], np.eye(width))
        weights += rng.uniform(-NOISE, NOISE, size=weights.shape)
        students.append(weights @ weights.T)
        overlaps.append(weights)
    q, r = np.array(students), np.array(overlaps)
    found = symmetry.equivalence_classes(q, r, np.eye(width))
    assert len(set(zip(chosen, found.labels, strict=True))) == len(bases)
    assert np.array_equal(np.unique(found.labels), np.arange(len(bases)))
    assert np.array_equal(found.labels[found.representatives], np.arange(len(bases)))
    for number in range(0, 400, 37):
        first = found.representatives[found.labels[number]]
        assert number >= first
        image = found.relabelling(number, width).on_statistics(q[first], r[first])
        assert np.abs(image[1] - r[number]).max() <= 4 * NOISE
    empty = symmetry.equivalence_classes(np.empty((0, 2, 2)), np.empty((0, 2, 3)), np.eye(3))
    assert len(empty.labels) == 0


# The action on weights


@pytest.mark.parametrize(
    "teacher",
    [
        Teacher.orthonormal(4),
        Teacher.equicorrelated(3, -0.5),
        Teacher.equicorrelated(4, 0.3),
        Teacher.from_gram(block_teacher((2, 0.4), (2, 0.4)) @ np.eye(4)),
        Teacher.from_vectors([[2, 0], [2, 0], [0, 1]]),
        Teacher.from_vectors([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]]),
    ],
)
def test_relabelling_leaves_the_loss_alone(teacher: Teacher) -> None:
    rng = np.random.default_rng(1)
    width = 3
    loss = PopulationLoss(TeacherStudent(teacher, width))
    group = symmetry.teacher_automorphisms(teacher.gram).group
    for _ in range(5):
        element = random_relabelling(rng, width, group)
        rotation = symmetry.teacher_rotation(teacher.vectors, element.teachers)
        assert np.allclose(rotation @ rotation.T, np.eye(teacher.rank), atol=1e-12)
        assert np.allclose(
            teacher.vectors @ rotation.T, teacher.vectors[list(element.teachers)], atol=1e-12
        )
        weights = rng.normal(size=(width, teacher.rank + 2))
        image = element.on_weights(weights, teacher.vectors)
        assert float(loss.value(image)) == pytest.approx(float(loss.value(weights)), rel=1e-12)
        before, after = summary_statistics(teacher, weights), summary_statistics(teacher, image)
        q, r = element.on_statistics(before.student, before.overlap)
        assert np.allclose(after.student, q, atol=1e-12)
        assert np.allclose(after.overlap, r, atol=1e-12)
        assert symmetry.equivalence(before, after) is not None
        second = random_relabelling(rng, width, group)
        assert np.allclose(
            second.after(element).on_weights(weights, teacher.vectors),
            second.on_weights(image, teacher.vectors),
            atol=1e-12,
        )
        assert np.allclose(
            element.inverse().on_weights(image, teacher.vectors), weights, atol=1e-12
        )


def test_rotation_refuses_what_is_no_automorphism() -> None:
    with pytest.raises(InvalidArgument, match=r"must keep the teachers' Gram matrix; \(1 2\)"):
        symmetry.teacher_rotation(np.diag([1.0, 2.0]), (1, 0))
    with pytest.raises(InvalidArgument, match="must keep"):
        symmetry.teacher_rotation(np.array([[1.0, 0], [1.0, 0], [0, 1.0]]), (2, 1, 0))


# Relative permutations


def partitions(number: int, largest: int | None = None) -> list[tuple[int, ...]]:
    if number == 0:
        return [()]
    top = number if largest is None else min(largest, number)
    return [(part, *rest) for part in range(top, 0, -1) for rest in partitions(number - part, part)]


@pytest.mark.parametrize("width", [2, 3, 4, 5, 6])
def test_relative_permutations_of_the_global_minimum_are_conjugacy_classes(width: int) -> None:
    found = list(symmetry.relative_relabellings(point(np.eye(width))))
    assert found[0] == (0, Relabelling.identity(width, width))
    relative = [
        symmetry.compose(element.students, symmetry.inverse(element.teachers))
        for _, element in found
    ]
    assert sorted(map(symmetry.cycle_type, relative)) == sorted(partitions(width))
    for (moves, _), permutation in zip(found, relative, strict=True):
        assert moves == sum(length - 1 for length in symmetry.cycle_type(permutation))


def test_relative_permutations_at_width_twenty_stay_cheap() -> None:
    found = list(symmetry.relative_relabellings(point(np.eye(20)), moves=2))
    assert [symmetry.format_cycles(element.students) for _, element in found] == [
        "()",
        "(1 2)",
        "(1 2 3)",
        "(1 2)(3 4)",
    ]


@pytest.mark.parametrize(
    ("first", "second", "teacher"),
    [
        (anti_aligned(3, 1), anti_aligned(3, 1), np.eye(3)),
        (np.eye(4), anti_aligned(4, 1), np.eye(4)),
        (anti_aligned(4, 2), anti_aligned(4, 1), np.eye(4)),
        (circulant(1, 0.2, 0.1), np.eye(3), np.eye(3)),
        (np.eye(4), np.eye(4), block_teacher((2, 0.4), (2, 0.4))),
        (np.eye(3), np.diag([1.0, 2.0, 3.0]), np.diag([1.0, 1.0, 2.0])),
    ],
)
def test_relative_relabellings_are_double_cosets(
    first: Array, second: Array, teacher: Array
) -> None:
    """Counted with Cauchy and Frobenius: orbits of one isotropy group on the copies."""
    width = len(first)
    a = (first @ first.T, first @ np.linalg.cholesky(teacher).T, teacher)
    b = (second @ second.T, second @ np.linalg.cholesky(teacher).T, teacher)
    fixing = list(symmetry.isotropy(a).elements())
    fixing_b = set(symmetry.isotropy(b).elements())
    remaining = set(brute_group(width, teacher))
    count = 0
    for_each = {}
    while remaining:
        element = next(iter(remaining))
        coset = {left.after(element).after(right) for left in fixing for right in fixing_b}
        for_each.update(dict.fromkeys(coset, count))
        remaining -= coset
        count += 1
    found = [element for _, element in symmetry.relative_relabellings(a, b)]
    assert len(found) == count
    assert {for_each[element] for element in found} == set(range(count))
    if np.array_equal(first, second):
        pairs = {frozenset((for_each[g], for_each[g.inverse()])) for g in for_each}
        both = list(symmetry.relative_relabellings(a, both_ways=True))
        assert len(both) == len(pairs)


def test_relative_relabellings_refuse_points_of_different_problems() -> None:
    with pytest.raises(InvalidArgument, match="same numbers of neurons; got 3 \\+ 3 and 2 \\+ 2"):
        next(symmetry.relative_relabellings(point(np.eye(3)), point(np.eye(2))))
    with pytest.raises(InvalidArgument, match="'both_ways'"):
        next(symmetry.relative_relabellings(point(np.eye(3)), point(np.eye(3)), both_ways=True))


# Closest copies


def brute_distance(target: Array, weights: Array, teacher: Teacher) -> float:
    """Smallest distance over the whole group, the rotation outside by Procrustes for each."""
    rank = teacher.rank
    best = np.inf
    squares = np.sum(target**2) + np.sum(weights**2)
    for element in brute_group(len(target), teacher.gram):
        copy = element.on_weights(weights, teacher.vectors)
        gain = np.sum(target[:, :rank] * copy[:, :rank])
        if target.shape[1] > rank:
            outside = target[:, rank:].T @ copy[:, rank:]
            gain += np.linalg.svd(outside, compute_uv=False).sum()
        best = min(best, squares - 2 * gain)
    return float(np.sqrt(max(best, 0.0)))


@pytest.mark.parametrize(
    "teacher",
    [
        Teacher.orthonormal(4),
        Teacher.equicorrelated(3, -0.5),
        Teacher.random(3, seed=2),
        Teacher.from_gram(block_teacher((2, 0.4), (2, 0.4))),
    ],
)
@pytest.mark.parametrize("columns", [0, 1, 2])
def test_closest_copy_is_closest(teacher: Teacher, columns: int) -> None:
    rng = np.random.default_rng(columns)
    for width in (3, 4):
        target = rng.normal(size=(width, teacher.rank + columns))
        weights = rng.normal(size=(width, teacher.rank + columns))
        found = symmetry.closest_copy(target, weights, teacher.vectors)
        assert found.exact == (columns < 2)
        assert found.distance == pytest.approx(np.linalg.norm(target - found.weights), rel=1e-12)
        copy = found.relabelling.on_weights(weights, teacher.vectors)
        copy[:, teacher.rank :] = copy[:, teacher.rank :] @ found.rotation
        assert np.allclose(copy, found.weights, atol=1e-12)
        closest = brute_distance(target, weights, teacher)
        if found.exact:
            assert found.distance == pytest.approx(closest, rel=1e-9)
        else:
            # Two directions on both sides are aligned step by step: an optimum, maybe a local one.
            assert closest * (1 - 1e-9) <= found.distance <= 1.05 * closest


def test_isotropy_shortens_the_search_and_keeps_it_exact() -> None:
    rng = np.random.default_rng(4)
    teacher = Teacher.orthonormal(4)
    target, weights = anti_aligned(4, 1), rng.normal(size=(4, 4))
    for first, second in ((target, weights), (weights, target)):
        found = symmetry.closest_copy(first, second, teacher.vectors)
        assert found.exact
        assert found.tried == 4
        assert found.distance == pytest.approx(brute_distance(first, second, teacher), rel=1e-12)


def test_closest_copy_at_width_twenty_is_exact_for_symmetric_points() -> None:
    rng = np.random.default_rng(8)
    group = symmetry.teacher_automorphisms(np.eye(20)).group
    element = random_relabelling(rng, 20, group)
    weights = anti_aligned(20, 1)
    copy = element.on_weights(weights, np.eye(20))
    found = symmetry.closest_copy(weights, copy, np.eye(20))
    assert found.exact
    assert found.distance < 1e-12
    aligned = symmetry.closest_copy(np.eye(20), copy, np.eye(20))
    assert aligned.exact
    assert aligned.distance == pytest.approx(np.linalg.norm(np.eye(20) - weights), rel=1e-12)


def test_closest_copy_without_symmetry_is_honest_and_good() -> None:
    """With too many automorphisms to try, the answer is near the best one and says so."""
    rng = np.random.default_rng(9)
    target, weights = rng.normal(size=(2, 6, 6))
    best = symmetry.closest_copy(target, weights, np.eye(6))
    found = symmetry.closest_copy(target, weights, np.eye(6), limit=10)
    assert best.exact
    assert best.tried == 720
    assert not found.exact
    assert best.distance * (1 - 1e-12) <= found.distance <= 1.05 * best.distance
    again = symmetry.closest_copy(target, weights, np.eye(6), limit=10)
    assert again.relabelling == found.relabelling
    group = symmetry.teacher_automorphisms(np.eye(6)).group
    copy = random_relabelling(rng, 6, group).on_weights(target, np.eye(6))
    same = symmetry.closest_copy(target, copy, np.eye(6), limit=10)
    assert same.exact
    assert same.distance < 1e-12


@pytest.mark.parametrize("columns", [2, 3])
def test_a_copy_that_is_turned_outside_the_span_is_found(columns: int) -> None:
    rng = np.random.default_rng(columns)
    for _ in range(5):
        target = rng.normal(size=(5, 5 + columns))
        group = symmetry.teacher_automorphisms(np.eye(5)).group
        copy = random_relabelling(rng, 5, group).on_weights(target, np.eye(5))
        copy[:, 5:] = copy[:, 5:] @ np.linalg.qr(rng.normal(size=(columns, columns)))[0]
        found = symmetry.closest_copy(target, copy, np.eye(5))
        assert found.exact
        assert found.distance < 1e-12


def test_closest_copy_pads_columns_outside_the_span() -> None:
    target = np.hstack([np.eye(2), [[0.0], [0.1]]])
    found = symmetry.closest_copy(target, np.eye(2)[::-1], np.eye(2))
    assert found.weights.shape == (2, 3)
    assert found.distance == pytest.approx(0.1)
    with pytest.raises(InvalidArgument, match="same K; got"):
        symmetry.closest_copy(np.eye(2), np.zeros((3, 2)), np.eye(2))


# Block patterns


def test_block_pattern_of_a_spurious_minimum() -> None:
    weights = anti_aligned(6, 1)
    pattern = symmetry.block_pattern(point(weights))
    assert pattern.student_orbits == ((0,), (1, 2, 3, 4, 5))
    table = [
        [[(round(part.value, 12), part.count) for part in block] for block in row]
        for row in pattern.overlaps
    ]
    assert table == [[[(-0.8, 1)], [(0.07, 5)]], [[(0.02, 1)], [(1.05, 1), (0.05, 4)]]]
    assert pattern.products[0][0] == ()
    assert [part.count for part in pattern.products[1][1]] == [4]
    assert pattern.products[0][1][0].value == pytest.approx(weights[0] @ weights[1])
    assert pattern.squared_norms[0] == pytest.approx(weights[0] @ weights[0])
    record = pattern.record()
    assert record["student_orbits"] == [[1], [2, 3, 4, 5, 6]]
    assert record["overlaps"][1][1][1]["count"] == 4


def test_block_pattern_of_paired_neurons() -> None:
    pattern = symmetry.block_pattern(point(np.repeat(np.eye(3), 2, axis=0) / 2))
    assert [(part.value, part.count) for part in pattern.overlaps[0][0]] == [(0.5, 1), (0.0, 2)]
    assert [(part.value, part.count) for part in pattern.products[0][0]] == [(0.25, 1), (0.0, 4)]


# Arguments, and time


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"'overlap' argument .* must have shape \(2, 3\)"):
        PointGraph.from_statistics(np.eye(2), np.eye(3), np.eye(3))
    with pytest.raises(InvalidArgument, match=r"must have shape \(M, M\)"):
        symmetry.teacher_automorphisms(np.ones((2, 3)))
    with pytest.raises(InvalidArgument, match="NaN"):
        symmetry.isotropy((np.full((1, 1), np.nan), np.ones((1, 1)), np.ones((1, 1))))
    with pytest.raises(
        InvalidArgument, match="'tolerance' argument of a search for symmetries must be a positive"
    ):
        symmetry.isotropy(point(np.eye(2)), tolerance=0)
    with pytest.raises(InvalidArgument, match=r"\(K, 3 \+ E\)"):
        PointGraph.from_weights(np.eye(2), np.eye(3))
    with pytest.raises(InvalidArgument, match="shape"):
        symmetry.equivalence_classes(np.eye(2), np.eye(2), np.eye(2))


def test_many_and_large_points() -> None:
    rng = np.random.default_rng(0)
    group = symmetry.teacher_automorphisms(np.eye(20)).group
    weights = np.array(
        [
            random_relabelling(rng, 20, group).on_weights(anti_aligned(20, i % 6), np.eye(20))
            for i in range(300)
        ]
    )
    students = weights @ weights.transpose(0, 2, 1)
    found = symmetry.equivalence_classes(students, weights, np.eye(20))
    assert len(found.representatives) == 6
    assert symmetry.isotropy(point(anti_aligned(100, 3))).name == "S_97 x S_3"
