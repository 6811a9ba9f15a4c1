"""Search by symmetry: which groups there are, that their spaces are fixed, what is found."""

import json
from math import prod

import numpy as np
import pytest
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.models.networks.symmetric.classes import block_classes, fixed_space, prime_classes
from landtopo.models.networks.symmetry import isotropy, point_graph

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
    """K = M = 6: all families of minima and three passes of the published landscape, each of which
    has a symmetry; the minimum with six anti-aligned neurons is met by no random start.
    """
    found = lt.symmetry_search(problem(6, lt.Teacher.orthonormal(6)), starts=36, cycle_starts=0)
    assert [(round(one.loss, 9), one.anti_aligned) for one in found.minima] == [
        (0.0, 0),
        (0.025080581, 1),
        (0.055668581, 6),
    ]
    passes = [round(one.loss, 9) for one in found.points if one.point.index == 1]
    assert passes == [0.023757739, 0.025092331, 0.055702894]
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
    assert sum(record["classes"][0]["outcomes"].values()) == 6
    with pytest.raises(SystemExit) as ended:
        application.main(args=[*arguments, "--blocks", "0"])
    assert ended.value.code == 2
