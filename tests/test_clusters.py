"""Clusters: energies, copies by permutations, motions and mirrors, and their graphs."""

from __future__ import annotations

import pickle
import warnings
from itertools import permutations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import landtopo as lt
from landtopo.landscape.explore import ExploreOptions
from landtopo.models.clusters import lennard_jones, morse
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, Pace
from landtopo.points.ascend import AscentStatus, ascend
from landtopo.points.derivative_check import check_derivatives
from landtopo.points.records import Kind
from landtopo.run import Run
from landtopo.symmetry.gauge import RigidMotions
from landtopo.symmetry.particles import ParticleSymmetry

# Wales, Doye, J. Phys. Chem. A 101, 5111 (1997) for the global minimum; all four as listed in the
# Cambridge Cluster Database.
LJ7 = [-16.505384, -15.935043, -15.593211, -15.533060]

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
OCTAHEDRON = np.vstack([np.eye(3), -np.eye(3)])
TRIANGLE = np.array([[1, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]])
ROW = np.array([[-1.0, 0, 0], [0, 0, 0], [1, 0, 0]])
# No symmetry at all, and different from its mirror image.
CROOKED = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1.3, 0], [0.2, 0.3, 0.9], [-0.8, 0.1, 0.4]])


def moved(points: Array, seed: int, *, mirror: bool) -> tuple[Array, Array]:
    """A copy by a random permutation, a random motion and perhaps a mirror, and the permutation."""
    generator = np.random.default_rng(seed)
    turn = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn)) * (-1 if mirror else 1)
    order = generator.permutation(len(points))
    return points[order] @ turn.T + generator.standard_normal(3), order


# --- energies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [lennard_jones(5), morse(5, 6.0)], ids=lambda model: model.name)
def test_derivatives_belong_together(model: SmoothModel) -> None:
    # From the distance where no critical point is to where pairs hardly feel each other.
    low, high = np.full(15, -1.2), np.full(15, 1.2)
    check_derivatives("a test", model.shape.objective, low, high)


def test_a_pair_rests_at_its_distance_with_depth_one() -> None:
    for model in (lennard_jones(3), morse(3, 4.0)):
        energy = model.shape.objective
        side = energy.pair.rest
        triangle = (side / 3**0.5 * TRIANGLE).ravel()
        value, gradient = energy.value_and_gradient(triangle)
        assert value == pytest.approx(-3.0, abs=1e-14)
        assert np.abs(gradient).max() < 1e-13


def test_particles_in_one_place_have_a_finite_energy() -> None:
    energy = lennard_jones(5).shape.objective
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, gradient = energy.value_and_gradient(np.zeros(15))
        assert np.isfinite(value)
        assert np.all(np.isfinite(gradient))
        assert np.all(np.isfinite(energy.hessian(np.zeros(15))))
    # Pushed together, the energy rises all the way.
    line = np.linspace(0.0, 1.1, 60)
    pair = np.zeros((60, 2, 3))
    pair[:, 1, 0] = line
    alone = lennard_jones(3).shape.objective
    apart = np.concatenate([pair, np.full((60, 1, 3), 50.0)], axis=1).reshape(60, 9)
    assert np.all(np.diff(alone.value(apart)) < 0)


@pytest.mark.parametrize("model", [lennard_jones(6), morse(5, 14.0)], ids=lambda model: model.name)
def test_compiled_climbs_end_where_those_by_hessians_do(model: SmoothModel) -> None:
    objective = model.objective(np.empty(0))
    plain = lt.SmoothFunction(
        size=model.size,
        function=lambda x: float(objective.value(x)),
        derivative=lambda x: objective.value_and_gradient(x)[1],
        second=objective.hessian,
    )

    class Uncompiled:
        """The same with its gauge, by Hessians at each step."""

        size, value, hessian = plain.size, plain.value, plain.hessian
        value_and_gradient, gauge, flow = plain.value_and_gradient, objective.gauge, plain.flow

    for seed, index in ((0, 0), (1, 0), (2, 1), (3, 1)):
        start = model.draw(np.random.default_rng(seed))
        start = ascend(objective, start, model.options(0, 1e-2)).x if index else start
        compiled = ascend(objective, start, model.options(index))
        slow = ascend(Uncompiled(), start, model.options(index))
        assert compiled.status is slow.status
        if compiled.status is AscentStatus.CONVERGED:
            assert model.symmetry.match(compiled.x, slow.x) is not None
        assert compiled.spectrum is not None
        assert compiled.spectrum.gauge == 6


@pytest.mark.parametrize("points", [CROOKED, OCTAHEDRON, TRIANGLE, ROW, ROW[:, [1, 2, 0]]])
def test_motions_are_all_translations_and_rotations(points: Array) -> None:
    x = moved(points, 3, mirror=False)[0]
    rows = RigidMotions(3).directions(x.ravel())
    moves = [np.tile(axis, (len(x), 1)) for axis in np.eye(3)]
    moves += [np.cross(axis, x) for axis in np.eye(3)]
    # Points in a row have one rotation less.
    _, sizes, right = np.linalg.svd(np.reshape(moves, (6, -1)), full_matrices=False)
    wanted = right[sizes > 1e-8]
    assert rows.shape == wanted.shape
    assert np.abs(rows @ rows.T - np.eye(len(rows))).max() < 1e-12
    assert np.abs(rows.T @ rows - wanted.T @ wanted).max() < 1e-10


def test_units_change_nothing_but_numbers() -> None:
    own = morse(5, 6.0).shape.objective
    other = own.in_units(2.0, 0.25)
    x = lennard_jones(5).draw(np.random.default_rng(5))
    assert other.value(x / 2.0) == own.value(x) / 0.25
    assert np.array_equal(other.value_and_gradient(x / 2.0)[1], own.value_and_gradient(x)[1] * 8.0)
    assert np.array_equal(other.hessian(x / 2.0), own.hessian(x) * 16.0)


def test_parts_of_a_cluster_are_counted() -> None:
    shape = lennard_jones(5).shape
    chain = 1.1 * np.arange(5.0)[:, None] * np.array([1.0, 0.0, 0.0])
    assert shape.flaw(chain.ravel()) is None
    chain[3:] += 5.0
    chain[4] += 5.0
    assert "3 parts" in str(shape.flaw(chain.ravel()))


# --- copies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    "points", [TETRAHEDRON, OCTAHEDRON, TRIANGLE, ROW, CROOKED], ids=[4, 6, 3, "row", "crooked"]
)
def test_copies_are_matched_and_the_element_makes_them(points: Array, mirror: bool) -> None:
    symmetry = ParticleSymmetry(len(points))
    for seed in range(5):
        copy, _ = moved(points, seed, mirror=mirror)
        element = symmetry.match(copy.ravel(), points.ravel())
        assert element is not None
        made = symmetry.gauge.align(symmetry.act(element, points.ravel()), copy.ravel())
        assert np.abs(made - copy.ravel()).max() < 1e-12


def test_mirror_images_of_a_crooked_cluster_need_the_mirror() -> None:
    symmetry = ParticleSymmetry(5)
    copy, order = moved(CROOKED, 0, mirror=True)
    element = symmetry.match(copy.ravel(), CROOKED.ravel())
    assert element is not None
    assert element[-2:] == (6, 5)
    assert np.array_equal(np.argsort(element[:5]), order)
    proper, _ = moved(CROOKED, 1, mirror=False)
    element = symmetry.match(proper.ravel(), CROOKED.ravel())
    assert element is not None
    assert element[-2:] == (5, 6)


def test_the_distance_of_two_clusters_does_not_depend_on_their_order() -> None:
    model = lennard_jones(7)
    symmetry = model.symmetry
    generator = np.random.default_rng(7)
    ends = [model.draw(generator) for _ in range(6)]
    for x in ends:
        for y in ends:
            assert symmetry.apart(x, y) == symmetry.apart(y, x)
    one_way = [[float(np.linalg.norm(symmetry.closest_copy(x, y) - y)) for x in ends] for y in ends]
    # Where searches from both ends differ, or this would test nothing.
    assert np.abs(np.array(one_way) - np.transpose(one_way)).max() > 1e-3


def test_what_is_no_copy_is_not_matched() -> None:
    symmetry = ParticleSymmetry(5)
    other = CROOKED.copy()
    # Ten times what two copies of a critical point may differ by.
    other[4, 2] += 1e-4
    assert symmetry.match(other.ravel(), CROOKED.ravel()) is None


@pytest.mark.parametrize(
    ("points", "order"),
    # T_d, O_h, D_3h; for three in a row the four elements of S_3 x mirror that motions undo.
    [(TETRAHEDRON, 24), (OCTAHEDRON, 48), (TRIANGLE, 12), (ROW, 4), (CROOKED, 1)],
    ids=["T_d", "O_h", "D_3h", "row", "C_1"],
)
def test_orders_of_point_groups_are_counted(points: Array, order: int) -> None:
    symmetry = ParticleSymmetry(len(points))
    assert symmetry.isotropy_order(points.ravel()) == order
    # Every permutation, with and without a mirror, tried by the best motion alone.
    if len(points) <= 5:
        x = points.ravel()
        found = 0
        for sign in (1.0, -1.0):
            for images in permutations(range(len(points))):
                copy = sign * points[list(images)].ravel()
                found += np.abs(symmetry.gauge.align(copy, x) - x).max() < 1e-9
        assert found == order


def test_the_closest_copy_of_a_copy_is_the_point_itself() -> None:
    symmetry = ParticleSymmetry(5)
    for seed in range(4):
        copy, _ = moved(CROOKED, seed, mirror=bool(seed % 2))
        assert symmetry.apart(copy.ravel(), CROOKED.ravel()) < 1e-9


# --- landscapes -------------------------------------------------------------------------------


def test_the_gauge_is_left_out_of_spectra() -> None:
    model = lennard_jones(4)
    # A tetrahedron whose edges are all at rest: -6, and 12 - 6 vibrations.
    x = model.inside(2.0 ** (1 / 6) / 8**0.5 * TETRAHEDRON)
    point = model.told(model.strata.judge(x))
    assert point.value == pytest.approx(-6.0, abs=1e-13)
    assert (point.kind, point.gauge, len(point.eigenvalues)) == (Kind.MINIMUM, 6, 6)
    # Breathing: a step of one moves each particle outwards by 1/2, and each of the six edges grows
    # by sqrt(2/3). The pair's curvature at rest is 72 / 2^{1/3}.
    stiffness = 72.0 / 2.0 ** (1 / 3)
    assert point.eigenvalues[-1] == pytest.approx(6.0 * 2.0 / 3.0 * stiffness, rel=1e-9)


def test_a_cluster_that_fell_apart_is_no_point() -> None:
    model = lennard_jones(4)
    far = np.vstack([2.0 ** (1 / 6) / 3**0.5 * TRIANGLE, [[200.0, 0, 0]]])
    point = model.strata.judge(model.inside(far))
    assert point.kind is Kind.UNDECIDED
    assert point.reason == "The cluster has fallen into 2 parts."


def graph_of(model: SmoothModel, starts: int) -> Any:
    quick = ExploreOptions(
        random_starts=16, mode_starts=16, line_starts=8, check_pairs=1, self_pairs=1, patience=20
    )
    return lt.landscape_graph(model, starts=starts, options=quick)


def minima_of(model: SmoothModel, starts: int) -> Any:
    return model.told(model.starts.minima(starts, Run())).families


def test_seven_particles_have_four_minima() -> None:
    families = minima_of(lennard_jones(7), 60)
    assert [family.loss for family in families] == pytest.approx(LJ7, abs=1e-6)
    # D_5h, C_3v, C_3v, C_2, and 2 * 7! labelled copies over the order.
    assert [family.isotropy_order for family in families] == [20, 6, 6, 2]
    assert families[0].orbit_size == 504


def test_six_particles_have_two_minima_that_transition_states_join() -> None:
    graph = graph_of(lennard_jones(6), 30)
    minima = sorted(data["loss"] for _, data in graph.nodes(data=True))
    # The octahedron, and the bipyramid with a cap.
    assert minima == pytest.approx([-12.712062, -12.302927], abs=1e-6)
    assert nx.is_connected(nx.Graph(graph))
    energy = lennard_jones(6).shape.objective
    for *_, data in graph.edges(data=True):
        # By another route: the spectrum of the Hessian with the six gauge modes in it.
        values = np.linalg.eigvalsh(energy.hessian(data["coordinates"]))
        assert np.sum(values < -1e-6) == 1
        assert np.sum(np.abs(values) < 1e-6) == 6
        assert data["verified"]


@pytest.mark.parametrize(("rho", "energy"), [(6, -9.044930), (10, -9.003565), (14, -9.000283)])
def test_five_morse_particles_rest_at_the_published_energies(rho: int, energy: float) -> None:
    """Doye, Wales, J. Chem. Soc., Faraday Trans. 93, 4233 (1997): the bipyramid, D_3h."""
    (family,) = minima_of(morse(5, rho), 12)
    assert family.loss == pytest.approx(energy, abs=1e-6)
    assert family.isotropy_order == 12


@pytest.mark.parametrize(("dimension", "translations"), [(2, True), (3, False), (3, True)])
def test_moved_points_come_back_and_motions_are_the_directions_of_moves(
    dimension: int, translations: bool
) -> None:
    generator = np.random.default_rng(dimension)
    motions = RigidMotions(dimension, translations=translations)
    x = generator.standard_normal((5, dimension))
    skew = generator.standard_normal((dimension, dimension))
    skew -= skew.T
    shift = generator.standard_normal(dimension) if translations else np.zeros(dimension)
    moved = x @ expm(skew) + shift
    assert motions.align(moved.ravel(), x.ravel()) == pytest.approx(x.ravel(), abs=1e-13)
    # What a small move changes lies in the span of the rows, which are as many as motions.
    step = (x @ expm(1e-6 * skew) + 1e-6 * shift - x).ravel()
    rows = motions.directions(x.ravel())
    turns = dimension * (dimension - 1) // 2
    assert len(rows) == turns + dimension * translations
    assert rows @ rows.T == pytest.approx(np.eye(len(rows)), abs=1e-14)
    assert np.linalg.norm(step - rows.T @ (rows @ step)) < 1e-5 * np.linalg.norm(step)
    # Of a mirror image no motion makes the points.
    assert np.linalg.norm(motions.align((-x if dimension == 3 else x[:, ::-1]).ravel(), x.ravel())
                          - x.ravel()) > 0.1  # fmt: skip


def test_the_compiled_flow_of_a_cluster_is_that_of_scipy() -> None:
    energy = lennard_jones(4).shape.objective
    start = np.array([0, 0, 0, 1.3, 0, 0, 0.4, 1.2, 0, 0.3, 0.5, 1.2])
    pace = Pace(time_step=1e-4, stiffness=200.0, peak=0.0, until=1e-3, error=1e-7, lag=1e-6,
                longest=0.01, stages=60, steps=2000)  # fmt: skip
    curve = energy.flow(start, pace)
    assert len(curve.points) > 20
    wanted = solve_ivp(
        lambda _, x: -energy.value_and_gradient(x)[1], (0.0, curve.times[-1]), start,
        t_eval=curve.times[::10], rtol=1e-9, atol=1e-10, method="LSODA",
    )  # fmt: skip
    assert curve.points[::10] == pytest.approx(wanted.y.T, abs=2e-4)
    assert np.allclose(curve.slopes[-1], -energy.value_and_gradient(curve.points[-1])[1], atol=1e-9)


def test_ways_do_not_depend_on_what_was_followed_before() -> None:
    """Descents from known passes are done once for all bands of a search."""
    model = lennard_jones(6)
    low, high = (family.x for family in lt.find_minima(model, starts=12).families)
    ends = model.inside(low), model.inside(high)
    first, _ = model.ways(*ends, seed=0, known=[])
    known = [np.ravel(one.state) for one in first]
    fresh = lennard_jones(6)
    again = [one.ways(*ends, seed=1, known=known) for one in (model, model, fresh)]
    assert known
    for ways, joined in again:
        assert joined
        assert [one.losses.tolist() for one in ways] == [one.losses.tolist() for one in again[0][0]]
    assert pickle.loads(pickle.dumps(model))._followed._lists == {}
