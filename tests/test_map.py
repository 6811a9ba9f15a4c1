"""The map: distances against all copies one by one, places against known configurations."""

from __future__ import annotations

import re
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo
from test_databases import topsearch

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.export import prepare
from landtopo.export.maps import map_of
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.map import placed, placed_beside, stress_beside, stress_of
from landtopo.models.clusters import lennard_jones
from landtopo.models.distances import distance_of, distances
from landtopo.models.mueller_brown import mueller_brown
from landtopo.models.named import named_model
from landtopo.models.networks.symmetry.statistics_distance import StatisticsDistance
from landtopo.symmetry.told import symmetry_from, symmetry_record


def statistics(weights: Any, vectors: Any) -> Any:
    """[[Q, R], [R^T, T]] of weights as wide as the vectors or wider."""
    rank = vectors.shape[1]
    rows = np.vstack([weights, np.pad(vectors, ((0, 0), (0, weights.shape[1] - rank)))])
    return rows @ rows.T


def brute_force(first: Any, second: Any, vectors: Any, *, even: bool = False) -> float:
    """The least distance of the two matrices over all renumberings that keep T."""
    width, count = len(first), len(vectors)
    gram = vectors @ vectors.T
    one, two = statistics(first, vectors), statistics(second, vectors)
    best = np.inf
    for students in permutations(range(width)):
        for teachers in permutations(range(count)):
            for signs in product((1.0, -1.0), repeat=width + count if even else 0):
                order = [*students, *(width + m for m in teachers)]
                sign = np.array(signs) if even else np.ones(width + count)
                moved = two[np.ix_(order, order)] * np.outer(sign, sign)
                if np.abs(moved[width:, width:] - gram).max() < 1e-12:
                    best = min(best, float(np.linalg.norm(one - moved)))
    return best


# --- distances --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("teacher", "width"),
    [
        (lt.Teacher.orthonormal(3), 4),
        (lt.Teacher.equicorrelated(3, 0.3), 3),
        (lt.Teacher.random(3, seed=1), 4),
        (lt.Teacher.scaled(2, 2.0), 5),
    ],
)
def test_distances_are_those_of_the_closest_copies(teacher: Any, width: int) -> None:
    rng = np.random.default_rng(width)
    measure = StatisticsDistance(teacher)
    assert measure.is_exact(width)
    for number in range(6):
        outside = number % 3
        first = rng.normal(size=(width, teacher.rank + outside))
        second = rng.normal(size=(width, teacher.rank + 1))
        expected = brute_force(first, second, teacher.vectors)
        assert measure.apart(first, second) == pytest.approx(expected, rel=1e-12)
        assert measure.apart(second, first) == pytest.approx(expected, rel=1e-12)


def test_signs_of_neurons_are_symmetries_of_even_activations() -> None:
    teacher = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=3, activation="abs").teacher
    rng = np.random.default_rng(0)
    measure = StatisticsDistance(teacher)
    for _ in range(4):
        first, second = rng.normal(size=(2, 3, 3))
        expected = brute_force(first, second, teacher.vectors, even=True)
        assert measure.apart(first, second) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("teacher", [lt.Teacher.orthonormal(4), lt.Teacher.random(4, seed=2)])
def test_where_copies_are_too_many_the_closest_is_found_all_the_same(
    teacher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landtopo.models.networks.symmetry import statistics_distance as module

    rng = np.random.default_rng(3)
    exact = StatisticsDistance(teacher)
    pairs = [(rng.normal(size=(4, 5)), rng.normal(size=(4, 5))) for _ in range(12)]
    expected = [exact.apart(*pair) for pair in pairs]
    monkeypatch.setattr(module, "_ALL", 1)
    found = [exact.apart(*pair) for pair in pairs]
    # Upper bounds, nearly all of them sharp.
    assert all(a >= b - 1e-12 for a, b in zip(found, expected, strict=True))
    assert np.mean(np.isclose(found, expected, rtol=1e-9)) > 0.7
    assert max(np.array(found) / expected) < 1.1


def test_copies_of_a_network_are_at_no_distance_and_zero_neurons_add_none() -> None:
    teacher = lt.Teacher.orthonormal(8)
    rng = np.random.default_rng(5)
    measure = StatisticsDistance(teacher)
    assert not measure.is_exact(8)
    point = teacher.vectors + 0.05 * rng.normal(size=(8, 8))
    copy = point[rng.permutation(8)][:, rng.permutation(8)]
    assert measure.apart(point, copy) < 1e-12
    assert measure.apart(point, np.vstack([copy, np.zeros((1, 8))])) < 1e-12


def test_distances_of_clusters_are_those_of_the_closest_copies() -> None:
    rng = np.random.default_rng(7)
    measure = distance_of({"model": "a cluster", "symmetry": symmetry_record_of(lennard_jones(4))})
    for _ in range(4):
        first, second = rng.normal(size=(2, 4, 3))
        centred = [part - part.mean(axis=0) for part in (first, second)]
        expected = np.inf
        for order, mirror in product(permutations(range(4)), (1.0, -1.0)):
            moved = mirror * centred[1][list(order)]
            # Proper rotations only, by quaternions (Horn 1987): no singular values.
            expected = min(expected, apart_by_quaternions(moved, centred[0]))
        assert measure.apart(first.ravel(), second.ravel()) == pytest.approx(expected, rel=1e-9)
    turned = (rng.permutation(first) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]) + 3.0
    assert measure.apart(first.ravel(), turned.ravel()) < 1e-12


def apart_by_quaternions(moved: Any, target: Any) -> float:
    s = moved.T @ target
    a = np.array([s[1, 2] - s[2, 1], s[2, 0] - s[0, 2], s[0, 1] - s[1, 0]])
    matrix = np.zeros((4, 4))
    matrix[0, 0] = np.trace(s)
    matrix[0, 1:] = matrix[1:, 0] = a
    matrix[1:, 1:] = s + s.T - np.trace(s) * np.eye(3)
    best = np.linalg.eigvalsh(matrix)[-1]
    return float(np.sqrt(np.sum(moved**2) + np.sum(target**2) - 2.0 * best))


def symmetry_record_of(model: Any) -> Any:
    return symmetry_record(model.shape.symmetry)


@pytest.mark.parametrize("name", ["lj:5", "torus", "xor:0.01", "p-spin:5:1", "himmelblau"])
def test_a_symmetry_told_in_plain_values_is_the_same_one(name: str) -> None:
    model = named_model(name)
    record = symmetry_record_of(model)
    again = symmetry_from(record)
    rng = np.random.default_rng(1)
    assert again.order == model.shape.symmetry.order
    assert symmetry_record(again) == record
    for _ in range(3):
        first, second = rng.normal(size=(2, model.size))
        expected = model.symmetry.apart(first, second)
        assert again.apart(first, second) == pytest.approx(expected, rel=1e-9)


# --- places -----------------------------------------------------------------------------------


def plane(count: int, seed: int) -> tuple[Any, Any]:
    points = np.random.default_rng(seed).normal(size=(count, 2)) * [3.0, 1.0]
    return points, np.linalg.norm(points[:, None] - points[None], axis=2)


def test_a_planar_configuration_is_found_again_with_no_stress() -> None:
    points, apart = plane(12, 0)
    places, stress = placed(apart)
    assert stress < 1e-12
    assert np.linalg.norm(places[:, None] - places[None], axis=2) == pytest.approx(apart, abs=1e-12)
    # Further points too, however many there are, and without moving the others.
    further = np.random.default_rng(1).normal(size=(5, 2))
    there = np.linalg.norm(further[:, None] - points[None], axis=2)
    beside = placed_beside(there, places)
    assert stress_beside(beside, places, there) < 1e-7
    # A point above the plane at height 2 has its place below itself, and a stress of its own.
    lifted = np.sqrt(there[:1] ** 2 + 4.0)
    below = placed_beside(lifted, places)
    expected = np.linalg.norm(np.linalg.norm(below - places, axis=1) - lifted)
    assert stress_beside(below, places, lifted) == pytest.approx(
        expected / np.linalg.norm(lifted), rel=1e-12
    )
    assert stress_beside(below, places, lifted) > 0.01
    back = np.linalg.norm(beside[:, None] - places[None], axis=2)
    assert back == pytest.approx(there, abs=1e-6)


def test_stress_is_what_no_plane_can_show() -> None:
    # A regular tetrahedron of edge 1 in the plane: the best is a square or a centred triangle. By
    # the symmetry of a square with side s, 4 (s - 1)^2 + 2 (s sqrt(2) - 1)^2 is least at
    # s = (2 + sqrt(2)) / 4.
    apart = 1.0 - np.eye(4)
    side = (2.0 + 2.0**0.5) / 4.0
    square = (4.0 * (side - 1.0) ** 2 + 2.0 * (side * 2.0**0.5 - 1.0) ** 2) / 6.0
    places, stress = placed(apart)
    assert stress == pytest.approx(np.sqrt(square), rel=1e-6)
    assert stress == pytest.approx(stress_of(places, apart), rel=1e-9)


def test_the_same_distances_give_the_same_bytes() -> None:
    apart = distances(
        StatisticsDistance(lt.Teacher.orthonormal(2)),
        list(np.random.default_rng(2).normal(size=(7, 3, 3))),
    )
    assert placed(apart)[0].tobytes() == placed(apart)[0].tobytes()


# --- maps of graphs ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plane_graph() -> Any:
    quick = ExploreOptions(random_starts=16, mode_starts=8, line_starts=4, check_pairs=1)
    return lt.landscape_graph(mueller_brown(), starts=20, options=quick)


def test_the_map_of_a_plane_is_the_plane(plane_graph: Any) -> None:
    found = map_of(prepare(plane_graph), most=100)
    assert found.sentence == "distances, stress 0"
    ids = [*plane_graph, *(key for *_, key in plane_graph.edges(keys=True))]
    data = [*plane_graph.nodes.values(), *(plane_graph.edges[e] for e in plane_graph.edges)]
    true = np.array([record["coordinates"] for record in data])
    drawn = np.array([found.places[name] for name in ids])
    apart = [np.linalg.norm(x[:, None] - x[None], axis=2) for x in (true, drawn)]
    assert apart[1] == pytest.approx(apart[0], abs=1e-9)


def test_families_stay_however_finely_lines_are_sampled(plane_graph: Any) -> None:
    prepared = prepare(plane_graph)
    ends = [np.array(plane_graph.nodes[name]["coordinates"]) for name in ("min0", "min1")]
    found = []
    for count in (3, 40):
        line = ends[0] + np.linspace(0.0, 1.0, count)[:, None] * (ends[1] - ends[0])
        found.append(map_of(prepared, lines=[line], most=100))
    assert found[0].places == found[1].places
    for drawn in found:
        assert drawn.sentence.startswith("distances, stress 0, of lines ")
        assert drawn.line_stress < 1e-6
        (line,) = drawn.lines
        assert line[0] == pytest.approx(drawn.places["min0"], abs=1e-5)
        assert line[-1] == pytest.approx(drawn.places["min1"], abs=1e-5)
        middle = (np.array(drawn.places["min0"]) + drawn.places["min1"]) / 2.0
        assert np.min(np.linalg.norm(line - middle, axis=1)) < 0.05


def test_a_picture_says_its_stress_and_is_the_same_twice(plane_graph: Any, tmp_path: Path) -> None:
    graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=[2, 3], starts=20)
    axes = lt.plot.map(graph, 3)
    assert re.match(r"distances in \(Q, R\) modulo symmetry, stress 0", axes.get_xlabel())
    files = [lt.plot.save(lt.plot.map(graph, 3), tmp_path / f"{name}.svg") for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert lt.plot.map(plane_graph, most=4).get_xlabel().endswith("\n1 point not shown")
    line = np.array([lt.Teacher.orthonormal(2).vectors * s for s in (1.0, 0.9, 0.8)])
    assert len(lt.plot.map(graph, 2, lines=[line]).lines) > 1


def test_maps_that_cannot_be_drawn_say_why(plane_graph: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"'width' argument of plot.map is for networks"):
        lt.plot.map(plane_graph, 3)
    graph = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    with pytest.raises(InvalidArgument, match=r"'width' argument of plot.map must be one of \[2\]"):
        lt.plot.map(graph, 3)
    with pytest.raises(InvalidArgument, match=r"'lines' argument of plot.map must hold"):
        lt.plot.map(graph, 2, lines=[np.eye(2)])
    with pytest.raises(InvalidArgument, match=r"'most' argument of plot.map must be"):
        lt.plot.map(graph, 2, most=1)
    for _, data in graph.nodes(data=True):
        del data["weights"]
    with pytest.raises(InvalidArgument, match="A map needs the weights of minima"):
        lt.plot.map(graph)
    folder = str(topsearch(tmp_path / "given"))
    picture = str(tmp_path / "no.svg")
    result = CliRunner().invoke(landtopo, ["plot", folder, "--kind", "map", "-o", picture])
    assert result.exit_code == 2
    assert "A map needs to know which points are copies of each other" in result.output


def test_the_command_draws_a_map(plane_graph: Any, tmp_path: Path) -> None:
    (file,) = lt.write_graph(plane_graph, tmp_path / "graph.json")
    picture = tmp_path / "map.svg"
    command = ["plot", str(file), "--kind", "map", "-o", str(picture)]
    assert CliRunner().invoke(landtopo, command).exit_code == 0
    assert picture.exists()
    # The path that a study holds is drawn on the map of its width.
    study = str(tmp_path / "two.landtopo")
    common = ["-o", study, "--quiet"]
    teacher = ["--teacher", "orthonormal:2", "--widths", "2:3", "--starts", "20"]
    assert CliRunner().invoke(landtopo, ["graph", *teacher, *common]).exit_code == 0
    path = ["path", "--width", "2", "--from", "global", "--to", "global"]
    assert CliRunner().invoke(landtopo, [*path, "--permutation", "(1 2)", *common]).exit_code == 0
    sizes = []
    for width in ("2", "3"):
        command = ["plot", study, "--kind", "map", "--width", width, "-o", str(picture), "--force"]
        assert CliRunner().invoke(landtopo, command).exit_code == 0
        sizes.append(picture.read_text().count('id="line-'))
    assert sizes == [1, 0]


def test_the_path_of_a_model_is_drawn_on_its_map(tmp_path: Path) -> None:
    study, picture = str(tmp_path / "wells.landtopo"), tmp_path / "map.svg"
    common = ["-o", study, "--quiet"]
    graph = ["graph", "--model", "mueller-brown", "--starts", "12", *common]
    assert CliRunner().invoke(landtopo, graph).exit_code == 0
    path = ["path", "--from", "min0", "--to", "min2", *common]
    assert CliRunner().invoke(landtopo, path).exit_code == 0
    command = ["plot", study, "--kind", "map", "-o", str(picture)]
    assert CliRunner().invoke(landtopo, command).exit_code == 0
    assert picture.read_text().count('id="line-') == 1
