"""Flat paths between labelled points: as short as possible, and flat.

Independent routes: breadth-first search over all slides with shares in multiples of 1/n, distances
in the built corner graph, and the loss along the path.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from landtopo.models.networks.flat.cells import corner_graph
from landtopo.models.networks.flat.paths import flat_path
from landtopo.models.networks.flat.routing import Route, route
from landtopo.models.networks.flat.slides import FlatPathStatus, slide_path
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent

State = tuple[tuple[int, int], ...]  # (reduced neuron or -1, share in units of 1/n) of each place


def random_state(rng: np.random.Generator, width: int, m: int, n: int) -> State:
    while True:
        owner = rng.integers(-1, m, width)
        sizes = [int(np.sum(owner == j)) for j in range(m)]
        if all(1 <= size <= n for size in sizes):
            break
    units = np.zeros(width, dtype=int)
    for j in range(m):
        cuts = np.sort(rng.choice(np.arange(1, n), sizes[j] - 1, replace=False))
        units[owner == j] = np.diff([0, *cuts, n])
    return tuple((int(j), int(u)) for j, u in zip(owner, units, strict=True))


def fewest_slides(start: State, end: State) -> int | None:
    """Breadth-first search over slides of whole units."""
    seen = {start: 0}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        if state == end:
            return seen[state]
        for k, (j, units) in enumerate(state):
            for target, (other, held) in enumerate(state):
                if j < 0 or target == k or other not in (-1, j):
                    continue
                for amount in range(1, units + 1):
                    after = list(state)
                    after[target] = (j, held + amount)
                    after[k] = (j, units - amount) if units > amount else (-1, 0)
                    key = tuple(after)
                    if key not in seen:
                        seen[key] = seen[state] + 1
                        queue.append(key)
    return None


def find_route(start: State, end: State, n: int) -> Route | None:
    shares = [np.array([u / n for _, u in state]) for state in (start, end)]
    owners = [[j for j, _ in state] for state in (start, end)]
    return route(shares[0], owners[0], shares[1], owners[1])


def replay(start: State, end: State, n: int, found: Route) -> None:
    """Every slide is allowed, and the last one arrives."""
    shares = np.array([u / n for _, u in start])
    owner = [j for j, _ in start]
    for slide in found.slides:
        assert owner[slide.source] == slide.neuron
        assert owner[slide.target] in (-1, slide.neuron)
        assert 0 < slide.amount <= shares[slide.source] + 1e-12
        shares[slide.source] -= slide.amount
        shares[slide.target] += slide.amount
        owner[slide.target] = slide.neuron
        if shares[slide.source] < 1e-9:
            owner[slide.source] = -1
    assert owner == [j for j, _ in end]
    assert shares == pytest.approx([u / n for _, u in end], abs=1e-8)


@pytest.mark.parametrize(("width", "m"), [(3, 2), (4, 3), (3, 3), (5, 4)])
def test_shortest_with_one_spare_neuron(width, m):
    rng = np.random.default_rng(width * 10 + m)
    for _ in range(120):
        n = int(rng.integers(2, 6 if width < 5 else 4))
        start, end = random_state(rng, width, m, n), random_state(rng, width, m, n)
        found, fewest = find_route(start, end, n), fewest_slides(start, end)
        if found is None:
            assert fewest is None
            continue
        replay(start, end, n, found)
        assert len(found.slides) == fewest


@pytest.mark.parametrize(("width", "m"), [(4, 2), (5, 3), (5, 2)])
def test_several_spare_neurons_claim_the_optimum_only_where_it_is(width, m):
    rng = np.random.default_rng(width * 10 + m)
    longer = 0
    for _ in range(120):
        n = int(rng.integers(2, 5 if width < 5 else 4))
        start, end = random_state(rng, width, m, n), random_state(rng, width, m, n)
        found, fewest = find_route(start, end, n), fewest_slides(start, end)
        assert found is not None
        assert fewest is not None
        replay(start, end, n, found)
        assert found.lower_bound <= fewest <= len(found.slides)
        longer += len(found.slides) > fewest
    # Only equal shares, which can be paired in several ways, leave room for a better choice.
    assert longer <= 5


@pytest.mark.parametrize(("width", "m"), [(4, 3), (5, 3), (6, 2)])
def test_corners_are_as_far_apart_as_in_the_graph(width, m):
    graph = corner_graph(width, m)
    start = next(iter(graph))
    for end, distance in nx.single_source_shortest_path_length(graph, start).items():
        found = find_route(
            tuple((label - 1, int(label > 0)) for label in start),
            tuple((label - 1, int(label > 0)) for label in end),
            1,
        )
        assert found is not None
        assert len(found.slides) == distance
        assert found.optimal


def random_global_minimum(rng: np.random.Generator, teacher: Teacher, width: int):
    labels = np.concatenate(
        [np.arange(teacher.size), rng.integers(0, teacher.size, width - teacher.size)]
    )
    rng.shuffle(labels)
    shares = rng.random(width)
    for j in range(teacher.size):
        shares[labels == j] /= shares[labels == j].sum()
    return shares[:, None] * teacher.vectors[labels]


TEACHERS = [
    Teacher.orthonormal(6),
    Teacher.equicorrelated(6, 0.3),
    Teacher.random(6, dim=9, seed=4),
]


@pytest.mark.parametrize("teacher", TEACHERS, ids=lambda teacher: teacher.name)
@pytest.mark.parametrize("width", [7, 8, 10])
def test_random_labelled_global_minima_are_joined_at_zero_loss(teacher, width):
    problem = TeacherStudent(teacher, width)
    rng = np.random.default_rng(width)
    loss = PopulationLoss(problem)
    for _ in range(4):
        start = random_global_minimum(rng, teacher, width)
        end = random_global_minimum(rng, teacher, width)
        path = flat_path(problem, start, end)
        assert path.status is FlatPathStatus.FOUND
        assert path.optimal
        assert np.array_equal(path.points[0], start)
        assert np.array_equal(path.points[-1], end)
        # Losses with all digits: what is left is the rounding of the weights themselves.
        middle = (path.points[1:] + path.points[:-1]) / 2
        assert loss.value(middle).max() < 1e-28
        assert path.highest_loss <= 1e-12


def test_many_ways_of_a_wide_student_are_flat():
    teacher = Teacher.orthonormal(6)
    problem = TeacherStudent(teacher, 7)
    rng = np.random.default_rng(0)
    ends = [random_global_minimum(rng, teacher, 7) for _ in range(22)]
    for first, second in pairwise(ends):
        assert flat_path(problem, first, second).barrier <= 1e-12


def test_nothing_to_move_and_no_way():
    teacher = Teacher.equicorrelated(4, -0.1)
    problem = TeacherStudent(teacher, 4)
    V = np.array(teacher.vectors)
    still = flat_path(problem, V, V)
    assert still.status is FlatPathStatus.FOUND
    assert still.slides == ()
    assert still.optimal
    assert flat_path(problem, V, V[[1, 0, 2, 3]]).status is FlatPathStatus.NO_SPARE
    assert flat_path(problem, V, 1.1 * V).status is FlatPathStatus.DIFFERENT
    assert slide_path(V, V[[1, 2, 0, 3]]) is FlatPathStatus.NO_SPARE


def test_a_spurious_network_slides_too():
    """Slides keep the function of any network, so the loss is constant whatever it is."""
    rng = np.random.default_rng(5)
    problem = TeacherStudent(Teacher.orthonormal(4), 6)
    network = rng.standard_normal((4, 6))  # two columns outside the teacher's span
    start, end = np.zeros((6, 6)), np.zeros((6, 6))
    start[[0, 1, 2, 3]] = network
    end[[5, 3, 1, 0]] = network
    path = flat_path(problem, start, end)
    assert path.status is FlatPathStatus.FOUND
    assert path.loss > 0.1
    assert abs(path.barrier) <= path.tolerance
