"""Points found among known ones, and routes over copies, against doing it one by one."""

from __future__ import annotations

from itertools import permutations

import networkx as nx
import numpy as np

import landtopo as lt
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.paths.connect import ConnectOptions, links_between
from landtopo.models.networks.paths.setting import NetworkSetting
from landtopo.objective import Array
from landtopo.paths.join import JoinOptions
from landtopo.paths.routes import Connection, Place, Routes
from landtopo.paths.setting import known_places
from landtopo.symmetry.permutations import compose


def _setting(width: int, columns: int) -> NetworkSetting:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(width), width)
    return NetworkSetting(PopulationLoss(problem), columns)


def test_a_point_is_found_as_by_comparing_each() -> None:
    """Renumbered, turned outside the span, or off by about what still counts as the same."""
    setting = _setting(4, 6)
    rng = np.random.default_rng(0)
    met = known_places(setting)
    known = [rng.standard_normal((4, 6)) for _ in range(30)]
    # Of these only the sign outside differs, and one is nearly a renumbered copy of another.
    known += [known[0] * np.r_[np.ones(4), -np.ones(2)], known[1][::-1] + 3e-6]
    for weights in known:
        met.add(weights.ravel(), 1.0)
    seen = set()
    for trial in range(300):
        weights = known[trial % len(known)].copy()
        rotation = np.linalg.qr(rng.standard_normal((2, 2)))[0]
        weights[:, 4:] = weights[:, 4:] @ rotation
        weights = weights[rng.permutation(4)]
        weights += 10.0 ** rng.uniform(-8, -5) * rng.standard_normal(weights.shape)
        x = weights.ravel()
        one_by_one = [setting.relation(x, other) for other in met.points]
        first = next(((i, e) for i, e in enumerate(one_by_one) if e is not None), None)
        assert met.find(x, 1.0) == first
        seen.add(first is None)
    assert seen == {True, False}
    assert met.find(known[0].ravel(), 1.0 + 1e-6) is None


def test_routes_are_those_of_the_whole_graph_of_copies() -> None:
    """Shortest routes and lowest heights, against the derived graph written out in full."""
    setting = _setting(4, 4)
    rng = np.random.default_rng(1)
    routes = Routes(setting)
    representatives: list[Array] = [rng.standard_normal((4, 4)) for _ in range(3)]
    for number, weights in enumerate(representatives):
        assert routes.place(weights.ravel(), float(number)).family == number
    elements = list(permutations(range(4)))
    whole: nx.MultiGraph[bytes] = nx.MultiGraph()
    for _ in range(5):
        ends = tuple(
            Place(family=int(rng.integers(3)), element=elements[int(rng.integers(24))])
            for _ in range(2)
        )
        height = float(rng.integers(1, 4))
        points = np.array([routes.point(end) for end in ends])
        routes.connect(
            Connection(
                ends=(ends[0], ends[1]), height=height, points=points, top=0, transition=None
            )
        )
        for element in elements:
            image = [
                routes.key(Place(family=end.family, element=compose(element, end.element)))
                for end in ends
            ]
            whole.add_edge(*image, height=height)
    start = Place(family=0, element=elements[0])
    reached = 0
    for family in range(3):
        for element in elements:
            end = Place(family=family, element=element)
            key = routes.key(end)
            route = routes.lowest(start, end)
            if key not in whole or not nx.has_path(whole, routes.key(start), key):
                assert route is None or key == routes.key(start)
                continue
            assert route is not None
            reached += 1
            low = max((routes.connections[step.connection].height for step in route), default=0.0)
            below = [edge for edge in whole.edges(keys=True, data="height") if edge[3] <= low]
            part = nx.Graph((first, last) for first, last, _, _ in below)
            part.add_nodes_from([key, routes.key(start)])
            assert len(route) == nx.shortest_path_length(part, routes.key(start), key)
            lower = nx.Graph((first, last) for first, last, _, h in below if h < low)
            lower.add_nodes_from([key, routes.key(start)])
            assert not route or not nx.has_path(lower, routes.key(start), key)
            # Every step joins what it says it joins.
            for step in route:
                connection = routes.connections[step.connection]
                first, last = connection.ends if step.forward else connection.ends[::-1]
                for told, own in ((step.start, first), (step.end, last)):
                    moved = compose(step.element, own.element)
                    assert routes.key(told) == routes.key(Place(family=own.family, element=moved))
    assert reached > 20


def test_a_place_has_one_key_however_equal_neurons_are_numbered() -> None:
    routes = Routes(_setting(4, 4))
    weights = np.random.default_rng(4).standard_normal((4, 4))
    weights[1] = weights[0]
    routes.place(weights.ravel(), 0.0)
    places = [Place(family=0, element=element) for element in permutations(range(4))]
    keys = {(routes.key(place), routes.point(place).tobytes()) for place in places}
    assert len(keys) == len({key for key, _ in keys}) == len({point for _, point in keys}) == 12


def test_distances_of_copies_are_those_of_their_coordinates() -> None:
    setting = _setting(4, 4)
    rng = np.random.default_rng(2)
    routes = Routes(setting)
    places = []
    for number in range(3):
        routes.place(rng.standard_normal(16), float(number))
        places += [
            Place(family=number, element=tuple(rng.permutation(4).tolist())) for _ in range(5)
        ]
    for other in places:
        apart = [float(np.sum((routes.point(one) - routes.point(other)) ** 2)) for one in places]
        # Rounding of sums of sixteen squares of order one.
        np.testing.assert_allclose(routes.squared_distances(places, other), apart, atol=1e-12)


def test_a_further_symmetry_carries_places_as_it_carries_points() -> None:
    setting = _setting(4, 4)
    rng = np.random.default_rng(3)
    routes = Routes(setting)
    ends = tuple(routes.place(rng.standard_normal(16), float(number)) for number in range(2))
    element = (2, 0, 3, 1)
    ends = ends[0], Place(family=1, element=element)
    points = np.array([routes.point(end) for end in ends])
    connection = Connection(ends=ends, height=3.0, points=points, top=0, transition=None)
    turn = (1, 2, 0, 3)
    routes.connect(connection)
    routes.connect_turned(connection, turn)
    for end, point in zip(routes.connections[1].ends, setting.turn(turn, points), strict=True):
        # An exchange of axes is exact but for the rounding of the rotation.
        np.testing.assert_allclose(routes.point(end), point, atol=1e-13)


def test_between_known_minima_only_what_is_new_is_told() -> None:
    """The swap of two neurons, K = M = 2: one pass at 0.0736129, with W_out != 0."""
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    options = ConnectOptions(join=JoinOptions(improve=6, patience=3))
    ends = np.eye(2), np.eye(2)[::-1]
    height, links = links_between(problem, *ends, seed=0, options=options)
    assert abs(height - 0.0736129) < 1e-7
    new = [link for link in links if link.transition is not None]
    assert min(abs(link.height - height) for link in new) < 1e-12
    states = [link.points[link.top].reshape(2, -1) for link in new]
    again, further = links_between(problem, *ends, seed=0, options=options, known=states)
    assert abs(again - height) < 1e-12
    assert not [link for link in further if link.height <= height + 1e-9]
