"""Search by symmetry: which groups there are, that their spaces are fixed, what is found."""

import json
from math import prod
from types import SimpleNamespace

import numpy as np
import pytest
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.landscape.pool import Pool
from landtopo.models.networks.ladder import network_model
from landtopo.models.networks.landscape import mirrors, symmetries
from landtopo.models.networks.landscape.mirrors import mirrored_minima
from landtopo.models.networks.landscape.symmetries import SYMMETRY, symmetric_points
from landtopo.models.networks.symmetric.classes import block_classes, fixed_space, prime_classes
from landtopo.models.networks.symmetric.solve import symmetric_ends
from landtopo.models.networks.symmetry import isotropy, point_graph
from landtopo.models.networks.symmetry.relabelling import teacher_rotation
from landtopo.points.records import Kind
from landtopo.run import Run

ORTHONORMAL = lt.Teacher.orthonormal(4)


def problem(width=5, teacher=ORTHONORMAL):
    return lt.TeacherStudent(teacher, width=width)


def random_points(of, group, seed=0):
    basis = fixed_space(of, group).basis
    y = np.random.default_rng(seed).standard_normal(basis.shape[1])
    return (basis @ y).reshape(of.width, of.rank)


@pytest.mark.parametrize("teacher", [ORTHONORMAL, lt.Teacher.equicorrelated(4, -0.2)])
def test_a_point_of_a_fixed_space_has_the_symmetry_of_its_class(teacher):
    """Of a generic point the group is the class's; it is larger where one with fewer blocks fixes
    all that this one does, as then the class tells nothing new.
    """
    of = problem(teacher=teacher)
    groups = [*block_classes(of, 4), *prime_classes(of)]
    assert len({(one.name, one.parts) for one in groups}) == len(groups)
    just = 0
    for group in groups:
        found = isotropy(point_graph(teacher, random_points(of, group)))
        images = [element.images() for element in group.generators]
        assert all(one in found.group for one in images)
        assert sum(group.neurons) == of.width
        assert (
            group.order == prod(np.prod(range(1, n + 1)) for n in group.teachers)
            or group.kind == "prime"
        )
        just += found.order == group.order
    assert just > len(groups) // 2


@pytest.mark.parametrize("teacher", [ORTHONORMAL, lt.Teacher.equicorrelated(4, -1 / 3)])
def test_a_fixed_space_is_all_that_the_generators_fix(teacher):
    """Against the kernel of (permutation x rotation - 1) on all weights at once."""
    of = problem(teacher=teacher)
    for group in [*block_classes(of, 3), *prime_classes(of)]:
        space = fixed_space(of, group)
        moves = [
            np.kron(
                np.eye(of.width)[:, list(element.students)],
                teacher_rotation(teacher.vectors, element.teachers),
            )
            - np.eye(of.width * of.rank)
            for element in group.generators
        ]
        assert np.abs([move @ space.basis for move in moves]).max(initial=0.0) < 1e-12
        assert space.basis.T @ space.basis == pytest.approx(np.eye(space.basis.shape[1]), abs=1e-12)
        sizes = np.linalg.svd(np.vstack(moves), compute_uv=False)
        assert space.basis.shape[1] == np.sum(sizes < 1e-9)
        assert sorted(space.multiplicities) == sorted(group.neurons)


def test_starts_on_the_teacher_meet_anti_aligned_neurons():
    """S_6 x S_2 at K = M = 8: the minima with two and with six anti-aligned neurons."""
    of = problem(8, lt.Teacher.orthonormal(8))
    (group,) = (
        one
        for one in block_classes(of, 2)
        if one.parts == "6 (5+1 of block 1) + 2 (1+1 of block 2)"
    )
    found = symmetric_ends(of, group, 0, 0, 0, modes=0)
    losses = [lt.PopulationLoss(of).value(end) for end in found["ends"]]
    for wanted in (0.0397932342, 0.0550455225):
        assert min(abs(loss - wanted) for loss in losses) < 1e-9
    assert found["indices"][int(np.argmin(losses))] == 0


def test_every_action_of_two_blocks_is_there():
    """S_3 x S_1 on four neurons, counted by hand: orbits are of one, of three (a neuron with one
    overlap apart) or of six (all three apart), which are too many.
    """
    of = problem(width=4)
    actions = {one.neurons for one in block_classes(of, 2) if one.teachers == (3, 1)}
    assert actions == {(3, 1), (1, 1, 1, 1)}
    # S_2 x S_2: of one, two (on either block) or four (both); blocks of one size change places.
    actions = sorted(one.parts for one in block_classes(of, 2) if one.teachers == (2, 2))
    assert actions == [
        "2 (1+1 of block 1) + 2 (1+1 of block 2)",
        "2 (1+1 of block 1) + 2 x 1",
        "2 x 2 (1+1 of block 1)",
        "4 (1+1 of block 1, 1+1 of block 2)",
        "4 x 1",
    ]


def test_finds_what_starts_hardly_meet():
    """K = M = 6: all families of minima and the lowest passes of the landscape, each of which has a
    symmetry; the minimum with six anti-aligned neurons is met by no random start.
    """
    found = lt.symmetry_search(problem(6, lt.Teacher.orthonormal(6)), starts=4, cycle_starts=0)
    assert [(round(one.loss, 9), one.anti_aligned) for one in found.minima] == [
        (0.0, 0),
        (0.025080581, 1),
        (0.055668581, 6),
    ]
    passes = [round(one.loss, 9) for one in found.points if one.point.index == 1]
    assert set(passes) >= {0.023757739, 0.025092331, 0.055702894}
    for report in found.classes:
        for number in (*report.exact, *report.larger):
            assert found.points[number].isotropy_order >= report.group.order
    lines = {(row["group"], row["neurons"]): row["found"] for row in found.rows()}
    assert lines["S_5", "5 (4+1 of block 1) + 1"].startswith("1 minimum (0.025080581); ")


def test_repeats_itself_and_goes_on_from_a_journal(tmp_path):
    of = problem(4)
    path = tmp_path / "four.landtopo"
    options = {"blocks": 2, "starts": 6, "cycle_starts": 2}
    with lt.Study.create(path, of.teacher) as study:
        first = lt.symmetry_search(of, journal=study, **options)
        # Nothing is computed again: a key that were missing would be added.
        before = path.stat().st_size
        second = lt.symmetry_search(of, journal=study, **options)
        assert path.stat().st_size == before
    alone = lt.symmetry_search(of, **options)
    for one in (second, alone):
        assert [p.loss for p in one.points] == [p.loss for p in first.points]
        assert one.rows() == first.rows()


def test_no_symmetry_is_said(capsys):
    found = lt.symmetry_search(problem(3, lt.Teacher.random(3, seed=1)))
    assert (found.classes, found.points) == ((), ())
    with pytest.raises(SystemExit):
        application.main(args=["symmetric", "--teacher", "random:3:seed=1", "--width", "3"])
    assert "there is no symmetry to use" in capsys.readouterr().out


def test_command(capsys):
    arguments = ["symmetric", "--teacher", "orthonormal:3", "--width", "3", "--quiet"]
    with pytest.raises(SystemExit) as ended:
        application.main(args=[*arguments, "--starts", "6", "--json"])
    assert ended.value.code == 0
    record = json.loads(capsys.readouterr().out)
    lowest = record["points"][0]
    assert (lowest["index"], lowest["isotropy"]) == (0, "S_3")
    assert np.array(lowest["weights"]).shape == (3, 3)
    first = record["classes"][0]
    assert sum(first["outcomes"].values()) == first["starts"] > 6
    with pytest.raises(SystemExit) as ended:
        application.main(args=[*arguments, "--blocks", "0"])
    assert ended.value.code == 2


# --- in a graph -------------------------------------------------------------------------------

FEW = lt.ExploreOptions(
    random_starts=8, modes=2, mode_starts=8, line_starts=2, pairs=1, check_pairs=0, patience=1
)


@pytest.mark.parametrize(("size", "width"), [(7, 7), (8, 8), (7, 8)])
def test_a_graph_finds_by_symmetry_all_that_mirrored_copies_find(size, width):
    """And at K = M + 1 = 8 a minimum with a neuron more, which no copy mirrored from zero loss
    needs to find; every point is what an analysis in all d dimensions says.
    """
    of = problem(width, lt.Teacher.orthonormal(size))
    found = symmetric_points(of, 0, 2, Pool(Run()))
    points = [lt.classify(of, end) for end in found["ends"]]
    assert all(point.kind is Kind.MINIMUM for point in points)
    losses = {round(point.loss, 8) for point in points}
    lowest = lt.find_minima(of, starts=20).families[0].weights
    mirrored = mirrored_minima(of, lowest, 0, 64)["ends"]
    assert {round(lt.classify(of, end).loss, 8) for end in mirrored} <= losses | {0.0}
    if width > size:
        assert 0.02214744 in losses
    passes = [lt.classify(of, state) for state in found["passes"]]
    assert {round(one.loss, 8) for one in passes} >= ({0.02299987} if width > size else set())
    assert all((one.kind, one.index) == (Kind.SADDLE, 1) for one in passes)
    assert sum(found["outcomes"].values()) == len(list(block_classes(of, 2)))


def test_a_graph_names_the_families_that_symmetry_found():
    teacher = lt.Teacher.orthonormal(6)
    graph = lt.landscape_graph(teacher, 6, starts=60, options=FEW)
    highest = max(graph.nodes.values(), key=lambda node: node["loss"])
    assert highest["loss"] == pytest.approx(0.0556685813, abs=1e-9)
    assert (highest["found_by"], highest["count"]) == (SYMMETRY, 0)
    searched = graph.graph["transition_search"]["6"]
    assert sum(searched["outcomes"][SYMMETRY].values()) == 16
    (told,) = searched["told"]
    assert "all 16 classes of groups of exchanges within up to 2 blocks" in told
    edges = [data["loss"] for data in graph.edges.values() if data["found_by"] == SYMMETRY]
    assert edges == pytest.approx([0.0237577390], abs=1e-9)


def test_a_graph_keeps_what_symmetry_found(tmp_path, monkeypatch):
    """What was found is there after a kill, and is the same."""
    teacher = lt.Teacher.orthonormal(3)
    options = {"widths": 3, "starts": 20, "options": FEW}
    with lt.Study.create(tmp_path / "three.landtopo", teacher) as study:
        first = lt.landscape_graph(teacher, journal=study, **options)
        monkeypatch.setattr(symmetries, "symmetric_ends", lambda *_: pytest.fail("searched again"))
        monkeypatch.setattr(symmetries, "classify", lambda *_: pytest.fail("classified again"))
        again = lt.landscape_graph(teacher, journal=study, **options)
    assert again.graph == first.graph


def test_pieces_of_work_do_not_change_what_symmetry_finds(monkeypatch):
    """Neither their size, nor that they are computed at the same time."""
    of = problem(4)
    told = [symmetric_points(of, 0, 2, Pool(Run()))]
    monkeypatch.setattr(symmetries, "_TOGETHER", 3)
    for pool in (Pool(Run()), Pool(Run(jobs=2))):
        told.append(symmetric_points(of, 0, 2, pool))
    for one in told[1:]:
        assert str(one) == str(told[0])


@pytest.mark.parametrize(
    ("teacher", "used"),
    [
        (lt.Teacher.orthonormal(2), [SYMMETRY]),
        (lt.Teacher.random(3, seed=1), ["mirrors"]),
        (lt.Teacher.from_vectors([[1, 0, 0], [0, 1, 0], [0, 0, 2]]), [SYMMETRY, "mirrors"]),
        (lt.Teacher.orthonormal(2).with_function("leaky:0.1"), ["mirrors"]),
    ],
    ids=["all alike", "none alike", "two alike", "not ReLU"],
)
def test_mirrored_copies_are_for_teachers_whose_vectors_differ(teacher, used, monkeypatch):
    monkeypatch.setattr(mirrors, "mirrored_minima", lambda *_: {"ends": [], "outcomes": {}})
    monkeypatch.setattr(symmetries, "block_classes", lambda *_: ())
    of = lt.TeacherStudent(teacher, teacher.size)
    lowest = SimpleNamespace(weights=teacher.vectors)
    suggested = network_model(of).starts.suggested(lowest, 0, lt.ExploreOptions(), Pool(Run()))
    assert [name for name, _ in suggested] == used


def test_blocks_of_the_command(capsys):
    arguments = ["graph", "--teacher", "orthonormal:2", "--width", "2", "--starts", "20", "--quiet"]
    for blocks, searched in (("0", False), ("2", True)):
        with pytest.raises(SystemExit):
            application.main(args=[*arguments, "--blocks", blocks, "--json"])
        record = json.loads(capsys.readouterr().out)
        outcomes = record["attributes"]["transition_search"]["2"]["outcomes"]
        assert (SYMMETRY in outcomes) == searched
    with pytest.raises(SystemExit) as ended:
        application.main(args=[*arguments, "--blocks", "-1"])
    assert ended.value.code == 2
